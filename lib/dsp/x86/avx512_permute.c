/* dsp/x86/avx512_permute.c - what schedules draw, with AVX-512: shuffles of 32 elements abreast,
 * with tables of 128; joint training's images; numbers below a bound. */
#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <string.h>

#include "core/random.h"
#include "dsp/x86/avx512.h"
#include "plan/permutation.h"

static const uint64_t LANES_FROM_0[8] = {0, 1, 2, 3, 4, 5, 6, 7};
static const uint8_t BYTES_FROM_0[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                         11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                         22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

/* ---- Rounds worked out --------------------------------------------------------------- */

enum { LANES = 8, VECTORS = 4, COMPUTED = LANES * VECTORS };

/* SplitMix64's output function. */
AVX512 static inline __m512i finalize(__m512i z) {
  z = _mm512_xor_si512(z, _mm512_srli_epi64(z, 30));
  z = _mm512_mullo_epi64(z, _mm512_set1_epi64((long long)UINT64_C(0xbf58476d1ce4e5b9)));
  z = _mm512_xor_si512(z, _mm512_srli_epi64(z, 27));
  z = _mm512_mullo_epi64(z, _mm512_set1_epi64((long long)UINT64_C(0x94d049bb133111eb)));
  return _mm512_xor_si512(z, _mm512_srli_epi64(z, 31));
}

/* Once through all rounds, each element under a key of its own. */
AVX512 static inline void pass(const fm__permutation *p, const __m512i keys[VECTORS],
                               __m512i x[VECTORS]) {
  const __m512i rows = _mm512_set1_epi64(p->rows),
                golden = _mm512_set1_epi64((long long)FM__GOLDEN);
  const __m128i left = _mm_cvtsi32_si128(p->left_bits), rest = _mm_cvtsi32_si128(64 - p->left_bits);
  __m512i row[VECTORS], column[VECTORS], key[VECTORS];
  FM__UNROLL
  for (int v = 0; v < VECTORS; v++) {
    row[v] = _mm512_srl_epi64(x[v], left);
    column[v] = _mm512_xor_si512(x[v], _mm512_sll_epi64(row[v], left));
    key[v] = keys[v];
  }
  for (int32_t i = 0; i < p->pairs; i++) {
    FM__UNROLL
    for (int v = 0; v < VECTORS; v++) {
      __m512i even = finalize(_mm512_add_epi64(key[v], row[v]));
      column[v] = _mm512_xor_si512(column[v], _mm512_srl_epi64(even, rest));
      key[v] = _mm512_add_epi64(key[v], golden);
    }
    FM__UNROLL
    for (int v = 0; v < VECTORS; v++) {
      __m512i odd = _mm512_srli_epi64(finalize(_mm512_add_epi64(key[v], column[v])), 32);
      __m512i on = _mm512_srli_epi64(_mm512_mul_epu32(odd, rows), 32);
      row[v] = _mm512_add_epi64(row[v], on);
      /* Modulo rows: what is below them wraps when they are subtracted. */
      row[v] = _mm512_min_epu32(row[v], _mm512_sub_epi32(row[v], rows));
      key[v] = _mm512_add_epi64(key[v], golden);
    }
  }
  FM__UNROLL
  for (int v = 0; v < VECTORS; v++)
    x[v] = _mm512_or_si512(_mm512_sll_epi64(row[v], left), column[v]);
}

/* Which lanes are not done after a pass: those outside, and 0 and 1. */
AVX512 static inline unsigned unfinished(const fm__permutation *p, __m512i x) {
  const __m512i two = _mm512_set1_epi64(2), most = _mm512_set1_epi64((long long)(p->length - 2));
  return _mm512_cmpge_epu64_mask(_mm512_sub_epi64(x, two), most);
}

/* Stores what came out of a pass, and finishes it. */
AVX512 static inline void store(const fm__permutation *p, __m512i x, uint64_t *out) {
  _mm512_storeu_si512(out, x);
  for (unsigned odd = unfinished(p, x); odd; odd &= odd - 1) {
    uint64_t *at = out + __builtin_ctz(odd);
    *at = fm__permutation_finish(p, *at);
  }
}

/* `count` elements, 1 to COMPUTED; behind them the last one again. */
AVX512 static void compute_block(const fm__permutation *p, uint64_t first, uint64_t step,
                                 size_t count, uint64_t out[COMPUTED]) {
  const __m512i starts = _mm512_set1_epi64((long long)first);
  const __m512i steps = _mm512_set1_epi64((long long)step);
  const __m512i last = _mm512_set1_epi64((long long)count - 1);
  __m512i x[VECTORS], keys[VECTORS], lanes = _mm512_loadu_si512(LANES_FROM_0);
  FM__UNROLL
  for (int v = 0; v < VECTORS; v++) {
    x[v] = _mm512_mullo_epi64(_mm512_min_epu64(lanes, last), steps);
    x[v] = _mm512_add_epi64(x[v], starts);
    lanes = _mm512_add_epi64(lanes, _mm512_set1_epi64(LANES));
    keys[v] = _mm512_set1_epi64((long long)p->key);
  }
  pass(p, keys, x);
  FM__UNROLL
  for (int v = 0; v < VECTORS; v++) store(p, x[v], out + LANES * v);
}

AVX512 static void permute(const fm__permutation *p, uint64_t first, uint64_t step, size_t count,
                           uint64_t *out) {
  size_t i = 0;
  for (; i + COMPUTED <= count; i += COMPUTED)
    compute_block(p, first + i * step, step, COMPUTED, out + i);
  if (i == count) return;
  uint64_t rest[COMPUTED];
  compute_block(p, first + i * step, step, count - i, rest);
  memcpy(out + i, rest, (count - i) * sizeof *out);
}

AVX512 static inline void store_keyed(const fm__permutation *p, const uint64_t *keys, __m512i x,
                                      __mmask8 present, uint64_t *out) {
  _mm512_mask_storeu_epi64(out, present, x);
  for (unsigned odd = unfinished(p, x) & present; odd; odd &= odd - 1) {
    int lane = __builtin_ctz(odd);
    fm__permutation own = *p;
    own.key = keys[lane];
    out[lane] = fm__permutation_finish(&own, out[lane]);
  }
}

AVX512 static void permute_keyed(const fm__permutation *p, const uint64_t *keys, size_t count,
                                 uint64_t *x) {
  for (size_t i = 0; i < count; i += COMPUTED) {
    __mmask64 present = first_pixels(count - i);
    __m512i block[VECTORS], own[VECTORS];
    FM__UNROLL
    for (int v = 0; v < VECTORS; v++) {
      __mmask8 lanes = (__mmask8)(present >> LANES * v);
      block[v] = _mm512_maskz_loadu_epi64(lanes, x + i + LANES * v);
      own[v] = _mm512_maskz_loadu_epi64(lanes, keys + i + LANES * v);
    }
    pass(p, own, block);
    FM__UNROLL
    for (int v = 0; v < VECTORS; v++)
      store_keyed(p, keys + i + LANES * v, block[v], (__mmask8)(present >> LANES * v),
                  x + i + LANES * v);
  }
}

/* ---- Rounds from tables --------------------------------------------------------------- */

enum { WORDS = 32, TABLED = WORDS * VECTORS };

/* values[at], for a table of `count` values. Two vectors of it are looked into at a time: whose
 * element is not there keeps its number. */
AVX512 static inline void look_up(const uint16_t *values, size_t count, __m512i at[VECTORS]) {
  __m512i pair[VECTORS];
  FM__UNROLL
  for (int v = 0; v < VECTORS; v++) pair[v] = _mm512_srli_epi16(at[v], 6);
  for (size_t i = 0; i < count; i += 2 * WORDS) {
    __m512i number = _mm512_set1_epi16((short)(i / (2 * WORDS)));
    __m512i low = _mm512_load_si512(values + i), high = _mm512_load_si512(values + i + WORDS);
    FM__UNROLL
    for (int v = 0; v < VECTORS; v++)
      at[v] = _mm512_mask2_permutex2var_epi16(low, at[v], _mm512_cmpeq_epi16_mask(pair[v], number),
                                              high);
  }
}

typedef struct grid {
  __m512i row[VECTORS], column[VECTORS]; /* 16 bits each */
} grid;

/* The last `pairs` pairs of rounds, whose tables these are. */
AVX512 static inline void tabled_pass(const fm__permutation *p, const uint16_t *table,
                                      int32_t pairs, grid *g) {
  const size_t columns = (size_t)1 << p->left_bits;
  const __m512i rows = _mm512_set1_epi16((short)p->rows);
  for (int32_t i = 0; i < pairs; i++) {
    __m512i found[VECTORS];
    FM__UNROLL
    for (int v = 0; v < VECTORS; v++) found[v] = g->row[v];
    look_up(table, p->rows, found);
    table += fm__permutation_room(p->rows);
    FM__UNROLL
    for (int v = 0; v < VECTORS; v++)
      found[v] = g->column[v] = _mm512_xor_si512(g->column[v], found[v]);
    look_up(table, columns, found);
    table += fm__permutation_room(columns);
    FM__UNROLL
    for (int v = 0; v < VECTORS; v++) {
      __m512i row = _mm512_add_epi16(g->row[v], found[v]);
      g->row[v] = _mm512_min_epu16(row, _mm512_sub_epi16(row, rows));
    }
  }
}

/* The lower halves of two vectors of 32-bit numbers. */
AVX512 static inline __m512i narrow(__m512i a, __m512i b) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(a)),
                            _mm512_cvtepi32_epi16(b), 1);
}

