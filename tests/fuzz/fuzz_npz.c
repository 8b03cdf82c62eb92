/* fuzz/fuzz_npz.c - any bytes as the ZIP archives that np.savez makes, and what is in them as
 * arrays. SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "fuzz_tool.h"
#include "losses/zip_file.h"

enum { LIMIT = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[] = {"class_logits.npy", "mask_logits.npy", ""};
  zip_file zip;
  fault f = {0};
  if (!fuzz_succeeded(zip_open((const char *)data, size, "it", &zip, &f), &f)) return 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    zip_member member;
    bool found;
    char *array;
    size_t length;
    if (!fuzz_succeeded(zip_find(&zip, names[i], &found, &member, &f), &f) || !found) continue;
    if (!fuzz_succeeded(zip_unpack(&zip, &member, names[i], LIMIT, &array, &length, &f), &f))
      continue;
    fuzz_expect(length <= LIMIT && array[length] == '\0',
                "more than the limit, or no NUL behind it");
    (void)fuzz_decode(fm_output_decode, (const uint8_t *)array, length);
    (void)fuzz_decode(fm_loss_decode, (const uint8_t *)array, length);
    free(array);
  }
  return 0;
}
