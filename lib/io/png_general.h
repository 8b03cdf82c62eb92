/* io/png_general.h - PNG files compressed by a search for matches. */
#ifndef FM_IO_PNG_GENERAL_H
#define FM_IO_PNG_GENERAL_H

#include "io/png_layout.h"

/* Appends a whole file. `rows` are unfiltered and may be changed. `compression` is 1 to 9.
 * By libdeflate where the build has it, else by libpng and zlib. */
fm_status fm__png_general(const fm__png_layout *layout, unsigned char *rows, int compression,
                          fm__bytes *out, fm_error *err);

#endif
