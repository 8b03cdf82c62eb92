/* labels/labels_read.c - what a label space says: looked up, counted, and where a pixel does not fit. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/random.h"
#include "core/view.h"
#include "dsp/count.h"
#include "labels/labels.h"

const char *fm_labels_name(const fm_labels *labels) { return labels ? labels->name : ""; }

int32_t fm_labels_class_count(const fm_labels *labels) { return labels ? labels->class_count : 0; }

static bool has_class(const fm_labels *labels, int32_t k) {
  return labels && k >= 0 && k < labels->class_count;
}

const char *fm_labels_class_name(const fm_labels *labels, int32_t class_index) {
  return has_class(labels, class_index) ? labels->class_names[class_index] : "";
}

int64_t fm_labels_label_of(const fm_labels *labels, int32_t class_index) {
  return has_class(labels, class_index) ? labels->first_label[class_index] : -1;
}

int64_t fm_labels_ignore_label(const fm_labels *labels) {
  return labels ? labels->ignore_label : -1;
}

int64_t fm_labels_ignore_label_in(const fm_labels *labels, int32_t dtype) {
  const fm__range range = fm__integer_range(dtype);
  for (int32_t i = 0; labels && i < labels->ignored_count; i++)
    if (fm__fits(labels->ignored[i], range)) return labels->ignored[i];
  return fm_labels_ignore_label(labels);
}

int32_t fm_labels_color_of(const fm_labels *labels, int64_t label) {
  int32_t low = 0, high = labels ? labels->color_count : 0;
  while (low < high) {
    int32_t middle = low + (high - low) / 2;
    const fm_label_color *c = &labels->colors[middle];
    if (c->label == label) return c->color;
    if (c->label < label)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

const char *fm_labels_mask_suffix(const fm_labels *labels) {
  return labels ? labels->mask_suffix : "";
}

const char *fm_labels_image_suffix(const fm_labels *labels) {
  return labels ? labels->image_suffix : "";
}

int32_t fm_labels_class_of(const fm_labels *labels, int64_t label) {
  if (!labels || label < FM__FIRST_LABEL || label > FM__LAST_LABEL) return FM_CLASS_INVALID;
  return labels->classes[label];
}

/* 1 + the last label of the space, without those below 0. */
static int32_t label_count_of(const fm_labels *labels) {
  int32_t last = FM__LAST_LABEL;
  while (labels->classes[last] == FM_CLASS_INVALID) last--;
  return last + 1;
}

fm_status fm_labels_get_options(const fm_labels *labels, fm_labels_options *out, fm_error *err) {
  if (!labels) return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_get_options: labels is NULL");
  fm_labels_options o = {.size = sizeof o};
  o.ignored_labels = labels->ignored;
  o.ignored_count = labels->ignored_count;
  o.name = labels->name;
  o.class_count = labels->class_count;
  o.label_count = label_count_of(labels);
  o.classes = labels->classes;
  o.class_names = (const char *const *)labels->class_names;
  o.colors = labels->colors;
  o.color_count = labels->color_count;
  return FM__RESULT_WRITE(out, &o, fm_labels_options, reserved, err);
}

uint64_t fm_labels_fingerprint(const fm_labels *labels) {
  if (!labels) return 0;
  uint64_t hash = fm__hash_u64(FM__HASH_START, (uint64_t)labels->ignore_label);
  hash = fm__hash_u64(hash, (uint64_t)labels->class_count);
  for (int32_t label = FM__FIRST_LABEL; label <= FM__LAST_LABEL; label++)
    if (labels->classes[label] != FM_CLASS_INVALID) {
      hash = fm__hash_u64(hash, (uint64_t)(int64_t)label);
      hash = fm__hash_u64(hash, (uint64_t)(int64_t)labels->classes[label]);
    }
  /* Types that cannot hold the first ignored label get another. */
  static const int32_t types[] = {FM_U8, FM_U16, FM_I16};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    int64_t written = fm_labels_ignore_label_in(labels, types[i]);
    if (written == labels->ignore_label) continue;
    hash = fm__hash_u64(hash, (uint64_t)types[i]);
    hash = fm__hash_u64(hash, (uint64_t)written);
  }
  for (int32_t k = 0; k < labels->class_count; k++)
    hash = fm__hash_bytes(hash, labels->class_names[k], strlen(labels->class_names[k]) + 1);
  return hash;
}

