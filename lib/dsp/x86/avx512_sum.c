/* dsp/x86/avx512_sum.c - exact sums of losses with AVX-512: chunks of 64 pixels. */
#include "dsp/x86/x86.h"

#if FM__BUILD_X86

#include "dsp/lanes.h"
#include "dsp/x86/avx512.h"

/* Labels of a mixed chunk that are compared with; the pixels of all others are taken one by one.
 * Fewer are where more pixels than STREWN have neither of the first two labels. */
enum { MOST_SUMMED = 8, FEWER_SUMMED = 4, STREWN = 48 };

/* Losses that the lanes cannot take. */
AVX512 static inline __mmask16 outside(__m512i bits) {
  __m512i offset = _mm512_sub_epi32(bits, _mm512_set1_epi32(FM__LANE_FIRST));
  __mmask16 far = _mm512_cmpge_epu32_mask(offset, _mm512_set1_epi32(FM__LANE_COUNT));
  return _mm512_mask_test_epi32_mask(far, bits, _mm512_set1_epi32(INT32_MAX)); /* not 0, -0 */
}

/* All are in the window, and none is 0. */
AVX512 static inline bool all_inside(const __m512i bits[4]) {
  const __m512i first = _mm512_set1_epi32(FM__LANE_FIRST);
  __m512i largest = _mm512_sub_epi32(bits[0], first);
  FM__UNROLL
  for (int v = 1; v < 4; v++) largest = _mm512_max_epu32(largest, _mm512_sub_epi32(bits[v], first));
  return _mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(FM__LANE_COUNT)) == 0;
}

AVX512 static inline bool any_outside(const __m512i bits[4]) {
  __mmask16 any = 0;
  FM__UNROLL
  for (int v = 0; v < 4; v++) any |= outside(bits[v]);
  return any != 0;
}

/* Losses of ignored pixels are not looked at: 0 instead. */
AVX512 static void clear_ignored(const fm__lanes *lanes, __m512i chunk, __m512i bits[4]) {
  uint64_t ignored = 0;
  for (unsigned i = 0; i < lanes->ignored_count; i++)
    ignored |= _mm512_cmpeq_epi8_mask(chunk, _mm512_set1_epi8((char)lanes->ignored[i]));
  FM__UNROLL
  for (int v = 0; v < 4; v++)
    bits[v] = _mm512_maskz_mov_epi32((__mmask16)(~ignored >> (16 * v)), bits[v]);
}

/* The 64 losses, split. */
typedef struct halves {
  __m512i high[4], low[4];
} halves;

AVX512 static inline void split(const __m512i bits[4], halves *h) {
  FM__UNROLL
  for (int v = 0; v < 4; v++) {
    __m512 x = _mm512_mul_ps(_mm512_castsi512_ps(bits[v]), _mm512_set1_ps(FM__LANE_HIGH));
    h->high[v] = _mm512_cvttps_epi32(x);
    __m512 rest = _mm512_sub_ps(x, _mm512_cvtepi32_ps(h->high[v]));
    h->low[v] = _mm512_cvttps_epi32(_mm512_mul_ps(rest, _mm512_set1_ps(FM__LANE_LOW)));
  }
}

/* Adds sixteen numbers below 2^30 to a label's eight lanes. */
AVX512 static inline void add_lanes(int64_t *lanes, __m512i numbers) {
  __m256i eight =
      _mm256_add_epi32(_mm512_castsi512_si256(numbers), _mm512_extracti64x4_epi64(numbers, 1));
  __m512i sum = _mm512_add_epi64(_mm512_load_si512(lanes), _mm512_cvtepi32_epi64(eight));
  _mm512_store_si512(lanes, sum);
}

AVX512 static inline __m512i add_masked(const __m512i v[4], uint64_t mask) {
  __m512i sum = _mm512_maskz_mov_epi32((__mmask16)mask, v[0]);
  FM__UNROLL
  for (int i = 1; i < 4; i++)
    sum = _mm512_mask_add_epi32(sum, (__mmask16)(mask >> (16 * i)), sum, v[i]);
  return sum;
}

/* The pixels `same`, all of one label. */
AVX512 static inline void sum_label(fm__lanes *lanes, uint8_t label, uint64_t same,
                                    const halves *h) {
  add_lanes(lanes->high[label], add_masked(h->high, same));
  add_lanes(lanes->low[label], add_masked(h->low, same));
  lanes->count[label] += (uint64_t)_mm_popcnt_u64(same);
}

AVX512 static void sum_singly(fm__lanes *lanes, const uint8_t *labels, uint64_t left,
                              const halves *h) {
  alignas(64) int32_t high[CHUNK], low[CHUNK];
  FM__UNROLL
  for (int v = 0; v < 4; v++) {
    _mm512_store_si512(high + 16 * v, h->high[v]);
    _mm512_store_si512(low + 16 * v, h->low[v]);
  }
  for (; left; left &= left - 1) {
    unsigned i = (unsigned)__builtin_ctzll(left);
    lanes->high[labels[i]][i % 8] += high[i];
    lanes->low[labels[i]][i % 8] += low[i];
    lanes->count[labels[i]]++;
  }
}

/* Third and further labels of a chunk. */
AVX512 static void sum_rest(fm__lanes *lanes, const uint8_t *labels, __m512i chunk, uint64_t left,
                            const halves *h) {
  const int most = _mm_popcnt_u64(left) > STREWN ? FEWER_SUMMED : MOST_SUMMED;
  for (int summed = 2; left && summed < most; summed++) {
    uint8_t label = labels[__builtin_ctzll(left)];
    uint64_t same = _mm512_mask_cmpeq_epi8_mask(left, chunk, _mm512_set1_epi8((char)label));
    sum_label(lanes, label, same, h);
    left &= ~same;
  }
  if (left) sum_singly(lanes, labels, left, h);
}

/* Two labels are summed whether there are two or one: cheaper than to guess wrong. */
AVX512 static inline void sum_chunk(fm__lanes *lanes, const uint8_t *labels, __m512i chunk,
                                    uint64_t present, const halves *h) {
  uint64_t same = _mm512_mask_cmpeq_epi8_mask(present, chunk, _mm512_set1_epi8((char)labels[0]));
  sum_label(lanes, labels[0], same, h);
  uint64_t left = present & ~same;
  uint8_t label = labels[_tzcnt_u64(left) & (CHUNK - 1)];
  same = _mm512_mask_cmpeq_epi8_mask(left, chunk, _mm512_set1_epi8((char)label));
  sum_label(lanes, label, same, h);
  left &= ~same;
  if (left) sum_rest(lanes, labels, chunk, left, h);
}

AVX512 size_t fm__avx512_sum(fm__lanes *lanes, const uint8_t *labels, const float *losses,
                             size_t n) {
  for (size_t i = 0; i < n; i += CHUNK) {
    __mmask64 present = first_pixels(n - i);
    __m512i chunk = load_labels(labels + i, present), bits[4];
    fetch(labels + i, losses + i);
    load_losses(losses + i, present, bits);
    if (!all_inside(bits) && any_outside(bits)) {
      clear_ignored(lanes, chunk, bits);
      if (any_outside(bits)) return i;
    }
    halves h;
    split(bits, &h);
    sum_chunk(lanes, labels + i, chunk, present, &h);
  }
  return n;
}

#endif
