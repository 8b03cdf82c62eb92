/* dsp/x86/avx512_labels.c - marking, blending and converting with AVX-512. */
#include <freemask/view.h>

#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include "dsp/x86/avx512.h"

AVX512 static void mark(const uint8_t *labels, uint8_t label, size_t n, uint64_t *bits) {
  for (size_t i = 0; i < n; i += BLOCK) {
    __mmask64 present = first_pixels(n - i);
    __m512i block = _mm512_maskz_loadu_epi8(present, labels + i);
    bits[i / BLOCK] |= _mm512_mask_cmpeq_epi8_mask(present, block, _mm512_set1_epi8((char)label));
  }
}

/* ---- Blend ---------------------------------------------------------------------- */

/* Stores that go around the caches were slower by a tenth, also for images larger than these. */
AVX512 FM__INLINE void fetch_bytes(const char *in, char *to, size_t at) {
  if (in) _mm_prefetch(in + at + FETCH_AHEAD, _MM_HINT_T0);
  _mm_prefetch(to + at + FETCH_AHEAD, _MM_HINT_ET0);
}

AVX512 static void blend_1(const void *from, const uint64_t *bits, uint32_t set, uint32_t clear,
                           size_t n, void *out) {
  const char *in = from;
  char *to = out;
  __m512i sets = _mm512_set1_epi8((char)set), clears = _mm512_set1_epi8((char)clear);
  for (size_t i = 0; i < n; i += BLOCK) {
    __mmask64 present = first_pixels(n - i);
    fetch_bytes(in, to, i);
    __m512i v = in ? _mm512_maskz_loadu_epi8(present, in + i) : clears;
    _mm512_mask_storeu_epi8(to + i, present, _mm512_mask_blend_epi8(bits[i / BLOCK], v, sets));
  }
}

AVX512 static void blend_2(const void *from, const uint64_t *bits, uint32_t set, uint32_t clear,
                           size_t n, void *out) {
  const char *in = from;
  char *to = out;
  __m512i sets = _mm512_set1_epi16((short)set), clears = _mm512_set1_epi16((short)clear);
  for (size_t i = 0; i < n; i += 32) {
    __mmask32 present = (__mmask32)first_pixels(n - i);
    __mmask32 word = (__mmask32)(bits[i / BLOCK] >> (i % BLOCK));
    fetch_bytes(in, to, 2 * i);
    __m512i v = in ? _mm512_maskz_loadu_epi16(present, in + 2 * i) : clears;
    _mm512_mask_storeu_epi16(to + 2 * i, present, _mm512_mask_blend_epi16(word, v, sets));
  }
}

AVX512 static void blend_4(const void *from, const uint64_t *bits, uint32_t set, uint32_t clear,
                           size_t n, void *out) {
  const char *in = from;
  char *to = out;
  __m512i sets = _mm512_set1_epi32((int)set), clears = _mm512_set1_epi32((int)clear);
  for (size_t i = 0; i < n; i += 16) {
    __mmask16 present = (__mmask16)first_pixels(n - i);
    __mmask16 word = (__mmask16)(bits[i / BLOCK] >> (i % BLOCK));
    fetch_bytes(in, to, 4 * i);
    __m512i v = in ? _mm512_maskz_loadu_epi32(present, in + 4 * i) : clears;
    _mm512_mask_storeu_epi32(to + 4 * i, present, _mm512_mask_blend_epi32(word, v, sets));
  }
}

/* ---- Narrow, widen -------------------------------------------------------------- */

AVX512 static bool narrow(const void *labels, size_t n, uint8_t *bytes) {
  const char *in = labels;
  __m512i all = _mm512_setzero_si512();
  for (size_t i = 0; i < n; i += 32) {
    __mmask32 present = (__mmask32)first_pixels(n - i);
    _mm_prefetch(in + 2 * i + FETCH_AHEAD, _MM_HINT_T0);
    __m512i v = _mm512_maskz_loadu_epi16(present, in + 2 * i);
    all = _mm512_or_si512(all, v);
    _mm256_mask_storeu_epi8(bytes + i, present, _mm512_cvtepi16_epi8(v));
  }
  return _mm512_test_epi16_mask(all, _mm512_set1_epi16((short)0xff00)) == 0;
}

AVX512 static void widen(const void *halves, size_t n, float *floats) {
  const char *in = halves;
  for (size_t i = 0; i < n; i += 16) {
    __mmask16 present = (__mmask16)first_pixels(n - i);
    _mm_prefetch(in + 2 * i + FETCH_AHEAD, _MM_HINT_T0);
    __m256i v = _mm256_maskz_loadu_epi16(present, in + 2 * i);
    _mm512_mask_storeu_ps(floats + i, present, _mm512_cvtph_ps(v));
  }
}

void fm__dsp_init_avx512_labels(fm_dsp *dsp) {
  dsp->mark = mark;
  dsp->blend[0] = blend_1;
  dsp->blend[1] = blend_2;
  dsp->blend[2] = blend_4;
  dsp->narrow = narrow;
  dsp->widen = widen;
}

#endif
