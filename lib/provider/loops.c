/* provider/loops.c - what the three loops do with a sample. */
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "filter/filter.h"
#include "hardness/hardness.h"
#include "labels/class_stats.h"
#include "plan/planner.h"
#include "provider/walk.h"

/* The result points to planes of the sample. */
static fm_extra_planes extra_of(const fm_sample *sample) {
  fm_extra_planes extra = {.size = sizeof extra};
  if (sample->strata.data) extra.strata = &sample->strata;
  if (sample->reference.data) extra.reference = &sample->reference;
  return extra;
}

/* ---- Statistics ----------------------------------------------------------------- */

typedef struct collecting {
  fm_class_stats *stats;
  const fm_network_loss *network_loss; /* NULL: predictions are loss maps */
} collecting;

static fm_status add_sample(const fm_sample *sample, const fm_prediction *prediction, void *state,
                            fm_error *err) {
  const collecting *c = state;
  fm_extra_planes extra = extra_of(sample);
  if (c->network_loss)
    return fm_class_stats_add_output(c->stats, c->network_loss, prediction->output, &sample->mask,
                                     &extra, err);
  return fm_class_stats_add(c->stats, &sample->mask, &prediction->loss, &extra, err);
}

fm_status fm_source_collect_stats(fm_source *source, fm_provider *provider, fm_class_stats *stats,
                                  const fm_loop_options *options, fm_error *err) {
  if (!source || !provider || !stats)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_source_collect_stats: an argument is NULL");
  collecting c = {.network_loss = provider->network_loss};
  fm_status status = fm__class_stats_create_like(stats, &c.stats, err);
  if (status) return status;
  status = fm__walk(source, provider, options, false, add_sample, &c, err);
  if (!status) status = fm_class_stats_merge(stats, c.stats, err);
  fm_class_stats_destroy(c.stats);
  return status;
}

/* ---- Filter --------------------------------------------------------------------- */

typedef struct filtering {
  const fm_filter *filter;
  const fm_network_loss *network_loss; /* NULL: predictions are loss maps */
  fm_filtered_fn filtered;
  void *user;
  int32_t dtype;   /* of the filtered masks; 0: the mask's */
  void *memory;    /* the filtered mask */
  int64_t bytes;   /* of it */
  int64_t *counts; /* valid and dropped by class, then by class and stratum */
} filtering;

static fm_status reserve(filtering *f, const fm_plane *mask, int32_t dtype, fm_error *err) {
  size_t element = fm_dtype_size((fm_dtype)dtype);
  int64_t bytes = mask->height * mask->width * (int64_t)element;
  if (bytes <= f->bytes) return FM_OK;
  const fm_context *context = f->filter->labels->context;
  fm__free(context, f->memory);
  f->bytes = 0;
  f->memory = fm__alloc_pixels(context, mask->height, mask->width, element);
  if (!f->memory) return fm__fail_pixels(err, mask->height, mask->width);
  f->bytes = bytes;
  return FM_OK;
}

static fm_status filter_sample(const fm_sample *sample, const fm_prediction *prediction,
                               void *state, fm_error *err) {
  filtering *f = state;
  const fm_plane *mask = &sample->mask;
  int32_t dtype = f->dtype ? f->dtype : mask->dtype;
  fm_status status = reserve(f, mask, dtype, err);
  if (status) return status;
  size_t classes = (size_t)f->filter->labels->class_count, cells = fm__filter_cells(f->filter);
  fm_plane out = fm_plane_make(f->memory, (fm_dtype)dtype, mask->height, mask->width);
  fm_filter_report report = {.size = sizeof report,
                             .class_valid = f->counts,
                             .class_dropped = f->counts + classes,
                             .stratum_valid = f->counts + 2 * classes,
                             .stratum_dropped = f->counts + 2 * classes + cells};
  fm_extra_planes extra = extra_of(sample);
  status = f->network_loss
               ? fm_filter_apply_output(f->filter, f->network_loss, prediction->output, mask,
                                        &extra, &out, &report, err)
               : fm_filter_apply(f->filter, mask, &prediction->loss, &extra, &out, &report, err);
  if (status) return status;
  int stop = f->filtered(sample, &out, &report, f->user);
  if (stop)
    return fm__fail_host(err, FM_ERR_CALLBACK, stop,
                         "stopped by the receiver of filtered masks with %d", stop);
  return FM_OK;
}

static fm_status check_dtype(int32_t dtype, fm_error *err) {
  if (!dtype || (dtype > 0 && dtype < 32 && (FM__BIT(dtype) & FM__MASK_TYPES))) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_loop_options: filtered_dtype is %d, expected an integer's fm_dtype",
                  (int)dtype);
}

fm_status fm_source_filter(fm_source *source, fm_provider *provider, const fm_filter *filter,
                           fm_filtered_fn filtered, void *user, const fm_loop_options *options,
                           fm_error *err) {
  if (!source || !provider || !filter || !filtered)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_source_filter: an argument is NULL");
  fm_loop_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_loop_options, filtered_dtype, err);
  if (!status) status = check_dtype(o.filtered_dtype, err);
  if (status) return status;
  const fm_context *context = filter->labels->context;
  size_t count = 2 * ((size_t)filter->labels->class_count + fm__filter_cells(filter));
  filtering f = {.filter = filter,
                 .network_loss = provider->network_loss,
                 .filtered = filtered,
                 .user = user,
                 .dtype = o.filtered_dtype};
  f.counts = fm__alloc_array(context, count, sizeof *f.counts);
  if (!f.counts) return fm__fail_memory(err, count * sizeof *f.counts);
  status = fm__walk(source, provider, options, true, filter_sample, &f, err);
  fm__free(context, f.memory);
  fm__free(context, f.counts);
  return status;
}

/* ---- Hardness ------------------------------------------------------------------- */

typedef struct planning {
  const fm_hardness *hardness;
  fm_planner *planner;
  int64_t *class_pixels; /* NULL if the planner's policy does not look at classes */
} planning;

static fm_status measure_sample(const fm_sample *sample, const fm_prediction *prediction,
                                void *state, fm_error *err) {
  (void)prediction;
  const planning *p = state;
  double hardness;
  const fm_labels *labels = p->hardness->labels;
  fm_status status = fm_hardness_measure(p->hardness, &sample->mask, &hardness, NULL, err);
  if (!status && p->class_pixels)
    status = fm_labels_count(labels, &sample->mask, p->class_pixels, NULL, err);
  if (status) return status;
  return fm_planner_add(p->planner, sample->id, hardness, p->class_pixels,
                        p->class_pixels ? labels->class_count : 0, err);
}

fm_status fm_source_measure(fm_source *source, const fm_hardness *hardness, fm_planner *planner,
                            const fm_loop_options *options, fm_error *err) {
  if (!source || !hardness || !planner)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_source_measure: an argument is NULL");
  planning p = {hardness, planner, NULL};
  const fm_labels *labels = hardness->labels;
  if (planner->policy.needs.classes) {
    size_t classes = (size_t)labels->class_count;
    p.class_pixels = fm__alloc_array(labels->context, classes, sizeof *p.class_pixels);
    if (!p.class_pixels) return fm__fail_memory(err, classes * sizeof *p.class_pixels);
  }
  fm_status status = fm__walk(source, NULL, options, false, measure_sample, &p, err);
  fm__free(labels->context, p.class_pixels);
  return status;
}
