/* labels/exact_sum.h - sums of floats without rounding, in base 2^32. */
#ifndef FM_LABELS_EXACT_SUM_H
#define FM_LABELS_EXACT_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "dsp/dsp.h"

/* Brings digits (each 0 .. 2^63 - 1) to 0 .. 2^32 - 1 without changing their sum.
 * Answers what does not fit: 0 unless the sum has 2^203 nats or more. */
int64_t fm__sum_carry(int64_t digits[FM__SUM_DIGITS]);

/* into += from, both carried; into is carried after it. */
void fm__sum_add(int64_t into[FM__SUM_DIGITS], const int64_t from[FM__SUM_DIGITS]);

bool fm__sum_is_zero(const int64_t digits[FM__SUM_DIGITS]);

/* The sum of carried digits, rounded once: to nearest, ties to even. */
double fm__sum_to_double(const int64_t digits[FM__SUM_DIGITS]);

/* The other way: the digits of a number that is not negative and below 2^203, exactly. False, and
 * nothing is written, if it has bits below 2^-149. */
bool fm__sum_of_double(int64_t digits[FM__SUM_DIGITS], double value);

#endif
