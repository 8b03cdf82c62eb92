/* baseline/baseline.c - fitting the pixel classifier: counts in, scores out. */
#define FREEMASK_BASELINE_C
#include "baseline/baseline.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "baseline/baseline_bins.h"
#include "baseline/baseline_model.h"

/* Counts take 135 KiB per class and thread. */
enum { CLASSES_MAX = 2048, VECTOR = 16, LABELS = 65536 };
/* Every second pixel of every second row is counted: neighbors say the same. */
enum { FIT_STEP = 2 };
/* Pixels that each class is lent, spread as all classes together are, before it has its own. */
static const double LENT_PIXELS = 500.0;

fm_status baseline_fail(fm_error *err, fm_status status, const char *format, ...) {
  va_list rest;
  if (!err) return status;
  err->code = status;
  err->host_code = 0;
  va_start(rest, format);
  vsnprintf(err->message, sizeof err->message, format, rest);
  va_end(rest);
  return status;
}

/* What a label means is copied, so that the label space need not outlive the baseline. */
static void labels_copy(baseline *b, const fm_labels *labels) {
  for (int64_t i = 0; i < b->label_count; i++) b->class_of[i] = fm_labels_class_of(labels, i - 1);
  strcpy(b->labels_name, fm_labels_name(labels));
  b->labels_fingerprint = fm_labels_fingerprint(labels);
  b->class_count = fm_labels_class_count(labels);
  b->lanes = (b->class_count + VECTOR - 1) / VECTOR * VECTOR;
}

fm_status baseline_create(fm_context *context, const fm_labels *labels, baseline **out,
                          fm_error *err) {
  (void)context;
  if (fm_labels_class_count(labels) > CLASSES_MAX)
    return baseline_fail(err, FM_ERR_LIMIT, "the baseline takes at most %d classes, not %d",
                         CLASSES_MAX, (int)fm_labels_class_count(labels));
  baseline *b = calloc(1, sizeof *b);
  if (!b) return baseline_fail(err, FM_ERR_MEMORY, "no memory for the baseline");
  b->label_count = LABELS + 1;
  b->class_of = malloc((size_t)b->label_count * sizeof *b->class_of);
  b->labels_name = malloc(strlen(fm_labels_name(labels)) + 1);
  if (!b->class_of || !b->labels_name) {
    baseline_destroy(b);
    return baseline_fail(err, FM_ERR_MEMORY, "no memory for the baseline");
  }
  labels_copy(b, labels);
  *out = b;
  return FM_OK;
}

void baseline_destroy(baseline *b) {
  if (!b) return;
  free(b->labels_name);
  free(b->class_of);
  free(b->counts);
  free(b->pixels);
  free(b->weights);
  free(b->priors);
  free(b);
}

static bool counts_open(baseline *b) {
  const size_t classes = (size_t)b->class_count;
  if (!b->counts) b->counts = calloc(BINS_TOTAL * classes, sizeof *b->counts);
  if (!b->pixels) b->pixels = calloc(classes, sizeof *b->pixels);
  return b->counts && b->pixels;
}

static void count_row(baseline *b, const int32_t *classes, const uint16_t *row, int64_t width) {
  for (int64_t x = 0; x < width; x += FIT_STEP) {
    if (classes[x] < 0) continue;
    const uint16_t *bin = row + x * BINS_GROUPS;
    for (int g = 0; g < BINS_GROUPS; g++) b->counts[bin[g] * b->class_count + classes[x]]++;
    b->pixels[classes[x]]++;
  }
}

/* All labels are looked at before anything is counted. */
static fm_status mask_check(const baseline *b, const fm_plane *mask, int32_t *row, fm_error *err) {
  fm_status status = FM_OK;
  for (int64_t y = 0; y < mask->height && !status; y++)
    status = baseline_classes(b, mask, y, row, err);
  return status;
}

