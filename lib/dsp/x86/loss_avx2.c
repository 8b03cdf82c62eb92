/* dsp/x86/loss_avx2.c - the loss kernels for AVX2 with FMA and F16C. */
#include "dsp/x86/x86.h"

#if FM__BUILD_X86
#include <immintrin.h>
#include <stdint.h>

#define KERNEL_ENTRY __attribute__((target("avx2,fma,f16c"))) static
#define KERNEL __attribute__((target("avx2,fma,f16c"), always_inline)) static inline
#define LEVEL_KERNELS fm__loss_avx2
#define LANES 8

typedef __m256 vec;

KERNEL vec v_load(const float *at) { return _mm256_loadu_ps(at); }
KERNEL vec v_load_bytes(const char *at) { return _mm256_loadu_ps((const float *)(const void *)at); }
KERNEL void v_store(float *at, vec a) { _mm256_storeu_ps(at, a); }
KERNEL vec v_set(float a) { return _mm256_set1_ps(a); }
KERNEL vec v_add(vec a, vec b) { return _mm256_add_ps(a, b); }
KERNEL vec v_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
KERNEL vec v_div(vec a, vec b) { return _mm256_div_ps(a, b); }
KERNEL vec v_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
KERNEL vec v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
KERNEL vec v_min(vec a, vec b) { return _mm256_min_ps(a, b); }
KERNEL vec v_max(vec a, vec b) { return _mm256_max_ps(a, b); }

KERNEL vec v_scale(vec p, vec m) {
  __m256i k = _mm256_slli_epi32(_mm256_castps_si256(m), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), k));
}

KERNEL vec v_split(vec x, vec *e) {
  const __m256i root = _mm256_set1_epi32(0x3f3504f3); /* bits of sqrt(1/2) */
  __m256i bits = _mm256_castps_si256(x);
  __m256i k = _mm256_srai_epi32(_mm256_sub_epi32(bits, root), 23);
  *e = _mm256_cvtepi32_ps(k);
  return _mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(k, 23)));
}

KERNEL vec v_load_half(const char *at) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)at));
}

KERNEL vec v_load_bfloat(const char *at) {
  __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)at));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

KERNEL __m128 halves_sum(vec a) {
  return _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
}

KERNEL void v_sum4(vec a, vec b, vec c, vec d, float *out) {
  __m128 ab = _mm_hadd_ps(halves_sum(a), halves_sum(b));
  __m128 cd = _mm_hadd_ps(halves_sum(c), halves_sum(d));
  _mm_storeu_ps(out, _mm_hadd_ps(ab, cd));
}

KERNEL float v_sum(vec a) {
  __m128 s = halves_sum(a);
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

KERNEL float v_least(vec a) {
  __m128 s = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_min_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_min_ss(s, _mm_movehdup_ps(s)));
}

KERNEL float v_largest(vec a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

KERNEL __m128 blend_half(const float *const corners[4], const double weights[4], double base,
                         size_t c) {
  __m256d z = _mm256_set1_pd(-base);
  for (int i = 0; i < 4; i++) {
    __m256d corner = _mm256_cvtps_pd(_mm_loadu_ps(corners[i] + c));
    z = _mm256_fmadd_pd(_mm256_set1_pd(weights[i]), corner, z);
  }
  return _mm256_cvtpd_ps(z);
}

KERNEL vec v_blend(const float *const corners[4], const double weights[4], double base, size_t c) {
  return _mm256_set_m128(blend_half(corners, weights, base, c + 4),
                         blend_half(corners, weights, base, c));
}

KERNEL void v_transpose4(const char *from, ptrdiff_t stride, float *to, size_t pixel) {
  __m128 rows[4];
  for (int i = 0; i < 4; i++)
    rows[i] = _mm_loadu_ps((const float *)(const void *)(from + i * stride));
  _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
  for (int i = 0; i < 4; i++) _mm_storeu_ps(to + (size_t)i * pixel, rows[i]);
}

KERNEL __m128 less_half(__m128 a, const double *b) {
  return _mm256_cvtpd_ps(_mm256_sub_pd(_mm256_cvtps_pd(a), _mm256_loadu_pd(b)));
}

KERNEL vec v_less(vec a, const double *b) {
  return _mm256_set_m128(less_half(_mm256_extractf128_ps(a, 1), b + 4),
                         less_half(_mm256_castps256_ps128(a), b));
}

#include "dsp/vector/loss.h"

#endif
