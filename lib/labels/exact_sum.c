/* labels/exact_sum.c - carries and the one rounding. */
#include "labels/exact_sum.h"

#include <math.h>

#include "dsp/exact.h"

static const int64_t DIGIT_MASK = INT64_C(0xffffffff);

int64_t fm__sum_carry(int64_t digits[FM__SUM_DIGITS]) {
  return fm__digits_carry(digits, FM__SUM_DIGITS);
}

void fm__sum_add(int64_t into[FM__SUM_DIGITS], const int64_t from[FM__SUM_DIGITS]) {
  for (int i = 0; i < FM__SUM_DIGITS; i++) into[i] += from[i];
  (void)fm__sum_carry(into);
}

bool fm__sum_is_zero(const int64_t digits[FM__SUM_DIGITS]) {
  int64_t any = 0;
  for (int i = 0; i < FM__SUM_DIGITS; i++) any |= digits[i];
  return any == 0;
}

double fm__sum_to_double(const int64_t digits[FM__SUM_DIGITS]) {
  int top = FM__SUM_DIGITS - 1;
  while (top >= 0 && digits[top] == 0) top--;
  if (top < 0) return 0;

  /* The 64 bits from the highest one down; whatever is below them only matters for
   * the rounding, and the lowest of the 64 can represent all of it: 11 are dropped. */
  uint64_t next = top >= 1 ? (uint64_t)digits[top - 1] : 0;
  uint64_t third = top >= 2 ? (uint64_t)digits[top - 2] : 0;
  int shift = 0;
  while (!((uint64_t)digits[top] << shift & UINT64_C(0x80000000))) shift++;
  uint64_t bits = ((uint64_t)digits[top] << 32 | next) << shift;
  uint64_t below = third << shift;
  bits |= below >> 32;
  bool rest = (below & (uint64_t)DIGIT_MASK) != 0;
  for (int i = 0; i < top - 2; i++) rest = rest || digits[i] != 0;
  if (rest) bits |= 1;
  return ldexp((double)bits, 32 * (top - 1) - 149 - shift);
}

bool fm__sum_of_double(int64_t digits[FM__SUM_DIGITS], double value) {
  int exponent;
  uint64_t mantissa = (uint64_t)ldexp(frexp(value, &exponent), 53);
  int place = exponent - 53 + 149; /* of the lowest bit, from that of digit 0 */
  while (mantissa && !(mantissa & 1)) {
    mantissa >>= 1;
    place++;
  }
  if (mantissa && place < 0) return false;
  for (int i = 0; i < FM__SUM_DIGITS; i++) digits[i] = 0;
  if (!mantissa) return true;
  /* Up to 53 bits from one of 32 places on: three digits at most, by halves. */
  uint64_t low = (mantissa & (uint64_t)DIGIT_MASK) << (place % 32);
  uint64_t high = (mantissa >> 32) << (place % 32);
  int64_t parts[3] = {(int64_t)low & DIGIT_MASK,
                      (int64_t)(low >> 32) + ((int64_t)high & DIGIT_MASK), (int64_t)(high >> 32)};
  for (int i = 0; i < 3 && place / 32 + i < FM__SUM_DIGITS; i++) digits[place / 32 + i] = parts[i];
  (void)fm__sum_carry(digits);
  return true;
}
