/* core/power.c - powers out of products and square roots. */
#include "core/power.h"

#include <math.h>

static const double TWO_16 = 65536, TWO_20 = 1048576, TWO_32 = 4294967296;
static const double ONE_OVER_E = 0.36787944117144233;

double fm__power(double x, uint64_t exponent) {
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

double fm__exp_minus(double y) {
  return y < TWO_20 ? fm__power(ONE_OVER_E, (uint64_t)(y * TWO_32 + 0.5)) : 0;
}

uint64_t fm__exponent(double value) { return (uint64_t)(value * TWO_16 + 0.5) << 16; }
