/* dsp/x86/avx512_map.c - the map kernels with AVX-512. */
#include "dsp/x86/x86.h"

#if FM__BUILD_X86

#include "dsp/x86/avx512.h"

#define VECTOR 64
#define TARGET AVX512
#define LEVEL(name) fm__avx512_##name

#include "dsp/vector/rows.h"

TARGET static inline bytes least_bytes(bytes a, bytes b) {
  return (bytes)_mm512_min_epu8((__m512i)a, (__m512i)b);
}

/* Each lane with all those before it, added up; and its last lane in all. */
TARGET static inline words scan(words v) {
  const __m512i zero = _mm512_setzero_si512();
  v += (words)_mm512_alignr_epi32((__m512i)v, zero, 15);
  v += (words)_mm512_alignr_epi32((__m512i)v, zero, 14);
  v += (words)_mm512_alignr_epi32((__m512i)v, zero, 12);
  return v + (words)_mm512_alignr_epi32((__m512i)v, zero, 8);
}
TARGET static inline words last_lane(words v) {
  return (words)_mm512_permutexvar_epi32(_mm512_set1_epi32(15), (__m512i)v);
}

#include "dsp/vector/map.h"

#endif