/* first, first + step, ... cut into rows and columns; all of them are below 2^20. */
AVX512 static inline void spread(const fm__permutation *p, uint64_t first, uint64_t step, grid *g) {
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i steps = _mm512_set1_epi32((int)step), sixteen = _mm512_slli_epi32(steps, 4);
  const __m512i columns = _mm512_set1_epi16((short)((1 << p->left_bits) - 1));
  const __m128i left = _mm_cvtsi32_si128(p->left_bits);
  __m512i a = _mm512_add_epi32(_mm512_set1_epi32((int)first), _mm512_mullo_epi32(lanes, steps));
  FM__UNROLL
  for (int v = 0; v < VECTORS; v++) {
    __m512i b = _mm512_add_epi32(a, sixteen);
    g->column[v] = _mm512_and_si512(narrow(a, b), columns);
    g->row[v] = narrow(_mm512_srl_epi32(a, left), _mm512_srl_epi32(b, left));
    a = _mm512_add_epi32(b, sixteen);
  }
}

/* Whether the elements first, first + step, ... are next to each other in one row, and begin with
 * a vector of its columns. */
static inline bool in_one_row(const fm__permutation *p, uint64_t first, uint64_t step) {
  uint64_t columns = UINT64_C(1) << p->left_bits, column = first & (columns - 1);
  return step == 1 && column % WORDS == 0 && column + TABLED <= columns;
}

