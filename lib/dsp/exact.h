/* dsp/exact.h - a loss as bits, and its place in an exact sum. */
#ifndef FM_DSP_EXACT_H
#define FM_DSP_EXACT_H

#include "core/bits.h"

/* Bits of +infinity: finite and not negative floats are exactly the patterns below
 * it, and order like them; -0 is let in apart. */
#define FM__INFINITY_BITS UINT32_C(0x7f800000)

FM__BOTH uint32_t fm__loss_bits(float loss) {
  uint32_t bits = fm__float_bits(loss);
  return bits == UINT32_C(0x80000000) ? 0 : bits;
}

/* Two neighbouring digits (base 2^32) of a sum, and what a loss adds to them. */
typedef struct fm__two_digits {
  uint32_t first, low, high;
} fm__two_digits;

/* loss = mantissa * 2^(exponent - 149): the mantissa goes to the two digits that it straddles. */
FM__BOTH fm__two_digits fm__digits_of(uint32_t bits) {
  fm__two_digits two;
  uint32_t exponent = bits >> 23;
  uint64_t mantissa = bits & 0x7fffff;
  if (exponent) {
    mantissa |= 0x800000;
    exponent--;
  }
  mantissa <<= exponent & 31;
  two.first = exponent >> 5;
  two.low = (uint32_t)mantissa;
  two.high = (uint32_t)(mantissa >> 32);
  return two;
}

/* Brings digits (each 0 .. 2^63 - 1) to 0 .. 2^32 - 1 without changing their sum. Returns what does
 * not fit. */
FM__BOTH int64_t fm__digits_carry(int64_t *digits, int count) {
  const int64_t mask = INT64_C(0xffffffff);
  int64_t carry = 0;
  for (int i = 0; i < count; i++) {
    /* Both halves apart: digit + carry could exceed 63 bits. */
    int64_t low = (digits[i] & mask) + (carry & mask);
    carry = (digits[i] >> 32) + (carry >> 32) + (low >> 32);
    digits[i] = low & mask;
  }
  return carry;
}

#endif
