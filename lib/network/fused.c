/* network/fused.c - filter and statistics fed from a few losses at a time. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/view.h"
#include "dsp/tile.h"
#include "filter/filter.h"
#include "labels/class_stats.h"
#include "network/network_loss.h"

/* A rectangle of the mask: rows y .. , columns x .. */
typedef struct part {
  int64_t y, height, x, width;
} part;

static fm_plane part_of(const fm_plane *plane, const part *at) {
  fm_plane cut = *plane;
  cut.data = fm__pixel(plane, at->y, at->x);
  cut.height = at->height;
  cut.width = at->width;
  return cut;
}

typedef fm_status use_fn(const fm_plane *mask, const fm_plane *loss, const part *at, void *state,
                         fm_error *err);

typedef fm_status use_fn(const fm_plane *mask, const fm_plane *loss, const part *at, void *state,
                         fm_error *err);

/* Losses of a part, packed. */
static fm_plane losses_of(float *memory, const part *at) {
  fm_plane loss, packed = fm_plane_make(memory, FM_F32, at->height, at->width);
  (void)fm__plane_read(&loss, &packed, FM__BIT(FM_F32), "loss", NULL);
  return loss;
}

/* Each strip, in parts of at most FM__PART_PIXELS. */
static fm_status each_part(fm__job *job, float *memory, use_fn *use, void *state, fm_error *err) {
  for (int64_t x = 0, stop; x < job->mask.width; x = stop) {
    stop = fm__job_strip(job, x);
    for (int64_t y = 0, end; y < job->mask.height; y = end) {
      end = fm__job_cut(job, y, FM__PART_PIXELS / (stop - x));
      part at = {y, end - y, x, stop - x};
      fm_plane mask = part_of(&job->mask, &at), loss = losses_of(memory, &at);
      fm_status status = fm__job_losses(job, x, stop, y, end, &loss, err);
      if (!status) status = use(&mask, &loss, &at, state, err);
      if (status) return status;
    }
  }
  return FM_OK;
}

static fm_status whole(fm__job *job, float *memory, use_fn *use, void *state, fm_error *err) {
  part all = {0, job->mask.height, 0, job->mask.width};
  fm_plane loss = losses_of(memory, &all);
  fm_status status = fm__job_rows(job, 0, all.height, &loss, err);
  return status ? status : use(&job->mask, &loss, &all, state, err);
}

/* Hands all losses on, at once or in parts. */
static fm_status walk(fm__job *job, bool at_once, use_fn *use, void *state, fm_error *err) {
  const fm_context *context = job->model->labels->context;
  int64_t pixels = job->mask.height * job->mask.width;
  if (!at_once && pixels > FM__PART_PIXELS) pixels = FM__PART_PIXELS;
  float *memory = NULL;
  if ((uint64_t)pixels <= SIZE_MAX / sizeof *memory)
    memory = fm__alloc(context, (size_t)pixels * sizeof *memory);
  if (!memory) return fm__fail(err, FM_ERR_MEMORY, "out of memory for %" PRId64 " losses", pixels);
  fm_status status =
      at_once ? whole(job, memory, use, state, err) : each_part(job, memory, use, state, err);
  fm__free(context, memory);
  return status;
}

static fm_status check_labels_agree(const fm_network_loss *model, const fm_labels *labels,
                                    fm_error *err) {
  if (model->labels == labels ||
      fm_labels_fingerprint(model->labels) == fm_labels_fingerprint(labels))
    return FM_OK;
  return fm__fail(err, FM_ERR_MISMATCH, "label spaces differ (%s, %s)", model->labels->name,
                  labels->name);
}

/* ---- Statistics ----------------------------------------------------------------- */

static fm_status add_part(const fm_plane *mask, const fm_plane *loss, const part *at, void *state,
                          fm_error *err) {
  (void)at;
  return fm_class_stats_add(state, mask, loss, err);
}

fm_status fm_network_loss_add(const fm_network_loss *network_loss, const fm_volume *output,
                              const fm_plane *mask, fm_class_stats *stats, fm_error *err) {
  if (!network_loss || !stats)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_network_loss_add: an argument is NULL");
  fm_status status = check_labels_agree(network_loss, stats->labels, err);
  fm_class_stats *image = NULL;
  if (!status) status = fm__class_stats_create_like(stats, &image, err);
  if (status) return status;
  fm__job job;
  status = fm__job_open(&job, network_loss, output, NULL, mask, err);
  if (!status) {
    status = walk(&job, false, add_part, image, err);
    image->images = 1; /* its parts are one image */
    if (!status) status = fm_class_stats_merge(stats, image, err);
    fm__job_close(&job);
  }
  fm_class_stats_destroy(image);
  return status;
}

