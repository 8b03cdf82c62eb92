/* network/fused.c - feeds statistics and filters from an output, a part of the mask at a time. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "dsp/tile.h"
#include "filter/filter.h"
#include "labels/score.h"
#include "network/network_loss.h"

/* ---- Parts ---------------------------------------------------------------------- */

/* A call's inputs: the output and the mask in the job, and the extra planes. */
typedef struct inputs {
  fm__job job;
  fm_plane strata; /* data NULL: none */
  fm__reference reference;
} inputs;

/* A rectangle of the mask, and its losses. */
typedef struct part {
  int64_t y, height, x, width;
  fm_plane mask, loss, strata;
  fm_extra_planes extra; /* points to the strata */
} part;

static fm_plane cut(const fm_plane *plane, const part *p) {
  fm_plane rectangle = *plane;
  if (plane->data) rectangle.data = fm__pixel(plane, p->y, p->x);
  rectangle.height = p->height;
  rectangle.width = p->width;
  return rectangle;
}

/* Fills in the planes of a part whose rectangle is set; its losses will lie packed in `memory`. */
static void make_part(part *p, const inputs *in, float *memory) {
  fm_plane packed = fm_plane_make(memory, FM_F32, p->height, p->width);
  (void)fm__plane_read(&p->loss, &packed, FM__BIT(FM_F32), "loss", NULL);
  p->mask = cut(&in->job.mask, p);
  p->strata = cut(&in->strata, p);
  p->extra = (fm_extra_planes){.size = sizeof p->extra};
  if (in->strata.data) p->extra.strata = &p->strata;
  if (!in->reference.real.data) return;
  p->extra.reference = &in->reference.real; /* of the whole image, as the part */
  p->extra.siblings = in->reference.siblings;
  p->extra.sibling_count = in->reference.sibling_count;
  p->extra.reference_ranks = in->reference.ranks;
}

typedef fm_status use_fn(const part *p, void *state, fm_error *err);

/* Each strip, in parts of at most FM__PART_PIXELS. */
static fm_status each_part(inputs *in, float *memory, use_fn *use, void *state, fm_error *err) {
  fm__job *job = &in->job;
  for (int64_t x = 0, stop; x < job->mask.width; x = stop) {
    stop = fm__job_strip(job, x);
    for (int64_t y = 0, end; y < job->mask.height; y = end) {
      end = fm__job_cut(job, y, FM__PART_PIXELS / (stop - x));
      part p = {.y = y, .height = end - y, .x = x, .width = stop - x};
      make_part(&p, in, memory);
      fm_status status = fm__job_losses(job, x, stop, y, end, &p.loss, err);
      if (!status) status = use(&p, state, err);
      if (status) return status;
    }
  }
  return FM_OK;
}

static fm_status use_whole(inputs *in, float *memory, use_fn *use, void *state, fm_error *err) {
  part p = {.height = in->job.mask.height, .width = in->job.mask.width};
  make_part(&p, in, memory);
  fm_status status = fm__job_rows(&in->job, 0, p.height, &p.loss, err);
  return status ? status : use(&p, state, err);
}

/* Passes all losses on, at once or in parts. */
static fm_status walk(inputs *in, bool at_once, use_fn *use, void *state, fm_error *err) {
  const fm_context *context = in->job.model->labels->context;
  int64_t height = in->job.mask.height, width = in->job.mask.width;
  if (!at_once && height * width > FM__PART_PIXELS) {
    height = 1;
    width = FM__PART_PIXELS;
  }
  float *memory = fm__alloc_pixels(context, height, width, sizeof *memory);
  if (!memory) return fm__fail_pixels(err, height, width);
  fm_status status =
      at_once ? use_whole(in, memory, use, state, err) : each_part(in, memory, use, state, err);
  fm__free(context, memory);
  return status;
}

/* ---- Inputs --------------------------------------------------------------------- */

static fm_status check_labels_agree(const fm_network_loss *model, const fm_labels *labels,
                                    fm_error *err) {
  if (model->labels == labels ||
      fm_labels_fingerprint(model->labels) == fm_labels_fingerprint(labels))
    return FM_OK;
  return fm__fail(err, FM_ERR_MISMATCH, "label spaces differ (%s, %s)", model->labels->name,
                  labels->name);
}

