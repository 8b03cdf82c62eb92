/* filter/filter.c - the class-aware noise filter. */
#include "filter/filter.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/mean.h"
#include "core/options.h"
#include "core/view.h"
#include "dsp/judge.h"
#include "labels/class_stats.h"

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
  fm_status status = FM__OPTIONS_READ(o, options, fm_filter_options, min_kept_share, err);
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

static fm_status make(const fm_labels *labels, const loss_table *table, const fm_filter_options *o,
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

/* The mean over all pixels; -1 if there are none. A class's mean is its sum over its pixels and
 * the guard, so the sums come back, and the whole is guarded as fm_filter_create guards it. */
static double global_mean_of(const double *means, const int64_t *pixels, size_t classes) {
  double sum = 0, count = 0;
  for (size_t k = 0; k < classes; k++) {
    if (pixels[k]) sum += means[k] * ((double)pixels[k] + FM__MEAN_EPSILON);
    count += (double)pixels[k];
  }
  return count > 0 ? sum / (count + FM__MEAN_EPSILON) : -1;
}

fm_status fm_filter_create_from_means(const fm_labels *labels, const double *mean_loss,
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

/* One application to an image. */
typedef struct application {
  const fm_filter *filter;
  fm_plane mask, loss, out; /* with their strides filled in */
  bool weights;             /* out gets 1 and 0 instead of labels */
} application;

/* What one application needs besides. */
typedef struct workspace {
  int64_t *counts; /* [2 * classes] */
  float *raised;   /* [classes]: thresholds of this image */
  uint64_t *bits;
} workspace;

static fm_status fail_pixel(const application *a, fm__yx at, fm_error *err) {
  const fm_labels *labels = a->filter->labels;
  int32_t k = fm_labels_class_of(labels, fm__label_at(&a->mask, at.y, at.x));
  if (k < 0) return fm__labels_fail(labels, &a->mask, at.y, at.x, err);
  return fm__loss_fail(labels, &a->loss, k, at.y, at.x, err);
}

static void write_report(const fm_filter *filter, const int64_t *counts, fm_filter_report *report) {
  int64_t valid = 0, dropped = 0;
  for (size_t k = 0; k < (size_t)filter->labels->class_count; k++) {
    valid += counts[2 * k];
    dropped += counts[2 * k + 1];
    if (report->class_valid) report->class_valid[k] = counts[2 * k];
    if (report->class_dropped) report->class_dropped[k] = counts[2 * k + 1];
  }
  report->valid = valid;
  report->dropped = dropped;
}

/* Judges, and only then writes. */
static fm_status run(const application *a, const workspace *w, fm_filter_report *report,
                     fm_error *err) {
  const fm_filter *filter = a->filter;
  bool has_floor = filter->min_kept_share > 0;
  fm__judge judge = {.dsp = filter->labels->context->dsp,
                     .mask = a->mask,
                     .loss = a->loss,
                     .out = a->out,
                     .weights = a->weights,
                     .lookup = fm__labels_lookup(filter->labels),
                     .class_count = filter->labels->class_count,
                     .thresholds = filter->thresholds,
                     .counts = report || has_floor ? w->counts : NULL,
                     .ignore_label = filter->labels->ignore_label,
                     .bits = w->bits};
  fm__yx bad;
  fm__judge_start(&judge);
  if (!fm__judge_count(&judge, &bad)) return fail_pixel(a, bad, err);
  if (has_floor) {
    size_t size = (size_t)filter->labels->class_count * sizeof *w->raised;
    memcpy(w->raised, filter->thresholds, size);
    fm_status status =
        fm__filter_apply_floor(filter, &a->mask, &a->loss, w->raised, w->counts, err);
    if (status) return status;
    if (memcmp(w->raised, filter->thresholds, size) != 0) fm__judge_change(&judge, w->raised);
  }
  fm__judge_write(&judge);
  if (report) write_report(filter, w->counts, report);
  return FM_OK;
}

static fm_status apply(const application *a, fm_filter_report *report, fm_error *err) {
  size_t report_size;
  fm_status status = FM_OK;
  if (report) status = FM__RESULT_CHECK(report, fm_filter_report, class_dropped, &report_size, err);
  if (status) return status;
  const fm_context *context = a->filter->labels->context;
  size_t classes = (size_t)a->filter->labels->class_count;
  size_t words = fm__judge_words(&a->mask);
  size_t count_size = 2 * classes * sizeof(int64_t);
  size_t size = words * sizeof(uint64_t) + count_size + classes * sizeof(float);
  char *memory = fm__alloc(context, size);
  if (!memory) return fm__fail_memory(err, size);
  workspace w = {.counts = (int64_t *)(void *)memory,
                 .raised = (float *)(void *)(memory + count_size + words * sizeof(uint64_t)),
                 .bits = words ? (uint64_t *)(void *)(memory + count_size) : NULL};
  memset(w.counts, 0, count_size);
  status = run(a, &w, report, err);
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
  int64_t label = a->filter->labels->ignore_label;
  fm__range fits = fm__integer_range(a->mask.dtype);
  if (label >= fits.least && (label < 0 || (uint64_t)label <= fits.most)) return FM_OK;
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

fm_status fm_filter_weigh(const fm_filter *filter, const fm_plane *mask, const fm_plane *loss,
                          const fm_plane *weights, fm_filter_report *report, fm_error *err) {
  if (!filter) return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_weigh: filter is NULL");
  application a = {.filter = filter, .weights = true};
  unsigned types = FM__BIT(FM_F32) | FM__BIT(FM_F16) | FM__BIT(FM_U8);
  fm_status status = read_inputs(&a, mask, loss, weights, types, "weights", err);
  return status ? status : apply(&a, report, err);
}
