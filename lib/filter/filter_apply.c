/* filter/filter_apply.c - one image: checked, judged, and only then written. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "dsp/judge.h"
#include "filter/filter.h"
#include "filter/weight.h"

/* One call: planes with their strides filled in. */
typedef struct application {
  const fm_filter *filter;
  fm__image image;
  fm__verdicts verdicts;
  fm__reference reference;
  const fm_weight_options *soft; /* weights that are not one of two; else NULL */
} application;

/* ---- Inputs --------------------------------------------------------------------- */

/* An output keeps away from all inputs. Only a filtered mask may be the mask itself. */
static fm_status check_overlap(const application *a, const char *out_name, fm_error *err) {
  const fm__image *image = &a->image;
  const fm_plane *out = &a->verdicts.out;
  bool in_place = !a->verdicts.weights && out->dtype == image->mask.dtype;
  fm_status status = fm__check_output(out, out_name, &image->mask, "mask", in_place, err);
  if (!status) status = fm__check_output(out, out_name, &image->loss, "loss map", false, err);
  if (!status && image->strata.data)
    status = fm__check_output(out, out_name, &image->strata, "strata", false, err);
  if (!status) status = fm__reference_check_output(&a->reference, out, out_name, err);
  return status;
}

static fm_status read_extra(application *a, const fm_extra_planes *extra, fm_error *err) {
  const fm_filter *filter = a->filter;
  fm__image *image = &a->image;
  int32_t strata = filter->rank ? (int32_t)filter->rank->ranks->strata : filter->strata;
  fm__reference *reference = filter->paired ? &a->reference : NULL;
  fm_status status = fm__extra_read(&image->strata, reference, extra, strata, &image->mask, err);
  if (status || !filter->paired || a->reference.real.data ||
      filter->options.without_reference == FM_REFERENCE_OPTIONAL)
    return status;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_extra_planes: reference is NULL, but the policy 'paired' compares with the "
                  "loss map of the mask's real image");
}

static fm_status read_planes(application *a, const fm_plane *mask, const fm_plane *loss,
                             const fm_extra_planes *extra, const fm_plane *out, unsigned out_types,
                             const char *out_name, fm_error *err) {
  fm__image *image = &a->image;
  image->lookup = fm__labels_lookup(a->filter->labels);
  image->cells_per_class = a->filter->strata;
  fm_plane *known = &a->verdicts.out;
  fm_status status = fm__plane_read(&image->mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__plane_read(&image->loss, loss, FM__LOSS_TYPES, "loss map", err);
  if (!status) status = fm__same_size(&image->mask, "mask", &image->loss, "loss map", err);
  if (!status) status = read_extra(a, extra, err);
  if (!status) status = fm__output_read(known, out, out_types, out_name, err);
  if (!status) status = fm__same_size(&image->mask, "mask", known, out_name, err);
  return status ? status : check_overlap(a, out_name, err);
}

/* ---- Bad pixels ----------------------------------------------------------------- */

static fm_status fail_pixel(const application *a, fm__yx at, fm_error *err) {
  const fm_labels *labels = a->filter->labels;
  const fm__image *image = &a->image;
  int32_t k = fm_labels_class_of(labels, fm__label_at(&image->mask, at.y, at.x));
  if (k < 0) return fm__labels_fail(labels, &image->mask, at.y, at.x, err);
  if (image->strata.data) {
    int stratum = *(const unsigned char *)fm__pixel(&image->strata, at.y, at.x);
    if (stratum >= a->filter->strata)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "strata: %d at pixel (x %" PRId64 ", y %" PRId64 "), expected 0 to %d",
                      stratum, at.x, at.y, (int)a->filter->strata - 1);
  }
  return fm__loss_fail(labels, &image->loss, k, at.y, at.x, err);
}

/* Refuses a filtered mask that cannot hold the ignore label. */
static fm_status check_ignore_label(const fm_labels *labels, int32_t dtype, fm_error *err) {
  if (fm__fits(fm_labels_ignore_label_in(labels, dtype), fm__integer_range(dtype))) return FM_OK;
  return fm__fail(err, FM_ERR_LIMIT,
                  "the ignore label %" PRId64
                  " of label space %s does not fit a filtered mask of "
                  "%s: use a wider or signed type",
                  labels->ignore_label, labels->name, fm__dtype_name(dtype));
}

