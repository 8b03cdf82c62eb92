/* dsp/x86/avx512_sum.c - exact sums of losses per label, in the lanes of dsp/lanes.h. */
#include <freemask/view.h>

#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <string.h>

#include "dsp/lanes.h"
#include "dsp/x86/avx512.h"

/* The largest bits of a block's losses, and the smallest less one: of a 0, the largest number. */
typedef struct bit_range {
  __m512i most, least;
} bit_range;

AVX512 static inline bool lies_within(const bit_range *range, int first, int end) {
  __mmask16 above = _mm512_cmpge_epu32_mask(range->most, _mm512_set1_epi32(end));
  __mmask16 below = _mm512_cmplt_epu32_mask(range->least, _mm512_set1_epi32(first - 1));
  return _mm512_kortestz(above, below);
}

AVX512 static inline fm__lane_window window_of(const __m512i bits[4]) {
  __m512i one = _mm512_set1_epi32(1);
  bit_range range = {bits[0], _mm512_sub_epi32(bits[0], one)};
  FM__UNROLL for (int v = 1; v < 4; v++) {
    range.most = _mm512_max_epu32(range.most, bits[v]);
    range.least = _mm512_min_epu32(range.least, _mm512_sub_epi32(bits[v], one));
  }
  if (lies_within(&range, FM__LANE_NARROW_FIRST, FM__LANE_NARROW_END)) return FM__LANE_NARROW;
  if (lies_within(&range, FM__LANE_WIDE_FIRST, FM__LANE_WIDE_END)) return FM__LANE_WIDE;
  return FM__LANE_OUTSIDE;
}

/* Losses of ignored pixels are not looked at: 0 instead, and for -0. */
AVX512 static void clear_ignored(const fm__lanes *lanes, __m512i block, __m512i bits[4]) {
  uint64_t ignored = 0;
  for (unsigned i = 0; i < lanes->ignored_count; i++)
    ignored |= pixels_of(block, lanes->ignored[i]);
  FM__UNROLL for (int v = 0; v < 4; v++) {
    __mmask16 counts = (__mmask16)(~ignored >> (16 * v));
    counts = _mm512_mask_test_epi32_mask(counts, bits[v], _mm512_set1_epi32(INT32_MAX));
    bits[v] = _mm512_maskz_mov_epi32(counts, bits[v]);
  }
}

/* ---- Adding --------------------------------------------------------------------- */

/* Losses 8 i .. 8 i + 7 of a block. */
AVX512 static inline __m512d eight_of(const __m512i bits[4], int i) {
  __m512i v = bits[i / 2];
  __m256i half = i % 2 ? _mm512_extracti64x4_epi64(v, 1) : _mm512_castsi512_si256(v);
  return _mm512_cvtps_pd(_mm256_castsi256_ps(half));
}

/* Sums of high parts and of low parts, eight lanes of each. */
typedef struct parts {
  __m512d high, low;
} parts;

AVX512 static inline void add_split(parts *sum, __m512d x) {
  const __m512d magic = _mm512_set1_pd(FM__LANE_MAGIC);
  __m512d high = _mm512_sub_pd(_mm512_add_pd(x, magic), magic);
  sum->high = _mm512_add_pd(sum->high, high);
  sum->low = _mm512_add_pd(sum->low, _mm512_sub_pd(x, high));
}

/* All 64 losses to one label: in the narrow window four add up before they are split. */
AVX512 static inline void add_all(fm__lanes *lanes, uint8_t label, const __m512i bits[4],
                                  fm__lane_window window) {
  parts sum = {_mm512_load_pd(lanes->high[label]), _mm512_load_pd(lanes->low[label])};
  if (window == FM__LANE_NARROW) {
    FM__UNROLL for (int i = 0; i < 2; i++) {
      add_split(&sum, _mm512_add_pd(_mm512_add_pd(eight_of(bits, i), eight_of(bits, i + 2)),
                                    _mm512_add_pd(eight_of(bits, i + 4), eight_of(bits, i + 6))));
    }
  } else {
    FM__UNROLL for (int i = 0; i < 8; i++) { add_split(&sum, eight_of(bits, i)); }
  }
  _mm512_store_pd(lanes->high[label], sum.high);
  _mm512_store_pd(lanes->low[label], sum.low);
}

AVX512 static inline void add_some(fm__lanes *lanes, uint8_t label, const __m512i bits[4],
                                   fm__lane_window window, uint64_t same) {
  __m512i kept[4];
  FM__UNROLL for (int v = 0; v < 4; v++) {
    kept[v] = _mm512_maskz_mov_epi32((__mmask16)(same >> (16 * v)), bits[v]);
  }
  add_all(lanes, label, kept, window);
}

/* Pixels one by one. */
AVX512 static void add_singly(fm__lanes *lanes, const uint8_t *labels, uint64_t left,
                              const __m512i bits[4]) {
  alignas(64) float losses[BLOCK];
  FM__UNROLL for (int v = 0; v < 4; v++) { _mm512_store_si512(losses + 16 * v, bits[v]); }
  for (; left; left &= left - 1) {
    unsigned i = (unsigned)__builtin_ctzll(left);
    double x = (double)losses[i], high = x + FM__LANE_MAGIC - FM__LANE_MAGIC;
    lanes->high[labels[i]][i % 8] += high;
    lanes->low[labels[i]][i % 8] += x - high;
    lanes->count[labels[i]]++;
  }
}

/* Label after label, while that pays. */
AVX512 static void add_mixed(fm__lanes *lanes, const uint8_t *labels, __m512i block, uint64_t left,
                             const __m512i bits[4], fm__lane_window window) {
  for (int peeled = 0; left && peeled < MOST_PEELED; peeled++) {
    uint8_t label = labels[__builtin_ctzll(left)];
    uint64_t same = pixels_of(block, label) & left;
    add_some(lanes, label, bits, window, same);
    lanes->count[label] += (uint32_t)_mm_popcnt_u64(same);
    left &= ~same;
  }
  if (left) add_singly(lanes, labels, left, bits);
}

AVX512 static inline void add_block(fm__lanes *lanes, const uint8_t *labels, __m512i block,
                                    __mmask64 present, const __m512i bits[4],
                                    fm__lane_window window) {
  if (pixels_of(block, labels[0]) != ~(uint64_t)0) {
    add_mixed(lanes, labels, block, present, bits, window);
    return;
  }
  add_all(lanes, labels[0], bits, window);
  lanes->count[labels[0]] += (uint32_t)_mm_popcnt_u64(present);
}

/* False: a loss that the lanes cannot take. */
AVX512_BLOCK bool sum_block(fm__lanes *lanes, const uint8_t *labels, const float *losses,
                            __mmask64 present) {
  __m512i block = load_labels(labels, present), bits[4];
  load_losses(losses, present, bits);
  fm__lane_window window = window_of(bits);
  if (window == FM__LANE_OUTSIDE) {
    clear_ignored(lanes, block, bits);
    window = window_of(bits);
    if (window == FM__LANE_OUTSIDE) return false;
  }
  add_block(lanes, labels, block, present, bits, window);
  return true;
}

AVX512 size_t fm__avx512_sum(fm__lanes *lanes, const uint8_t *labels, const float *losses,
                             size_t n) {
  size_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK)
    if (!sum_block(lanes, labels + i, losses + i, ~(uint64_t)0)) return i;
  if (i == n) return n;
  return sum_block(lanes, labels + i, losses + i, first_pixels(n - i)) ? n : i;
}

#endif
