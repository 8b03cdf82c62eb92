/* labels/convert.c - masks in other numbers: classes, or the labels of another label space. */
#include <inttypes.h>

#include "core/fail.h"
#include "core/view.h"
#include "labels/labels.h"

/* What becomes of a pixel: values[class], or `ignored`. */
typedef struct conversion {
  const fm_labels *labels;
  fm_plane mask, out;  /* with their strides filled in */
  const fm_labels *to; /* NULL: the class itself */
  int64_t ignored;
} conversion;

static int64_t value_of(const conversion *c, int32_t class_index) {
  if (class_index < 0) return c->ignored;
  return c->to ? c->to->first_label[class_index] : class_index;
}

static fm_status fail_value(const conversion *c, int64_t value, const char *what, fm_error *err) {
  return fm__fail(err, FM_ERR_LIMIT, "%s %" PRId64 " does not fit a mask of %s: use a wider type",
                  what, value, fm__dtype_name(c->out.dtype));
}

/* Every value of the space has to fit, whether the mask has it or not: which masks are refused must
 * not depend on what happens to be in them. */
static fm_status check_values(const conversion *c, fm_error *err) {
  fm__range range = fm__integer_range(c->out.dtype);
  if (!fm__fits(c->ignored, range)) return fail_value(c, c->ignored, "the ignored value", err);
  for (int32_t k = 0; k < c->labels->class_count; k++)
    if (!fm__fits(value_of(c, k), range))
      return fail_value(c, value_of(c, k), c->to ? "label" : "class", err);
  return FM_OK;
}

static void write_rows(const conversion *c) {
  fm__lookup lookup = fm__labels_lookup(c->labels);
  int32_t classes[FM__PIECE];
  int64_t values[FM__PIECE];
  for (int64_t y = 0; y < c->mask.height; y++)
    for (int64_t x = 0; x < c->mask.width; x += FM__PIECE) {
      size_t n = fm__piece_length(&c->mask, x);
      fm__tile_classes(&c->mask, &lookup, y, x, n, classes);
      for (size_t i = 0; i < n; i++) values[i] = value_of(c, classes[i]);
      fm__tile_store(&c->out, y, x, n, values);
    }
}

static fm_status run(conversion *c, const fm_plane *mask, const fm_plane *out, const char *out_name,
                     fm_error *err) {
  fm_status status = fm__plane_read(&c->mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__output_read(&c->out, out, FM__MASK_TYPES, out_name, err);
  if (!status) status = fm__same_size(&c->mask, "mask", &c->out, out_name, err);
  if (!status) status = fm__check_output(&c->out, out_name, &c->mask, "mask", true, err);
  if (!status) status = check_values(c, err);
  /* Finds a label that is not in the space. */
  if (!status) status = fm_labels_count(c->labels, &c->mask, NULL, NULL, err);
  if (!status) write_rows(c);
  return status;
}

fm_status fm_labels_to_classes(const fm_labels *labels, const fm_plane *mask, int64_t ignored_value,
                               const fm_plane *classes, fm_error *err) {
  if (!labels) return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_to_classes: labels is NULL");
  if (ignored_value >= 0 && ignored_value < labels->class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "ignored_value is %" PRId64
                    ", which is a class: expected a number that is none "
                    "of 0 to %d",
                    ignored_value, (int)labels->class_count - 1);
  conversion c = {.labels = labels, .ignored = ignored_value};
  return run(&c, mask, classes, "classes", err);
}

fm_status fm_labels_convert(const fm_labels *labels, const fm_plane *mask, const fm_labels *to,
                            const fm_plane *converted, fm_error *err) {
  if (!labels || !to)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_convert: an argument is NULL");
  if (labels->class_count != to->class_count)
    return fm__fail(err, FM_ERR_MISMATCH,
                    "label space %s has %d classes, %s has %d: expected the same classes",
                    labels->name, (int)labels->class_count, to->name, (int)to->class_count);
  conversion c = {.labels = labels, .to = to, .ignored = to->ignore_label};
  return run(&c, mask, converted, "converted", err);
}
