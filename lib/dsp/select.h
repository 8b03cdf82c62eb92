/* dsp/select.h - order statistics of the losses in an image: the n-th smallest of a cell. */
#ifndef FM_DSP_SELECT_H
#define FM_DSP_SELECT_H

#include "dsp/image.h"

/* Good losses order like these numbers. -0 is 0, and nothing else is negative. */
static inline uint32_t fm__loss_order(float loss) {
  return fm__float_bits(loss) & UINT32_C(0x7fffffff);
}

/* What is wanted of a cell, and what was found. */
typedef struct fm__selected {
  int64_t wanted;    /* which loss, counted from the smallest one, from 1; 0: none of this cell */
  int64_t not_above; /* how many losses of the cell do not exceed the one found */
  float loss;        /* the one found */
} fm__selected;

/* Cells that are looked for together. */
enum { FM__SELECT_GROUP = 256 };

/* The memory that `count` cells take. */
size_t fm__select_words(size_t count);

/* Fills found[count], whose `wanted` is set, for the cells first .. first + count - 1. `count` is
 * at most FM__SELECT_GROUP, `memory` has fm__select_words(count), and no pixel is bad. */
void fm__select(const fm__image *image, int32_t first, size_t count, fm__selected *found,
                int64_t *memory);

#endif
