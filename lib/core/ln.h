/* core/ln.h - the natural logarithm out of operations that IEEE 754 rounds correctly, so that its
 * bits are the same on every machine (log may differ between C libraries). */
#ifndef FM_CORE_LN_H
#define FM_CORE_LN_H

#include <math.h>

/* Of a positive, finite number; the error is below 1e-14. */
static inline double fm__ln(double x) {
  int exponent;
  double m = frexp(x, &exponent); /* exact; 0.5 <= m < 1 */
  if (m < 0.70710678118654752) {
    m *= 2;
    exponent--;
  }
  /* ln m = 2 artanh t = 2 (t + t^3 / 3 + ...), where |t| < 0.172 */
  double t = (m - 1) / (m + 1), square = t * t, sum = 0;
  for (int n = 23; n >= 1; n -= 2) sum = sum * square + 1.0 / n;
  return exponent * 0.69314718055994531 + 2 * t * sum;
}

#endif
