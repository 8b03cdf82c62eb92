/* dsp/x86/avx2.c - the byte kernels with AVX2 (Haswell, Zen and later). */
#include "dsp/x86/x86.h"

#if FM__BUILD_X86

#include <immintrin.h>

#define VECTOR 32
#define TARGET __attribute__((target("avx2,f16c,popcnt,bmi")))
#define LEVEL(name) fm__avx2_##name
#define POPCOUNT(word) _mm_popcnt_u64(word)

#include "dsp/vector/chunks.h"

TARGET static inline uint64_t bits_of(const bytes masks[2]) {
  uint64_t low = (uint32_t)_mm256_movemask_epi8((__m256i)masks[0]);
  return low | (uint64_t)(uint32_t)_mm256_movemask_epi8((__m256i)masks[1]) << 32;
}

TARGET static inline bool any_sign(ints v) { return _mm256_movemask_ps((__m256)v) != 0; }

/* Packing works in halves of 128 bits; the last step sets their parts right. */
TARGET static inline bytes pack(const ints masks[4]) {
  __m256i a = _mm256_packs_epi32((__m256i)masks[0], (__m256i)masks[1]);
  __m256i b = _mm256_packs_epi32((__m256i)masks[2], (__m256i)masks[3]);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return (bytes)_mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order);
}

/* Byte masks as masks of 32 bits. */
TARGET static inline ints widen_masks(const char *masks) {
  return (ints)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)masks));
}

/* Adds numbers to as many lanes. */
TARGET static inline void add_lanes(int64_t *lanes, ints numbers) {
  __m256i *at = (__m256i *)(void *)lanes;
  __m256i low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128((__m256i)numbers));
  __m256i high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256((__m256i)numbers, 1));
  _mm256_store_si256(at, _mm256_add_epi64(_mm256_load_si256(at), low));
  _mm256_store_si256(at + 1, _mm256_add_epi64(_mm256_load_si256(at + 1), high));
}

/* Groups of four labels in the order in which `spread`, in halves of 128 bits, undoes it. */
TARGET static inline bytes mix(bytes labels) {
  const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  return (bytes)_mm256_permutevar8x32_epi32((__m256i)labels, order);
}

/* table[index % 32]. */
TARGET static inline bytes look_up(const uint8_t *table, bytes index) {
  __m256i low = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)table));
  __m256i high =
      _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)(table + 16)));
  __m256i at = _mm256_and_si256((__m256i)index, _mm256_set1_epi8(15));
  __m256i bit_4 = _mm256_slli_epi16((__m256i)index, 3);
  return (bytes)_mm256_blendv_epi8(_mm256_shuffle_epi8(low, at), _mm256_shuffle_epi8(high, at),
                                   bit_4);
}

/* 32-bit numbers from their four bytes. */
TARGET static inline void spread(const bytes planes[4], ints numbers[4]) {
  __m256i low01 = _mm256_unpacklo_epi8((__m256i)planes[0], (__m256i)planes[1]);
  __m256i high01 = _mm256_unpackhi_epi8((__m256i)planes[0], (__m256i)planes[1]);
  __m256i low23 = _mm256_unpacklo_epi8((__m256i)planes[2], (__m256i)planes[3]);
  __m256i high23 = _mm256_unpackhi_epi8((__m256i)planes[2], (__m256i)planes[3]);
  numbers[0] = (ints)_mm256_unpacklo_epi16(low01, low23);
  numbers[1] = (ints)_mm256_unpackhi_epi16(low01, low23);
  numbers[2] = (ints)_mm256_unpacklo_epi16(high01, high23);
  numbers[3] = (ints)_mm256_unpackhi_epi16(high01, high23);
}

TARGET static inline bytes least_bytes(bytes a, bytes b) {
  return (bytes)_mm256_min_epu8((__m256i)a, (__m256i)b);
}

/* Each lane with all those before it, added up; and its last lane in all. */
TARGET static inline words scan(words v) {
  v += (words)_mm256_slli_si256((__m256i)v, 4);
  v += (words)_mm256_slli_si256((__m256i)v, 8);
  __m256i low = _mm256_permute2x128_si256((__m256i)v, (__m256i)v, 0x08);
  return v + (words)_mm256_shuffle_epi32(low, 0xFF);
}
TARGET static inline words last_lane(words v) {
  return (words)_mm256_permutevar8x32_epi32((__m256i)v, _mm256_set1_epi32(7));
}

#include "dsp/vector/judge.h"
#include "dsp/vector/labels.h"
#include "dsp/vector/map.h"
#include "dsp/vector/sum.h"

TARGET void LEVEL(widen)(const void *from, size_t n, float *to) {
  const char *in = from;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    _mm_prefetch(in + 2 * i + FETCH_AHEAD, _MM_HINT_T0);
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(in + 2 * i));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(v));
  }
  for (; i < n; i++) {
    uint16_t half;
    memcpy(&half, in + 2 * i, sizeof half);
    to[i] = fm__float_of_half(half);
  }
}

#endif