/* ---- Filter --------------------------------------------------------------------- */

typedef struct filtering {
  const fm_filter *filter;
  fm_plane result;        /* packed, in our memory until all is well */
  fm_filter_report total; /* of all parts, and its arrays */
  fm_filter_report partial;
} filtering;

static fm_status filter_part(const fm_plane *mask, const fm_plane *loss, const part *at,
                             void *state, fm_error *err) {
  filtering *f = state;
  fm_plane out = part_of(&f->result, at);
  fm_status status = fm_filter_apply(f->filter, mask, loss, NULL, &out, &f->partial, err);
  if (status) return status;
  f->total.valid += f->partial.valid;
  f->total.dropped += f->partial.dropped;
  for (int32_t k = 0; k < f->filter->labels->class_count; k++) {
    f->total.class_valid[k] += f->partial.class_valid[k];
    f->total.class_dropped[k] += f->partial.class_dropped[k];
  }
  return FM_OK;
}

static void deliver(const filtering *f, const fm_plane *filtered, fm_filter_report *report) {
  size_t element = fm_dtype_size((fm_dtype)filtered->dtype);
  for (int64_t y = 0; y < filtered->height; y++)
    for (int64_t x = 0; x < filtered->width; x++)
      memcpy(fm__pixel(filtered, y, x), fm__pixel(&f->result, y, x), element);
  if (!report) return;
  size_t size = (size_t)f->filter->labels->class_count * sizeof(int64_t);
  report->valid = f->total.valid;
  report->dropped = f->total.dropped;
  if (report->class_valid) memcpy(report->class_valid, f->total.class_valid, size);
  if (report->class_dropped) memcpy(report->class_dropped, f->total.class_dropped, size);
}

static fm_status filter_job(fm__job *job, const fm_filter *filter, const fm_plane *filtered,
                            fm_filter_report *report, fm_error *err) {
  const fm_context *context = job->model->labels->context;
  size_t classes = (size_t)filter->labels->class_count;
  size_t pixels = (size_t)filtered->height * (size_t)filtered->width;
  size_t element = fm_dtype_size((fm_dtype)filtered->dtype);
  int64_t *counts = fm__alloc_zeroed(context, 4 * classes, sizeof *counts);
  void *memory = fm__alloc_array(context, pixels, element);
  filtering f = {.filter = filter};
  fm_status status = FM_OK;
  if (!counts || !memory) {
    status = fm__fail_memory(err, pixels * element + 4 * classes * sizeof *counts);
  } else {
    fm_plane packed =
        fm_plane_make(memory, (fm_dtype)filtered->dtype, filtered->height, filtered->width);
    (void)fm__plane_read(&f.result, &packed, FM__MASK_TYPES, "filtered mask", NULL);
    fm_filter_report total = {
        .size = sizeof total, .class_valid = counts, .class_dropped = counts + classes};
    fm_filter_report partial = {.size = sizeof partial,
                                .class_valid = counts + 2 * classes,
                                .class_dropped = counts + 3 * classes};
    f.total = total;
    f.partial = partial;
    /* A floor is a share of the whole image's pixels. */
    status = walk(job, filter->options.min_kept_share > 0, filter_part, &f, err);
    if (!status) deliver(&f, filtered, report);
  }
  fm__free(context, memory);
  fm__free(context, counts);
  return status;
}

fm_status fm_network_loss_filter(const fm_network_loss *network_loss, const fm_volume *output,
                                 const fm_filter *filter, const fm_plane *mask,
                                 const fm_plane *filtered, fm_filter_report *report,
                                 fm_error *err) {
  if (!network_loss || !filter)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_network_loss_filter: an argument is NULL");
  if (report && report->size < sizeof *report)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_report: size is %zu, expected %zu",
                    report->size, sizeof *report);
  fm_plane known;
  fm_status status = check_labels_agree(network_loss, filter->labels, err);
  if (!status) status = fm__plane_read(&known, filtered, FM__MASK_TYPES, "filtered mask", err);
  if (status) return status;
  fm__job job;
  status = fm__job_open(&job, network_loss, output, NULL, mask, err);
  if (status) return status;
  status = fm__same_size(&job.mask, "mask", &known, "filtered mask", err);
  if (!status && known.dtype != job.mask.dtype)
    status = fm__fail(err, FM_ERR_ARGUMENT, "the filtered mask's dtype differs from the mask's");
  if (!status) status = filter_job(&job, filter, &known, report, err);
  fm__job_close(&job);
  return status;
}