static fm_status count_image(baseline *b, const fm_plane *mask, bins *seen, fm_error *err) {
  const size_t width = (size_t)mask->width;
  int32_t *classes = malloc(width * sizeof *classes);
  uint16_t *row = malloc(width * BINS_GROUPS * sizeof *row);
  fm_status status = FM_OK;
  if (!classes || !row || !counts_open(b))
    status = baseline_fail(err, FM_ERR_MEMORY, "no memory to fit the baseline");
  if (!status) status = mask_check(b, mask, classes, err);
  for (int64_t y = 0; y < mask->height && !status; y += FIT_STEP) {
    status = baseline_classes(b, mask, y, classes, err);
    bins_row(seen, y, row);
    count_row(b, classes, row, mask->width);
  }
  free(classes);
  free(row);
  return status;
}

fm_status baseline_fit_add(baseline *b, const fm_plane *mask, const fm_volume *image,
                           fm_error *err) {
  fm_plane plane = *mask;
  bins *seen = NULL;
  fm_status status = baseline_check(&plane, image, err);
  if (!status) status = bins_open(image, &seen, err);
  if (!status) status = count_image(b, &plane, seen, err);
  bins_close(seen);
  return status;
}

fm_status baseline_fit_merge(baseline *into, const baseline *from, fm_error *err) {
  if (into->labels_fingerprint != from->labels_fingerprint)
    return baseline_fail(err, FM_ERR_MISMATCH, "the baselines have different label spaces");
  if (!from->counts) return FM_OK;
  if (!counts_open(into)) return baseline_fail(err, FM_ERR_MEMORY, "no memory to fit the baseline");
  const size_t classes = (size_t)into->class_count;
  for (size_t i = 0; i < BINS_TOTAL * classes; i++) into->counts[i] += from->counts[i];
  for (size_t k = 0; k < classes; k++) into->pixels[k] += from->pixels[k];
  return FM_OK;
}

bool baseline_weights_open(baseline *b) {
  const size_t lanes = (size_t)b->lanes;
  b->weights = calloc(BINS_TOTAL * lanes, sizeof *b->weights);
  b->priors = calloc(lanes, sizeof *b->priors);
  if (!b->weights || !b->priors) return false;
  for (size_t k = (size_t)b->class_count; k < lanes; k++) b->priors[k] = INT16_MIN / 2;
  return true;
}

static int whole_between(double v, int low, int high) {
  return v < low ? low : v > high ? high : (int)floor(v + 0.5);
}

/* How much more often than all pixels together those of a class fall into a bin, as a log. */
static void weigh_bin(const int64_t *counts, const int64_t *pixels, double total, int32_t classes,
                      int8_t *weights) {
  int64_t seen = 0;
  for (int32_t k = 0; k < classes; k++) seen += counts[k];
  if (!seen) return; /* no pixel fell into it: it says nothing */
  const double share = (double)seen / total;
  for (int32_t k = 0; k < classes; k++) {
    const double own =
        ((double)counts[k] + LENT_PIXELS * share) / ((double)pixels[k] + LENT_PIXELS);
    weights[k] =
        (int8_t)whole_between(log(own / share) * WEIGHT_STEPS, WEIGHT_LOWEST, WEIGHT_HIGHEST);
  }
}

bool baseline_weigh(baseline *b) {
  int64_t total = 0;
  for (int32_t k = 0; b->pixels && k < b->class_count; k++) total += b->pixels[k];
  for (size_t bin = 0; total && bin < BINS_TOTAL; bin++)
    weigh_bin(b->counts + bin * (size_t)b->class_count, b->pixels, (double)total, b->class_count,
              b->weights + bin * (size_t)b->lanes);
  for (int32_t k = 0; total && k < b->class_count; k++) {
    const double share = ((double)b->pixels[k] + 0.5) / (double)total;
    b->priors[k] = (int16_t)whole_between(log(share) * WEIGHT_STEPS, -8192, 8191);
  }
  return total > 0;
}

fm_status baseline_fit_finish(baseline *b, fm_error *err) {
  if (!b->weights && !baseline_weights_open(b))
    return baseline_fail(err, FM_ERR_MEMORY, "no memory for the baseline");
  if (!baseline_weigh(b))
    return baseline_fail(err, FM_ERR_EMPTY, "there is no labeled pixel to fit the baseline on");
  return FM_OK;
}
