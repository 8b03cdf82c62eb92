/* core/power.c - powers out of products and square roots. */
#include "core/power.h"

static const double TWO_20 = 1048576, TWO_32 = 4294967296;
static const double ONE_OVER_E = 0.36787944117144233;

double fm__exp_minus(double y) {
  return y < TWO_20 ? fm__power(ONE_OVER_E, (uint64_t)(y * TWO_32 + 0.5)) : 0;
}