/* Refuses a filtered mask that cannot hold a label of this mask. The labels are in the space. */
static fm_status check_labels(const fm_plane *mask, int32_t dtype, fm_error *err) {
  fm__range range = fm__integer_range(dtype);
  if (fm__range_fits(mask->dtype, range)) return FM_OK;
  int64_t labels[FM__PIECE];
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x += FM__PIECE) {
      size_t n = fm__piece_length(mask, x);
      fm__tile_labels(mask, y, x, n, labels);
      for (size_t i = 0; i < n; i++)
        if (!fm__fits(labels[i], range))
          return fm__fail(err, FM_ERR_LIMIT,
                          "mask: label %" PRId64 " at pixel (x %" PRId64 ", y %" PRId64
                          ") does not fit a filtered mask of %s",
                          labels[i], x + (int64_t)i, y, fm__dtype_name(dtype));
    }
  return FM_OK;
}

fm_status fm__filter_check_labels(const fm_filter *filter, const fm_plane *mask, int32_t dtype,
                                  fm_error *err) {
  fm_status status = check_ignore_label(filter->labels, dtype, err);
  return status ? status : check_labels(mask, dtype, err);
}

/* ---- The walks ------------------------------------------------------------------ */

/* What one application needs besides: one block of memory. */
typedef struct workspace {
  fm__tally *tally;
  int64_t *counts; /* [2 * cells] */
  uint64_t *bits;  /* a bit per pixel, or NULL */
  float *raised;   /* [cells]: thresholds of this image */
} workspace;

void fm__filter_write_report(const fm_filter *filter, const int64_t *counts,
                             fm_filter_report *report) {
  size_t classes = (size_t)filter->labels->class_count, strata = (size_t)filter->strata;
  report->valid = report->dropped = 0;
  for (size_t k = 0; k < classes; k++) {
    int64_t valid = 0, dropped = 0;
    for (size_t cell = k * strata; cell < (k + 1) * strata; cell++) {
      valid += counts[2 * cell];
      dropped += counts[2 * cell + 1];
      if (report->stratum_valid) report->stratum_valid[cell] = counts[2 * cell];
      if (report->stratum_dropped) report->stratum_dropped[cell] = counts[2 * cell + 1];
    }
    report->valid += valid;
    report->dropped += dropped;
    if (report->class_valid) report->class_valid[k] = valid;
    if (report->class_dropped) report->class_dropped[k] = dropped;
  }
}

static fm_status raise_thresholds(const application *a, const workspace *w, fm__judge *judge,
                                  fm_error *err) {
  const fm_filter *filter = a->filter;
  size_t size = fm__filter_cells(filter) * sizeof *w->raised;
  memcpy(w->raised, filter->thresholds, size);
  fm_status status = fm__filter_apply_floor(filter, &a->image, w->raised, w->counts, err);
  if (!status && memcmp(w->raised, filter->thresholds, size) != 0)
    fm__judge_change(judge, w->raised);
  return status;
}

/* Judges, and only then writes. */
static fm_status run(const application *a, const workspace *w, fm_filter_report *report,
                     fm_error *err) {
  const fm_filter *filter = a->filter;
  bool has_floor = filter->options.min_kept_share > 0;
  fm__judge judge = {.dsp = filter->labels->context->dsp,
                     .image = a->image,
                     .verdicts = a->verdicts,
                     .thresholds = filter->thresholds,
                     .counts = report || has_floor ? w->counts : NULL,
                     .tally = w->tally,
                     .bits = w->bits};
  fm__yx bad;
  fm__judge_start(&judge);
  if (!fm__judge_count(&judge, &bad)) return fail_pixel(a, bad, err);
  fm_status status =
      a->verdicts.weights ? FM_OK : check_labels(&a->image.mask, a->verdicts.out.dtype, err);
  if (!status && has_floor) status = raise_thresholds(a, w, &judge, err);
  if (status) return status;
  if (a->soft)
    fm__filter_write_weights(&a->image, &a->verdicts.out, judge.thresholds, a->soft);
  else
    fm__judge_write(&judge);
  if (report) fm__filter_write_report(filter, w->counts, report);
  return FM_OK;
}