/* Finds the first stratum out of range at a pixel that has a class. */
static fm_status check_strata(const inputs *in, int32_t count, fm_error *err) {
  const fm_plane *mask = &in->job.mask;
  fm__lookup lookup = fm__labels_lookup(in->job.model->labels);
  int32_t classes[FM__TILE];
  uint8_t strata[FM__TILE];
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x += FM__TILE) {
      size_t n = fm__tile_length(mask, x);
      fm__tile_classes(mask, &lookup, y, x, n, classes);
      fm__tile_bytes(&in->strata, y, x, n, strata);
      for (size_t i = 0; i < n; i++)
        if (classes[i] >= 0 && strata[i] >= count)
          return fm__fail(err, FM_ERR_ARGUMENT,
                          "strata: %d at pixel (x %" PRId64 ", y %" PRId64 "), expected 0 to %d",
                          (int)strata[i], x + (int64_t)i, y, (int)count - 1);
    }
  return FM_OK;
}

/* On success the job is open. */
static fm_status open_inputs(inputs *in, const fm_network_loss *model, const fm_labels *labels,
                             const fm_network_output *output, const fm_plane *mask,
                             const fm_extra_planes *extra, const fm__score *rank, int32_t strata,
                             fm_error *err) {
  memset(in, 0, sizeof *in);
  fm_status status = check_labels_agree(model, labels, err);
  if (!status) status = fm__job_open(&in->job, model, output, mask, err);
  if (status) return status;
  if (rank) strata = (int32_t)rank->ranks->strata;
  status =
      fm__extra_read(&in->strata, rank ? &in->reference : NULL, extra, strata, &in->job.mask, err);
  if (!status && in->strata.data) status = check_strata(in, strata, err);
  if (status) fm__job_close(&in->job);
  return status;
}

/* ---- Statistics ----------------------------------------------------------------- */

static fm_status add_part(const part *p, void *state, fm_error *err) {
  return fm_class_stats_add(state, &p->mask, &p->loss, &p->extra, err);
}

fm_status fm_class_stats_add_output(fm_class_stats *stats, const fm_network_loss *network_loss,
                                    const fm_network_output *output, const fm_plane *mask,
                                    const fm_extra_planes *extra, fm_error *err) {
  if (!stats || !network_loss)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_add_output: an argument is NULL");
  inputs in;
  fm_status status = open_inputs(&in, network_loss, stats->labels, output, mask, extra, stats->rank,
                                 (int32_t)stats->strata, err);
  if (status) return status;
  fm_class_stats *image;
  status = fm__class_stats_create_like(stats, &image, err);
  if (!status) {
    status = walk(&in, stats->rank != NULL, add_part, image, err);
    image->images = 1; /* its parts are one image */
    if (!status) status = fm_class_stats_merge(stats, image, err);
    fm_class_stats_destroy(image);
  }
  fm__job_close(&in.job);
  return status;
}

/* ---- Filter --------------------------------------------------------------------- */

/* A filter's results, kept until all parts are done. */
typedef struct filtering {
  const fm_filter *filter;
  bool weights; /* instead of labels */
  const fm_weight_options *weight_options;
  fm_plane result; /* packed */
  int64_t *counts; /* [cells][2]: valid and dropped of all parts; [2][cells]: the same of one */
} filtering;

static fm_status filter_part(const part *p, void *state, fm_error *err) {
  filtering *f = state;
  fm_plane out = cut(&f->result, p);
  size_t cells = fm__filter_cells(f->filter);
  int64_t *here = f->counts + 2 * cells;
  fm_filter_report report = {
      .size = sizeof report, .stratum_valid = here, .stratum_dropped = here + cells};
  fm_status status =
      f->weights ? fm_filter_weigh(f->filter, &p->mask, &p->loss, &p->extra, f->weight_options,
                                   &out, &report, err)
                 : fm_filter_apply(f->filter, &p->mask, &p->loss, &p->extra, &out, &report, err);
  for (size_t i = 0; i < cells && !status; i++) {
    f->counts[2 * i] += here[i];
    f->counts[2 * i + 1] += here[cells + i];
  }
  return status;
}

static void deliver(const filtering *f, const fm_plane *out) {
  size_t element = fm_dtype_size((fm_dtype)out->dtype);
  for (int64_t y = 0; y < out->height; y++)
    for (int64_t x = 0; x < out->width; x++)
      memcpy(fm__pixel(out, y, x), fm__pixel(&f->result, y, x), element);
}

