/* io/channels.h - masks whose pixels are stored as several numbers. */
#ifndef FM_IO_CHANNELS_H
#define FM_IO_CHANNELS_H

#include <freemask/error.h>
#include <stdint.h>

/* Takes one number of each pixel of a row, which has 2 (gray, alpha), 3 (RGB) or 4 (RGBA) of them,
 * of 1 or 2 bytes in any order. Gray values in three channels are equal and alpha is opaque in a
 * mask that holds labels; the first pixel of which that is not true is named
 * (FM_ERR_UNSUPPORTED). */
fm_status fm__channels_keep_one(const unsigned char *row, int64_t width, int channels, int bytes,
                                int64_t y, unsigned char *out, fm_error *err);

#endif
