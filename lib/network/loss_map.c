/* network/loss_map.c - writes a loss map completely or not at all.
 *
 * A bad value may be in the last row. The map's former contents are therefore saved for as many
 * rows as memory allows, and the rows below are known to be good before the first row is
 * written. */
#include <float.h>
#include <string.h>

#include "core/fail.h"
#include "core/view.h"
#include "dsp/tile.h"
#include "network/network_loss.h"

/* The map's former values, row after row. */
typedef struct journal {
  float *values;
  int64_t rows;
} journal;

static fm_status open_journal(journal *j, const fm__job *job, const fm_plane *loss, fm_error *err) {
  size_t row = (size_t)loss->width * sizeof *j->values;
  size_t left = job->memory_size < FM__WORK_BYTES ? FM__WORK_BYTES - job->memory_size : 0;
  int64_t fit = (int64_t)(left / row);
  j->rows = fit < FM__BLOCK && fit < loss->height ? 0 : fm__job_cut(job, 0, fit);
  j->values = NULL;
  if (!j->rows) return FM_OK;
  j->values = fm__alloc(job->model->labels->context, (size_t)j->rows * row);
  if (!j->values) return fm__fail_memory(err, (size_t)j->rows * row);
  for (int64_t y = 0; y < j->rows; y++)
    fm__load_floats(fm__pixel(loss, y, 0), loss->col_stride, FM_F32, (size_t)loss->width,
                    j->values + y * loss->width);
  return FM_OK;
}

static void restore(const journal *j, const fm_plane *loss) {
  for (int64_t y = 0; y < j->rows; y++)
    for (int64_t x = 0; x < loss->width; x++)
      memcpy(fm__pixel(loss, y, x), &j->values[y * loss->width + x], sizeof *j->values);
}

/* Logits within these can be neither too far apart for a float nor too large to be resized: a
 * difference of four taps causes less doubt than FM__DOUBT. Masked logits are often -1e9. */
static const float LEAST_LOGIT = -1.02e9F, LARGEST_LOGIT = 5e7F;

/* Whether all values of the output's rows first to last are valid and make finite losses. */
static bool all_regular(fm__job *job, int64_t first, int64_t last) {
  const fm_volume *v = &job->values;
  bool logits = job->model->options.kind == FM_OUTPUT_LOGITS;
  float most = logits ? LARGEST_LOGIT : FLT_MAX;
  float least = logits ? LEAST_LOGIT : job->class_logits.data ? -FLT_MAX : 0;
  for (int64_t c = 0; c < v->channels; c++)
    for (int64_t y = first; y <= last; y++)
      for (int64_t x = 0; x < v->width; x += FM__STRIP) {
        size_t n = v->width - x < FM__STRIP ? (size_t)(v->width - x) : FM__STRIP;
        const float *values = fm__floats(job, fm__voxel(v, c, y, x), n);
        if (!job->kernels->regular(values, n, least, most)) return false;
      }
  return true;
}

/* Fails unless rows from `first` on cannot fail. An irregular value may have no weight: then a run
 * without output decides. */
static fm_status check_rows(fm__job *job, int64_t first, fm_error *err) {
  if (first == job->mask.height) return FM_OK;
  int64_t low = fm__axis_span(&job->down, first, first + 1).low;
  if (all_regular(job, low, job->down.last)) return FM_OK;
  fm_plane nowhere = {0};
  return fm__job_rows(job, first, job->mask.height, &nowhere, err);
}

static fm_status map(fm__job *job, const fm_plane *loss, fm_error *err) {
  journal j;
  fm_status status = open_journal(&j, job, loss, err);
  if (status) return status;
  status = check_rows(job, j.rows, err);
  if (!status) {
    status = fm__job_rows(job, 0, j.rows, loss, err);
    if (status) restore(&j, loss);
  }
  if (!status && j.rows < loss->height) {
    fm_plane rest = *loss;
    rest.data = fm__pixel(loss, j.rows, 0);
    status = fm__job_rows(job, j.rows, loss->height, &rest, err);
  }
  fm__free(job->model->labels->context, j.values);
  return status;
}

fm_status fm_network_loss_map(const fm_network_loss *network_loss, const fm_network_output *output,
                              const fm_plane *mask, const fm_plane *loss, fm_error *err) {
  if (!network_loss)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_network_loss_map: network_loss is NULL");
  fm_plane known;
  fm_status status = fm__output_read(&known, loss, FM__BIT(FM_F32), "loss map", err);
  if (status) return status;
  fm__job job;
  status = fm__job_open(&job, network_loss, output, mask, err);
  if (status) return status;
  status = fm__job_check_output(&job, &known, "loss map", false, err);
  if (!status) status = map(&job, &known, err);
  fm__job_close(&job);
  return status;
}
