/* plan/permutation.c - an alternating Feistel network with cycle walking. */
#include "plan/permutation.h"

#include "core/random.h"

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
static inline uint64_t swap_of(const fm__permutation *p, uint64_t key) {
  uint64_t rounds = 2 * (uint64_t)p->pairs;
  return p->length > 1 ? fm__finalize(key + rounds * FM__GOLDEN) >> 63 : 0;
}

static inline uint64_t swapped(uint64_t x, uint64_t swap) { return x ^ (swap & (x < 2)); }

/* So many elements go through a round together: they do not wait for each other. */
enum { ABREAST = 8 };

/* `n` elements once through the rounds, each with its key. */
static inline void go(const fm__permutation *p, const uint64_t *keys, size_t n, uint64_t *x) {
  uint64_t key[ABREAST];
  uint32_t column[ABREAST], row[ABREAST];
  for (size_t j = 0; j < n; j++) {
    key[j] = keys[j];
    column[j] = (uint32_t)x[j] & ((1U << p->left_bits) - 1);
    row[j] = (uint32_t)(x[j] >> p->left_bits);
  }
  for (int32_t i = 0; i < p->pairs; i++)
    for (size_t j = 0; j < n; j++) {
      column[j] ^= column_of(p, key[j], row[j]);
      row[j] = wrap(row[j] + rows_of(p, key[j] + FM__GOLDEN, column[j]), p->rows);
      key[j] += 2 * FM__GOLDEN;
    }
  for (size_t j = 0; j < n; j++) x[j] = (uint64_t)row[j] << p->left_bits | column[j];
}

/* Through the rounds again, until an element is inside. */
static uint64_t walk(const fm__permutation *p, uint64_t key, uint64_t x) {
  while (x >= p->length) go(p, &key, 1, &x);
  return x;
}

/* What is left to do when an element comes out of the rounds. */
static inline uint64_t finish(const fm__permutation *p, uint64_t key, uint64_t x) {
  if (x >= p->length) x = walk(p, key, x);
  return x < 2 ? swapped(x, swap_of(p, key)) : x;
}

uint64_t fm__permutation_at(const fm__permutation *p, uint64_t x) {
  go(p, &p->key, 1, &x);
  return finish(p, p->key, x);
}

void fm__permutation_keyed(const fm__permutation *p, const uint64_t *keys, size_t count,
                           uint64_t *x) {
  size_t i = 0;
  for (; i + ABREAST <= count; i += ABREAST) {
    go(p, keys + i, ABREAST, x + i);
    for (size_t j = i; j < i + ABREAST; j++) x[j] = finish(p, keys[j], x[j]);
  }
  for (; i < count; i++) {
    go(p, keys + i, 1, x + i);
    x[i] = finish(p, keys[i], x[i]);
  }
}

/* ---- With tables ------------------------------------------------------------------ */

/* Values of the functions of two rounds. */
static size_t values_of_pair(const fm__permutation *p) {
  return p->rows + ((size_t)1 << p->left_bits);
}

bool fm__permutation_table_pays(const fm__permutation *p, uint64_t count) {
  size_t values = values_of_pair(p);
  return values * (size_t)p->pairs <= FM__PERMUTATION_VALUES && count >= values;
}

void fm__permutation_table_fill(const fm__permutation *p, fm__permutation_table *table) {
  uint16_t *values = table->values;
  uint64_t key = p->key;
  for (int32_t i = 0; i < p->pairs; i++) {
    for (uint32_t row = 0; row < p->rows; row++) *values++ = (uint16_t)column_of(p, key, row);
    key += FM__GOLDEN;
    for (uint32_t column = 0; column < 1U << p->left_bits; column++)
      *values++ = (uint16_t)rows_of(p, key, column);
    key += FM__GOLDEN;
  }
}

/* As go, ABREAST elements. */
static inline void look_up(const fm__permutation *p, const uint16_t *table, const uint64_t *x,
                           uint64_t *out) {
  uint32_t columns = 1U << p->left_bits, column[ABREAST], row[ABREAST];
  for (int j = 0; j < ABREAST; j++) {
    column[j] = (uint32_t)x[j] & (columns - 1);
    row[j] = (uint32_t)(x[j] >> p->left_bits);
  }
  for (int32_t i = 0; i < p->pairs; i++) {
    const uint16_t *rows = table + p->rows;
    for (int j = 0; j < ABREAST; j++) {
      column[j] ^= table[row[j]];
      row[j] = wrap(row[j] + rows[column[j]], p->rows);
    }
    table = rows + columns;
  }
  for (int j = 0; j < ABREAST; j++) out[j] = (uint64_t)row[j] << p->left_bits | column[j];
}

/* Both do the elements that fill whole groups of ABREAST, and return their number. */
static size_t many_tabled(const fm__permutation *p, const fm__permutation_table *table,
                          uint64_t first, uint64_t step, size_t count, uint64_t *out) {
  uint64_t swap = swap_of(p, p->key);
  size_t i = 0;
  for (; i + ABREAST <= count; i += ABREAST) {
    uint64_t x[ABREAST];
    for (size_t j = 0; j < ABREAST; j++) x[j] = first + (i + j) * step;
    look_up(p, table->values, x, out + i);
    for (size_t j = i; j < i + ABREAST; j++) {
      if (out[j] >= p->length) out[j] = walk(p, p->key, out[j]);
      out[j] = swapped(out[j], swap);
    }
  }
  return i;
}

static size_t many_direct(const fm__permutation *p, uint64_t first, uint64_t step, size_t count,
                          uint64_t *out) {
  uint64_t keys[ABREAST];
  size_t i = 0;
  for (int j = 0; j < ABREAST; j++) keys[j] = p->key;
  for (; i + ABREAST <= count; i += ABREAST) {
    uint64_t x[ABREAST];
    for (size_t j = 0; j < ABREAST; j++) x[j] = first + (i + j) * step;
    go(p, keys, ABREAST, x);
    for (size_t j = 0; j < ABREAST; j++) out[i + j] = finish(p, p->key, x[j]);
  }
  return i;
}

void fm__permutation_many(const fm__permutation *p, const fm__permutation_table *table,
                          uint64_t first, uint64_t step, size_t count, uint64_t *out) {
  size_t i = table ? many_tabled(p, table, first, step, count, out)
                   : many_direct(p, first, step, count, out);
  for (; i < count; i++) out[i] = fm__permutation_at(p, first + i * step);
}
