/* fuzz/fuzz_mask.c - any bytes as masks: PNG and NPY.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_decode(fm_mask_decode, data, size);
}
