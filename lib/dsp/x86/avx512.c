/* dsp/x86/avx512.c - byte kernels for AVX-512 with VBMI (Ice Lake, Zen 4 and later): blocks
 * of 64 pixels, tails by masked loads. */
#include <freemask/view.h>

#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#include "dsp/lanes.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,popcnt,bmi")))

/* Peeled labels of a mixed block; the pixels of all others are taken one by one. */
enum { MOST_PEELED = 4, BLOCK = 64 };

/* Bits of the first n pixels of a block. */
AVX512 static inline __mmask64 first_pixels(size_t n) {
  return n < BLOCK ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
}

/* ---- Judge ---------------------------------------------------------------------- */

/* A block's labels; behind the end of the row its first one again, which is as good or bad. */
AVX512 static inline __m512i load_labels(const uint8_t *labels, __mmask64 present) {
  __m512i first = _mm512_set1_epi8((char)labels[0]);
  return _mm512_mask_loadu_epi8(first, present, labels);
}

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

/* What a block is compared with, in registers for the row. */
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
  for (int b = 0; b < 4; b++) bytes[b] = _mm512_permutexvar_epi8(mixed, table->bytes[b]);
  interleave(bytes, limits);
  __m512i owner = _mm512_permutexvar_epi8(mixed, table->owner);
  return _mm512_cmpneq_epi8_mask(owner, mixed) == 0;
}

AVX512 static inline bool look_up_large(const large_table *table, __m512i labels,
                                        __m512i limits[4]) {
  __m512i mixed = _mm512_permutexvar_epi32(lane_order(), labels), bytes[4];
  __mmask64 upper = _mm512_movepi8_mask(mixed);
  for (int b = 0; b < 4; b++) {
    __m512i low = _mm512_permutex2var_epi8(table->bytes[b][0], mixed, table->bytes[b][1]);
    __m512i high = _mm512_permutex2var_epi8(table->bytes[b][2], mixed, table->bytes[b][3]);
    bytes[b] = _mm512_mask_blend_epi8(upper, low, high);
  }
  interleave(bytes, limits);
  return _mm512_movepi8_mask(bytes[3]) == 0; /* FM__LIMIT_INVALID is negative, all else not */
}

/* The 64 losses of a block, 0 behind the end of the row. */
AVX512 static inline void load_losses(const float *losses, __mmask64 present, __m512i bits[4]) {
  for (int v = 0; v < 4; v++)
    bits[v] = _mm512_maskz_loadu_epi32((__mmask16)(present >> (16 * v)), losses + 16 * v);
}

/* Is one of the losses that do count bad? -0 is not. */
AVX512 static bool any_bad(const __m512i bits[4], const __m512i limits[4]) {
  __mmask16 bad = 0;
  for (int v = 0; v < 4; v++) {
    __mmask16 odd = _mm512_cmpgt_epu32_mask(bits[v], _mm512_set1_epi32(0x7f7fffff));
    odd = _mm512_mask_test_epi32_mask(odd, bits[v], _mm512_set1_epi32(INT32_MAX));
    bad |= _mm512_mask_cmpneq_epi32_mask(odd, limits[v], _mm512_set1_epi32(FM__LIMIT_IGNORED));
  }
  return bad != 0;
}

/* Judges a block. False: a bad loss. */
AVX512 static inline bool judge_block(const __m512i bits[4], const __m512i limits[4],
                                      uint64_t *drop) {
  const __m512i largest = _mm512_set1_epi32(0x7f7fffff);
  uint64_t word = 0;
  __mmask16 odd = 0;
  for (int v = 0; v < 4; v++) {
    word |= (uint64_t)_mm512_cmpgt_epi32_mask(bits[v], limits[v]) << (16 * v);
    odd |= _mm512_cmpgt_epu32_mask(bits[v], largest);
  }
  *drop = word;
  return !odd || !any_bad(bits, limits);
}

AVX512 static bool judge_small(const fm__limits *limits, const uint8_t *labels, const float *losses,
                               size_t n, uint64_t *drop) {
  small_table table;
  for (int b = 0; b < 4; b++) table.bytes[b] = _mm512_load_si512(limits->folded[b]);
  table.owner = _mm512_load_si512(limits->owner);
  for (size_t i = 0; i < n; i += BLOCK) {
    __mmask64 present = first_pixels(n - i);
    __m512i bits[4], found[4];
    if (!look_up_small(&table, load_labels(labels + i, present), found)) return false;
    load_losses(losses + i, present, bits);
    if (!judge_block(bits, found, &drop[i / BLOCK])) return false;
  }
  return true;
}

