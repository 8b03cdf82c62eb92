/* hardness/hardness.c - estimators: making them, and measuring a mask by its classes. */
#include "hardness/hardness.h"

#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/sort.h"
#include "core/view.h"
#include "dsp/count.h"
#include "labels/means.h"
#include "map/nearest.h"

/* The paper's size. */
enum { DEFAULT_SIDE = 512, LONGEST_SIDE = 65536 };
static const double DEFAULT_TOP_SHARE = 0.1;

/* ---- Making --------------------------------------------------------------------- */

static bool is_side(int32_t side) { return side >= 0 && side <= LONGEST_SIDE; }

static fm_status read_measure(fm_hardness_options *o, fm_error *err) {
  if (o->measure < FM_MEASURE_MEAN || o->measure > FM_MEASURE_TOP_SHARE)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_hardness_options: measure is %d, expected an fm_measure", (int)o->measure);
  if (o->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_options: reserved is %d, expected 0",
                    (int)o->reserved);
  if (!(o->share >= 0 && o->share <= 1) || (o->share > 0 && o->measure == FM_MEASURE_MEAN))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_options: share is %g, expected %s", o->share,
                    o->measure == FM_MEASURE_MEAN ? "0, as the mean has none" : "0 to 1");
  if (o->share == 0 && o->measure == FM_MEASURE_TOP_SHARE) o->share = DEFAULT_TOP_SHARE;
  return FM_OK;
}

static fm_status read_options(fm_hardness_options *o, const fm_hardness_options *options,
                              fm_error *err) {
  fm_status status = FM__OPTIONS_READ(o, options, fm_hardness_options, share, err);
  if (status) return status;
  bool none = o->resize_width == FM_NO_RESIZE && o->resize_height == FM_NO_RESIZE;
  if (!none && !(is_side(o->resize_width) && is_side(o->resize_height)))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_hardness_options: resize is %dx%d, expected 1 to 65536 each, or "
                    "FM_NO_RESIZE for both",
                    (int)o->resize_width, (int)o->resize_height);
  if (!none && !o->resize_width) o->resize_width = DEFAULT_SIDE;
  if (!none && !o->resize_height) o->resize_height = DEFAULT_SIDE;
  return read_measure(o, err);
}

static bool allocate(fm_hardness *hardness) {
  const fm_labels *labels = hardness->labels;
  size_t classes = (size_t)labels->class_count;
  hardness->means = fm__alloc_array(labels->context, classes, sizeof *hardness->means);
  /* The upper half is room for sorting. */
  hardness->by_mean = fm__alloc_array(labels->context, 2 * classes, sizeof *hardness->by_mean);
  return hardness->means && hardness->by_mean;
}

static fm_status make(const fm__means *means, const fm_hardness_options *o, fm_hardness **out,
                      fm_error *err) {
  const fm_labels *labels = means->labels;
  size_t classes = (size_t)labels->class_count;
  fm_hardness *hardness = fm__alloc_zeroed(labels->context, 1, sizeof *hardness);
  if (!hardness) return fm__fail_memory(err, sizeof *hardness);
  hardness->labels = fm__labels_hold(labels);
  hardness->options = *o;
  if (!allocate(hardness)) {
    fm_hardness_destroy(hardness);
    return fm__fail_memory(err, classes * sizeof *hardness->means);
  }
  for (int32_t k = 0; k < labels->class_count; k++)
    hardness->means[k] = fm__means_at(means, k, FM_ALL_STRATA);
  fm__sort_by_number(hardness->by_mean, hardness->by_mean + classes, classes, hardness->means);
  *out = hardness;
  return FM_OK;
}

