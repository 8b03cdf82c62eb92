/* fuzz/fuzz_baseline.c - any bytes as the model of the built-in classifier, as statistics hold it;
 * and once more with the label space and the many weights put right, which a fuzzer does not find.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "baseline/baseline.h"
#include "baseline/baseline_bins.h"
#include "fuzz.h"

static fm_labels *make_labels(fm_context *context) {
  static const int32_t classes[] = {0, 1, 2};
  fm_labels_options options = {.size = sizeof options, .name = "three", .class_count = 3};
  fm_labels *labels = NULL;
  fm_error err;
  options.label_count = 3;
  options.ignored_labels = (const int64_t[]){255};
  options.ignored_count = 1;
  options.classes = classes;
  fuzz_expect(fm_labels_create(context, &options, &labels, &err) == FM_OK, "labels");
  return labels;
}

/* The same model with our label space and texts repeated up to the length that weights have. */
static void repair(json_t *model, const fm_labels *labels) {
  static char row[BINS_TOTAL + 1];
  char fingerprint[17];
  size_t at;
  json_t *text, *rows = json_object_get(model, "weights");
  snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, fm_labels_fingerprint(labels));
  json_object_set_new(model, "fingerprint", json_string(fingerprint));
  json_array_foreach(rows, at, text) {
    size_t length = json_string_length(text);
    if (!length) continue;
    for (size_t i = 0; i < BINS_TOTAL; i++) row[i] = json_string_value(text)[i % length];
    json_array_set_new(rows, at, json_stringn(row, BINS_TOTAL));
  }
}

static void load(fm_context *context, const fm_labels *labels, const json_t *model) {
  baseline *b = NULL;
  fm_error err;
  fm_status status = baseline_load(context, labels, model, &b, &err);
  if (status == FM_OK) {
    json_t *again = baseline_save(b);
    fuzz_expect(again != NULL, "a model that was read cannot be saved");
    fuzz_expect(json_equal(json_object_get(model, "weights"), json_object_get(again, "weights")),
                "other weights");
    json_decref(again);
  } else {
    fuzz_expect(status == FM_ERR_FORMAT || status == FM_ERR_MISMATCH,
                "a status that is not documented");
    fuzz_expect(!b, "an output after a failure");
    fuzz_expect_sentence(err.message);
  }
  baseline_destroy(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_error_t error;
  json_t *model = json_loadb((const char *)data, size, 0, &error);
  if (!model) return 0;
  fm_context *context = NULL;
  fm_error err;
  fuzz_expect(fm_context_create(NULL, &context, &err) == FM_OK, "context");
  fm_labels *labels = make_labels(context);
  load(context, labels, model);
  repair(model, labels);
  load(context, labels, model);
  fm_labels_destroy(labels);
  fm_context_destroy(context);
  json_decref(model);
  return 0;
}
