/* io/png_encode.h - rows of pixels as a PNG file. */
#ifndef FM_IO_PNG_ENCODE_H
#define FM_IO_PNG_ENCODE_H

#include <stdbool.h>

#include "io/png_layout.h"

typedef enum fm__png_filter { FM__PNG_PLAIN, FM__PNG_UP, FM__PNG_PAETH } fm__png_filter;

/* How rows are compressed. */
typedef struct fm__png_coding {
  fm__png_filter filter;
  int level; /* 1 to 9; 0: only runs of equal bytes are looked for, which is what label
                masks are made of */
} fm__png_coding;

/* Appends a whole file. `rows` are packed as png_layout.h says. */
fm_status fm__png_encode(const fm__png_layout *layout, const unsigned char *rows,
                         fm__png_coding coding, fm__bytes *out, fm_error *err);

#endif
