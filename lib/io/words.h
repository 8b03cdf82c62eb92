/* io/words.h - eight bytes at a time. */
#ifndef FM_IO_WORDS_H
#define FM_IO_WORDS_H

#include <stdint.h>
#include <string.h>

/* The number, in memory, of the first byte of a word that is not 0. There is one. */
static inline unsigned fm__first_byte(uint64_t word) {
#if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return (unsigned)__builtin_ctzll(word) / 8;
#else
  unsigned char bytes[8];
  unsigned first = 0;
  memcpy(bytes, &word, 8);
  while (!bytes[first]) first++;
  return first;
#endif
}

/* 0x80 in each byte of a word that is not 0, as in memory. */
static inline uint64_t fm__nonzero_bytes(uint64_t word) {
  const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
  return (((word & low) + low) | word) & ~low;
}

#endif
