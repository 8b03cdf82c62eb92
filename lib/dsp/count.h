/* dsp/count.h - the walk that counts labels, once each or as often as a mask resized by
 * nearest neighbour has them. */
#ifndef FM_DSP_COUNT_H
#define FM_DSP_COUNT_H

#include "dsp/tile.h"

/* One mask to count. The caller fills the first part. */
typedef struct fm__count {
  const fm_dsp *dsp;
  fm_plane mask; /* as fm__plane_read gives it */
  fm__lookup lookup;
  size_t class_count;
  const uint32_t *columns; /* [width]: how often the resized mask has each; NULL: once. Two */
  const uint32_t *rows;    /* [height]   such numbers differ by at most one. */
  int64_t *counts; /* fm__count_words, zeroed; the result comes first: at k + 1 the pixels of class
                      k, at 0 the ignored ones */

  /* The walk's own, in the rest of that memory. */
  fm__tally *tallies;               /* [2]: of rows repeated `least_row` times, or once more */
  uint64_t *column_bits;            /* [(width + 63) / 64] */
  uint32_t least_column, least_row; /* the smaller of the two numbers */
} fm__count;

/* Words of `counts` for a mask so wide. */
size_t fm__count_words(size_t class_count, int64_t width);

/* Counts all pixels. False: `*bad` is the first bad one, whatever the resizing. */
bool fm__count_image(fm__count *c, fm__yx *bad);

#endif
