/* fuzz/fuzz_output.c - any bytes as the outputs of networks that the tool reads: NPY arrays of many
 * dimensions, alone and in ZIP archives.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/freemask/npy_array.h"
#include "../../examples/freemask/zip_file.h"
#include "fuzz.h"

enum { LIMIT = 1 << 20 };

static void expect(int truth, const char *what) {
  if (truth) return;
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

/* Checkers of memory look at every number that this touches. */
static void touch(const fm_volume *v) {
  volatile unsigned sum = 0;
  const unsigned char *data = v->data;
  size_t item = fm_dtype_size((fm_dtype)v->dtype);
  for (int64_t c = 0; c < v->channels; c++)
    for (int64_t y = 0; y < v->height; y++)
      for (int64_t x = 0; x < v->width; x++)
        for (size_t b = 0; b < item; b++)
          sum += data[c * v->channel_stride + y * v->row_stride + x * v->col_stride + (int64_t)b];
  (void)sum;
}

/* Takes the bytes over. */
static void read_array(char *bytes, size_t size) {
  npy_array array = {0};
  fm_volume volume;
  fm_plane plane;
  fault f = {0};
  if (npy_array_take(bytes, size, "it", &array, &f)) {
    expect(f.exit_code == EXIT_DATA && strlen(f.text) > 8, "no sentence");
    return;
  }
  for (int last = 0; last < 2; last++)
    if (!npy_array_volume(&array, last, last, "it", &volume, &f)) touch(&volume);
  if (!npy_array_plane(&array, "it", &plane, &f)) {
    volume = (fm_volume){plane.data,       plane.dtype,     0, 1, plane.height, plane.width, 1,
                         plane.row_stride, plane.col_stride};
    touch(&volume);
  }
  npy_array_free(&array);
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
    if (!zip_unpack(&zip, &member, names[i], LIMIT, &array, &length, &f)) read_array(array, length);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size + 1);
  expect(copy != NULL, "memory");
  memcpy(copy, data, size);
  copy[size] = '\0';
  read_archive((const char *)data, size);
  read_array(copy, size);
  return 0;
}
