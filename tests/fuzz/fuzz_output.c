/* fuzz/fuzz_output.c - any bytes as the outputs of networks: NPY arrays of three dimensions.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_decode(fm_output_decode, data, size);
}
