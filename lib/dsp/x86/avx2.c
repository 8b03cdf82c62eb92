/* dsp/x86/avx2.c - the vocabulary of dsp/vector/ for AVX2: Haswell, Zen and later. */
#include <freemask/view.h>

#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define VECTOR __attribute__((target("avx2,f16c,popcnt")))
enum { VB = 32, VW = 8, VD = 4 };
typedef __m256i vb;
typedef __m256i vw;
typedef __m256d vd;

/* ---- Bytes ---------------------------------------------------------------------- */

VECTOR static inline vb vb_load(const void *from) { return _mm256_loadu_si256(from); }
VECTOR static inline void vb_store(void *to, vb v) { _mm256_storeu_si256(to, v); }
VECTOR static inline vb vb_fill_1(uint32_t v) { return _mm256_set1_epi8((char)v); }
VECTOR static inline vb vb_fill_2(uint32_t v) { return _mm256_set1_epi16((short)v); }
VECTOR static inline vb vb_fill_4(uint32_t v) { return _mm256_set1_epi32((int)v); }
VECTOR static inline vb vb_and(vb a, vb b) { return _mm256_and_si256(a, b); }
VECTOR static inline vb vb_or(vb a, vb b) { return _mm256_or_si256(a, b); }
VECTOR static inline vb vb_equal(vb a, vb b) { return _mm256_cmpeq_epi8(a, b); }
VECTOR static inline uint32_t vb_bits(vb v) { return (uint32_t)_mm256_movemask_epi8(v); }

VECTOR static inline vb vb_select(vb mask, vb set, vb clear) {
  return _mm256_blendv_epi8(clear, set, mask);
}

VECTOR static inline vb vb_from_bits_1(uint32_t bits) {
  const __m256i spread =
      _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i weights = _mm256_set1_epi64x((long long)0x8040201008040201);
  __m256i v = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), spread);
  return _mm256_cmpeq_epi8(_mm256_and_si256(v, weights), weights);
}

VECTOR static inline vb vb_from_bits_2(uint32_t bits) {
  const __m256i weights = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
                                            8192, 16384, (short)0x8000);
  __m256i v = _mm256_and_si256(_mm256_set1_epi16((short)bits), weights);
  return _mm256_cmpeq_epi16(v, weights);
}

VECTOR static inline vb vb_from_bits_4(uint32_t bits) {
  const __m256i weights = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  __m256i v = _mm256_and_si256(_mm256_set1_epi32((int)bits), weights);
  return _mm256_cmpeq_epi32(v, weights);
}

VECTOR static inline vb vb_table(const void *bytes) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes));
}

VECTOR static inline vb vb_look_up(vb table, vb indices) {
  return _mm256_shuffle_epi8(table, indices);
}

VECTOR static inline vb vb_narrow(vb a, vb b) {
  return _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xd8);
}

/* Unpacking works in lanes of 128 bits: lane L's four-byte group j has to be group 2 j + L. */
VECTOR static inline vb vb_order(vb labels) {
  return _mm256_permutevar8x32_epi32(labels, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
}

/* ---- Words ---------------------------------------------------------------------- */

VECTOR static inline vw vw_load(const void *from) { return _mm256_loadu_si256(from); }
VECTOR static inline void vw_store(void *to, vw v) { _mm256_storeu_si256(to, v); }
VECTOR static inline vw vw_fill(uint32_t v) { return _mm256_set1_epi32((int)v); }
VECTOR static inline vw vw_and(vw a, vw b) { return _mm256_and_si256(a, b); }
VECTOR static inline vw vw_less_one(vw v) { return _mm256_add_epi32(v, _mm256_set1_epi32(-1)); }
VECTOR static inline vw vw_greater(vw a, vw b) { return _mm256_cmpgt_epi32(a, b); }
VECTOR static inline vw vw_equal(vw a, vw b) { return _mm256_cmpeq_epi32(a, b); }
VECTOR static inline vw vw_min(vw a, vw b) { return _mm256_min_epu32(a, b); }
VECTOR static inline vw vw_max(vw a, vw b) { return _mm256_max_epu32(a, b); }

VECTOR static inline uint32_t vw_bits(vw v) {
  return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(v));
}

VECTOR static inline uint32_t vw_most(vw v) {
  __m128i a = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  a = _mm_max_epu32(a, _mm_shuffle_epi32(a, 0x4e));
  return (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(a, _mm_shuffle_epi32(a, 0xb1)));
}

VECTOR static inline vw vw_from_bytes(const void *bytes) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(bytes));
}

VECTOR static inline vw vw_widen(const void *halves) {
  return _mm256_castps_si256(_mm256_cvtph_ps(_mm_loadu_si128(halves)));
}

VECTOR static inline void vw_interleave(const vb bytes[4], vw words[4]) {
  __m256i low01 = _mm256_unpacklo_epi8(bytes[0], bytes[1]);
  __m256i high01 = _mm256_unpackhi_epi8(bytes[0], bytes[1]);
  __m256i low23 = _mm256_unpacklo_epi8(bytes[2], bytes[3]);
  __m256i high23 = _mm256_unpackhi_epi8(bytes[2], bytes[3]);
  words[0] = _mm256_unpacklo_epi16(low01, low23);
  words[1] = _mm256_unpackhi_epi16(low01, low23);
  words[2] = _mm256_unpacklo_epi16(high01, high23);
  words[3] = _mm256_unpackhi_epi16(high01, high23);
}

/* ---- Doubles -------------------------------------------------------------------- */

VECTOR static inline vd vd_load(const double *from) { return _mm256_load_pd(from); }
VECTOR static inline void vd_store(double *to, vd v) { _mm256_store_pd(to, v); }
VECTOR static inline vd vd_fill(double v) { return _mm256_set1_pd(v); }
VECTOR static inline vd vd_add(vd a, vd b) { return _mm256_add_pd(a, b); }
VECTOR static inline vd vd_subtract(vd a, vd b) { return _mm256_sub_pd(a, b); }
VECTOR static inline vd vd_from_floats(const float *from) {
  return _mm256_cvtps_pd(_mm_loadu_ps(from));
}

#include "dsp/vector/table.h"

void fm__dsp_init_avx2(fm_dsp *dsp) { fill_table(dsp); }

#endif
