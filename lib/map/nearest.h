/* map/nearest.h - which pixel a nearest resize takes, as Pillow's NEAREST decides it. */
#ifndef FM_MAP_NEAREST_H
#define FM_MAP_NEAREST_H

#include <stdint.h>

/* Walks the positions of a resized axis and tells the source position of each. Like Pillow it adds
 * the step up, so where (i + 0.5) * from / to is a whole number the last bits of the sum decide. */
typedef struct fm__nearest {
  double step, at;
  int64_t last;
} fm__nearest;

static inline fm__nearest fm__nearest_start(int64_t from, int64_t to) {
  double step = (double)from / (double)to;
  return (fm__nearest){step, 0.5 * step, from - 1};
}

/* The sum may only reach the end of an axis that is far longer than an image's. */
static inline int64_t fm__nearest_next(fm__nearest *n) {
  int64_t at = (int64_t)n->at;
  n->at += n->step;
  return at < n->last ? at : n->last;
}

#endif
