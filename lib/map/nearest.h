/* map/nearest.h - which pixel a nearest resize takes, as Pillow's NEAREST decides it. */
#ifndef FM_MAP_NEAREST_H
#define FM_MAP_NEAREST_H

#include <stdint.h>

#include "core/bits.h"

/* Walks the positions of a resized axis and tells the source position of each. Like Pillow it adds
 * the step up, so where (i + 0.5) * from / to is a whole number the last bits of the sum decide. */
typedef struct fm__nearest {
  double step, at;
  int64_t last;
} fm__nearest;

FM__BOTH fm__nearest fm__nearest_start(int64_t from, int64_t to) {
  fm__nearest n;
  n.step = (double)from / (double)to;
  n.at = 0.5 * n.step;
  n.last = from - 1;
  return n;
}

/* The sum may only reach the end of an axis that is far longer than an image's. */
FM__BOTH int64_t fm__nearest_next(fm__nearest *n) {
  int64_t at = (int64_t)n->at;
  n->at += n->step;
  return at < n->last ? at : n->last;
}

#endif
