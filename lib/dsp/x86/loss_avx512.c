/* dsp/x86/loss_avx512.c - the loss kernels for AVX-512. */
#include "dsp/loss_kernels.h"

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#define KERNEL_ENTRY __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))) static
#define KERNEL \
  __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"), always_inline)) static inline
#define LEVEL_KERNELS kernels
#define LANES 16
#define BLOCK_ROWS 4
#define PLANAR_GROUP 2

typedef __m512 vec;

KERNEL vec v_load(const float *at) { return _mm512_loadu_ps(at); }
KERNEL vec v_load_bytes(const char *at) { return _mm512_loadu_ps(at); }
KERNEL void v_store(float *at, vec a) { _mm512_storeu_ps(at, a); }
KERNEL vec v_set(float a) { return _mm512_set1_ps(a); }
KERNEL vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
KERNEL vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
KERNEL vec v_div(vec a, vec b) { return _mm512_div_ps(a, b); }
KERNEL vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
KERNEL vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
KERNEL vec v_min(vec a, vec b) { return _mm512_min_ps(a, b); }
KERNEL vec v_max(vec a, vec b) { return _mm512_max_ps(a, b); }

KERNEL vec v_scale(vec p, vec m) {
  __m512i k = _mm512_slli_epi32(_mm512_castps_si512(m), 23);
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), k));
}

KERNEL vec v_split(vec x, vec *e) {
  const __m512i root = _mm512_set1_epi32(0x3f3504f3); /* bits of sqrt(1/2) */
  __m512i bits = _mm512_castps_si512(x);
  __m512i k = _mm512_srai_epi32(_mm512_sub_epi32(bits, root), 23);
  *e = _mm512_cvtepi32_ps(k);
  return _mm512_castsi512_ps(_mm512_sub_epi32(bits, _mm512_slli_epi32(k, 23)));
}

KERNEL vec v_load_half(const char *at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)at));
}

KERNEL vec v_load_bfloat(const char *at) {
  __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)at));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

KERNEL __m256 halves_sum(vec a) {
  return _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
}

KERNEL void v_sum4(vec a, vec b, vec c, vec d, float *out) {
  __m256 ab = _mm256_hadd_ps(halves_sum(a), halves_sum(b));
  __m256 cd = _mm256_hadd_ps(halves_sum(c), halves_sum(d));
  __m256 all = _mm256_hadd_ps(ab, cd);
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1)));
}

KERNEL float v_sum(vec a) {
  __m256 half = halves_sum(a);
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

KERNEL float v_least(vec a) { return _mm512_reduce_min_ps(a); }
KERNEL float v_largest(vec a) { return _mm512_reduce_max_ps(a); }

KERNEL __m256 blend_half(const float *const corners[4], const double weights[4], double base,
                         size_t c) {
  __m512d z = _mm512_set1_pd(-base);
  for (int i = 0; i < 4; i++) {
    __m512d corner = _mm512_cvtps_pd(_mm256_loadu_ps(corners[i] + c));
    z = _mm512_fmadd_pd(_mm512_set1_pd(weights[i]), corner, z);
  }
  return _mm512_cvtpd_ps(z);
}

KERNEL vec v_blend(const float *const corners[4], const double weights[4], double base, size_t c) {
  __m512 lower = _mm512_castps256_ps512(blend_half(corners, weights, base, c));
  return _mm512_insertf32x8(lower, blend_half(corners, weights, base, c + 8), 1);
}

KERNEL void v_transpose4(const char *from, ptrdiff_t stride, float *to, size_t pixel) {
  __m128 rows[4];
  for (int i = 0; i < 4; i++)
    rows[i] = _mm_loadu_ps((const float *)(const void *)(from + i * stride));
  _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
  for (int i = 0; i < 4; i++) _mm_storeu_ps(to + (size_t)i * pixel, rows[i]);
}

KERNEL __m256 less_half(__m256 a, const double *b) {
  return _mm512_cvtpd_ps(_mm512_sub_pd(_mm512_cvtps_pd(a), _mm512_loadu_pd(b)));
}

KERNEL vec v_less(vec a, const double *b) {
  __m512 lower = _mm512_castps256_ps512(less_half(_mm512_castps512_ps256(a), b));
  return _mm512_insertf32x8(lower, less_half(_mm512_extractf32x8_ps(a, 1), b + 8), 1);
}

#define HAS_POWER
KERNEL vec v_nearest(vec a) { return _mm512_roundscale_ps(a, 8); } /* silent */
KERNEL vec v_power(vec p, vec k) { return _mm512_scalef_ps(p, k); }

#include "dsp/vector/loss.h"

const fm__loss_kernels *fm__loss_kernels_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("fma")
             ? &kernels
             : NULL;
}

#else

const fm__loss_kernels *fm__loss_kernels_avx512(void) { return NULL; }

#endif
