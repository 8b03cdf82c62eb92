/* provider/network_scores.c - the kinds that are linear before the logarithm, and sigmoids.
 *
 * Resizing and summing over channels commute, so the sums are taken at the output's own
 * resolution and only they and the label's channel are resized. */
#include <math.h>

#include "dsp/tile.h"
#include "provider/network_loss.h"

static bool is_share(float value) { return value >= 0 && isfinite(value); }

static double capped_loss(const fm__job *job, double share) {
  double floor = job->model->options.floor;
  double loss = -log(share > floor ? share : floor);
  return loss > 0 ? loss : 0;
}

/* The resized value of one channel, all of whose parts are shares. */
static fm_status share_at(const fm__job *job, const fm__taps *taps, int32_t channel, double *share,
                          fm_error *err) {
  *share = 0;
  for (int i = 0; i < taps->count; i++) {
    const fm__tap *tap = &taps->at[i];
    float value = fm__voxel_value(&job->output, channel, tap->y, tap->x);
    if (!is_share(value)) return fm__value_fail(job, channel, tap->y, tap->x, err);
    *share += tap->weight * (double)value;
  }
  return FM_OK;
}

typedef fm_status pixel_fn(fm__job *job, int64_t y, int64_t x, int32_t class_index, double *loss,
                           fm_error *err);

static fm_status each_pixel(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                            pixel_fn *pixel, fm_error *err) {
  for (int j = 0; j < ny; j++)
    for (int64_t i = x; i < end; i++) {
      size_t at = (size_t)j * FM__STRIP_ROOM + (size_t)(i - x);
      int32_t k = job->classes[at];
      double loss = 0;
      fm_status status = k < 0 ? FM_OK : pixel(job, y + j, i, k, &loss, err);
      if (status) return status;
      out[at] = (float)loss;
    }
  return FM_OK;
}

/* ---- Probabilities -------------------------------------------------------------- */

static fm_status probs_pixel(fm__job *job, int64_t y, int64_t x, int32_t class_index, double *loss,
                             fm_error *err) {
  fm__taps taps = fm__taps_of(job, y, x);
  double share;
  fm_status status = share_at(job, &taps, fm__channel_of(job->model, class_index), &share, err);
  if (!status) *loss = capped_loss(job, share);
  return status;
}

fm_status fm__strip_probs(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                          fm_error *err) {
  return each_pixel(job, y, ny, x, end, out, probs_pixel, err);
}

/* ---- One channel ---------------------------------------------------------------- */

/* log(1 + exp(z)) without overflow. */
static double softplus(double z) { return (z > 0 ? z : 0) + log1p(exp(-fabs(z))); }

static fm_status binary_pixel(fm__job *job, int64_t y, int64_t x, int32_t class_index, double *loss,
                              fm_error *err) {
  fm__taps taps = fm__taps_of(job, y, x);
  bool last = class_index == job->model->labels->class_count - 1;
  if (job->model->options.kind != FM_OUTPUT_LOGITS) {
    double share;
    fm_status status = share_at(job, &taps, 0, &share, err);
    if (!status) *loss = capped_loss(job, last ? share : 1 - share);
    return status;
  }
  double z = 0;
  for (int i = 0; i < taps.count; i++) {
    double value = (double)fm__voxel_value(&job->output, 0, taps.at[i].y, taps.at[i].x);
    if (!isfinite(value)) return fm__value_fail(job, 0, taps.at[i].y, taps.at[i].x, err);
    z += taps.at[i].weight * value;
  }
  *loss = softplus(last ? -z : z);
  return FM_OK;
}

fm_status fm__strip_binary(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                           fm_error *err) {
  return each_pixel(job, y, ny, x, end, out, binary_pixel, err);
}

/* ---- Scores --------------------------------------------------------------------- */

/* Adds a channel's values to the sums; a value that is no share makes its sum NaN. */
static void add_channel(const float *values, double *sums, size_t n) {
  for (size_t i = 0; i < n; i++) sums[i] += is_share(values[i]) ? (double)values[i] : (double)NAN;
}

/* The sums over all channels of an output row, in the stage. */
static const double *sums_of_row(fm__job *job, int64_t row, int64_t keep) {
  fm__stage *s = &job->stage;
  int slot = s->tags[0] == row ? 0 : s->tags[1] == row ? 1 : s->tags[0] == keep ? 1 : 0;
  double *sums = (double *)(void *)s->rows[slot];
  if (s->tags[slot] == row) return sums;
  s->tags[slot] = row;
  const fm_volume *v = &job->output;
  size_t n = (size_t)s->columns;
  for (size_t i = 0; i < n; i++) sums[i] = 0;
  for (int64_t c = 0; c < v->channels; c++) {
    fm__load_floats(fm__voxel(v, c, row, s->first), v->col_stride, v->dtype, n, job->sums);
    add_channel(job->sums, sums, n);
  }
  return sums;
}

/* The sum at a pixel whose staged sums hold a NaN: names the value, or leaves the taps
 * that have no weight out. */
static fm_status exact_sum(const fm__job *job, const fm__taps *taps, double *sum, fm_error *err) {
  *sum = 0;
  for (int32_t c = 0; c < job->output.channels; c++) {
    double share;
    fm_status status = share_at(job, taps, c, &share, err);
    if (status) return status;
    *sum += share;
  }
  return FM_OK;
}

static fm_status scores_pixel(fm__job *job, const double *const sums[2], const fm__span *rows,
                              int64_t y, int64_t x, int32_t class_index, double *loss,
                              fm_error *err) {
  fm__span columns = fm__axis_span(&job->across, x, x + 1);
  int64_t left = columns.low - job->stage.first, right = columns.high - job->stage.first;
  double first = sums[0][left] + rows->t * (sums[1][left] - sums[0][left]);
  double second = sums[0][right] + rows->t * (sums[1][right] - sums[0][right]);
  double sum = first + columns.t * (second - first), share;
  fm__taps taps = fm__taps_of(job, y, x);
  fm_status status = FM_OK;
  if (isnan(sum)) status = exact_sum(job, &taps, &sum, err);
  if (!status) status = share_at(job, &taps, fm__channel_of(job->model, class_index), &share, err);
  if (!status) *loss = capped_loss(job, sum > 0 ? share / sum : 0);
  return status;
}

fm_status fm__strip_scores(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                           fm_error *err) {
  for (int j = 0; j < ny; j++) {
    fm__span rows = fm__axis_span(&job->down, y + j, y + j + 1);
    const double *sums[2];
    sums[0] = sums_of_row(job, rows.low, rows.high);
    sums[1] = sums_of_row(job, rows.high, rows.low);
    for (int64_t i = x; i < end; i++) {
      size_t at = (size_t)j * FM__STRIP_ROOM + (size_t)(i - x);
      int32_t k = job->classes[at];
      double loss = 0;
      fm_status status = k < 0 ? FM_OK : scores_pixel(job, sums, &rows, y + j, i, k, &loss, err);
      if (status) return status;
      out[at] = (float)loss;
    }
  }
  return FM_OK;
}
