/* dsp/x86/sse41.c - the byte kernels with SSE4.1 (Penryn, Bulldozer and later). */
#include "dsp/x86/x86.h"

#if FM__BUILD_X86

#include <immintrin.h>

#define VECTOR 16
#define TARGET __attribute__((target("sse4.1,popcnt")))
#define LEVEL(name) fm__sse41_##name
#define POPCOUNT(word) _mm_popcnt_u64(word)

#include "dsp/vector/chunks.h"

TARGET static inline uint64_t bits_of(const bytes masks[4]) {
  uint64_t bits = 0;
  for (int v = 0; v < 4; v++)
    bits |= (uint64_t)(uint32_t)_mm_movemask_epi8((__m128i)masks[v]) << (16 * v);
  return bits;
}

TARGET static inline bool any_sign(ints v) { return _mm_movemask_ps((__m128)v) != 0; }

TARGET static inline bytes pack(const ints masks[4]) {
  __m128i a = _mm_packs_epi32((__m128i)masks[0], (__m128i)masks[1]);
  __m128i b = _mm_packs_epi32((__m128i)masks[2], (__m128i)masks[3]);
  return (bytes)_mm_packs_epi16(a, b);
}

/* Byte masks as masks of 32 bits. */
TARGET static inline ints widen_masks(const char *masks) {
  int32_t four;
  memcpy(&four, masks, sizeof four);
  return (ints)_mm_cvtepi8_epi32(_mm_cvtsi32_si128(four));
}

/* Adds numbers to as many lanes. */
TARGET static inline void add_lanes(int64_t *lanes, ints numbers) {
  __m128i *at = (__m128i *)(void *)lanes;
  __m128i low = _mm_cvtepi32_epi64((__m128i)numbers);
  __m128i high = _mm_cvtepi32_epi64(_mm_unpackhi_epi64((__m128i)numbers, (__m128i)numbers));
  _mm_store_si128(at, _mm_add_epi64(_mm_load_si128(at), low));
  _mm_store_si128(at + 1, _mm_add_epi64(_mm_load_si128(at + 1), high));
}

TARGET static inline bytes mix(bytes labels) { return labels; }

/* table[index % 32]. */
TARGET static inline bytes look_up(const uint8_t *table, bytes index) {
  __m128i low = _mm_load_si128((const __m128i *)(const void *)table);
  __m128i high = _mm_load_si128((const __m128i *)(const void *)(table + 16));
  __m128i at = _mm_and_si128((__m128i)index, _mm_set1_epi8(15));
  __m128i bit_4 = _mm_slli_epi16((__m128i)index, 3);
  return (bytes)_mm_blendv_epi8(_mm_shuffle_epi8(low, at), _mm_shuffle_epi8(high, at), bit_4);
}

/* 32-bit numbers from their four bytes. */
TARGET static inline void spread(const bytes planes[4], ints numbers[4]) {
  __m128i low01 = _mm_unpacklo_epi8((__m128i)planes[0], (__m128i)planes[1]);
  __m128i high01 = _mm_unpackhi_epi8((__m128i)planes[0], (__m128i)planes[1]);
  __m128i low23 = _mm_unpacklo_epi8((__m128i)planes[2], (__m128i)planes[3]);
  __m128i high23 = _mm_unpackhi_epi8((__m128i)planes[2], (__m128i)planes[3]);
  numbers[0] = (ints)_mm_unpacklo_epi16(low01, low23);
  numbers[1] = (ints)_mm_unpackhi_epi16(low01, low23);
  numbers[2] = (ints)_mm_unpacklo_epi16(high01, high23);
  numbers[3] = (ints)_mm_unpackhi_epi16(high01, high23);
}

TARGET static inline bytes least_bytes(bytes a, bytes b) {
  return (bytes)_mm_min_epu8((__m128i)a, (__m128i)b);
}

/* Each lane with all those before it, added up; and its last lane in all. */
TARGET static inline words scan(words v) {
  v += (words)_mm_slli_si128((__m128i)v, 4);
  return v + (words)_mm_slli_si128((__m128i)v, 8);
}
TARGET static inline words last_lane(words v) { return (words)_mm_shuffle_epi32((__m128i)v, 0xFF); }

#include "dsp/vector/judge.h"
#include "dsp/vector/labels.h"
#include "dsp/vector/map.h"
#include "dsp/vector/sum.h"

#endif
