/* core/bits.h - the byte order, and numbers as their bits. */
#ifndef FM_CORE_BITS_H
#define FM_CORE_BITS_H

#include <stdint.h>
#include <string.h>

/* 1 where the compiler says that the lowest byte of a number comes first, else 0. Code that asks
 * must be right with 0 everywhere. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FM__LITTLE_ENDIAN 1
#else
#define FM__LITTLE_ENDIAN 0
#endif

/* Before functions that kernels on a device call, too. */
#if defined(__CUDACC__)
#define FM__BOTH __host__ __device__ static inline
#else
#define FM__BOTH static inline
#endif

FM__BOTH uint32_t fm__float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

FM__BOTH float fm__float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* A finite number as bits that are in the order of the numbers; -0 is 0. */
static inline uint64_t fm__ordered_bits(double number) {
  uint64_t bits;
  number += 0.0;
  memcpy(&bits, &number, sizeof bits);
  return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* The upper half of a float. */
FM__BOTH float fm__float_of_bfloat(uint16_t bits) {
  return fm__float_of_bits((uint32_t)bits << 16);
}

/* IEEE binary16 to float: exact; NaN and infinity stay what they are. */
FM__BOTH float fm__float_of_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t rest = half & 0x7fff;
  uint32_t bits;
  if (rest >= 0x7c00)
    bits = 0x7f800000 | (rest & 0x3ff) << 13;
  else if (rest >= 0x0400)
    bits = (rest << 13) + ((127 - 15) << 23);
  else /* subnormal: rest * 2^-24, which a float holds exactly */
    bits = fm__float_bits((float)rest * 0x1p-24F);
  return fm__float_of_bits(bits | sign);
}

#endif
