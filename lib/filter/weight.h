/* filter/weight.h - a pixel's weight, and its bits in a type: for the library and for kernels on a device. Products,
 * sums, a quotient and square roots only: the same bits everywhere. */
#ifndef FM_FILTER_WEIGHT_H
#define FM_FILTER_WEIGHT_H

#include <freemask/filter.h>
#include <math.h>

#include "core/power.h"

#define FM__WEIGHT_WIDTH 0.5
#define FM__WEIGHT_GAMMA 1.0

/* fm_weight_options with defaults filled in. */
typedef struct fm__weight_rule {
  double dropped, width;
  uint64_t exponent; /* gamma, as fm__power takes it */
  int32_t kind;
} fm__weight_rule;

static inline fm__weight_rule fm__weight_rule_of(const fm_weight_options *o) {
  double width = o->width > 0 ? o->width : FM__WEIGHT_WIDTH;
  double gamma = o->gamma > 0 ? o->gamma : FM__WEIGHT_GAMMA;
  return (fm__weight_rule){o->dropped, width, fm__exponent(gamma), o->kind};
}

/* How much of a pixel is kept, 0 to 1. */
FM__BOTH double fm__weight_part(const fm__weight_rule *rule, double score, double threshold) {
  if (rule->kind == FM_WEIGHT_STEP) return score <= threshold;
  if (rule->kind == FM_WEIGHT_POWER) {
    if (score <= threshold) return 1;
    return fm__power(threshold / score, rule->exponent);
  }
  double low = (1 - rule->width) * threshold, high = (1 + rule->width) * threshold;
  if (score <= low) return 1;
  return score < high ? (high - score) / (high - low) : 0;
}

FM__BOTH double fm__weight_of(const fm__weight_rule *rule, double score, double threshold) {
  if (isinf(threshold)) return 1;
  return rule->dropped + (1 - rule->dropped) * fm__weight_part(rule, score, threshold);
}

/* A number from 0 to 1 as the bits of a float type: rounded once, to nearest, ties to even. `least`
 * is the exponent of the smallest normal number of the type. */
FM__BOTH uint64_t fm__round_to(double number, int mantissa_bits, int least) {
  int exponent; /* number is at least 2^exponent, unless it is subnormal */
  if (number <= 0) return 0;
  (void)frexp(number, &exponent);
  exponent--;
  if (exponent < least) exponent = least;
  double scaled = ldexp(number, mantissa_bits - exponent), whole = floor(scaled);
  double rest = scaled - whole;
  uint64_t mantissa = (uint64_t)whole;
  if (rest > 0.5 || (rest == 0.5 && mantissa % 2)) mantissa++;
  /* The leading bit of a normal mantissa, also of one that rounding made so, counts as one
   * exponent more. */
  return mantissa + ((uint64_t)(exponent - least) << mantissa_bits);
}

/* A weight from 0 to 1 as the bits of a type. */
FM__BOTH uint64_t fm__weight_bits(double weight, int32_t dtype) {
  uint64_t bits;
  switch (dtype) {
    case FM_F16:
      return fm__round_to(weight, 10, -14);
    case FM_BF16:
      return fm__round_to(weight, 7, -126);
    case FM_F32:
      return fm__float_bits((float)weight);
    case FM_F64:
      memcpy(&bits, &weight, sizeof bits);
      return bits;
    default:
      return weight > 0;
  }
}

#endif
