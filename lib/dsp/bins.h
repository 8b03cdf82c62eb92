/* dsp/bins.h - the histogram of losses. */
#ifndef FM_DSP_BINS_H
#define FM_DSP_BINS_H

#include <stddef.h>
#include <stdint.h>

#include "core/bits.h"

/* Bin 0: below 2^-24; then 32 octaves of 2^shift bins; then the rest. */
FM__BOTH size_t fm__bin_of(uint32_t bits, int shift) {
  int64_t bin = (int64_t)(bits >> (23 - shift)) - ((int64_t)(127 - 24) << shift);
  int64_t bins = INT64_C(32) << shift;
  if (bin < 0) return 0;
  return (size_t)(bin < bins ? bin + 1 : bins + 1);
}

#endif