/* Such elements after the first pair of rounds, which takes one look-up: a number for all columns
 * to be xored with, and what belongs to the 32 columns of a vector lies together. */
AVX512 static inline void first_pair(const fm__permutation *p, const uint16_t *table,
                                     uint64_t first, grid *g) {
  const uint16_t *values = table + fm__permutation_room(p->rows);
  unsigned row = (unsigned)(first >> p->left_bits), other = table[row];
  unsigned column = (unsigned)first & ((1U << p->left_bits) - 1);
  __m512i lanes = _mm512_xor_si512(
      _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)BYTES_FROM_0)),
      _mm512_set1_epi16((short)(other % WORDS)));
  const __m512i rows = _mm512_set1_epi16((short)p->rows);
  FM__UNROLL
  for (unsigned v = 0; v < VECTORS; v++) {
    unsigned base = (column + WORDS * v) ^ (other - other % WORDS);
    __m512i on = _mm512_permutexvar_epi16(lanes, _mm512_load_si512(values + base));
    g->column[v] = _mm512_add_epi16(_mm512_set1_epi16((short)base), lanes);
    on = _mm512_add_epi16(_mm512_set1_epi16((short)row), on);
    g->row[v] = _mm512_min_epu16(on, _mm512_sub_epi16(on, rows));
  }
}

/* Elements 8 q on of a vector of rows and one of columns, put together. */
AVX512 static inline __m512i gather(const fm__permutation *p, __m512i row, __m512i column, int q) {
  const __m512i lanes = _mm512_loadu_si512(LANES_FROM_0);
  const __m512i columns = _mm512_set1_epi64((1 << p->left_bits) - 1);
  /* A column below, its row (number + WORDS) in the 16 bits above. */
  __m512i at = _mm512_add_epi64(lanes, _mm512_set1_epi64(8 * q | (WORDS + 8 * q) << 16));
  at = _mm512_add_epi64(at, _mm512_slli_epi64(lanes, 16));
  __m512i both = _mm512_maskz_permutex2var_epi16(0x33333333, column, at, row);
  __m512i rows = _mm512_srl_epi64(both, _mm_cvtsi32_si128(16 - p->left_bits));
  return _mm512_ternarylogic_epi64(columns, both, rows, 0xca); /* columns ? both : rows */
}

AVX512 static void table_block(const fm__permutation *p, const uint16_t *table, uint64_t first,
                               uint64_t step, uint64_t *out) {
  grid g;
  if (in_one_row(p, first, step)) {
    first_pair(p, table, first, &g);
    tabled_pass(p, table + fm__permutation_pair(p), p->pairs - 1, &g);
  } else {
    spread(p, first, step, &g);
    tabled_pass(p, table, p->pairs, &g);
  }
  FM__UNROLL
  for (int v = 0; v < VECTORS; v++) FM__UNROLL
  for (int q = 0; q < 4; q++)
    store(p, gather(p, g.row[v], g.column[v], q), out + WORDS * v + LANES * q);
}

