/* fuzz/fuzz_image.c - any bytes as images: JPEG and PNG.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_decode(fm_image_decode, data, size);
}
