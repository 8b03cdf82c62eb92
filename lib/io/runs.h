/* io/runs.h - zlib streams for label masks. */
#ifndef FM_IO_RUNS_H
#define FM_IO_RUNS_H

#include "io/bytes.h"

/* Compresses `data` as a zlib stream (RFC 1950, 1951) that holds nothing but literals
 * and repetitions of the previous pixel of `distance` bytes, 1 or 2, and appends it.
 * Label masks are runs, so this takes a fraction of the time of a search for matches.
 * False if memory is refused. */
bool fm__runs_compress(const unsigned char *data, size_t size, size_t distance, fm__bytes *out);

#endif
