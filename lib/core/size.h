/* core/size.h - sizes that are products and sums, checked: size_t has 32 bits on small machines. */
#ifndef FM_CORE_SIZE_H
#define FM_CORE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a * b, *out = a + b; false, and nothing is written, if that is more than an object can
 * have (PTRDIFF_MAX bytes). */
static inline bool fm__size_mul(size_t a, size_t b, size_t *out) {
  if (b && a > PTRDIFF_MAX / b) return false;
  *out = a * b;
  return true;
}

static inline bool fm__size_add(size_t a, size_t b, size_t *out) {
  if (a > PTRDIFF_MAX || b > PTRDIFF_MAX - a) return false;
  *out = a + b;
  return true;
}

#endif
