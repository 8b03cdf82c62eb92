/* fuzz/fuzz_class_stats.c - any bytes as statistics or calibrations in JSON, by the library's
 * readers.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* The label space that the files of the corpus name. */
static fm_labels *make_labels(fm_context *context) {
  static const char table[] =
      "label,class,name\n255,ignore,\n7,0,\"road, wide\"\n9,1,sky\n11,2,\n3,ignore,\n";
  fm_labels *labels = NULL;
  fm_error err;
  fuzz_expect(fm_labels_decode(context, table, sizeof table - 1, "labels", &labels, &err) == FM_OK,
              "labels");
  return labels;
}

/* Written and read again it is written as the same bytes. */
static void check(const fm_labels *labels, const fm_class_stats *stats) {
  fuzz_bytes first = {NULL, 0}, second = {NULL, 0};
  fm_class_stats *again = NULL;
  fm_error err = {0};
  fm_status status = fm_class_stats_encode(stats, fuzz_keep, &first, &err);
  if (status == FM_OK) status = fm_class_stats_decode(labels, first.data, first.size, &again, &err);
  if (status == FM_OK) status = fm_class_stats_encode(again, fuzz_keep, &second, &err);
  fuzz_expect(status == FM_OK || status == FM_ERR_MEMORY, "cannot be written or read again");
  if (status == FM_OK)
    fuzz_expect(first.size == second.size && !memcmp(first.data, second.data, first.size),
                "other bytes");
  fm_class_stats_destroy(again);
  free(first.data);
  free(second.data);
}

static void check_calibration(const fm_labels *labels, const fm_calibration *calibration) {
  fuzz_bytes first = {NULL, 0}, second = {NULL, 0};
  fm_calibration *again = NULL;
  fm_error err = {0};
  fm_status status = fm_calibration_encode(calibration, fuzz_keep, &first, &err);
  if (status == FM_OK) status = fm_calibration_decode(labels, first.data, first.size, &again, &err);
  if (status == FM_OK) status = fm_calibration_encode(again, fuzz_keep, &second, &err);
  fuzz_expect(status == FM_OK || status == FM_ERR_MEMORY,
              "a calibration cannot be written or read again");
  if (status == FM_OK)
    fuzz_expect(first.size == second.size && !memcmp(first.data, second.data, first.size),
                "other bytes of a calibration");
  fm_calibration_destroy(again);
  free(first.data);
  free(second.data);
}

static void read_calibration(const fm_labels *labels, const uint8_t *data, size_t size) {
  fm_calibration *calibration = NULL;
  fm_error err = {0};
  fm_status status = fm_calibration_decode(labels, data, size, &calibration, &err);
  if (status == FM_ERR_MISMATCH)
    fuzz_expect(!calibration && err.code == (int32_t)status, "an output after a failure");
  else if (fuzz_read(status, calibration, &err))
    check_calibration(labels, calibration);
  fm_calibration_destroy(calibration);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fm_context *context = fuzz_open();
  fm_labels *labels = make_labels(context);
  fm_class_stats *stats = NULL;
  fm_error err = {0};
  fm_status status = fm_class_stats_decode(labels, data, size, &stats, &err);
  if (status == FM_ERR_MISMATCH)
    fuzz_expect(!stats && err.code == (int32_t)status, "an output after a failure");
  else if (fuzz_read(status, stats, &err))
    check(labels, stats);
  fm_class_stats_destroy(stats);
  read_calibration(labels, data, size);
  fm_labels_destroy(labels);
  fuzz_close(context);
  return 0;
}
