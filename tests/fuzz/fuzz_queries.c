/* fuzz/fuzz_queries.c - any bytes as the outputs of networks with queries: ZIP archives of two NPY
 * arrays. SPDX-License-Identifier: MIT */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_decode(fm_queries_decode, data, size);
}
