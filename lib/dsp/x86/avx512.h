/* dsp/x86/avx512.h - what the AVX-512 kernels share: chunks of 64 pixels, tails by masked
 * loads. Needs VBMI as well (Ice Lake, Zen 4 and later). */
#ifndef FM_DSP_X86_AVX512_H
#define FM_DSP_X86_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "dsp/dsp.h"

#define AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,popcnt,bmi,prfchw")))

enum { CHUNK = FM__CHUNK_PIXELS };

/* Bits of the first n pixels of a chunk. */
AVX512 static inline __mmask64 first_pixels(size_t n) {
  return n < CHUNK ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
}

/* Asks for what comes FETCH_AHEAD pixels later: a chunk takes longer than the CPU looks ahead. */
enum { FETCH_AHEAD = 2048 };
AVX512 FM__INLINE void fetch(const uint8_t *labels, const float *losses) {
  _mm_prefetch((const char *)(labels + FETCH_AHEAD), _MM_HINT_T0);
  FM__UNROLL
  for (int line = 0; line < 4; line++)
    _mm_prefetch((const char *)(losses + FETCH_AHEAD + 16 * line), _MM_HINT_T0);
}

/* A chunk's labels; behind the end of the row its first one again, which is as good or bad. */
AVX512 static inline __m512i load_labels(const uint8_t *labels, __mmask64 present) {
  if (!~present) return _mm512_loadu_si512(labels);
  __m512i first = _mm512_set1_epi8((char)labels[0]);
  return _mm512_mask_loadu_epi8(first, present, labels);
}

/* The 64 losses of a chunk, 0 behind the end of the row. */
AVX512 static inline void load_losses(const float *losses, __mmask64 present, __m512i bits[4]) {
  FM__UNROLL
  for (int v = 0; v < 4; v++)
    bits[v] = _mm512_maskz_loadu_epi32((__mmask16)(present >> (16 * v)), losses + 16 * v);
}

#endif
