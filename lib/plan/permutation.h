/* plan/permutation.h - a shuffle of 0 to length - 1 that is computed, not stored. */
#ifndef FM_PLAN_PERMUTATION_H
#define FM_PLAN_PERMUTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An alternating Feistel network (Black and Rogaway 2002) on a grid of 2^left_bits columns
 * and `rows` rows, the smallest that has `length` cells; a number that lands outside goes through
 * the rounds again, until it is inside; at the end 0 and 1 are swapped, or not. doc/random.md is
 * the definition. */
typedef struct fm__permutation {
  uint64_t length, key;
  uint32_t rows;
  int32_t left_bits;
  int32_t pairs; /* of rounds */
} fm__permutation;

#define FM__PERMUTATION_LONGEST (UINT64_C(1) << 48)

/* `length` is 1 to 2^48. The shape does not depend on the key, which may be set anew. */
fm__permutation fm__permutation_make(uint64_t length, uint64_t key);

/* Where `x`, below the length, goes. */
uint64_t fm__permutation_at(const fm__permutation *permutation, uint64_t x);

/* The functions of all rounds, worked out for every argument: by row, by column, by row, ... */
enum { FM__PERMUTATION_VALUES = 8192 };
typedef struct fm__permutation_table {
  uint16_t values[FM__PERMUTATION_VALUES];
} fm__permutation_table;

/* Whether a table is possible (it is for lengths to 2^20) and pays for `count` elements. */
bool fm__permutation_table_pays(const fm__permutation *permutation, uint64_t count);
void fm__permutation_table_fill(const fm__permutation *permutation, fm__permutation_table *table);

/* out[i] = where first + i * step goes, for all i below `count`; none of them may be beyond
 * the length. `table` may be NULL. */
void fm__permutation_many(const fm__permutation *permutation, const fm__permutation_table *table,
                          uint64_t first, uint64_t step, size_t count, uint64_t *out);
/* x[i] = where x[i] goes under keys[i]. */
void fm__permutation_keyed(const fm__permutation *permutation, const uint64_t *keys, size_t count,
                           uint64_t *x);

#endif
