/* network/logits_full.c - cross-entropy of logits that have the size of the mask.
 *
 * Memory is read once: terms are taken relative to the label's own logit, which makes
 * their sum's logarithm the loss, without a pass for the maximum. */
#include <math.h>
#include <string.h>

#include "network/network_loss.h"

/* Sums of this size and above may lack terms that were cut off; NaN comes from values that are not
 * finite. */
static const float LARGEST_SUM = 1e37F;

typedef struct row {
  int64_t y, x;
  size_t n;
  const int32_t *classes;
  float *sums;
  float *base;  /* [n], like the others rounded up to a multiple of the lanes */
  float *spare; /* [n] */
} row;

static size_t padded_to_lanes(const fm__job *job, size_t n) {
  size_t lanes = job->kernels->lanes;
  return (n + lanes - 1) & ~(lanes - 1); /* a power of two */
}

static const char *own_value(const fm__job *job, const row *r, size_t i) {
  int32_t channel = fm__channel_of(job->model, r->classes[i]);
  return fm__voxel(&job->values, channel, r->y, r->x + (int64_t)i);
}

/* The labels' own values lie all over memory: this fetches several cache lines at a time. The labels
 * in between are mostly the same. */
static void announce_base(const fm__job *job, const row *r) {
#if defined(__GNUC__)
  for (size_t i = 0; i < r->n; i += 8)
    if (r->classes[i] >= 0) __builtin_prefetch(own_value(job, r, i));
#else
  (void)job;
  (void)r;
#endif
}

/* The own values' bytes; zeros where there is no label. */
static inline void gather_base(const fm__job *job, const row *r, const size_t element, char *to) {
  const fm_volume v = job->values;
  const char *own = NULL; /* the channel of the last label, at the row's first pixel */
  int32_t last = FM_CLASS_IGNORE;
  for (size_t i = 0; i < r->n; i++, to += element) {
    int32_t k = r->classes[i];
    memset(to, 0, element);
    if (k < 0) continue;
    if (k != last) own = fm__voxel(&v, fm__channel_of(job->model, k), r->y, r->x);
    last = k;
    memcpy(to, own + (int64_t)i * v.col_stride, element);
  }
}

static void read_base(const fm__job *job, const row *r) {
  announce_base(job, r);
  if (job->values.dtype == FM_F32) {
    gather_base(job, r, sizeof(float), (char *)r->base);
  } else {
    char *halves = (char *)r->spare;
    size_t padded = padded_to_lanes(job, r->n);
    gather_base(job, r, sizeof(uint16_t), halves);
    memset(halves + r->n * sizeof(uint16_t), 0, (padded - r->n) * sizeof(uint16_t));
    job->kernels->widen(halves, job->values.dtype, padded, r->base);
  }
}

/* Pixels that lie side by side, in whichever rows. */
static int64_t line_width(const fm__job *job) {
  const fm_volume *v = &job->values;
  return fm__is_flat(job) ? v->height * v->width : v->width;
}

/* Whether the line's pixels are adjacent in memory and fill a vector. */
static bool is_planar(const fm__job *job) {
  const fm_volume *v = &job->values;
  return v->col_stride == (int64_t)fm_dtype_size((fm_dtype)v->dtype) &&
         line_width(job) >= (int64_t)job->kernels->lanes;
}

/* Pixels first .. first + n - 1; n a multiple of the lanes. */
static void sum_part(const fm__job *job, const row *r, size_t first, size_t n) {
  const fm_volume *v = &job->values;
  job->kernels->planar(fm__voxel(v, 0, r->y, r->x + (int64_t)first), v->dtype,
                       (ptrdiff_t)v->channel_stride, (size_t)v->channels, r->base + first,
                       r->sums + first, r->spare, n);
}

