/* dsp/x86/sse41.c - the vocabulary of dsp/vector/ for SSE4.1 with POPCNT: Nehalem and later. */
#include <freemask/view.h>

#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <smmintrin.h>
#include <string.h>

#define VECTOR __attribute__((target("sse4.1,popcnt")))
enum { VB = 16, VW = 4, VD = 2 };
typedef __m128i vb;
typedef __m128i vw;
typedef __m128d vd;

/* ---- Bytes ---------------------------------------------------------------------- */

VECTOR static inline vb vb_load(const void *from) { return _mm_loadu_si128(from); }
VECTOR static inline void vb_store(void *to, vb v) { _mm_storeu_si128(to, v); }
VECTOR static inline vb vb_fill_1(uint32_t v) { return _mm_set1_epi8((char)v); }
VECTOR static inline vb vb_fill_2(uint32_t v) { return _mm_set1_epi16((short)v); }
VECTOR static inline vb vb_fill_4(uint32_t v) { return _mm_set1_epi32((int)v); }
VECTOR static inline vb vb_and(vb a, vb b) { return _mm_and_si128(a, b); }
VECTOR static inline vb vb_or(vb a, vb b) { return _mm_or_si128(a, b); }
VECTOR static inline vb vb_equal(vb a, vb b) { return _mm_cmpeq_epi8(a, b); }
VECTOR static inline uint32_t vb_bits(vb v) { return (uint32_t)_mm_movemask_epi8(v); }
VECTOR static inline vb vb_table(const void *bytes) { return _mm_loadu_si128(bytes); }
VECTOR static inline vb vb_look_up(vb table, vb i) { return _mm_shuffle_epi8(table, i); }
VECTOR static inline vb vb_narrow(vb a, vb b) { return _mm_packus_epi16(a, b); }
VECTOR static inline vb vb_order(vb labels) { return labels; }

VECTOR static inline vb vb_select(vb mask, vb set, vb clear) {
  return _mm_blendv_epi8(clear, set, mask);
}

VECTOR static inline vb vb_from_bits_1(uint32_t bits) {
  const __m128i spread = _mm_set_epi64x(0x0101010101010101, 0);
  const __m128i weights = _mm_set1_epi64x((long long)0x8040201008040201);
  __m128i v = _mm_shuffle_epi8(_mm_set1_epi16((short)bits), spread);
  return _mm_cmpeq_epi8(_mm_and_si128(v, weights), weights);
}

VECTOR static inline vb vb_from_bits_2(uint32_t bits) {
  const __m128i weights = _mm_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128);
  __m128i v = _mm_and_si128(_mm_set1_epi16((short)bits), weights);
  return _mm_cmpeq_epi16(v, weights);
}

VECTOR static inline vb vb_from_bits_4(uint32_t bits) {
  const __m128i weights = _mm_setr_epi32(1, 2, 4, 8);
  __m128i v = _mm_and_si128(_mm_set1_epi32((int)bits), weights);
  return _mm_cmpeq_epi32(v, weights);
}

/* ---- Words ---------------------------------------------------------------------- */

VECTOR static inline vw vw_load(const void *from) { return _mm_loadu_si128(from); }
VECTOR static inline void vw_store(void *to, vw v) { _mm_storeu_si128(to, v); }
VECTOR static inline vw vw_fill(uint32_t v) { return _mm_set1_epi32((int)v); }
VECTOR static inline vw vw_and(vw a, vw b) { return _mm_and_si128(a, b); }
VECTOR static inline vw vw_less_one(vw v) { return _mm_add_epi32(v, _mm_set1_epi32(-1)); }
VECTOR static inline vw vw_greater(vw a, vw b) { return _mm_cmpgt_epi32(a, b); }
VECTOR static inline vw vw_equal(vw a, vw b) { return _mm_cmpeq_epi32(a, b); }
VECTOR static inline vw vw_min(vw a, vw b) { return _mm_min_epu32(a, b); }
VECTOR static inline vw vw_max(vw a, vw b) { return _mm_max_epu32(a, b); }

VECTOR static inline uint32_t vw_bits(vw v) {
  return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(v));
}

VECTOR static inline uint32_t vw_most(vw v) {
  v = _mm_max_epu32(v, _mm_shuffle_epi32(v, 0x4e));
  return (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(v, _mm_shuffle_epi32(v, 0xb1)));
}

VECTOR static inline vw vw_from_bytes(const void *bytes) {
  int32_t four;
  memcpy(&four, bytes, sizeof four);
  return _mm_cvtepi8_epi32(_mm_cvtsi32_si128(four));
}

/* There is no instruction for it. The exponent is moved and, of infinity and NaN, moved again;
 * a subnormal number is its digits times 2^-24, so that no float here is denormal. */
VECTOR static inline vw vw_widen(const void *halves) {
  const __m128i rebias = _mm_set1_epi32((127 - 15) << 23);
  __m128i half = _mm_cvtepu16_epi32(_mm_loadl_epi64(halves));
  __m128i rest = _mm_and_si128(half, _mm_set1_epi32(0x7fff));
  __m128i sign = _mm_slli_epi32(_mm_xor_si128(half, rest), 16);
  __m128i normal = _mm_add_epi32(_mm_slli_epi32(rest, 13), rebias);
  __m128i special = _mm_cmpgt_epi32(rest, _mm_set1_epi32(0x7bff));
  normal = _mm_add_epi32(normal, _mm_and_si128(special, rebias));
  __m128 small = _mm_mul_ps(_mm_cvtepi32_ps(rest), _mm_set1_ps(0x1p-24F));
  __m128i is_small = _mm_cmpgt_epi32(_mm_set1_epi32(0x400), rest);
  return _mm_or_si128(_mm_blendv_epi8(normal, _mm_castps_si128(small), is_small), sign);
}

VECTOR static inline void vw_interleave(const vb bytes[4], vw words[4]) {
  __m128i low01 = _mm_unpacklo_epi8(bytes[0], bytes[1]);
  __m128i high01 = _mm_unpackhi_epi8(bytes[0], bytes[1]);
  __m128i low23 = _mm_unpacklo_epi8(bytes[2], bytes[3]);
  __m128i high23 = _mm_unpackhi_epi8(bytes[2], bytes[3]);
  words[0] = _mm_unpacklo_epi16(low01, low23);
  words[1] = _mm_unpackhi_epi16(low01, low23);
  words[2] = _mm_unpacklo_epi16(high01, high23);
  words[3] = _mm_unpackhi_epi16(high01, high23);
}

/* ---- Doubles -------------------------------------------------------------------- */

VECTOR static inline vd vd_load(const double *from) { return _mm_load_pd(from); }
VECTOR static inline void vd_store(double *to, vd v) { _mm_store_pd(to, v); }
VECTOR static inline vd vd_fill(double v) { return _mm_set1_pd(v); }
VECTOR static inline vd vd_add(vd a, vd b) { return _mm_add_pd(a, b); }
VECTOR static inline vd vd_subtract(vd a, vd b) { return _mm_sub_pd(a, b); }
VECTOR static inline vd vd_from_floats(const float *from) {
  return _mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64((const void *)from)));
}

#include "dsp/vector/table.h"

void fm__dsp_init_sse41(fm_dsp *dsp) { fill_table(dsp); }

#endif
