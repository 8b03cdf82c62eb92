/* network/fused.c - filter and statistics fed from a few rows of losses. */
#include <string.h>

#include "core/fail.h"
#include "core/view.h"
#include "dsp/tile.h"
#include "filter/filter.h"
#include "labels/class_stats.h"
#include "network/network_loss.h"

/* Losses of some rows at a time, in memory of a fixed size. */
typedef struct rows {
  float *losses;
  int64_t count; /* rows that fit */
} rows;

static fm_status open_rows(rows *r, const fm__job *job, bool all, fm_error *err) {
  size_t row = (size_t)job->mask.width * sizeof *r->losses;
  r->count = (int64_t)(FM__ROWS_BYTES / row);
  if (r->count < FM__BLOCK) r->count = FM__BLOCK;
  if (all || r->count > job->mask.height) r->count = job->mask.height;
  r->losses = fm__alloc_array(job->model->labels->context, (size_t)r->count, row);
  return r->losses ? FM_OK : fm__fail_memory(err, (size_t)r->count * row);
}

/* Rows first .. of a plane. */
static fm_plane part_of(const fm_plane *plane, int64_t first, int64_t count) {
  fm_plane part = *plane;
  part.data = fm__pixel(plane, first, 0);
  part.height = count;
  return part;
}

typedef fm_status use_fn(const fm_plane *mask, const fm_plane *loss, int64_t first, void *state,
                         fm_error *err);

static fm_status each_rows(fm__job *job, bool all, use_fn *use, void *state, fm_error *err) {
  rows r;
  fm_status status = open_rows(&r, job, all, err);
  for (int64_t y = 0; !status && y < job->mask.height; y += r.count) {
    int64_t left = job->mask.height - y, n = left < r.count ? left : r.count;
    fm_plane mask = part_of(&job->mask, y, n), loss;
    fm_plane packed = fm_plane_make(r.losses, FM_F32, n, job->mask.width);
    (void)fm__plane_read(&loss, &packed, FM__BIT(FM_F32), "loss", NULL);
    status = fm__job_rows(job, y, y + n, &loss, err);
    if (!status) status = use(&mask, &loss, y, state, err);
  }
  fm__free(job->model->labels->context, r.losses);
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

static fm_status add_rows(const fm_plane *mask, const fm_plane *loss, int64_t first, void *state,
                          fm_error *err) {
  (void)first;
  return fm_class_stats_add(state, mask, loss, err);
}

fm_status fm_network_loss_add(const fm_network_loss *network_loss, const fm_volume *output,
                              const fm_plane *mask, fm_class_stats *stats, fm_error *err) {
  if (!network_loss || !stats)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_network_loss_add: an argument is NULL");
  fm_status status = check_labels_agree(network_loss, stats->labels, err);
  fm_class_stats *part = NULL;
  if (!status) status = fm__class_stats_create_like(stats, &part, err);
  if (status) return status;
  fm__job job;
  status = fm__job_open(&job, network_loss, output, NULL, mask, err);
  if (!status) {
    status = each_rows(&job, false, add_rows, part, err);
    part->images = 1; /* its rows are one image */
    if (!status) status = fm_class_stats_merge(stats, part, err);
    fm__job_close(&job);
  }
  fm_class_stats_destroy(part);
  return status;
}

/* ---- Filter --------------------------------------------------------------------- */

typedef struct filtering {
  const fm_filter *filter;
  fm_plane result;        /* packed, in our memory until all is well */
  fm_filter_report total; /* of all rows, and its arrays */
  fm_filter_report part;
} filtering;

static fm_status filter_rows(const fm_plane *mask, const fm_plane *loss, int64_t first, void *state,
                             fm_error *err) {
  filtering *f = state;
  fm_plane out = part_of(&f->result, first, mask->height);
  fm_status status = fm_filter_apply(f->filter, mask, loss, &out, &f->part, err);
  if (status) return status;
  f->total.valid += f->part.valid;
  f->total.dropped += f->part.dropped;
  for (int32_t k = 0; k < f->filter->labels->class_count; k++) {
    f->total.class_valid[k] += f->part.class_valid[k];
    f->total.class_dropped[k] += f->part.class_dropped[k];
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
    fm_filter_report total = {sizeof total, 0, 0, counts, counts + classes};
    fm_filter_report part = {sizeof part, 0, 0, counts + 2 * classes, counts + 3 * classes};
    f.total = total;
    f.part = part;
    /* A floor is a share of the whole image's pixels. */
    status = each_rows(job, filter->min_kept_share > 0, filter_rows, &f, err);
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