/* Fewer pixels than lanes: together with pixels before them if there are any, else after them. */
static void sum_few(const fm__job *job, const row *r, size_t first, size_t n) {
  const fm_volume *v = &job->values;
  size_t lanes = job->kernels->lanes, before = lanes - n;
  int64_t x = r->x + (int64_t)first;
  if (x < (int64_t)before) before = (size_t)x;
  float base[FM__STAGE_ALIGN] = {0}, sums[FM__STAGE_ALIGN];
  memcpy(base + before, r->base + first, n * sizeof *base);
  job->kernels->planar(fm__voxel(v, 0, r->y, x - (int64_t)before), v->dtype,
                       (ptrdiff_t)v->channel_stride, (size_t)v->channels, base, sums, r->spare,
                       lanes);
  memcpy(r->sums + first, sums + before, n * sizeof *sums);
}

/* Pixels before the first aligned address, if all channels are aligned alike. */
static size_t unaligned(const fm__job *job, const row *r) {
  const fm_volume *v = &job->values;
  size_t element = v->dtype == FM_F32 ? 4 : 2, bytes = job->kernels->lanes * element;
  size_t behind = (uintptr_t)fm__voxel(v, 0, r->y, r->x) & (bytes - 1); /* a power of two */
  bool alike = ((uint64_t)v->channel_stride & (bytes - 1)) == 0;
  if (!behind || behind % element || !alike) return 0;
  return (bytes - behind) / element;
}

/* The first pixels, up to aligned memory, and the last ones may not fill a vector. */
static void sum_planar(const fm__job *job, const row *r) {
  size_t lanes = job->kernels->lanes, head = unaligned(job, r);
  if (r->n < 4 * lanes) head = 0;
  size_t even = (r->n - head) & ~(lanes - 1), end = head + even; /* a power of two */
  if (head) sum_few(job, r, 0, head);
  if (even) sum_part(job, r, head, even);
  if (end < r->n) sum_few(job, r, end, r->n - end);
}

static void sum_pixels(const fm__job *job, const row *r) {
  const fm_volume *v = &job->values;
  size_t channels = (size_t)v->channels;
  for (size_t i = 0; i < r->n; i++) {
    if (r->classes[i] < 0) continue;
    fm__load_floats(fm__voxel(v, 0, r->y, r->x + (int64_t)i), v->channel_stride, v->dtype, channels,
                    job->scratch);
    r->sums[i] = job->kernels->pixel(job->scratch, channels, r->base[i]);
  }
}

/* Computes pixels whose sum cannot be trusted again: their sum becomes 1 and `out` their loss. For
 * all others `out` becomes 0. */
static fm_status redo_untrusted(fm__job *job, const row *r, float *out, fm_error *err) {
  for (size_t i = 0; i < r->n; i++) {
    out[i] = 0;
    if (r->classes[i] < 0 || r->sums[i] < LARGEST_SUM) continue;
    double loss;
    int64_t x = r->x + (int64_t)i, width = job->values.width;
    fm_status status =
        fm__exact_logits(job, r->y + x / width, x % width, r->classes[i], &loss, err);
    if (status) return status;
    r->sums[i] = 1;
    out[i] = (float)loss;
  }
  return FM_OK;
}

static fm_status finish(fm__job *job, const row *r, float *out, fm_error *err) {
  size_t padded = padded_to_lanes(job, r->n);
  const int32_t *classes = r->classes;
  float *sums = r->sums;
  int untrusted = 0;
  for (size_t i = 0; i < r->n; i++) untrusted |= !(sums[i] < LARGEST_SUM);
  fm_status status = untrusted ? redo_untrusted(job, r, out, err) : FM_OK;
  if (status) return status;
  for (size_t i = r->n; i < padded; i++) sums[i] = 1;
  job->kernels->logarithms(sums, padded);
  for (size_t i = 0; untrusted && i < r->n; i++) sums[i] += out[i];
  for (size_t i = 0; i < r->n; i++) {
    float loss = sums[i] > 0 ? sums[i] : 0;
    out[i] = classes[i] < 0 ? 0 : loss;
  }
  return FM_OK;
}

fm_status fm__strip_logits_full(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                                fm_error *err) {
  bool planar = is_planar(job);
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
