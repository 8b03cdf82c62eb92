/* network/log_sum.h - sums of exponentials of any size, for the library and for kernels on a device. */
#ifndef FM_NETWORK_LOG_SUM_H
#define FM_NETWORK_LOG_SUM_H

#include <math.h>

#include "core/bits.h"

/* exp(top) * sum; begins as {-INFINITY, 0}. */
typedef struct fm__log_sum {
  double top, sum;
} fm__log_sum;

/* Adds exp(z). */
FM__BOTH void fm__log_sum_add(fm__log_sum *s, double z) {
  if (z == -INFINITY) return;
  s->sum = z > s->top ? s->sum * exp(s->top - z) + 1 : s->sum + exp(z - s->top);
  if (z > s->top) s->top = z;
}

#endif
