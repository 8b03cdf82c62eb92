/* fuzz/fuzz_loss.c - any bytes as loss maps: NPY.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_decode(fm_loss_decode, data, size);
}
