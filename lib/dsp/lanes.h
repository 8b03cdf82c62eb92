/* dsp/lanes.h - sums of floats in pairs of doubles, without rounding.
 *
 * A loss x is split into high = x to the next multiple of 2^-21 (by adding and subtracting
 * FM__LANE_MAGIC in double) and low = x - high. With x = 0 or 2^-34 <= x < 2^15,
 *   high is a multiple of 2^-21 below 2^15, up to rounding,
 *   low  is a multiple of 2^-57 (the last bit of 2^-34) and at most 2^-21 large,
 * so that 2^17 of either add up within the 53 bits of a double, in any order, in any
 * rounding mode. No operand is denormal. Losses out of this window are the reference's. */
#ifndef FM_DSP_LANES_H
#define FM_DSP_LANES_H

#include "dsp/dsp.h"

/* Pixels that lanes may take between two drains. */
enum { FM__LANES_PERIOD = 1 << 17 };

/* Where losses other than 0 lie, as bits: from 2^-34 to below 2^15 is the wide window. From
 * 2^-24 to below 2^4 is the narrow one: four such losses add up without rounding (multiples
 * of 2^-47 below 2^6), and their sum may be split as if it were one loss. */
enum {
  FM__LANE_WIDE_FIRST = (127 - 34) << 23,
  FM__LANE_WIDE_END = (127 + 15) << 23,
  FM__LANE_NARROW_FIRST = (127 - 24) << 23,
  FM__LANE_NARROW_END = (127 + 4) << 23
};
typedef enum fm__lane_window { FM__LANE_OUTSIDE, FM__LANE_WIDE, FM__LANE_NARROW } fm__lane_window;

/* 1.5 * 2^52 / 2^21: its last bit weighs 2^-21. */
#define FM__LANE_MAGIC (0x1.8p52 / 0x1p21)

/* Adds the sum and the count of a label's lanes to a cell, and empties them. */
void fm__lanes_drain(fm__lanes *lanes, unsigned label, int64_t *cell);

#endif
