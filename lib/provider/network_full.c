/* provider/network_full.c - cross-entropy of logits that have the mask's size already.
 *
 * Memory is read once: terms are taken relative to the label's own logit, which makes
 * their sum's logarithm the loss, without a pass for the maximum. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "provider/network_loss.h"

/* Sums from here on may lack terms that were cut. */
static const float LARGEST_SUM = 1e37F;

typedef struct row {
  int64_t y, x;
  size_t n;
  const int32_t *classes;
  float *sums;
  float *base, *lowest; /* [n] */
} row;

static void read_base(const fm__job *job, const row *r) {
  for (size_t i = 0; i < r->n; i++) {
    int32_t k = r->classes[i];
    r->base[i] = k < 0 ? 0
                       : fm__voxel_value(&job->output, fm__channel_of(job->model, k), r->y,
                                         r->x + (int64_t)i);
  }
}

/* The last pixels, fewer than a vector, go as a vector that ends with the row. */
static void sum_planar(const fm__job *job, const row *r) {
  const fm_volume *v = &job->output;
  size_t lanes = job->kernels->lanes, even = r->n / lanes * lanes;
  size_t channels = (size_t)v->channels;
  job->kernels->planar(fm__voxel(v, 0, r->y, r->x), v->dtype, v->channel_stride, channels, r->base,
                       r->sums, r->lowest, even);
  if (even == r->n) return;
  float sums[FM__STAGE_ALIGN], lowest[FM__STAGE_ALIGN];
  size_t back = r->n - lanes;
  job->kernels->planar(fm__voxel(v, 0, r->y, r->x + (int64_t)back), v->dtype, v->channel_stride,
                       channels, r->base + back, sums, lowest, lanes);
  memcpy(r->sums + even, sums + (even - back), (r->n - even) * sizeof *sums);
  memcpy(r->lowest + even, lowest + (even - back), (r->n - even) * sizeof *lowest);
}

static void sum_pixels(const fm__job *job, const row *r) {
  const fm_volume *v = &job->output;
  size_t channels = (size_t)v->channels;
  for (size_t i = 0; i < r->n; i++) {
    if (r->classes[i] < 0) continue;
    fm__load_floats(fm__voxel(v, 0, r->y, r->x + (int64_t)i), v->channel_stride, v->dtype, channels,
                    job->scratch);
    job->kernels->pixel(job->scratch, channels, r->base[i], &r->sums[i], &r->lowest[i]);
  }
}

/* Losses from sums; a pixel whose sum cannot be trusted is done again. */
static fm_status finish(fm__job *job, const row *r, float *out, fm_error *err) {
  for (size_t i = 0; i < r->n; i++) {
    bool good = r->sums[i] < LARGEST_SUM && r->lowest[i] >= -FLT_MAX;
    out[i] = good && r->classes[i] >= 0 ? r->sums[i] : 1;
    if (good || r->classes[i] < 0) continue;
    double loss;
    fm_status status = fm__exact_logits(job, r->y, r->x + (int64_t)i, r->classes[i], &loss, err);
    if (status) return status;
    out[i] = -1; /* is no sum: stands for the loss in base */
    r->base[i] = (float)loss;
  }
  size_t lanes = job->kernels->lanes, padded = (r->n + lanes - 1) / lanes * lanes;
  memcpy(r->sums, out, r->n * sizeof *out);
  for (size_t i = 0; i < padded; i++) r->sums[i] = i < r->n && out[i] > 0 ? out[i] : 1;
  job->kernels->logarithms(r->sums, padded);
  for (size_t i = 0; i < r->n; i++) {
    float loss = out[i] < 0 ? r->base[i] : r->sums[i];
    out[i] = loss > 0 ? loss : 0;
  }
  return FM_OK;
}

fm_status fm__strip_logits_full(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                                fm_error *err) {
  bool planar = job->output.col_stride == (int64_t)fm_dtype_size((fm_dtype)job->output.dtype) &&
                (size_t)(end - x) >= job->kernels->lanes;
  float *spare = (float *)job->base; /* twice as wide as needed */
  for (int j = 0; j < ny; j++) {
    size_t at = (size_t)j * FM__STRIP_ROOM;
    row r = {y + j,          x,     (size_t)(end - x),     job->classes + at,
             job->sums + at, spare, spare + FM__STRIP_ROOM};
    read_base(job, &r);
    if (planar)
      sum_planar(job, &r);
    else
      sum_pixels(job, &r);
    fm_status status = finish(job, &r, out + at, err);
    if (status) return status;
  }
  return FM_OK;
}
