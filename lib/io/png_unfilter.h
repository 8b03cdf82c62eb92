/* io/png_unfilter.h - PNG's row filters undone, and packed pixels as numbers. */
#ifndef FM_IO_PNG_UNFILTER_H
#define FM_IO_PNG_UNFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In place; rows have `stride` bytes, of which the first is the filter. False if there is no such
 * filter. */
bool fm__png_unfilter(unsigned char *rows, size_t height, size_t stride, size_t pixel_bytes);

/* The pixels of one row: of 1, 2, 4 or 8 bits as bytes, of 16 bits as native numbers. */
void fm__png_unpack_row(const unsigned char *row, uint32_t width, int depth, unsigned char *to);

#endif
