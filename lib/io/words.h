/* io/words.h - eight bytes at a time. */
#ifndef FM_IO_WORDS_H
#define FM_IO_WORDS_H

#include <stdint.h>
#include <string.h>

#include "core/bits.h" /* FM__LITTLE_ENDIAN: loops go byte by byte on other machines */

/* Eight sums modulo 256: no carry crosses from byte to byte. */
static inline uint64_t fm__add_bytes(uint64_t a, uint64_t b) {
  const uint64_t high = UINT64_C(0x8080808080808080);
  return ((a & ~high) + (b & ~high)) ^ ((a ^ b) & high);
}

/* Little-endian: byte i becomes `before` plus bytes 0 to i, modulo 256. */
static inline uint64_t fm__running_sums(uint64_t word, unsigned char before) {
  if (word) {
    word = fm__add_bytes(word, word << 8);
    word = fm__add_bytes(word, word << 16);
    word = fm__add_bytes(word, word << 32);
  }
  return fm__add_bytes(word, before * UINT64_C(0x0101010101010101));
}

/* 0x80 in each byte of a word that is not 0, as in memory. */
static inline uint64_t fm__nonzero_bytes(uint64_t word) {
  const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
  return (((word & low) + low) | word) & ~low;
}

#endif
