/* base/color_set.c - counting colors. */
#include "base/color_set.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { MOST_COLORS = 1 << 20, FIRST_SLOTS = 1024 };

static size_t slot_of(const color_set *set, uint32_t color) {
  size_t mask = set->slot_count - 1, at = (size_t)(color * 0x9E3779B1u) >> 7 & mask;
  while (set->slots[at] && set->items[set->slots[at] - 1].color != color) at = (at + 1) & mask;
  return at;
}

static void grow_slots(color_set *set) {
  free(set->slots);
  set->slot_count = set->slot_count ? 2 * set->slot_count : FIRST_SLOTS;
  set->slots = alloc_zeroed(set->slot_count, sizeof *set->slots);
  for (size_t i = 0; i < set->count; i++)
    set->slots[slot_of(set, set->items[i].color)] = (uint32_t)i + 1;
}

/* The color's item, a new one without pixels if there is none; NULL: no room. */
static color_entry *find(color_set *set, uint32_t color) {
  if (2 * set->count >= set->slot_count) grow_slots(set);
  size_t at = slot_of(set, color);
  if (!set->slots[at]) {
    if (set->count >= MOST_COLORS) return NULL;
    set->items = alloc_grow(set->items, set->count, &set->capacity, sizeof *set->items);
    set->items[set->count++] = (color_entry){.color = color, .last = -1};
    set->slots[at] = (uint32_t)set->count;
  }
  return &set->items[set->slots[at] - 1];
}

void color_set_add(color_set *set, uint32_t color, int64_t pixels, int64_t mask, int64_t x,
                   int64_t y) {
  color_entry *item = find(set, color);
  if (!item) {
    set->more += pixels;
    return;
  }
  if (!item->pixels) {
    item->mask = mask;
    item->x = x;
    item->y = y;
  }
  item->pixels += pixels;
  item->masks += item->last != mask;
  item->last = mask;
}

void color_set_merge(color_set *into, const color_set *from) {
  into->more += from->more;
  for (size_t i = 0; i < from->count; i++) {
    const color_entry *other = &from->items[i];
    color_entry *item = find(into, other->color);
    if (!item) {
      into->more += other->pixels;
      continue;
    }
    if (!item->pixels || other->mask < item->mask) {
      item->mask = other->mask;
      item->x = other->x;
      item->y = other->y;
    }
    item->pixels += other->pixels;
    item->masks += other->masks;
  }
}

static int by_pixels(const void *a, const void *b) {
  const color_entry *left = a, *right = b;
  if (left->pixels != right->pixels) return left->pixels < right->pixels ? 1 : -1;
  return (left->color > right->color) - (left->color < right->color);
}

void color_set_sort(color_set *set) {
  if (set->count) qsort(set->items, set->count, sizeof *set->items, by_pixels);
}

void color_set_free(color_set *set) {
  free(set->items);
  free(set->slots);
  *set = (color_set){0};
}
