/* dsp/lanes.h - sums of floats as pairs of whole numbers, without rounding.
 *
 * A loss x is split into high = the whole part of x * 2^20, and low = what is left of it,
 * times 2^28. With x = 0 or 2^-25 <= x < 2^8 both are below 2^28, and low is whole, too: the
 * last bit of 2^-25 weighs 2^-48. So eight of either add up in 32 bits, and neither the
 * multiplications nor the conversions round. Losses out of this window are the reference's. */
#ifndef FM_DSP_LANES_H
#define FM_DSP_LANES_H

#include "dsp/dsp.h"

/* The window as bits: of 2^-25, and how many floats there are from it to 2^8. */
#define FM__LANE_FIRST ((127 - 25) << 23)
#define FM__LANE_COUNT ((25 + 8) << 23)

#define FM__LANE_HIGH 0x1p20F
#define FM__LANE_LOW 0x1p28F

/* Makes empty lanes in memory of this size, aligned in it. The losses of labels that `classes` has
 * as ignored do not count. */
#define FM__LANES_MEMORY (sizeof(fm__lanes) + alignof(fm__lanes))
fm__lanes *fm__lanes_make(void *memory, const int32_t classes[FM__BYTES]);

/* Empties them. */
void fm__lanes_clear(fm__lanes *lanes);

/* Adds the sum and the count of a label's lanes, of at most FM__CARRY_PERIOD pixels, to a
 * cell, and empties them. */
void fm__lanes_drain(fm__lanes *lanes, unsigned label, int64_t *cell);

#endif
