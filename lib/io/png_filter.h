/* io/png_filter.h - PNG's filter Up. */
#ifndef FM_IO_PNG_FILTER_H
#define FM_IO_PNG_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* Rows have `stride` bytes, of which the first is the filter (0 on entry). */

/* Whether a mask's rows have fewer runs as differences from the row above. */
bool fm__png_up_is_better(const unsigned char *rows, size_t height, size_t stride,
                          size_t pixel_bytes);
/* Turns all rows but the first into such differences, in place. */
void fm__png_filter_up(unsigned char *rows, size_t height, size_t stride);

#endif
