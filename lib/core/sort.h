/* core/sort.h - sorts that take no memory behind the context's back, as qsort may. */
#ifndef FM_CORE_SORT_H
#define FM_CORE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Below 0, 0 or above 0 as item a comes before, with or after item b. */
typedef int (*fm__compare_fn)(uint32_t a, uint32_t b, const void *user);

/* Stable merge sort of item numbers; `spare` has room for `count` of them. */
void fm__sort_items(uint32_t *items, uint32_t *spare, size_t count, fm__compare_fn compare,
                    const void *user);

/* Item numbers 0 .. count - 1 (below 2^32) into `items`, ascending by their finite numbers and
 * stable; -0 and 0 are equal. Radix sort: six walks whatever the numbers are. */
void fm__sort_by_number(uint32_t *items, uint32_t *spare, size_t count, const double *numbers);

/* Ascending, in place (heap sort). */
void fm__sort_numbers(int64_t *numbers, size_t count);

#endif