fm_status fm_hardness_create(const fm_class_stats *stats, const fm_hardness_options *options,
                             fm_hardness **out, fm_error *err) {
  if (!stats || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_create: an argument is NULL");
  fm_hardness_options o;
  fm__means means;
  fm_status status = read_options(&o, options, err);
  if (!status) status = fm__means_of_stats(&means, fm__class_stats_losses(stats), err);
  return status ? status : make(&means, &o, out, err);
}

fm_status fm_hardness_create_from_means(const fm_labels *labels, const fm_mean_table *table,
                                        const fm_hardness_options *options, fm_hardness **out,
                                        fm_error *err) {
  if (!labels || !table || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_create_from_means: an argument is NULL");
  fm_hardness_options o;
  fm__means means;
  fm_status status = read_options(&o, options, err);
  if (!status) status = fm__means_of_table(&means, labels, table, err);
  return status ? status : make(&means, &o, out, err);
}

void fm_hardness_destroy(fm_hardness *hardness) {
  if (!hardness) return;
  fm_labels *labels = hardness->labels;
  fm__free(labels->context, hardness->by_mean);
  fm__free(labels->context, hardness->means);
  fm__free(labels->context, hardness);
  fm__labels_drop(labels);
}

/* ---- What it was made with ------------------------------------------------------ */

const fm_labels *fm_hardness_labels(const fm_hardness *hardness) {
  return hardness ? hardness->labels : NULL;
}

fm_status fm_hardness_get_options(const fm_hardness *hardness, fm_hardness_options *out,
                                  fm_error *err) {
  if (!hardness || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_get_options: an argument is NULL");
  return FM__RESULT_WRITE(out, &hardness->options, fm_hardness_options, share, err);
}

fm_status fm_hardness_means(const fm_hardness *hardness, double *out, int32_t class_count,
                            fm_error *err) {
  if (!hardness || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_means: an argument is NULL");
  const fm_labels *labels = hardness->labels;
  if (class_count != labels->class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_hardness_means: class_count is %d, label space %s has %d classes",
                    (int)class_count, labels->name, (int)labels->class_count);
  memcpy(out, hardness->means, (size_t)class_count * sizeof *out);
  return FM_OK;
}

/* ---- Measuring ------------------------------------------------------------------ */

/* times[s] = how many of `side` resized positions take source position s, of n. */
static void count_times(uint32_t *times, int64_t n, int32_t side) {
  int64_t size = side == FM_NO_RESIZE ? n : side;
  fm__nearest next = fm__nearest_start(n, size);
  for (int64_t i = 0; i < size; i++) times[fm__nearest_next(&next)]++;
}

/* Counts every pixel as often as the resized mask has it. `times` has room for the columns,
 * followed by the rows. */
static fm_status count_resized(const fm_hardness *hardness, const fm_plane *mask, uint32_t *times,
                               int64_t *counts, fm_error *err) {
  uint32_t *rows = times + mask->width;
  count_times(times, mask->width, hardness->options.resize_width);
  count_times(rows, mask->height, hardness->options.resize_height);
  fm__yx bad;
  fm__count count = {.dsp = hardness->labels->context->dsp,
                     .mask = *mask,
                     .lookup = fm__labels_lookup(hardness->labels),
                     .class_count = (size_t)hardness->labels->class_count,
                     .columns = times,
                     .rows = rows,
                     .counts = counts};
  if (fm__count_image(&count, &bad)) return FM_OK;
  return fm__labels_fail(hardness->labels, mask, bad.y, bad.x, err);
}

fm_status fm_hardness_measure(const fm_hardness *hardness, const fm_plane *mask, double *out,
                              int64_t *valid_pixels, fm_error *err) {
  if (!hardness || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_measure: an argument is NULL");
  fm_plane known;
  fm_status status = fm__plane_read(&known, mask, FM__MASK_TYPES, "mask", err);
  if (status) return status;
  const fm_context *context = hardness->labels->context;
  size_t words = fm__count_words((size_t)hardness->labels->class_count, known.width);
  size_t sides = (size_t)known.width + (size_t)known.height;
  int64_t *counts = fm__alloc_zeroed(context, words, sizeof *counts);
  uint32_t *times = fm__alloc_zeroed(context, sides, sizeof *times);
  if (counts && times)
    status = count_resized(hardness, &known, times, counts, err);
  else
    status = fm__fail(err, FM_ERR_MEMORY, "out of memory for %zu counters", words + sides);
  if (!status) {
    int64_t valid;
    *out = fm__hardness_of(hardness, counts + 1, &valid);
    if (valid_pixels) *valid_pixels = valid;
  }
  fm__free(context, times);
  fm__free(context, counts);
  return status;
}