AVX512 static bool judge_large(const fm__limits *limits, const uint8_t *labels, const float *losses,
                               size_t n, uint64_t *drop) {
  large_table table;
  for (int b = 0; b < 4; b++)
    for (int q = 0; q < 4; q++) table.bytes[b][q] = _mm512_load_si512(limits->planes[b] + 64 * q);
  for (size_t i = 0; i < n; i += BLOCK) {
    __mmask64 present = first_pixels(n - i);
    __m512i bits[4], found[4];
    if (!look_up_large(&table, load_labels(labels + i, present), found)) return false;
    load_losses(losses + i, present, bits);
    if (!judge_block(bits, found, &drop[i / BLOCK])) return false;
  }
  return true;
}

AVX512 static bool judge(const fm__limits *limits, const uint8_t *labels, const float *losses,
                         size_t n, uint64_t *drop) {
  return limits->fold ? judge_small(limits, labels, losses, n, drop)
                      : judge_large(limits, labels, losses, n, drop);
}

/* ---- Count ---------------------------------------------------------------------- */

AVX512 static inline uint64_t two_counts(uint64_t pixels, uint64_t bits) {
  return (uint64_t)_mm_popcnt_u64(pixels) | (uint64_t)_mm_popcnt_u64(pixels & bits) << 32;
}

AVX512 static void count_singly(const uint8_t *labels, uint64_t left, uint64_t bits,
                                fm__tally *tally) {
  for (; left; left &= left - 1) {
    unsigned i = (unsigned)__builtin_ctzll(left);
    tally->parts[i % 4][labels[i]] += 1 | (bits >> i & 1) << 32;
  }
}

AVX512 static void count(const uint8_t *labels, const uint64_t *bits, size_t n, fm__tally *tally) {
  for (size_t i = 0; i < n; i += BLOCK) {
    uint64_t left = first_pixels(n - i), set = bits ? bits[i / BLOCK] : 0;
    __m512i block = _mm512_maskz_loadu_epi8(left, labels + i);
    for (int peeled = 0; left && peeled < MOST_PEELED; peeled++) {
      uint8_t label = labels[i + (unsigned)__builtin_ctzll(left)];
      uint64_t same = _mm512_mask_cmpeq_epi8_mask(left, block, _mm512_set1_epi8((char)label));
      tally->parts[peeled % 4][label] += two_counts(same, set);
      left &= ~same;
    }
    if (left) count_singly(labels + i, left, set, tally);
  }
}

AVX512 static void mark(const uint8_t *labels, uint8_t label, size_t n, uint64_t *bits) {
  for (size_t i = 0; i < n; i += BLOCK) {
    __mmask64 present = first_pixels(n - i);
    __m512i block = _mm512_maskz_loadu_epi8(present, labels + i);
    bits[i / BLOCK] |= _mm512_mask_cmpeq_epi8_mask(present, block, _mm512_set1_epi8((char)label));
  }
}

/* ---- Blend ---------------------------------------------------------------------- */

AVX512 static void blend_1(const void *from, const uint64_t *bits, uint32_t set, uint32_t clear,
                           size_t n, void *out) {
  const char *in = from;
  char *to = out;
  __m512i sets = _mm512_set1_epi8((char)set), clears = _mm512_set1_epi8((char)clear);
  for (size_t i = 0; i < n; i += BLOCK) {
    __mmask64 present = first_pixels(n - i);
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
    __m256i v = _mm256_maskz_loadu_epi16(present, in + 2 * i);
    _mm512_mask_storeu_ps(floats + i, present, _mm512_cvtph_ps(v));
  }
}

/* ---- Sum ------------------------------------------------------------------------ */

/* Losses that the lanes cannot take. */
AVX512 static inline __mmask16 outside(__m512i bits) {
  __m512i offset = _mm512_sub_epi32(bits, _mm512_set1_epi32(FM__LANE_WIDE_FIRST));
  __mmask16 far =
      _mm512_cmpge_epu32_mask(offset, _mm512_set1_epi32(FM__LANE_WIDE_END - FM__LANE_WIDE_FIRST));
  return _mm512_mask_test_epi32_mask(far, bits, _mm512_set1_epi32(INT32_MAX)); /* not 0, -0 */
}

AVX512 static inline bool any_outside(const __m512i bits[4]) {
  __mmask16 any = 0;
  for (int v = 0; v < 4; v++) any |= outside(bits[v]);
  return any != 0;
}

/* Losses of ignored pixels are not looked at: 0 instead. */
AVX512 static void clear_ignored(const fm__lanes *lanes, __m512i block, __m512i bits[4]) {
  uint64_t ignored = 0;
  for (unsigned i = 0; i < lanes->ignored_count; i++)
    ignored |= _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8((char)lanes->ignored[i]));
  for (int v = 0; v < 4; v++)
    bits[v] = _mm512_maskz_mov_epi32((__mmask16)(~ignored >> (16 * v)), bits[v]);
}

/* The 64 losses split, eight and eight. */
typedef struct halves {
  __m512d high[8], low[8];
} halves;

