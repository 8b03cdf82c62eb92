/* hardness/hardness.c - the mean of class-wise mean losses over a mask. */
#include "hardness/hardness.h"

#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/sort.h"
#include "core/view.h"
#include "dsp/count.h"
#include "labels/class_stats.h"

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
  if (none) o->resize_width = o->resize_height = 0;
  if (!none && !o->resize_width) o->resize_width = DEFAULT_SIDE;
  if (!none && !o->resize_height) o->resize_height = DEFAULT_SIDE;
  return read_measure(o, err);
}

static fm_status make(const fm_labels *labels, const fm_hardness_options *o, fm_hardness **out,
                      fm_error *err) {
  fm_hardness *hardness = fm__alloc_zeroed(labels->context, 1, sizeof *hardness);
  if (!hardness) return fm__fail_memory(err, sizeof *hardness);
  hardness->labels = fm__labels_hold(labels);
  hardness->width = o->resize_width;
  hardness->height = o->resize_height;
  hardness->measure = o->measure;
  hardness->share = o->share;
  size_t classes = (size_t)labels->class_count;
  hardness->means = fm__alloc_array(labels->context, classes, sizeof *hardness->means);
  hardness->by_mean = fm__alloc_array(labels->context, 2 * classes, sizeof *hardness->by_mean);
  if (!hardness->means || !hardness->by_mean) {
    fm_hardness_destroy(hardness);
    return fm__fail_memory(err, classes * sizeof *hardness->means);
  }
  *out = hardness;
  return FM_OK;
}

/* The means stand: sorts the classes, in the upper half of the block if room is needed. */
static void sort_classes(fm_hardness *hardness) {
  size_t classes = (size_t)hardness->labels->class_count;
  fm__sort_by_number(hardness->by_mean, hardness->by_mean + classes, classes, hardness->means);
}

fm_status fm_hardness_create(const fm_class_stats *stats, const fm_hardness_options *options,
                             fm_hardness **out, fm_error *err) {
  if (!stats || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_create: an argument is NULL");
  fm_hardness_options o;
  fm_status status = read_options(&o, options, err);
  if (status) return status;
  if (!stats->pixels)
    return fm__fail(err, FM_ERR_EMPTY,
                    "the statistics hold no pixel: every mask would have hardness 0");
  fm_hardness *hardness = NULL;
  status = make(stats->labels, &o, &hardness, err);
  if (status) return status;
  fm__class_stats_table(stats, hardness->means, NULL);
  sort_classes(hardness);
  *out = hardness;
  return FM_OK;
}

fm_status fm_hardness_create_from_means(const fm_labels *labels, const double *mean_loss,
                                        size_t class_count, const fm_hardness_options *options,
                                        fm_hardness **out, fm_error *err) {
  if (!labels || !mean_loss || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_create_from_means: an argument is NULL");
  fm_hardness_options o;
  fm_status status = read_options(&o, options, err);
  if (!status) status = fm__means_check(labels, mean_loss, class_count, err);
  if (status) return status;
  fm_hardness *hardness = NULL;
  status = make(labels, &o, &hardness, err);
  if (status) return status;
  memcpy(hardness->means, mean_loss, class_count * sizeof *mean_loss);
  sort_classes(hardness);
  *out = hardness;
  return FM_OK;
}

void fm_hardness_destroy(fm_hardness *hardness) {
  if (!hardness) return;
  fm_labels *labels = hardness->labels;
  fm__free(labels->context, hardness->by_mean);
  fm__free(labels->context, hardness->means);
  fm__free(labels->context, hardness);
  fm__labels_drop(labels);
}

/* ---- Measuring ------------------------------------------------------------------ */

/* times[s] = how many of `size` resized positions take source position s. Pillow adds up the
 * step, so where (i + 0.5) * n / size is a whole number its last bits decide. They are far from
 * reaching n: the last position is half a step below it. */
static void count_times(uint32_t *times, int64_t n, int64_t size) {
  double step = (double)n / (double)size, at = 0.5 * step;
  for (int64_t i = 0; i < size; i++, at += step) times[(int64_t)at]++;
}

/* Counts every pixel as often as the resized mask has it. `times` are the columns', then
 * the rows'. */
static fm_status count_resized(const fm_hardness *hardness, const fm_plane *mask, uint32_t *times,
                               int64_t *counts, fm_error *err) {
  uint32_t *rows = times + mask->width;
  count_times(times, mask->width, hardness->width ? hardness->width : mask->width);
  count_times(rows, mask->height, hardness->height ? hardness->height : mask->height);
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
