/* core/power.h - powers whose bits are the same on every machine. */
#ifndef FM_CORE_POWER_H
#define FM_CORE_POWER_H

#include <math.h>

#include "core/bits.h"

/* x to the power exponent / 2^32, for x from 0 to 1: products and square roots only, which
 * IEEE 754 rounds correctly (pow and exp may differ between C libraries). doc/random.md, "Powers",
 * has the order of the operations. Rising in x. */
FM__BOTH double fm__power(double x, uint64_t exponent) {
  double result = 1, square = x, root = x;
  for (uint64_t whole = exponent >> 32; whole; whole >>= 1) {
    if (whole & 1) result *= square;
    square *= square;
  }
  for (uint32_t part = (uint32_t)exponent; part; part <<= 1) {
    root = sqrt(root);
    if (part >> 31) result *= root;
  }
  return result;
}

/* The same for e to the power -y, y from 0 on, which is rounded to a multiple of 2^-32. */
double fm__exp_minus(double y);

/* A number from 0 to 2^20 as a multiple of 2^-16, in units of 2^-32. */
FM__BOTH uint64_t fm__exponent(double value) { return (uint64_t)(value * 65536 + 0.5) << 16; }

#endif
