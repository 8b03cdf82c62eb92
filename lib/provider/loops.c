/* provider/loops.c - what the three loops do with a sample. */
#include <string.h>

#include "core/fail.h"
#include "core/view.h"
#include "filter/filter.h"
#include "hardness/hardness.h"
#include "labels/class_stats.h"
#include "plan/planner.h"
#include "provider/walk.h"

/* ---- Statistics ----------------------------------------------------------------- */

static fm_status add_sample(const fm_sample *sample, const fm_prediction *prediction, void *state,
                            fm_error *err) {
  return fm_class_stats_add(state, &sample->mask, &prediction->loss, err);
}

fm_status fm_source_collect_stats(fm_source *source, fm_provider *provider, fm_class_stats *stats,
                                  const fm_loop_options *options, fm_error *err) {
  if (!source || !provider || !stats)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_source_collect_stats: an argument is NULL");
  fm_class_stats *part;
  fm_status status = fm__class_stats_create_like(stats, &part, err);
  if (status) return status;
  status = fm__walk(source, provider, options, add_sample, part, err);
  if (!status) status = fm_class_stats_merge(stats, part, err);
  fm_class_stats_destroy(part);
  return status;
}

/* ---- Filter --------------------------------------------------------------------- */

typedef struct filtering {
  const fm_filter *filter;
  fm_filtered_fn filtered;
  void *user;
  void *pixels; /* the filtered mask */
  size_t capacity;
  int64_t *class_counts; /* valid, then dropped */
} filtering;

static fm_status reserve(filtering *f, size_t size, fm_error *err) {
  if (size <= f->capacity) return FM_OK;
  const fm_context *context = f->filter->labels->context;
  fm__free(context, f->pixels);
  f->capacity = 0;
  f->pixels = fm__alloc(context, size);
  if (!f->pixels) return fm__fail_memory(err, size);
  f->capacity = size;
  return FM_OK;
}

static fm_status filter_sample(const fm_sample *sample, const fm_prediction *prediction,
                               void *state, fm_error *err) {
  filtering *f = state;
  const fm_plane *mask = &sample->mask;
  size_t element = fm_dtype_size((fm_dtype)mask->dtype);
  fm_status status = reserve(f, (size_t)mask->height * (size_t)mask->width * element, err);
  if (status) return status;
  size_t classes = (size_t)f->filter->labels->class_count;
  fm_plane out = fm_plane_make(f->pixels, (fm_dtype)mask->dtype, mask->height, mask->width);
  fm_filter_report report = {.size = sizeof report,
                             .class_valid = f->class_counts,
                             .class_dropped = f->class_counts + classes};
  status = fm_filter_apply(f->filter, mask, &prediction->loss, NULL, &out, &report, err);
  if (status) return status;
  int answer = f->filtered(sample, &out, &report, f->user);
  if (answer)
    return fm__fail_host(err, FM_ERR_CALLBACK, answer,
                         "stopped by the receiver of filtered masks with %d", answer);
  return FM_OK;
}

fm_status fm_source_filter(fm_source *source, fm_provider *provider, const fm_filter *filter,
                           fm_filtered_fn filtered, void *user, const fm_loop_options *options,
                           fm_error *err) {
  if (!source || !provider || !filter || !filtered)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_source_filter: an argument is NULL");
  const fm_context *context = filter->labels->context;
  size_t classes = (size_t)filter->labels->class_count;
  filtering f = {.filter = filter, .filtered = filtered, .user = user};
  f.class_counts = fm__alloc_array(context, 2 * classes, sizeof *f.class_counts);
  if (!f.class_counts) return fm__fail_memory(err, 2 * classes * sizeof *f.class_counts);
  fm_status status = fm__walk(source, provider, options, filter_sample, &f, err);
  fm__free(context, f.pixels);
  fm__free(context, f.class_counts);
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
  fm_status status = fm__walk(source, NULL, options, measure_sample, &p, err);
  fm__free(labels->context, p.class_pixels);
  return status;
}