static fm_status judge(const application *a, fm_filter_report *report, fm_error *err) {
  fm_status status;
  const fm_context *context = a->filter->labels->context;
  size_t cells = fm__filter_cells(a->filter), words = fm__judge_words(&a->image.mask);
  size_t count_size = sizeof(fm__tally) + 2 * cells * sizeof(int64_t);
  size_t bits_size = words * sizeof(uint64_t);
  size_t size = count_size + bits_size + cells * sizeof(float);
  char *memory = fm__alloc(context, size);
  if (!memory) return fm__fail_memory(err, size);
  workspace w = {.tally = (fm__tally *)(void *)memory,
                 .counts = (int64_t *)(void *)(memory + sizeof(fm__tally)),
                 .bits = words ? (uint64_t *)(void *)(memory + count_size) : NULL,
                 .raised = (float *)(void *)(memory + count_size + bits_size)};
  memset(memory, 0, count_size);
  status = run(a, &w, report, err);
  fm__free(context, memory);
  return status;
}

/* The scores take the losses' place; their strata have been allowed for. */
static fm_status judge_scores(const application *a, fm_filter_report *report, fm_error *err) {
  const fm_context *context = a->filter->labels->context;
  const fm_plane *mask = &a->image.mask;
  fm__score_planes planes = {*mask, a->image.loss, a->image.strata, a->reference};
  float *scores = fm__alloc_pixels(context, mask->height, mask->width, sizeof *scores);
  if (!scores) return fm__fail_pixels(err, mask->height, mask->width);
  fm_plane plane = fm_plane_make(scores, FM_F32, mask->height, mask->width);
  application scored = *a;
  scored.image.strata = (fm_plane){.data = NULL};
  fm_status status = fm__score_map(a->filter->rank, &planes, scores, err);
  if (!status) status = fm__plane_read(&scored.image.loss, &plane, FM__LOSS_TYPES, "scores", err);
  if (!status) status = judge(&scored, report, err);
  fm__free(context, scores);
  return status;
}

static fm_status apply(const application *a, fm_filter_report *report, fm_error *err) {
  size_t report_size;
  fm_status status = FM_OK;
  if (report)
    status = FM__RESULT_CHECK(report, fm_filter_report, stratum_dropped, &report_size, err);
  if (status) return status;
  return a->filter->rank ? judge_scores(a, report, err) : judge(a, report, err);
}

/* ---- Filtering and weighing ----------------------------------------------------- */

fm_status fm_filter_apply(const fm_filter *filter, const fm_plane *mask, const fm_plane *loss,
                          const fm_extra_planes *extra, const fm_plane *filtered,
                          fm_filter_report *report, fm_error *err) {
  if (!filter) return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_apply: filter is NULL");
  application a = {.filter = filter};
  fm_status status =
      read_planes(&a, mask, loss, extra, filtered, FM__MASK_TYPES, "filtered mask", err);
  a.verdicts.dropped = (uint64_t)fm_labels_ignore_label_in(filter->labels, a.verdicts.out.dtype);
  if (!status) status = check_ignore_label(filter->labels, a.verdicts.out.dtype, err);
  return status ? status : apply(&a, report, err);
}

fm_status fm_filter_weigh(const fm_filter *filter, const fm_plane *mask, const fm_plane *loss,
                          const fm_extra_planes *extra, const fm_weight_options *options,
                          const fm_plane *weights, fm_filter_report *report, fm_error *err) {
  if (!filter) return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_weigh: filter is NULL");
  application a = {.filter = filter, .verdicts = {.weights = true}};
  fm_weight_options o;
  fm_status status = read_planes(&a, mask, loss, extra, weights, FM__WEIGHT_TYPES, "weights", err);
  if (!status) status = fm__weight_options_read(&o, options, &a.verdicts.out, err);
  if (status) return status;
  a.verdicts.kept = fm__weight_bits(1, a.verdicts.out.dtype);
  a.verdicts.dropped = fm__weight_bits(o.dropped, a.verdicts.out.dtype);
  if (o.kind != FM_WEIGHT_STEP) a.soft = &o;
  return apply(&a, report, err);
}
