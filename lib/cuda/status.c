/* cuda/status.c - what was found on the device, in the sentences of the CPU's calls. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/fail.h"
#include "core/view.h"
#include "cuda/job.h"
#include "dsp/tile.h"

/* "0, 255, -1, ...": the ignored labels, but no more than four. */
static void ignored_text(const fm_labels *labels, char *text, size_t size) {
  fm_labels_options o = {.size = sizeof o};
  *text = 0;
  if (fm_labels_get_options(labels, &o, NULL)) return;
  size_t length = 0;
  for (int32_t i = 0; i < o.ignored_count && i < 4; i++)
    length += (size_t)snprintf(text + length, size - length, "%s%" PRId64, i ? ", " : "",
                               o.ignored_labels[i]);
  if (o.ignored_count > 4) snprintf(text + length, size - length, ", ...");
}

static fm_status fail_label(const fm_cuda_status *s, const fm_labels *labels, fm_error *err) {
  char text[24], ignored[96];
  int32_t last = FM__LAST_LABEL;
  while (last > 0 && fm_labels_class_of(labels, last) < 0) last--;
  snprintf(text, sizeof text, s->other == FM_U64 ? "%" PRIu64 : "%" PRId64, (uint64_t)s->label);
  ignored_text(labels, ignored, sizeof ignored);
  return fm__fail(err, FM_ERR_LABEL,
                  "mask: label %s at pixel (x %" PRId64 ", y %" PRId64
                  ") is not in the label space %s (classes at %d to %d, ignored: %s)",
                  text, s->x, s->y, fm_labels_name(labels), (int)fm_labels_label_of(labels, 0),
                  (int)last, ignored);
}

static fm_status fail_loss(const fm_cuda_status *s, const fm_labels *labels, fm_error *err) {
  bool large = s->value > 0 && !isinf(s->value);
  return fm__fail(
      err, FM_ERR_LOSS,
      "loss: %g at pixel (x %" PRId64 ", y %" PRId64 ") of class %d (%s), expected %s%s", s->value,
      s->x, s->y, (int)s->class_index, fm_labels_class_name(labels, s->class_index),
      large ? "at most 3.40282e+38, the largest F32" : "a finite number, not below 0",
      s->value < 0 && !isinf(s->value) ? " (what rounding leaves, above -1e-05, counts as 0)" : "");
}

static fm_status fail_value(const fm_cuda_status *s, const fm_labels *labels, fm_error *err) {
  return fm__fail(err, FM_ERR_LOSS,
                  "output: %g in %s %d (class %s) at (x %" PRId64 ", y %" PRId64 ") of %" PRId64
                  "x%" PRId64 ", expected a finite number%s",
                  s->value, s->doubt > 1 ? "query" : "channel", (int)s->other,
                  s->class_index < 0 ? "-" : fm_labels_class_name(labels, s->class_index), s->x,
                  s->y, s->label >> 32, s->label & INT64_C(0xffffffff),
                  s->doubt > 0 ? "" : ", not below 0");
}

static fm_status fail_sum(const fm_cuda_status *s, fm_error *err) {
  if (s->what == FM__CU_NO_FLOAT)
    return fm__fail(err, FM_ERR_LOSS,
                    "output: the loss at pixel (x %" PRId64 ", y %" PRId64
                    ") of the mask is %g, more than a float holds: its logits are too far apart",
                    s->x, s->y, s->value);
  return fm__fail(err, FM_ERR_LOSS,
                  "output: the loss at pixel (x %" PRId64 ", y %" PRId64
                  ") of the mask is about %g, but rounding may have moved it by %g: its logits are "
                  "too large, and of either sign",
                  s->x, s->y, s->value, s->doubt);
}

static fm_status fail_expected(const fm_cuda_status *s, fm_error *err) {
  char name[32] = "reference";
  if (s->other >= 0) (void)snprintf(name, sizeof name, "siblings[%d]", (int)s->other);
  return fm__fail(err, FM_ERR_LOSS,
                  "%s: %g at the place of pixel (x %" PRId64 ", y %" PRId64
                  "), expected a finite number, not below 0",
                  name, s->value, s->x, s->y);
}

fm_status fm_cuda_status_read(const fm_cuda_status *status, const fm_labels *labels,
                              fm_error *err) {
  const fm_cuda_status *s = status;
  if (!s || !labels)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_status_read: an argument is NULL");
  switch (s->what) {
    case FM__CU_GOOD:
      return FM_OK;
    case FM__CU_BAD_LABEL:
      return fail_label(s, labels, err);
    case FM__CU_BAD_STRATUM:
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "strata: %d at pixel (x %" PRId64 ", y %" PRId64 "), expected 0 to %d",
                      (int)s->other, s->x, s->y, (int)s->doubt - 1);
    case FM__CU_BAD_LOSS:
      return fail_loss(s, labels, err);
    case FM__CU_MISFIT:
      return fm__fail(err, FM_ERR_LIMIT,
                      "mask: label %" PRId64 " at pixel (x %" PRId64 ", y %" PRId64
                      ") does not fit a filtered mask of %s",
                      s->label, s->x, s->y, fm__dtype_name(s->other));
    case FM__CU_BAD_NUMBER:
      return fm__fail(err, FM_ERR_LOSS,
                      "values: %g at pixel (x %" PRId64 ", y %" PRId64
                      "), expected a finite number",
                      s->value, s->x, s->y);
    case FM__CU_BAD_QUERY:
      return fm__fail(err, FM_ERR_LOSS,
                      "class logits: %g at query %" PRId64 ", class %" PRId64
                      ", expected a finite number",
                      s->value, s->y, s->x);
    case FM__CU_BAD_REFERENCE:
      return fail_expected(s, err);
    case FM__CU_BAD_VALUE:
      return fail_value(s, labels, err);
    default:
      return fail_sum(s, err);
  }
}
