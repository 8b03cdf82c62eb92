/* io/png_fast.h - the common kinds of mask without libpng, several times as fast. */
#ifndef FM_IO_PNG_FAST_H
#define FM_IO_PNG_FAST_H

#include <stdbool.h>

#include "io/input.h"
#include "io/raster.h"

/* Reads a grey or palette PNG that is not interlaced, whole in the input's window and
 * flawless in every respect. Any other is left to libpng, which knows what to say:
 * `*out` stays as it is, and so does the input. Fails for want of memory only. */
fm_status fm__png_fast_mask(const fm_context *context, const fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err);

#endif