fm__lookup fm__labels_lookup(const fm_labels *labels) { return (fm__lookup){labels->classes}; }

/* The number itself, which may be beyond what fm__label_at can say. */
static const char *label_text(const fm_plane *mask, int64_t y, int64_t x, char *text, size_t size) {
  if (mask->dtype == FM_U64) {
    uint64_t value;
    memcpy(&value, fm__pixel(mask, y, x), sizeof value);
    snprintf(text, size, "%" PRIu64, value);
  } else {
    snprintf(text, size, "%" PRId64, fm__label_at(mask, y, x));
  }
  return text;
}

/* "0, 255, -1, ...": the ignored labels, but no more than four. */
static const char *ignored_text(const fm_labels *labels, char *text, size_t size) {
  int32_t shown = labels->ignored_count > 4 ? 4 : labels->ignored_count;
  size_t length = 0;
  for (int32_t i = 0; i < shown; i++)
    length += (size_t)snprintf(text + length, size - length, "%s%" PRId64, i ? ", " : "",
                               labels->ignored[i]);
  if (shown < labels->ignored_count) snprintf(text + length, size - length, ", ...");
  return text;
}

fm_status fm__labels_fail(const fm_labels *labels, const fm_plane *mask, int64_t y, int64_t x,
                          fm_error *err) {
  char text[24], ignored[64];
  int32_t last = FM__LAST_LABEL;
  while (labels->classes[last] < 0) last--;
  return fm__fail(err, FM_ERR_LABEL,
                  "mask: label %s at pixel (x %" PRId64 ", y %" PRId64
                  ") is not in the label space %s (classes at %d to %d, ignored: %s)",
                  label_text(mask, y, x, text, sizeof text), x, y, labels->name,
                  (int)labels->first_label[0], (int)last,
                  ignored_text(labels, ignored, sizeof ignored));
}

fm_status fm__loss_fail(const fm_labels *labels, const fm_plane *loss, int32_t class_index,
                        int64_t y, int64_t x, fm_error *err) {
  double value = (double)fm__loss_at(loss, y, x);
  if (loss->dtype == FM_F64) memcpy(&value, fm__pixel(loss, y, x), sizeof value);
  bool large = value > 0 && !isinf(value);
  return fm__fail(
      err, FM_ERR_LOSS,
      "loss: %g at pixel (x %" PRId64 ", y %" PRId64 ") of class %d (%s), expected %s%s", value, x,
      y, (int)class_index, labels->class_names[class_index],
      large ? "at most 3.40282e+38, the largest F32" : "a finite number, not below 0",
      value < 0 && !isinf(value) ? " (what rounding leaves, above -1e-05, counts as 0)" : "");
}

/* ---- Counting ------------------------------------------------------------------- */

fm_status fm_labels_count(const fm_labels *labels, const fm_plane *mask, int64_t *class_pixels,
                          int64_t *ignored, fm_error *err) {
  if (!labels) return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_count: labels is NULL");
  fm_plane known;
  fm_status status = fm__plane_read(&known, mask, FM__MASK_TYPES, "mask", err);
  if (status) return status;
  size_t classes = (size_t)labels->class_count;
  size_t words = fm__count_words(classes, known.width);
  int64_t *counts = fm__alloc_zeroed(labels->context, words, sizeof *counts);
  if (!counts) return fm__fail_memory(err, words * sizeof *counts);
  fm__yx bad;
  fm__count count = {.dsp = labels->context->dsp,
                     .mask = known,
                     .lookup = fm__labels_lookup(labels),
                     .class_count = classes,
                     .counts = counts};
  if (!fm__count_image(&count, &bad)) status = fm__labels_fail(labels, &known, bad.y, bad.x, err);
  if (!status && ignored) *ignored = counts[0];
  if (!status && class_pixels) memcpy(class_pixels, counts + 1, classes * sizeof *counts);
  fm__free(labels->context, counts);
  return status;
}