/* Allocates the result and the counts; what was allocated is in `f`, on failure too. */
static fm_status reserve(filtering *f, const fm_plane *out, fm_error *err) {
  const fm_context *context = f->filter->labels->context;
  size_t count = 4 * fm__filter_cells(f->filter);
  f->counts = fm__alloc_zeroed(context, count, sizeof *f->counts);
  if (!f->counts) return fm__fail_memory(err, count * sizeof *f->counts);
  size_t element = fm_dtype_size((fm_dtype)out->dtype);
  void *memory = fm__alloc_pixels(context, out->height, out->width, element);
  if (!memory) return fm__fail_pixels(err, out->height, out->width);
  fm_plane packed = fm_plane_make(memory, (fm_dtype)out->dtype, out->height, out->width);
  return fm__plane_read(&f->result, &packed, ~0U, "result", err);
}

static fm_status run(filtering *f, inputs *in, const fm_plane *out, fm_filter_report *report,
                     fm_error *err) {
  fm_status status = reserve(f, out, err);
  /* A floor is a share of the whole image's pixels, and a score looks at the pixels around. */
  bool at_once = f->filter->options.min_kept_share > 0 || f->filter->rank;
  if (!status) status = walk(in, at_once, filter_part, f, err);
  if (!status) {
    deliver(f, out);
    if (report) fm__filter_write_report(f->filter, f->counts, report);
  }
  const fm_context *context = f->filter->labels->context;
  fm__free(context, f->result.data);
  fm__free(context, f->counts);
  return status;
}

/* Finds what a part would be refused for in the whole plane, for its coordinates. */
static fm_status check_out(const filtering *f, const inputs *in, const fm_plane *out,
                           const char *out_name, fm_error *err) {
  const fm_plane *mask = &in->job.mask;
  bool in_place = !f->weights && out->dtype == mask->dtype;
  fm_status status = fm__job_check_output(&in->job, out, out_name, in_place, err);
  if (!status && in->strata.data)
    status = fm__check_output(out, out_name, &in->strata, "strata", false, err);
  if (!status) status = fm__reference_check_output(&in->reference, out, out_name, err);
  if (!status && !f->weights) status = fm__filter_check_labels(f->filter, mask, out->dtype, err);
  return status;
}

static fm_status filter_output(filtering *f, const fm_network_loss *network_loss,
                               const fm_network_output *output, const fm_plane *mask,
                               const fm_extra_planes *extra, const fm_plane *out,
                               fm_filter_report *report, const char *function, fm_error *err) {
  if (!f->filter || !network_loss)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: an argument is NULL", function);
  const char *out_name = f->weights ? "weights" : "filtered mask";
  unsigned types = f->weights ? FM__WEIGHT_TYPES : FM__MASK_TYPES;
  size_t report_size;
  fm_plane known;
  fm_status status = FM_OK;
  if (report)
    status = FM__RESULT_CHECK(report, fm_filter_report, stratum_dropped, &report_size, err);
  if (!status) status = fm__output_read(&known, out, types, out_name, err);
  if (status) return status;
  inputs in;
  status = open_inputs(&in, network_loss, f->filter->labels, output, mask, extra, f->filter->rank,
                       f->filter->strata, err);
  if (status) return status;
  status = check_out(f, &in, &known, out_name, err);
  if (!status) status = run(f, &in, &known, report, err);
  fm__job_close(&in.job);
  return status;
}

fm_status fm_filter_apply_output(const fm_filter *filter, const fm_network_loss *network_loss,
                                 const fm_network_output *output, const fm_plane *mask,
                                 const fm_extra_planes *extra, const fm_plane *filtered,
                                 fm_filter_report *report, fm_error *err) {
  filtering f = {.filter = filter};
  return filter_output(&f, network_loss, output, mask, extra, filtered, report,
                       "fm_filter_apply_output", err);
}

fm_status fm_filter_weigh_output(const fm_filter *filter, const fm_network_loss *network_loss,
                                 const fm_network_output *output, const fm_plane *mask,
                                 const fm_extra_planes *extra, const fm_weight_options *options,
                                 const fm_plane *weights, fm_filter_report *report, fm_error *err) {
  filtering f = {.filter = filter, .weights = true, .weight_options = options};
  return filter_output(&f, network_loss, output, mask, extra, weights, report,
                       "fm_filter_weigh_output", err);
}
