/* io/png_deflate.h - a PNG's pixels compressed at once. */
#ifndef FM_IO_PNG_DEFLATE_H
#define FM_IO_PNG_DEFLATE_H

#include "io/png_encode.h"

/* Makes the zlib stream of a PNG, its rows plain or as differences from the row above. Makes none
 * in builds without libdeflate, and if it would not fit a chunk. */
fm_status fm__png_deflate(const fm__png_layout *layout, const unsigned char *rows,
                          fm__png_coding coding, fm__bytes *out, fm_error *err);

#endif
