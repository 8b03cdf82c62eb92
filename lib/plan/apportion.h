/* plan/apportion.h - a budget shared out by weights, to the last image. */
#ifndef FM_PLAN_APPORTION_H
#define FM_PLAN_APPORTION_H

#include <stddef.h>
#include <stdint.h>

/* An item gets n_min to n_max, but never less than it keeps. */
typedef struct fm__bounds {
  uint32_t n_min, n_max;
  const uint32_t *kept; /* per item, or NULL: nothing */
} fm__bounds;

static inline uint32_t fm__lowest(const fm__bounds *bounds, size_t i) {
  uint32_t kept = bounds->kept ? bounds->kept[i] : 0;
  return kept > bounds->n_min ? kept : bounds->n_min;
}

static inline uint32_t fm__highest(const fm__bounds *bounds, size_t i) {
  uint32_t kept = bounds->kept ? bounds->kept[i] : 0;
  return kept > bounds->n_max ? kept : bounds->n_max;
}

enum { FM__FULL_WEIGHT = INT32_MAX };

/* Turns `items`, weights from 1 to FM__FULL_WEIGHT, into counts whose sum is `budget`, in place
 * and in whole numbers. The share of an item is lambda * weight, but not below its lowest and not
 * above its highest count, with the one lambda that makes the shares sum up to the budget. Each
 * gets its share's whole part; what is left goes one each to the largest remainders, and where
 * equal ones do not all get one, evenly along the items.
 *
 * The budget lies between the sums of the bounds; at most 2^31 - 1 items, counts to 2^20. */
void fm__apportion(uint32_t *items, size_t count, const fm__bounds *bounds, uint64_t budget);

#endif
