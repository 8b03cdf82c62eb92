/* io/huffman.h - prefix codes as deflate wants them. */
#ifndef FM_IO_HUFFMAN_H
#define FM_IO_HUFFMAN_H

#include <stdint.h>

enum { FM__HUFFMAN_SYMBOLS = 288 };

/* Lengths of at most `limit` bits for the symbols that occur, 0 for the others. At
 * least two symbols get a code, as decoders demand. `count` is 2 .. 288, and 2^limit
 * is not below it. */
void fm__huffman_lengths(const uint32_t *frequency, int count, int limit, uint8_t *lengths);

/* The canonical codes (RFC 1951, 3.2.2), first bit lowest. */
void fm__huffman_codes(const uint8_t *lengths, int count, uint16_t *codes);

#endif