AVX512 static inline void split(const __m512i bits[4], halves *h) {
  const __m512d magic = _mm512_set1_pd(FM__LANE_MAGIC);
  for (int v = 0; v < 8; v++) {
    __m256i half =
        v % 2 ? _mm512_extracti64x4_epi64(bits[v / 2], 1) : _mm512_castsi512_si256(bits[v / 2]);
    __m512d x = _mm512_cvtps_pd(_mm256_castsi256_ps(half));
    h->high[v] = _mm512_sub_pd(_mm512_add_pd(x, magic), magic);
    h->low[v] = _mm512_sub_pd(x, h->high[v]);
  }
}

AVX512 static inline __m512d add_eight(const __m512d v[8]) {
  __m512d a = _mm512_add_pd(_mm512_add_pd(v[0], v[1]), _mm512_add_pd(v[2], v[3]));
  __m512d b = _mm512_add_pd(_mm512_add_pd(v[4], v[5]), _mm512_add_pd(v[6], v[7]));
  return _mm512_add_pd(a, b);
}

AVX512 static inline void add_lanes(fm__lanes *lanes, uint8_t label, __m512d high, __m512d low) {
  double *highs = lanes->high[label], *lows = lanes->low[label];
  _mm512_store_pd(highs, _mm512_add_pd(_mm512_load_pd(highs), high));
  _mm512_store_pd(lows, _mm512_add_pd(_mm512_load_pd(lows), low));
}

/* The pixels `same`, all of one label. */
AVX512 static inline void sum_label(fm__lanes *lanes, uint8_t label, uint64_t same,
                                    const halves *h) {
  __m512d high[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
  __m512d low[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
  for (int v = 0; v < 8; v++) {
    __mmask8 eight = (__mmask8)(same >> (8 * v));
    high[v % 2] = _mm512_mask_add_pd(high[v % 2], eight, high[v % 2], h->high[v]);
    low[v % 2] = _mm512_mask_add_pd(low[v % 2], eight, low[v % 2], h->low[v]);
  }
  add_lanes(lanes, label, _mm512_add_pd(high[0], high[1]), _mm512_add_pd(low[0], low[1]));
  lanes->count[label] += (uint32_t)_mm_popcnt_u64(same);
}

AVX512 static void sum_singly(fm__lanes *lanes, const uint8_t *labels, uint64_t left,
                              const halves *h) {
  alignas(64) double high[BLOCK], low[BLOCK];
  for (int v = 0; v < 8; v++) {
    _mm512_store_pd(high + 8 * v, h->high[v]);
    _mm512_store_pd(low + 8 * v, h->low[v]);
  }
  for (; left; left &= left - 1) {
    unsigned i = (unsigned)__builtin_ctzll(left);
    lanes->high[labels[i]][i % 8] += high[i];
    lanes->low[labels[i]][i % 8] += low[i];
    lanes->count[labels[i]]++;
  }
}

AVX512 static void sum_mixed(fm__lanes *lanes, const uint8_t *labels, __m512i block, uint64_t left,
                             const halves *h) {
  for (int peeled = 0; left && peeled < MOST_PEELED; peeled++) {
    uint8_t label = labels[__builtin_ctzll(left)];
    uint64_t same = _mm512_mask_cmpeq_epi8_mask(left, block, _mm512_set1_epi8((char)label));
    sum_label(lanes, label, same, h);
    left &= ~same;
  }
  if (left) sum_singly(lanes, labels, left, h);
}

AVX512 static size_t sum(fm__lanes *lanes, const uint8_t *labels, const float *losses, size_t n) {
  for (size_t i = 0; i < n; i += BLOCK) {
    __mmask64 present = first_pixels(n - i);
    __m512i block = load_labels(labels + i, present), bits[4];
    load_losses(losses + i, present, bits);
    if (any_outside(bits)) {
      clear_ignored(lanes, block, bits);
      if (any_outside(bits)) return i;
    }
    halves h;
    split(bits, &h);
    __m512i first = _mm512_set1_epi8((char)labels[i]);
    if (_mm512_cmpeq_epi8_mask(block, first) == ~(uint64_t)0) {
      add_lanes(lanes, labels[i], add_eight(h.high), add_eight(h.low));
      lanes->count[labels[i]] += (uint32_t)_mm_popcnt_u64(present);
    } else {
      sum_mixed(lanes, labels + i, block, present, &h);
    }
  }
  return n;
}

void fm__dsp_init_avx512(fm_dsp *dsp) {
  dsp->judge = judge;
  dsp->count = count;
  dsp->mark = mark;
  dsp->blend[0] = blend_1;
  dsp->blend[1] = blend_2;
  dsp->blend[2] = blend_4;
  dsp->sum = sum;
  dsp->narrow = narrow;
  dsp->widen = widen;
}

#endif
