/* dsp/bins.h - the histogram of losses. */
#ifndef FM_DSP_BINS_H
#define FM_DSP_BINS_H

#include <stddef.h>
#include <stdint.h>

#include "core/bits.h"

/* Bin 0: below 2^-24; then 32 octaves of 2^shift bins; then the rest. A loss is in the bin that its
 * bits, shifted to the right by 23 - shift, are after this number, within 0 and the last. */
FM__BOTH uint32_t fm__bins_below(int shift) { return ((UINT32_C(127) - 24) << shift) - 1; }
FM__BOTH uint32_t fm__last_bin(int shift) { return (UINT32_C(32) << shift) + 1; }

FM__BOTH size_t fm__bin_of(uint32_t bits, int shift) {
  const uint32_t place = bits >> (23 - shift), below = fm__bins_below(shift);
  const uint32_t bin = place > below ? place - below : 0;
  return bin < fm__last_bin(shift) ? bin : fm__last_bin(shift);
}

#endif
