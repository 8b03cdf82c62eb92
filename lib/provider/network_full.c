/* provider/network_full.c - cross-entropy of logits that have the mask's size already.
 *
 * Memory is read once: terms are taken relative to the label's own logit, which makes
 * their sum's logarithm the loss, without a pass for the maximum. */
#include <math.h>
#include <string.h>

#include "provider/network_loss.h"

/* Sums from here on may lack terms that were cut, and NaN stands for values that are not
 * finite. */
static const float LARGEST_SUM = 1e37F;

typedef struct row {
  int64_t y, x;
  size_t n;
  const int32_t *classes;
  float *sums;
  float *base;  /* [n] */
  float *spare; /* [2 * n] */
} row;

/* The labels' own values lie all over memory: a few cache lines are on their way at once. */
static void announce_base(const fm__job *job, const row *r) {
#if defined(__GNUC__)
  for (size_t i = 0; i < r->n; i++) {
    int32_t k = r->classes[i];
    if (k >= 0 && (i % 16 == 0 || k != r->classes[i - 1]))
      __builtin_prefetch(
          fm__voxel(&job->output, fm__channel_of(job->model, k), r->y, r->x + (int64_t)i));
  }
#else
  (void)job;
  (void)r;
#endif
}

static void read_base(const fm__job *job, const row *r) {
  const fm_volume *v = &job->output;
  int64_t element = (int64_t)fm_dtype_size((fm_dtype)v->dtype);
  announce_base(job, r);
  for (size_t i = 0; i < r->n; i++) {
    int32_t k = r->classes[i];
    r->base[i] = 0;
    if (k < 0) continue;
    const char *own = fm__voxel(v, fm__channel_of(job->model, k), r->y, r->x + (int64_t)i);
    if (v->dtype == FM_F32)
      memcpy(&r->base[i], own, sizeof *r->base);
    else
      fm__load_floats(own, element, v->dtype, 1, &r->base[i]);
  }
}

/* Pixels first .. first + n - 1. */
static void sum_part(const fm__job *job, const row *r, size_t first, size_t n, float *sums) {
  const fm_volume *v = &job->output;
  job->kernels->planar(fm__voxel(v, 0, r->y, r->x + (int64_t)first), v->dtype,
                       (ptrdiff_t)v->channel_stride, (size_t)v->channels, r->base + first, sums,
                       r->spare, n);
}

/* Pixels before memory is aligned, if channels are equally so. */
static size_t unaligned(const fm__job *job, const row *r) {
  const fm_volume *v = &job->output;
  size_t element = v->dtype == FM_F32 ? 4 : 2, bytes = job->kernels->lanes * element;
  size_t behind = (uintptr_t)fm__voxel(v, 0, r->y, r->x) & (bytes - 1); /* a power of two */
  bool alike = ((uint64_t)v->channel_stride & (bytes - 1)) == 0;
  if (!behind || behind % element || !alike) return 0;
  return (bytes - behind) / element;
}

/* The first pixels, up to aligned memory, and the last, fewer than a vector, go as vectors
 * that overlap the others. */
static void sum_planar(const fm__job *job, const row *r) {
  size_t lanes = job->kernels->lanes, head = unaligned(job, r);
  if (r->n < 4 * lanes) head = 0;
  size_t even = (r->n - head) & ~(lanes - 1), end = head + even; /* a power of two */
  float sums[FM__STAGE_ALIGN];
  if (head) sum_part(job, r, 0, lanes, sums);
  sum_part(job, r, head, even, r->sums + head);
  if (head) memcpy(r->sums, sums, head * sizeof *sums);
  if (end == r->n) return;
  sum_part(job, r, r->n - lanes, lanes, sums);
  memcpy(r->sums + end, sums + (lanes - (r->n - end)), (r->n - end) * sizeof *sums);
}

static void sum_pixels(const fm__job *job, const row *r) {
  const fm_volume *v = &job->output;
  size_t channels = (size_t)v->channels;
  for (size_t i = 0; i < r->n; i++) {
    if (r->classes[i] < 0) continue;
    fm__load_floats(fm__voxel(v, 0, r->y, r->x + (int64_t)i), v->channel_stride, v->dtype, channels,
                    job->scratch);
    r->sums[i] = job->kernels->pixel(job->scratch, channels, r->base[i]);
  }
}

/* Pixels whose sum cannot be trusted are done again: their sum becomes 1, and `out` the
 * loss; that of others 0. */
static fm_status redo_odd(fm__job *job, const row *r, float *out, fm_error *err) {
  for (size_t i = 0; i < r->n; i++) {
    out[i] = 0;
    if (r->classes[i] < 0 || r->sums[i] < LARGEST_SUM) continue;
    double loss;
    fm_status status = fm__exact_logits(job, r->y, r->x + (int64_t)i, r->classes[i], &loss, err);
    if (status) return status;
    r->sums[i] = 1;
    out[i] = (float)loss;
  }
  return FM_OK;
}

static fm_status finish(fm__job *job, const row *r, float *out, fm_error *err) {
  size_t lanes = job->kernels->lanes, padded = (r->n + lanes - 1) / lanes * lanes;
  int odd = 0;
  for (size_t i = 0; i < r->n; i++) odd |= !(r->sums[i] < LARGEST_SUM);
  fm_status status = odd ? redo_odd(job, r, out, err) : FM_OK;
  if (status) return status;
  for (size_t i = r->n; i < padded; i++) r->sums[i] = 1;
  job->kernels->logarithms(r->sums, padded);
  for (size_t i = 0; i < r->n; i++) {
    float loss = r->sums[i] + (odd ? out[i] : 0);
    out[i] = r->classes[i] < 0 || !(loss > 0) ? 0 : loss;
  }
  return FM_OK;
}

fm_status fm__strip_logits_full(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                                fm_error *err) {
  bool planar = job->output.col_stride == (int64_t)fm_dtype_size((fm_dtype)job->output.dtype) &&
                (size_t)(end - x) >= job->kernels->lanes;
  float *base = (float *)job->base; /* twice as wide as needed */
  for (int j = 0; j < ny; j++) {
    size_t at = (size_t)j * FM__STRIP_ROOM;
    row r = {y + j, x, (size_t)(end - x), job->classes + at, job->sums + at, base, job->scratch};
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
