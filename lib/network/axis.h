/* network/axis.h - where the pixels of a mask lie in a network's output.
 *
 * Positions are ratios of integers, so no scale has a rounding of its own: pixel i of the
 * mask lies at (i * by + from) / over in the output's pixels, cut to its ends. */
#ifndef FM_NETWORK_AXIS_H
#define FM_NETWORK_AXIS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fm__axis {
  int64_t by, from, over;
  int64_t last; /* the output's last pixel */
} fm__axis;

/* Up to FM__BLOCK pixels of the mask between the same two pixels of the output: the first one at
 * `t` of the way from `low` to `high`, each next one `step` further. */
typedef struct fm__span {
  int64_t low, high;
  double t, step;
  int count;
} fm__span;

/* `inner`: pixels of the output, `outer`: of the mask; each below 2^31. */
fm__axis fm__axis_make(int64_t inner, int64_t outer, bool align_corners);

/* The span that begins with pixel i and ends before pixel `end`. */
fm__span fm__axis_span(const fm__axis *axis, int64_t i, int64_t end);

/* The first pixel after i that lies beyond output pixel `high`, at most `end`. */
int64_t fm__axis_reach(const fm__axis *axis, int64_t i, int64_t high, int64_t end);

#endif