AVX512 static size_t permute_tabled(const fm__permutation *p, const fm__permutation_table *table,
                                    uint64_t first, uint64_t step, size_t count, uint64_t *out) {
  size_t i = 0;
  for (; i + TABLED <= count; i += TABLED)
    table_block(p, table->values, first + i * step, step, out + i);
  return i;
}

/* ---- Joint training --------------------------------------------------------------------- */

/* Division as in plan/schedule_draw.c; what it makes of places that are not real is not used. */
AVX512 static void join(uint64_t real, uint64_t copies, size_t count, uint64_t *numbers,
                        uint64_t *repeats) {
  const __m512d inverse = _mm512_set1_pd(1.0 / (double)real), half = _mm512_set1_pd(0.5);
  const __m512i reals = _mm512_set1_epi64((long long)real);
  const __m512i end = _mm512_set1_epi64((long long)copies);
  const __m512i shift = _mm512_sub_epi64(reals, end);
  for (size_t i = 0; i < count; i += LANES) {
    __mmask8 present = (__mmask8)first_pixels(count - i < LANES ? count - i : LANES);
    __m512i place = _mm512_maskz_loadu_epi64(present, numbers + i);
    __mmask8 is_real = _mm512_cmplt_epu64_mask(place, end);
    __m512d at = _mm512_add_pd(_mm512_cvtepi64_pd(place), half);
    __m512i repeat = _mm512_maskz_cvttpd_epi64(is_real, _mm512_mul_pd(at, inverse));
    __m512i index = _mm512_sub_epi64(place, _mm512_mullo_epi64(repeat, reals));
    index = _mm512_mask_add_epi64(index, (__mmask8)~is_real, place, shift);
    _mm512_mask_storeu_epi64(numbers + i, present, index);
    _mm512_mask_storeu_epi64(repeats + i, present, repeat);
  }
}

/* ---- Numbers below a bound --------------------------------------------------------------- */

/* Upper half of a product of 128 bits. */
AVX512 static inline __m512i multiply_high(__m512i a, __m512i b) {
  const __m512i word = _mm512_set1_epi64(UINT32_MAX);
  __m512i a1 = _mm512_srli_epi64(a, 32), b1 = _mm512_srli_epi64(b, 32);
  __m512i low = _mm512_srli_epi64(_mm512_mul_epu32(a, b), 32);
  __m512i middle = _mm512_add_epi64(_mm512_mul_epu32(a1, b), low);
  __m512i other = _mm512_add_epi64(_mm512_mul_epu32(a, b1), _mm512_and_si512(middle, word));
  __m512i carry = _mm512_add_epi64(_mm512_srli_epi64(middle, 32), _mm512_srli_epi64(other, 32));
  return _mm512_add_epi64(_mm512_mul_epu32(a1, b1), carry);
}

AVX512 static void draw_below(uint64_t state, uint64_t bound, size_t count, uint64_t *numbers) {
  const __m512i golden = _mm512_set1_epi64((long long)FM__GOLDEN);
  const __m512i bounds = _mm512_set1_epi64((long long)bound);
  const __m512i reject = _mm512_set1_epi64((long long)((0 - bound) % bound));
  const __m512i start = _mm512_set1_epi64((long long)(state + FM__GOLDEN));
  for (size_t i = 0; i < count; i += LANES) {
    __mmask8 present = (__mmask8)first_pixels(count - i < LANES ? count - i : LANES);
    __mmask8 open = present;
    __m512i place = _mm512_maskz_loadu_epi64(present, numbers + i), number = place;
    __m512i own = finalize(_mm512_add_epi64(start, _mm512_mullo_epi64(place, golden)));
    while (open) { /* draws anew below `reject` */
      own = _mm512_add_epi64(own, golden);
      __m512i output = finalize(own);
      number = _mm512_mask_mov_epi64(number, open, multiply_high(output, bounds));
      open = _mm512_mask_cmplt_epu64_mask(open, _mm512_mullo_epi64(output, bounds), reject);
    }
    _mm512_mask_storeu_epi64(numbers + i, present, number);
  }
}

void fm__dsp_init_avx512_permute(fm_dsp *dsp) {
  dsp->draw_below = draw_below;
  dsp->permute = permute;
  dsp->permute_tabled = permute_tabled;
  dsp->permute_keyed = permute_keyed;
  dsp->join = join;
}

#endif
