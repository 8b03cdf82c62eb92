/* policy/filter.c - the class-aware noise filter. */
#include "policy/filter.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "policy/class_stats.h"

static const double DEFAULT_TOLERANCE = 1.25;

/* ---- Making --------------------------------------------------------------------- */

/* What thresholds are made from: one entry per class. */
typedef struct loss_table {
  const double *means;
  const int64_t *pixels; /* NULL: a class is unseen if its mean is 0 */
  double global_mean;
} loss_table;

static float threshold_of(const loss_table *table, int32_t k, const fm_filter_options *o) {
  bool unseen = table->pixels ? table->pixels[k] == 0 : table->means[k] == 0;
  double mean = table->means[k];
  if (unseen && o->unseen == FM_UNSEEN_KEEP) return INFINITY;
  if (unseen && o->unseen == FM_UNSEEN_GLOBAL_MEAN) mean = table->global_mean;
  return (float)(o->tolerance * mean);
}

static fm_status read_options(fm_filter_options *o, const fm_filter_options *options,
                              fm_error *err) {
  fm_status status = fm__options_read(o, sizeof *o, options, "fm_filter_options", err);
  if (status) return status;
  if (o->tolerance == 0) o->tolerance = DEFAULT_TOLERANCE;
  if (!(o->tolerance > 0) || isinf(o->tolerance))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_options: tolerance is %g, expected a finite number above 0",
                    o->tolerance);
  if (o->unseen < FM_UNSEEN_DROP || o->unseen > FM_UNSEEN_GLOBAL_MEAN)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_options: unseen is %d, expected an fm_unseen",
                    (int)o->unseen);
  if (o->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_options: reserved is %d, expected 0",
                    (int)o->reserved);
  if (!(o->min_kept_share >= 0 && o->min_kept_share <= 1))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_options: min_kept_share is %g, expected 0 to 1", o->min_kept_share);
  return FM_OK;
}

static fm_status make(fm_labels *labels, const loss_table *table, const fm_filter_options *o,
                      fm_filter **out, fm_error *err) {
  fm_filter *filter = fm__alloc_zeroed(labels->context, 1, sizeof *filter);
  if (!filter) return fm__fail_memory(err, sizeof *filter);
  filter->labels = fm__labels_hold(labels);
  filter->min_kept_share = o->min_kept_share;
  size_t classes = (size_t)labels->class_count;
  filter->thresholds = fm__alloc_array(labels->context, classes, sizeof *filter->thresholds);
  if (!filter->thresholds) {
    fm_filter_destroy(filter);
    return fm__fail_memory(err, classes * sizeof *filter->thresholds);
  }
  for (int32_t k = 0; k < labels->class_count; k++)
    filter->thresholds[k] = threshold_of(table, k, o);
  *out = filter;
  return FM_OK;
}

