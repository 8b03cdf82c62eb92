/* dsp/x86/avx512_judge.c - the noise filter with AVX-512: limits from tables in registers, and
 * what is written. */
#include "dsp/x86/x86.h"

#if FM__BUILD_X86

#include "dsp/x86/avx512.h"

/* The limits of 64 labels as four vectors of 16, from their four bytes. Unpacking works in
 * lanes of 128 bits; so the labels have to come with lane L's four-byte group j being
 * group 4 j + L of the row. */
AVX512 static inline void interleave(const __m512i bytes[4], __m512i limits[4]) {
  __m512i low01 = _mm512_unpacklo_epi8(bytes[0], bytes[1]);
  __m512i high01 = _mm512_unpackhi_epi8(bytes[0], bytes[1]);
  __m512i low23 = _mm512_unpacklo_epi8(bytes[2], bytes[3]);
  __m512i high23 = _mm512_unpackhi_epi8(bytes[2], bytes[3]);
  limits[0] = _mm512_unpacklo_epi16(low01, low23);
  limits[1] = _mm512_unpackhi_epi16(low01, low23);
  limits[2] = _mm512_unpacklo_epi16(high01, high23);
  limits[3] = _mm512_unpackhi_epi16(high01, high23);
}

AVX512 static inline __m512i lane_order(void) {
  return _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

/* What a chunk is compared with, in registers for the row. */
typedef struct small_table {
  __m512i bytes[4], owner;
} small_table;
typedef struct large_table {
  __m512i bytes[4][4];
} large_table;

/* Spaces whose labels differ in their low six bits or fewer. False: a label outside. */
AVX512 static inline bool look_up_small(const small_table *table, __m512i labels,
                                        __m512i limits[4]) {
  __m512i mixed = _mm512_permutexvar_epi32(lane_order(), labels), bytes[4];
  FM__UNROLL
  for (int b = 0; b < 4; b++) bytes[b] = _mm512_permutexvar_epi8(mixed, table->bytes[b]);
  interleave(bytes, limits);
  __m512i owner = _mm512_permutexvar_epi8(mixed, table->owner);
  return _mm512_cmpneq_epi8_mask(owner, mixed) == 0;
}

AVX512 static inline bool look_up_large(const large_table *table, __m512i labels,
                                        __m512i limits[4]) {
  __m512i mixed = _mm512_permutexvar_epi32(lane_order(), labels), bytes[4];
  __mmask64 upper = _mm512_movepi8_mask(mixed);
  FM__UNROLL
  for (int b = 0; b < 4; b++) {
    __m512i low = _mm512_permutex2var_epi8(table->bytes[b][0], mixed, table->bytes[b][1]);
    __m512i high = _mm512_permutex2var_epi8(table->bytes[b][2], mixed, table->bytes[b][3]);
    bytes[b] = _mm512_mask_blend_epi8(upper, low, high);
  }
  interleave(bytes, limits);
  return _mm512_movepi8_mask(bytes[3]) == 0; /* FM__LIMIT_INVALID is negative, all else not */
}

/* Is one of the losses that do count bad? -0 is not. */
AVX512 static bool any_bad(const __m512i bits[4], const __m512i limits[4]) {
  __mmask16 bad = 0;
  FM__UNROLL
  for (int v = 0; v < 4; v++) {
    __mmask16 bad_here = _mm512_cmpgt_epu32_mask(bits[v], _mm512_set1_epi32(0x7f7fffff));
    bad_here = _mm512_mask_test_epi32_mask(bad_here, bits[v], _mm512_set1_epi32(INT32_MAX));
    bad |= _mm512_mask_cmpneq_epi32_mask(bad_here, limits[v], _mm512_set1_epi32(FM__LIMIT_IGNORED));
  }
  return bad != 0;
}

/* Judges a chunk. False: a bad loss. */
AVX512 static inline bool judge_chunk(const __m512i bits[4], const __m512i limits[4],
                                      uint64_t *drop) {
  uint64_t word = 0;
  __m512i largest = bits[0]; /* as unsigned numbers, where negative ones are large */
  FM__UNROLL
  for (int v = 0; v < 4; v++) {
    word |= (uint64_t)_mm512_cmpgt_epi32_mask(bits[v], limits[v]) << (16 * v);
    largest = _mm512_max_epu32(largest, bits[v]);
  }
  *drop = word;
  return !_mm512_cmpgt_epu32_mask(largest, _mm512_set1_epi32(0x7f7fffff)) || !any_bad(bits, limits);
}

AVX512 static bool judge_small(const fm__limits *limits, const uint8_t *labels, const float *losses,
                               size_t n, uint64_t *drop) {
  small_table table;
  FM__UNROLL
  for (int b = 0; b < 4; b++) table.bytes[b] = _mm512_load_si512(limits->folded[b]);
  table.owner = _mm512_load_si512(limits->owner);
  for (size_t i = 0; i < n; i += CHUNK) {
    __mmask64 present = first_pixels(n - i);
    __m512i bits[4], found[4];
    fetch(labels + i, losses + i);
    if (!look_up_small(&table, load_labels(labels + i, present), found)) return false;
    load_losses(losses + i, present, bits);
    if (!judge_chunk(bits, found, &drop[i / CHUNK])) return false;
  }
  return true;
}

AVX512 static bool judge_large(const fm__limits *limits, const uint8_t *labels, const float *losses,
                               size_t n, uint64_t *drop) {
  large_table table;
  FM__UNROLL
  for (int b = 0; b < 4; b++) FM__UNROLL
  for (int q = 0; q < 4; q++) table.bytes[b][q] = _mm512_load_si512(limits->planes[b] + 64 * q);
  for (size_t i = 0; i < n; i += CHUNK) {
    __mmask64 present = first_pixels(n - i);
    __m512i bits[4], found[4];
    fetch(labels + i, losses + i);
    if (!look_up_large(&table, load_labels(labels + i, present), found)) return false;
    load_losses(losses + i, present, bits);
    if (!judge_chunk(bits, found, &drop[i / CHUNK])) return false;
  }
  return true;
}

AVX512 bool fm__avx512_judge(const fm__limits *limits, const uint8_t *labels, const float *losses,
                             size_t n, uint64_t *drop) {
  return limits->fold ? judge_small(limits, labels, losses, n, drop)
                      : judge_large(limits, labels, losses, n, drop);
}

/* ---- Writing -------------------------------------------------------------------- */

/* Stores that go around the caches were slower by a tenth, also for images larger than these. */
AVX512 FM__INLINE void fetch_bytes(const char *in, char *to, size_t at) {
  if (in) _mm_prefetch(in + at + FETCH_AHEAD, _MM_HINT_T0);
  _mm_prefetch(to + at + FETCH_AHEAD, _MM_HINT_ET0);
}

AVX512 void fm__avx512_blend_1(const void *from, const uint64_t *bits, uint32_t set, uint32_t clear,
                               size_t n, void *out) {
  const char *in = from;
  char *to = out;
  __m512i sets = _mm512_set1_epi8((char)set), clears = _mm512_set1_epi8((char)clear);
  for (size_t i = 0; i < n; i += CHUNK) {
    __mmask64 present = first_pixels(n - i);
    fetch_bytes(in, to, i);
    __m512i v = in ? _mm512_maskz_loadu_epi8(present, in + i) : clears;
    _mm512_mask_storeu_epi8(to + i, present, _mm512_mask_blend_epi8(bits[i / CHUNK], v, sets));
  }
}

#endif
