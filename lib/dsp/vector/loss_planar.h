/* dsp/vector/loss_planar.h - outputs of the mask's size, plane after plane. Part of loss.h. */

#include <string.h>

enum { FN_GROUP = 4 }; /* channels whose terms are added before they go to memory */

KERNEL vec fn_load(const char *at, const int32_t dtype) {
  if (dtype == FM_F16) return v_load_half(at);
  if (dtype == FM_BF16) return v_load_bfloat(at);
  return v_load_bytes(at);
}

/* Adds exp(d) to a sum; `low` keeps what the sum may not tell. */
KERNEL void fn_add_exp(vec d, vec *sum, vec *low) {
  *low = v_min(*low, d);
#ifdef HAS_EXP_ANY
  *sum = v_add(*sum, v_exp_any(d));
#else
  *sum = v_add(*sum, fn_exp_cut(d));
#endif
}

/* A sum some of whose terms were exp(-infinity) becomes NaN. */
KERNEL vec fn_judge_sum(vec sum, vec low) { return v_add(sum, v_sub(low, low)); }

/* Channels are too far apart for the hardware to see the pattern: `ahead` bytes on lies
 * what is needed later. */
KERNEL void fn_planar_group(const char *at, const int32_t dtype, ptrdiff_t stride, ptrdiff_t ahead,
                            const int group, const float *base, float *sums, float *lowest,
                            size_t n) {
  const size_t element = dtype == FM_F32 ? 4 : 2;
  for (size_t x = 0; x < n; x += LANES) {
    vec b = v_load(base + x), sum = v_set(0), low = v_load(lowest + x);
    const char *pixel = at + x * element;
    for (int g = 0; g < group; g++) {
      FN_PREFETCH(fn_offset(pixel, ahead + g * stride));
      fn_add_exp(v_sub(fn_load(pixel + g * stride, dtype), b), &sum, &low);
    }
    /* Few additions to the large sum: each rounds. */
    v_store(sums + x, v_add(v_load(sums + x), sum));
    v_store(lowest + x, low);
  }
}

/* Channels between a read and what is fetched meanwhile: whole groups, 16 KiB if they can. */
KERNEL size_t fn_distance(size_t row_bytes) {
  size_t groups = ((size_t)16 << 10) / (FN_GROUP * row_bytes + 1) + 1;
  return FN_GROUP * (groups < 4 ? groups : 4);
}

/* Groups whose sums are added before they go to the large sum. */
enum { FN_GROUPS = 16 };

/* Moves `part` to the sums. */
KERNEL void fn_fold(float *part, float *sums, size_t n) {
  for (size_t x = 0; x < n; x += LANES) {
    v_store(sums + x, v_add(v_load(sums + x), v_load(part + x)));
    v_store(part + x, v_set(0));
  }
}

KERNEL void fn_planar_typed(const char *at, const int32_t dtype, ptrdiff_t stride, size_t channels,
                            const float *base, float *sums, float *spare, size_t n) {
  const size_t row_bytes = n * (dtype == FM_F32 ? 4 : 2), distance = fn_distance(row_bytes);
  float *lowest = spare, *part = spare + n;
  for (size_t x = 0; x < n; x++) sums[x] = lowest[x] = part[x] = 0;
  size_t c = 0;
  for (; c + FN_GROUP <= channels; c += FN_GROUP) {
    ptrdiff_t ahead = (ptrdiff_t)distance * stride;
    if (c + distance >= channels) /* then comes the next row */
      ahead += (ptrdiff_t)row_bytes - (ptrdiff_t)channels * stride;
    fn_planar_group(at + (ptrdiff_t)c * stride, dtype, stride, ahead, FN_GROUP, base, part, lowest,
                    n);
    if (c % (FN_GROUPS * FN_GROUP) == (FN_GROUPS - 1) * FN_GROUP) fn_fold(part, sums, n);
  }
  for (; c < channels; c++)
    fn_planar_group(at + (ptrdiff_t)c * stride, dtype, stride, 0, 1, base, part, lowest, n);
  fn_fold(part, sums, n);
  for (size_t x = 0; x < n; x += LANES)
    v_store(sums + x, fn_judge_sum(v_load(sums + x), v_load(lowest + x)));
}

KERNEL_ENTRY void fn_planar(const char *output, int32_t dtype, ptrdiff_t channel_stride,
                            size_t channels, const float *base, float *sums, float *spare,
                            size_t n) {
  if (dtype == FM_F32)
    fn_planar_typed(output, FM_F32, channel_stride, channels, base, sums, spare, n);
  else if (dtype == FM_F16)
    fn_planar_typed(output, FM_F16, channel_stride, channels, base, sums, spare, n);
  else
    fn_planar_typed(output, FM_BF16, channel_stride, channels, base, sums, spare, n);
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