fm_status fm_filter_create(const fm_class_stats *stats, const fm_filter_options *options,
                           fm_filter **out, fm_error *err) {
  if (!stats || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_create: an argument is NULL");
  fm_filter_options o;
  fm_status status = read_options(&o, options, err);
  if (status) return status;
  if (!stats->pixels)
    return fm__fail(err, FM_ERR_EMPTY,
                    "the statistics hold no pixel: a filter would drop everything");
  const fm_context *context = stats->labels->context;
  size_t classes = (size_t)stats->labels->class_count;
  double *means = fm__alloc_array(context, classes, sizeof *means);
  int64_t *pixels = fm__alloc_array(context, classes, sizeof *pixels);
  if (means && pixels) {
    fm__class_stats_table(stats, means, pixels);
    loss_table table = {means, pixels, fm__class_stats_global_mean(stats)};
    status = make(stats->labels, &table, &o, out, err);
  } else {
    status = fm__fail_memory(err, classes * sizeof *means);
  }
  fm__free(context, pixels);
  fm__free(context, means);
  return status;
}

/* Sum of means weighed by pixels over the pixels; -1 if there are none. */
static double global_mean_of(const double *means, const int64_t *pixels, size_t classes) {
  double sum = 0, count = 0;
  for (size_t k = 0; k < classes; k++) {
    sum += means[k] * (double)pixels[k];
    count += (double)pixels[k];
  }
  return count > 0 ? sum / count : -1;
}

fm_status fm_filter_create_from_means(fm_labels *labels, const double *mean_loss,
                                      const int64_t *pixels, size_t class_count,
                                      const fm_filter_options *options, fm_filter **out,
                                      fm_error *err) {
  if (!labels || !mean_loss || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_create_from_means: an argument is NULL");
  fm_filter_options o;
  fm_status status = read_options(&o, options, err);
  if (!status) status = fm__means_check(labels, mean_loss, class_count, err);
  if (status) return status;
  loss_table table = {mean_loss, pixels, 0};
  for (size_t k = 0; pixels && k < class_count; k++)
    if (pixels[k] < 0)
      return fm__fail(err, FM_ERR_ARGUMENT, "pixels[%zu] is %" PRId64 ", expected 0 or more", k,
                      pixels[k]);
  if (o.unseen == FM_UNSEEN_GLOBAL_MEAN && !pixels)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_options: FM_UNSEEN_GLOBAL_MEAN needs the classes' pixels");
  if (pixels) {
    table.global_mean = global_mean_of(mean_loss, pixels, class_count);
    if (table.global_mean < 0)
      return fm__fail(err, FM_ERR_EMPTY,
                      "the table holds no pixel: a filter would drop everything");
  }
  return make(labels, &table, &o, out, err);
}

void fm_filter_destroy(fm_filter *filter) {
  if (!filter) return;
  fm_labels *labels = filter->labels;
  fm__free(labels->context, filter->thresholds);
  fm__free(labels->context, filter);
  fm__labels_drop(labels);
}

float fm_filter_threshold(const fm_filter *filter, int32_t class_index) {
  if (!filter || class_index < 0 || class_index >= filter->labels->class_count) return NAN;
  return filter->thresholds[class_index];
}

/* ---- Applying ------------------------------------------------------------------- */

/* One application: the planes with strides filled in, the thresholds of this image. */
typedef struct application {
  const fm_filter *filter;
  fm_plane mask, loss, out;
  bool weights; /* out gets 1 and 0 instead of labels */
  const float *thresholds;
  int64_t *counts;
} application;

/* Marks of the pixels x .. x + n - 1 of row y. */
static size_t mark_tile(const application *a, int64_t y, int64_t x, size_t n, int32_t *classes,
                        uint8_t *drop, int64_t *counts) {
  float losses[FM__TILE];
  fm__lookup lookup = fm__labels_lookup(a->filter->labels);
  fm__tile_classes(&a->mask, &lookup, y, x, n, classes);
  fm__tile_losses(&a->loss, y, x, n, losses);
  return a->filter->labels->context->dsp.mark_noisy(classes, losses, a->thresholds, drop, counts,
                                                    n);
}

/* First walk: judges every pixel and counts, writes nothing. A second walk writes: an
 * output has to stay as it is when the last pixel turns out to be bad. */
static fm_status count_noisy(const application *a, fm_error *err) {
  int32_t classes[FM__TILE];
  uint8_t drop[FM__TILE];
  for (int64_t y = 0; y < a->mask.height; y++)
    for (int64_t x = 0; x < a->mask.width; x += FM__TILE) {
      int64_t left = a->mask.width - x;
      size_t n = left < FM__TILE ? (size_t)left : FM__TILE;
      size_t good = mark_tile(a, y, x, n, classes, drop, a->counts);
      if (good == n) continue;
      const fm_labels *labels = a->filter->labels;
      int64_t bad = x + (int64_t)good;
      if (classes[good] < 0) return fm__labels_fail(labels, &a->mask, y, bad, err);
      return fm__loss_fail(labels, &a->loss, classes[good], y, bad, err);
    }
  return FM_OK;
}

/* A number as the bytes of one element of an integer dtype. */
static void encode_label(int64_t label, int32_t dtype, unsigned char bytes[8]) {
  memset(bytes, 0, 8);
  uint8_t v8 = (uint8_t)label;
  uint16_t v16 = (uint16_t)label;
  uint32_t v32 = (uint32_t)label;
  if (dtype == FM_U8) memcpy(bytes, &v8, sizeof v8);
  if (dtype == FM_U16 || dtype == FM_I16) memcpy(bytes, &v16, sizeof v16);
  if (dtype == FM_I32) memcpy(bytes, &v32, sizeof v32);
  if (dtype == FM_I64) memcpy(bytes, &label, sizeof label);
}

/* 1.0 as the bytes of one element of a weight dtype. */
static void encode_one(int32_t dtype, unsigned char bytes[8]) {
  memset(bytes, 0, 8);
  const float one = 1;
  const uint16_t half_one = 0x3c00;
  if (dtype == FM_F32) memcpy(bytes, &one, sizeof one);
  if (dtype == FM_F16) memcpy(bytes, &half_one, sizeof half_one);
  if (dtype == FM_U8) bytes[0] = 1;
}

static void write_labels(const application *a, int64_t y, int64_t x, size_t n,
                         const uint8_t *drop) {
  unsigned char ignore[8];
  encode_label(a->filter->labels->ignore_label, a->mask.dtype, ignore);
  size_t element = fm_dtype_size((fm_dtype)a->mask.dtype);
  const char *from = fm__pixel(&a->mask, y, x);
  char *to = fm__pixel(&a->out, y, x);
  for (size_t i = 0; i < n; i++, from += a->mask.col_stride, to += a->out.col_stride) {
    if (drop[i])
      memcpy(to, ignore, element);
    else if (to != from)
      memcpy(to, from, element);
  }
}

static void write_weights(const application *a, int64_t y, int64_t x, size_t n,
                          const int32_t *classes, const uint8_t *drop) {
  static const unsigned char zero[8] = {0};
  unsigned char one[8];
  encode_one(a->out.dtype, one);
  size_t element = fm_dtype_size((fm_dtype)a->out.dtype);
  char *to = fm__pixel(&a->out, y, x);
  for (size_t i = 0; i < n; i++, to += a->out.col_stride)
    memcpy(to, classes[i] >= 0 && !drop[i] ? one : zero, element);
}

static void write_result(const application *a, int64_t *spare_counts) {
  int32_t classes[FM__TILE];
  uint8_t drop[FM__TILE];
  for (int64_t y = 0; y < a->mask.height; y++)
    for (int64_t x = 0; x < a->mask.width; x += FM__TILE) {
      int64_t left = a->mask.width - x;
      size_t n = left < FM__TILE ? (size_t)left : FM__TILE;
      (void)mark_tile(a, y, x, n, classes, drop, spare_counts);
      if (a->weights)
        write_weights(a, y, x, n, classes, drop);
      else
        write_labels(a, y, x, n, drop);
    }
}

static void write_report(const application *a, fm_filter_report *report) {
  size_t classes = (size_t)a->filter->labels->class_count;
  int64_t valid = 0, dropped = 0;
  for (size_t k = 0; k < classes; k++) {
    valid += a->counts[2 * k];
    dropped += a->counts[2 * k + 1];
    if (report->class_valid) report->class_valid[k] = a->counts[2 * k];
    if (report->class_dropped) report->class_dropped[k] = a->counts[2 * k + 1];
  }
  report->valid = valid;
  report->dropped = dropped;
}

/* Judges, and only then writes. `memory` holds two counters per class, twice, and room
 * for thresholds of this image. */
static fm_status run(application *a, void *memory, fm_filter_report *report, fm_error *err) {
  size_t classes = (size_t)a->filter->labels->class_count;
  a->counts = memory;
  a->thresholds = a->filter->thresholds;
  int64_t *spare = a->counts + 2 * classes;
  float *raised = (float *)(spare + 2 * classes);
  fm_status status = count_noisy(a, err);
  if (status) return status;
  if (a->filter->min_kept_share > 0) {
    memcpy(raised, a->filter->thresholds, classes * sizeof *raised);
    status = fm__filter_apply_floor(a->filter, &a->mask, &a->loss, raised, a->counts, err);
    if (status) return status;
    a->thresholds = raised;
  }
  write_result(a, spare);
  if (report) write_report(a, report);
  return FM_OK;
}

static fm_status apply(application *a, fm_filter_report *report, fm_error *err) {
  if (report && report->size < sizeof *report)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_report: size is %zu, expected %zu",
                    report->size, sizeof *report);
  const fm_context *context = a->filter->labels->context;
  size_t classes = (size_t)a->filter->labels->class_count;
  size_t size = 4 * sizeof(int64_t) + sizeof(float);
  void *memory = fm__alloc_zeroed(context, classes, size);
  if (!memory) return fm__fail_memory(err, classes * size);
  fm_status status = run(a, memory, report, err);
  fm__free(context, memory);
  return status;
}

static fm_status read_inputs(application *a, const fm_plane *mask, const fm_plane *loss,
                             const fm_plane *out, unsigned out_types, const char *out_name,
                             fm_error *err) {
  fm_status status = fm__plane_read(&a->mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__plane_read(&a->loss, loss, FM__LOSS_TYPES, "loss", err);
  if (!status) status = fm__plane_read(&a->out, out, out_types, out_name, err);
  if (!status) status = fm__same_size(&a->mask, "mask", &a->loss, "loss map", err);
  if (!status) status = fm__same_size(&a->mask, "mask", &a->out, out_name, err);
  return status;
}

static fm_status check_label_fits(const application *a, fm_error *err) {
  static const int64_t largest[] = {0, UINT8_MAX, UINT16_MAX, INT16_MAX, INT32_MAX, INT64_MAX};
  int64_t label = a->filter->labels->ignore_label;
  bool is_unsigned = a->mask.dtype == FM_U8 || a->mask.dtype == FM_U16;
  if (label <= largest[a->mask.dtype] && !(label < 0 && is_unsigned)) return FM_OK;
  return fm__fail(err, FM_ERR_LIMIT,
                  "the ignore label %" PRId64 " of label space %s does not fit the mask's dtype",
                  label, a->filter->labels->name);
}

fm_status fm_filter_apply(const fm_filter *filter, const fm_plane *mask, const fm_plane *loss,
                          const fm_plane *filtered, fm_filter_report *report, fm_error *err) {
  if (!filter) return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_apply: filter is NULL");
  application a = {.filter = filter};
  fm_status status = read_inputs(&a, mask, loss, filtered, FM__MASK_TYPES, "filtered mask", err);
  if (status) return status;
  if (a.out.dtype != a.mask.dtype)
    return fm__fail(err, FM_ERR_ARGUMENT, "the filtered mask's dtype differs from the mask's");
  status = check_label_fits(&a, err);
  return status ? status : apply(&a, report, err);
}

fm_status fm_filter_weights(const fm_filter *filter, const fm_plane *mask, const fm_plane *loss,
                            const fm_plane *weights, fm_filter_report *report, fm_error *err) {
  if (!filter) return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_weights: filter is NULL");
  application a = {.filter = filter, .weights = true};
  unsigned types = FM__BIT(FM_F32) | FM__BIT(FM_F16) | FM__BIT(FM_U8);
  fm_status status = read_inputs(&a, mask, loss, weights, types, "weights", err);
  return status ? status : apply(&a, report, err);
}
