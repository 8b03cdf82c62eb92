/* plan/permutation.c - an alternating Feistel network with cycle walking. */
#include "plan/permutation.h"

#include "core/random.h"
#include "dsp/dsp.h"

/* Rounds beyond the first four times half the bits of x, at least: a known distinguisher
 * (Patarin 2001) then needs 2^36 shuffles of one length before it sees anything. */
enum { MARGIN = 36 };

static int32_t bits_of(uint64_t value) {
  int32_t bits = 0;
  for (; value; value >>= 1) bits++;
  return bits;
}

fm__permutation fm__permutation_make(uint64_t length, uint64_t key) {
  fm__permutation p = {.length = length, .key = key};
  p.left_bits = bits_of(length - 1) / 2;
  if (p.left_bits < 1) p.left_bits = 1;
  p.rows = (uint32_t)((length - 1) >> p.left_bits) + 1;
  p.pairs = 2 + (MARGIN / 2 + p.left_bits - 1) / p.left_bits;
  return p;
}

/* The round functions: for an even round a column to xor, for an odd one rows to go on. */
static inline uint32_t column_of(const fm__permutation *p, uint64_t key, uint32_t row) {
  return (uint32_t)(fm__finalize(key + row) >> (64 - p->left_bits));
}

static inline uint32_t rows_of(const fm__permutation *p, uint64_t key, uint32_t column) {
  return (uint32_t)((fm__finalize(key + column) >> 32) * p->rows >> 32);
}

/* row < 2 * rows to row modulo rows, without a branch: below `rows` the difference wraps. */
static inline uint32_t wrap(uint32_t row, uint32_t rows) {
  uint32_t less = row - rows;
  return row < less ? row : less;
}

/* Every round is an even permutation of most grids, so a network of them has half of all
 * orders only. Swapping 0 and 1, or not, brings in the other half. */
static uint64_t swap_of(const fm__permutation *p) {
  uint64_t rounds = 2 * (uint64_t)p->pairs;
  return p->length > 1 ? fm__finalize(p->key + rounds * FM__GOLDEN) >> 63 : 0;
}

static inline uint64_t swapped(uint64_t x, uint64_t swap) { return x ^ (swap & (x < 2)); }

/* Through the rounds until it is inside. */
static uint64_t walk(const fm__permutation *p, uint64_t x) {
  do {
    uint32_t column = (uint32_t)x & ((1U << p->left_bits) - 1), row = (uint32_t)(x >> p->left_bits);
    uint64_t key = p->key;
    for (int32_t i = 0; i < p->pairs; i++) {
      column ^= column_of(p, key, row);
      key += FM__GOLDEN;
      row = wrap(row + rows_of(p, key, column), p->rows);
      key += FM__GOLDEN;
    }
    x = (uint64_t)row << p->left_bits | column;
  } while (x >= p->length);
  return x;
}

uint64_t fm__permutation_finish(const fm__permutation *p, uint64_t x) {
  return swapped(x < p->length ? x : walk(p, x), swap_of(p));
}

uint64_t fm__permutation_at(const fm__permutation *p, uint64_t x) {
  return swapped(walk(p, x), swap_of(p));
}

/* ---- With tables ------------------------------------------------------------------ */

bool fm__permutation_table_pays(const fm__permutation *p, uint64_t count) {
  size_t cells = ((size_t)1 << p->left_bits) + p->rows;
  return fm__permutation_pair(p) * (size_t)p->pairs <= FM__PERMUTATION_VALUES && count >= cells;
}

void fm__permutation_table_fill(const fm__permutation *p, fm__permutation_table *table) {
  uint32_t columns = 1U << p->left_bits;
  uint16_t *values = table->values;
  uint64_t key = p->key;
  for (int32_t i = 0; i < p->pairs; i++) {
    for (uint32_t row = 0; row < p->rows; row++) values[row] = (uint16_t)column_of(p, key, row);
    values += fm__permutation_room(p->rows);
    key += FM__GOLDEN;
    for (uint32_t column = 0; column < columns; column++)
      values[column] = (uint16_t)rows_of(p, key, column);
    values += fm__permutation_room(columns);
    key += FM__GOLDEN;
  }
}

/* So many elements go through a round together: their look-ups do not wait for each other. */
enum { ABREAST = 8 };

static void abreast(const fm__permutation *p, const uint16_t *table, const uint64_t *x,
                    uint64_t *out) {
  uint32_t columns = 1U << p->left_bits, column[ABREAST], row[ABREAST];
  for (int j = 0; j < ABREAST; j++) {
    column[j] = (uint32_t)x[j] & (columns - 1);
    row[j] = (uint32_t)(x[j] >> p->left_bits);
  }
  for (int32_t i = 0; i < p->pairs; i++) {
    const uint16_t *rows = table + fm__permutation_room(p->rows);
    for (int j = 0; j < ABREAST; j++) {
      column[j] ^= table[row[j]];
      row[j] = wrap(row[j] + rows[column[j]], p->rows);
    }
    table = rows + fm__permutation_room(columns);
  }
  for (int j = 0; j < ABREAST; j++) out[j] = (uint64_t)row[j] << p->left_bits | column[j];
}

/* Plain C's way with tables; answers how many elements it has done, not all. */
static size_t tabled(const fm__permutation *p, const fm__permutation_table *table, uint64_t first,
                     uint64_t step, size_t count, uint64_t *out) {
  uint64_t swap = swap_of(p);
  size_t i = 0;
  for (; i + ABREAST <= count; i += ABREAST) {
    uint64_t x[ABREAST];
    for (size_t j = 0; j < ABREAST; j++) x[j] = first + (i + j) * step;
    abreast(p, table->values, x, out + i);
    for (size_t j = i; j < i + ABREAST; j++) {
      if (out[j] >= p->length) out[j] = walk(p, out[j]);
      out[j] = swapped(out[j], swap);
    }
  }
  return i;
}

/* Fewer elements than these are done one by one: a kernel makes 16 at least. */
enum { FEW = 3 };

void fm__permutation_many(const fm_dsp *dsp, const fm__permutation *p,
                          const fm__permutation_table *table, uint64_t first, uint64_t step,
                          size_t count, uint64_t *out) {
  size_t i = 0;
  if (table)
    i = (dsp->permute_tabled ? dsp->permute_tabled : tabled)(p, table, first, step, count, out);
  if (dsp->permute && count - i >= FEW) {
    dsp->permute(p, first + i * step, step, count - i, out + i);
    return;
  }
  uint64_t swap = swap_of(p);
  for (; i < count; i++) out[i] = swapped(walk(p, first + i * step), swap);
}

void fm__permutation_keyed(const fm_dsp *dsp, const fm__permutation *p, const uint64_t *keys,
                           size_t count, uint64_t *x) {
  if (dsp->permute_keyed && count >= FEW) {
    dsp->permute_keyed(p, keys, count, x);
    return;
  }
  fm__permutation own = *p;
  for (size_t i = 0; i < count; i++) {
    own.key = keys[i];
    x[i] = fm__permutation_at(&own, x[i]);
  }
}
