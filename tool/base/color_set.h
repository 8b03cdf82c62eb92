/* base/color_set.h - which colors masks have, how often, and where first. */
#ifndef FREEMASK_TOOL_COLOR_SET_H
#define FREEMASK_TOOL_COLOR_SET_H

#include <stddef.h>
#include <stdint.h>

typedef struct color_entry {
  uint32_t color; /* as in planes of fm_colors_read */
  int64_t pixels, masks;
  int64_t mask, x, y; /* the first pixel, in the order of the masks */
  int64_t last;       /* the mask that was counted last */
} color_entry;

/* Zero-initialize. Of more than 2^20 colors the rest are only counted. */
typedef struct color_set {
  color_entry *items; /* in the order in which they were seen */
  size_t count, capacity;
  uint32_t *slots; /* item + 1 by hash; 0: free */
  size_t slot_count;
  int64_t more; /* pixels of further colors */
} color_set;

/* Counts pixels of a mask, in which (x, y) is the first of them. */
void color_set_add(color_set *set, uint32_t color, int64_t pixels, int64_t mask, int64_t x,
                   int64_t y);
void color_set_merge(color_set *into, const color_set *from); /* of other masks */
/* By pixels, most first, equal ones by color; nothing can be added after that. */
void color_set_sort(color_set *set);
void color_set_free(color_set *set);

/* Red, green and blue of such a color as 0xRRGGBB. */
static inline int32_t color_rgb(uint32_t color) {
  return (int32_t)((color & 0xFF) << 16 | (color & 0xFF00) | (color >> 16 & 0xFF));
}

#endif
