/* fuzz/fuzz_blob.c - any bytes as a blob of class statistics; and once more with label space,
 * number of words and checksum put right, which a fuzzer does not find. SPDX-License-Identifier:
 * MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { NUMBER = 8, HEADER = 64, FINGERPRINT = 1, WORDS = 6, CHECKSUM = 7 };

static void put(uint8_t *blob, int index, uint64_t value) {
  for (int i = 0; i < NUMBER; i++) blob[index * NUMBER + i] = (uint8_t)(value >> 8 * i);
}

static fm_labels *make_labels(fm_context *context) {
  static const char table[] = "label,class,name\n255,ignore,\n0,0,road\n1,1,sky\n";
  fm_labels *labels = NULL;
  fm_error err;
  fuzz_expect(fm_labels_decode(context, table, sizeof table - 1, "two", &labels, &err) == FM_OK,
              "labels");
  return labels;
}

static void load(const fm_labels *labels, const void *blob, size_t size) {
  fm_class_stats *stats = NULL;
  fm_error err = {0};
  fm_status status = fm_class_stats_load(labels, blob, size, &stats, &err);
  if (status == FM_ERR_MISMATCH) {
    fuzz_expect(!stats && err.code == (int32_t)status, "an output after a failure");
    fuzz_expect_sentence(err.message);
  } else if (fuzz_read(status, stats, &err)) {
    /* Saved it may differ, because sums are carried when they are read; from then on it may not. */
    size_t length = fm_class_stats_blob_size(stats);
    uint8_t *first = malloc(length), *second = malloc(length);
    fm_class_stats *again = NULL;
    fuzz_expect(first && second && length == size, "another size");
    fuzz_expect(fm_class_stats_save(stats, first, length, &err) == FM_OK, "cannot be saved");
    status = fm_class_stats_load(labels, first, length, &again, &err);
    fuzz_expect(status == FM_OK || status == FM_ERR_MEMORY, "cannot be loaded again");
    if (again) {
      fuzz_expect(fm_class_stats_save(again, second, length, &err) == FM_OK, "saved again");
      fuzz_expect(!memcmp(first, second, length), "another blob");
    }
    fm_class_stats_destroy(again);
    free(first);
    free(second);
  }
  fm_class_stats_destroy(stats);
}

static void repair(uint8_t *blob, size_t size, const fm_labels *labels) {
  uint64_t hash = UINT64_C(0xCBF29CE484222325);
  memcpy(blob, "\xAASTATS01", NUMBER);
  put(blob, FINGERPRINT, fm_labels_fingerprint(labels));
  put(blob, WORDS, (size - HEADER) / NUMBER);
  for (size_t i = 0; i < size; i++)
    if (i / NUMBER != CHECKSUM) hash = (hash ^ blob[i]) * UINT64_C(0x100000001B3);
  put(blob, CHECKSUM, hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fm_context *context = fuzz_open();
  fm_labels *labels = make_labels(context);
  load(labels, data, size);
  if (size >= HEADER) {
    uint8_t *copy = malloc(size);
    fuzz_expect(copy != NULL, "memory");
    memcpy(copy, data, size);
    repair(copy, size, labels);
    load(labels, copy, size);
    free(copy);
  }
  fm_labels_destroy(labels);
  fuzz_close(context);
  return 0;
}
