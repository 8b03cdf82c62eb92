/* dsp/vector/loss_planar.h - outputs of the mask's size, plane after plane. Part of loss.h. */

#include <string.h>

/* Channels whose terms are added before they go to memory. */
enum { PLANAR_GROUP = 4 };

KERNEL vec fn_load(const char *at, const int32_t dtype) {
  if (dtype == FM_F16) return v_load_half(at);
  if (dtype == FM_BF16) return v_load_bfloat(at);
  return v_load_bytes(at);
}

KERNEL_ENTRY void fn_widen(const char *from, int32_t dtype, size_t n, float *out) {
  for (size_t i = 0; i < n; i += LANES) v_store(out + i, fn_load(from + 2 * i, dtype));
}

/* Adds exp(d) to a sum; `low` keeps what the sum may not tell. */
KERNEL void fn_add_exp(vec d, vec *sum, vec *low) {
  *low = v_min(d, *low); /* not NaN, of which the sum tells */
  *sum = v_add(*sum, fn_exp_term(d));
}

/* A sum some of whose terms were exp(-infinity) becomes NaN. */
KERNEL vec fn_judge_sum(vec sum, vec low) { return v_add(sum, v_sub(low, low)); }

/* A run of pixels of one channel after the other. */
typedef struct fn_run {
  const char *at;
  ptrdiff_t stride;
  size_t channels;
  const float *base;
  float *sums;
  size_t n;
} fn_run;

/* Adds pixels x .. x + n - 1 of `group` channels, from `c` on, to `part`. The hardware does
 * not foresee the next channel: `ahead` bytes on lies what is needed later. */
KERNEL void fn_planar_line(const fn_run *r, const int32_t dtype, size_t c, const int group,
                           ptrdiff_t ahead, float *part, vec *low, size_t x, const size_t n) {
  const size_t element = dtype == FM_F32 ? 4 : 2;
  const char *at = r->at + (ptrdiff_t)c * r->stride + x * element;
  for (int g = 0; g < group; g++) FN_PREFETCH(fn_offset(at, ahead + g * r->stride));
  for (size_t i = 0; i < n; i += LANES) {
    vec b = v_load(r->base + x + i), sum = v_set(0);
    for (int g = 0; g < group; g++)
      fn_add_exp(v_sub(fn_load(at + i * element + g * r->stride, dtype), b), &sum, low);
    v_store(part + x + i, v_add(v_load(part + x + i), sum));
  }
}

KERNEL void fn_planar_group(const fn_run *r, const int32_t dtype, size_t c, const int group,
                            ptrdiff_t ahead, float *part, vec *low) {
  const size_t line = (size_t)FN_LINE / (dtype == FM_F32 ? 4 : 2);
  size_t x = 0;
  for (; x + line <= r->n; x += line) fn_planar_line(r, dtype, c, group, ahead, part, low, x, line);
  for (; x < r->n; x += LANES) fn_planar_line(r, dtype, c, group, ahead, part, low, x, LANES);
}

/* Channels between a read and what is fetched meanwhile: whole groups, 24 KiB if they can. */
KERNEL size_t fn_distance(size_t row_bytes, size_t channels) {
  size_t distance = ((size_t)24 << 10) / row_bytes / PLANAR_GROUP * PLANAR_GROUP;
  if (distance < PLANAR_GROUP) distance = PLANAR_GROUP;
  if (distance > 12 * PLANAR_GROUP) distance = 12 * PLANAR_GROUP;
  return distance < channels ? distance : channels;
}

/* Channels whose sums are added before they go to the large sum: each addition to a sum
 * rounds, and many alike terms all in one direction. */
KERNEL size_t fn_fold_after(size_t channels) {
  size_t groups = 16;
  while (groups * groups * PLANAR_GROUP < channels) groups *= 2;
  return groups * PLANAR_GROUP;
}

/* Moves `part` to the sums. */
KERNEL void fn_fold(float *part, float *sums, size_t n) {
  for (size_t x = 0; x < n; x += LANES) {
    v_store(sums + x, v_add(v_load(sums + x), v_load(part + x)));
    v_store(part + x, v_set(0));
  }
}

/* Seldom needed: which of the sums had a term of exp(-infinity). */
KERNEL void fn_judge_sums(const fn_run *r, const int32_t dtype) {
  for (size_t x = 0; x < r->n; x += LANES) {
    const char *pixel = r->at + x * (dtype == FM_F32 ? 4 : 2);
    vec b = v_load(r->base + x), low = v_set(0);
    for (size_t c = 0; c < r->channels; c++, pixel += r->stride)
      low = v_min(v_sub(fn_load(pixel, dtype), b), low);
    v_store(r->sums + x, fn_judge_sum(v_load(r->sums + x), low));
  }
}

KERNEL void fn_planar_typed(const fn_run *r, const int32_t dtype, float *part) {
  const size_t row_bytes = r->n * (dtype == FM_F32 ? 4 : 2), channels = r->channels;
  const size_t distance = fn_distance(row_bytes, channels), fold = fn_fold_after(channels);
  vec low = v_set(0);
  for (size_t x = 0; x < r->n; x++) r->sums[x] = part[x] = 0;
  size_t c = 0;
  for (; c + PLANAR_GROUP <= channels; c += PLANAR_GROUP) {
    ptrdiff_t ahead = (ptrdiff_t)distance * r->stride;
    if (c + distance >= channels) /* then comes the next run */
      ahead += (ptrdiff_t)row_bytes - (ptrdiff_t)channels * r->stride;
    fn_planar_group(r, dtype, c, PLANAR_GROUP, ahead, part, &low);
    if ((c + PLANAR_GROUP) % fold == 0) fn_fold(part, r->sums, r->n);
  }
  for (; c < channels; c++) fn_planar_group(r, dtype, c, 1, (ptrdiff_t)row_bytes, part, &low);
  fn_fold(part, r->sums, r->n);
  if (v_least(low) < -FLT_MAX) fn_judge_sums(r, dtype);
}

KERNEL_ENTRY void fn_planar(const char *output, int32_t dtype, ptrdiff_t channel_stride,
                            size_t channels, const float *base, float *sums, float *spare,
                            size_t n) {
  const fn_run run = {output, channel_stride, channels, base, sums, n};
  if (dtype == FM_F32)
    fn_planar_typed(&run, FM_F32, spare);
  else if (dtype == FM_F16)
    fn_planar_typed(&run, FM_F16, spare);
  else
    fn_planar_typed(&run, FM_BF16, spare);
}

KERNEL_ENTRY float fn_pixel(const float *z, size_t channels, float base) {
  vec b = v_set(base), low = v_set(0);
  size_t c = 0, whole = channels / LANES * LANES;
  float sum = 0;
  for (size_t end; c < whole; c = end) {
    vec part = v_set(0);
    for (end = fn_part_end(c, whole); c < end; c += LANES)
      fn_add_exp(v_sub(v_load(z + c), b), &part, &low);
    sum += v_sum(part);
  }
  if (c < channels) {
    vec part = v_set(0);
    float rest[LANES];
    for (size_t i = 0; i < LANES; i++) rest[i] = c + i < channels ? z[c + i] - base : -87;
    fn_add_exp(v_load(rest), &part, &low);
    sum += v_sum(part);
  }
  return sum + v_sum(v_sub(low, low));
}
