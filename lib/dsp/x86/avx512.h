/* dsp/x86/avx512.h - what the byte kernels for AVX-512 with VBMI (Ice Lake, Zen 4 and later)
 * have in common: blocks of 64 pixels, tails by masked loads. */
#ifndef FM_DSP_X86_AVX512_H
#define FM_DSP_X86_AVX512_H

#include <immintrin.h>

#include "dsp/dsp.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,popcnt,bmi")))

/* For what is called with all pixels of a block present, and again with some. */
#define AVX512_BLOCK AVX512 static inline __attribute__((always_inline))

/* Peeled labels of a mixed block; the pixels of all others are taken one by one. */
enum { MOST_PEELED = 4, BLOCK = 64 };

/* Bits of the first n pixels of a block. */
static inline __mmask64 first_pixels(size_t n) {
  return n < BLOCK ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
}

/* A block's labels; behind the end of the row its first one again, which is as good or bad. */
AVX512_BLOCK __m512i load_labels(const uint8_t *labels, __mmask64 present) {
  if (present == ~(uint64_t)0) return _mm512_loadu_si512(labels);
  __m512i first = _mm512_set1_epi8((char)labels[0]);
  return _mm512_mask_loadu_epi8(first, present, labels);
}

/* The 64 losses of a block, 0 behind the end of the row. */
AVX512_BLOCK void load_losses(const float *losses, __mmask64 present, __m512i bits[4]) {
  FM__UNROLL for (int v = 0; v < 4; v++) {
    bits[v] = _mm512_maskz_loadu_epi32((__mmask16)(present >> (16 * v)), losses + 16 * v);
  }
}

/* Which pixels of a block have this label? */
AVX512 static inline uint64_t pixels_of(__m512i block, uint8_t label) {
  return _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8((char)label));
}

/* The kernels that have files of their own. */
bool fm__avx512_judge(const fm__limits *limits, const uint8_t *labels, const float *losses,
                      size_t n, uint64_t *drop);
size_t fm__avx512_sum(fm__lanes *lanes, const uint8_t *labels, const float *losses, size_t n);

#endif
