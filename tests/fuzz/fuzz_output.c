/* fuzz/fuzz_output.c - any bytes as the outputs of networks: NPY arrays of three dimensions, alone
 * and in the ZIP archives that the tool reads. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "losses/zip_file.h"

enum { LIMIT = 1 << 20 };

static void expect(int truth, const char *what) {
  if (truth) return;
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

static void read_archive(const char *bytes, size_t size) {
  static const char *const names[] = {"class_logits.npy", "mask_logits.npy", ""};
  zip_file zip;
  fault f = {0};
  if (zip_open(bytes, size, "it", &zip, &f)) {
    expect(f.exit_code == EXIT_DATA && strlen(f.text) > 8, "no sentence");
    return;
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    zip_member member;
    bool found;
    char *array;
    size_t length;
    if (zip_find(&zip, names[i], &found, &member, &f) || !found) continue;
    if (zip_unpack(&zip, &member, names[i], LIMIT, &array, &length, &f)) continue;
    (void)fuzz_decode(fm_output_decode, (const uint8_t *)array, length);
    (void)fuzz_decode(fm_loss_decode, (const uint8_t *)array, length);
    free(array);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  read_archive((const char *)data, size);
  return fuzz_decode(fm_output_decode, data, size);
}
