/* baseline/baseline_json.c - the fitted baseline as JSON, and back.
 *
 *   {"name": "baseline", "version": 1, "labels": name, "fingerprint": "16 hex digits",
 *    "classes": K, "bins": n, "priors": [K whole numbers, eighths of a nat],
 *    "weights": [K texts of n letters of the base64 alphabet: 0 .. 63 mean -4 .. 3.875]}
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline_bins.h"
#include "baseline/baseline_model.h"

enum { VERSION = 1 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static json_t *weights_save(const baseline *b) {
  char *line = alloc_zeroed(BINS_TOTAL + 1, 1);
  json_t *rows = json_array();
  for (int32_t k = 0; k < b->class_count; k++) {
    for (size_t i = 0; i < BINS_TOTAL; i++)
      line[i] = letters[b->weights[i * (size_t)b->lanes + (size_t)k] - WEIGHT_LOWEST];
    json_array_append_new(rows, json_stringn(line, BINS_TOTAL));
  }
  free(line);
  return rows;
}

json_t *baseline_save(const baseline *b) {
  char fingerprint[24];
  if (!b->weights) return NULL;
  json_t *priors = json_array(), *weights = weights_save(b);
  for (int32_t k = 0; k < b->class_count; k++)
    json_array_append_new(priors, json_integer(b->priors[k]));
  snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, b->labels_fingerprint);
  json_t *model =
      json_pack("{s:s, s:i, s:s, s:s, s:i, s:i, s:o, s:o}", "name", "baseline", "version", VERSION,
                "labels", b->labels_name, "fingerprint", fingerprint, "classes",
                (int)b->class_count, "bins", (int)BINS_TOTAL, "priors", priors, "weights", weights);
  return model;
}

static fm_status head_check(const baseline *b, const json_t *model, fm_error *err) {
  char fingerprint[24];
  const char *name = json_string_value(json_object_get(model, "name"));
  const char *space = json_string_value(json_object_get(model, "fingerprint"));
  if (!name || strcmp(name, "baseline") != 0)
    return baseline_fail(err, FM_ERR_FORMAT, "the model is not one of the baseline");
  if (json_integer_value(json_object_get(model, "version")) != VERSION ||
      json_integer_value(json_object_get(model, "bins")) != BINS_TOTAL)
    return baseline_fail(err, FM_ERR_FORMAT, "the baseline's model is of another version");
  snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, b->labels_fingerprint);
  if (!space || strcmp(space, fingerprint) != 0)
    return baseline_fail(err, FM_ERR_MISMATCH,
                         "the baseline was fitted with another label space than %s",
                         b->labels_name);
  return FM_OK;
}

static fm_status priors_load(baseline *b, const json_t *model, fm_error *err) {
  const json_t *priors = json_object_get(model, "priors");
  for (int32_t k = 0; k < b->class_count; k++) {
    const json_t *value = json_array_get(priors, (size_t)k);
    const json_int_t prior = json_integer_value(value);
    if (!json_is_integer(value) || prior < -8192 || prior > 8191)
      return baseline_fail(err, FM_ERR_FORMAT, "the baseline's model has no prior for class %d",
                           (int)k);
    b->priors[k] = (int16_t)prior;
  }
  return FM_OK;
}

static fm_status weights_load(baseline *b, const json_t *model, fm_error *err) {
  const json_t *rows = json_object_get(model, "weights");
  for (int32_t k = 0; k < b->class_count; k++) {
    const json_t *row = json_array_get(rows, (size_t)k);
    const char *line = json_string_value(row);
    if (!line || json_string_length(row) != BINS_TOTAL)
      return baseline_fail(err, FM_ERR_FORMAT,
                           "the baseline's model has no %d weights for class %d", (int)BINS_TOTAL,
                           (int)k);
    for (size_t i = 0; i < BINS_TOTAL; i++) {
      const char *found = line[i] ? strchr(letters, line[i]) : NULL;
      if (!found)
        return baseline_fail(err, FM_ERR_FORMAT, "the baseline's model has a bad weight (class %d)",
                             (int)k);
      b->weights[i * (size_t)b->lanes + (size_t)k] = (int8_t)(found - letters + WEIGHT_LOWEST);
    }
  }
  return FM_OK;
}

fm_status baseline_load(fm_context *context, const fm_labels *labels, const json_t *model,
                        baseline **out, fm_error *err) {
  baseline *b = NULL;
  fm_status status = baseline_create(context, labels, &b, err);
  if (status) return status;
  status = head_check(b, model, err);
  if (!status && !baseline_weights_open(b))
    status = baseline_fail(err, FM_ERR_MEMORY, "no memory for the baseline");
  if (!status) status = priors_load(b, model, err);
  if (!status) status = weights_load(b, model, err);
  if (status) {
    baseline_destroy(b);
    return status;
  }
  *out = b;
  return FM_OK;
}
