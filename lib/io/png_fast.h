/* io/png_fast.h - common kinds of mask without libpng, several times as fast. */
#ifndef FM_IO_PNG_FAST_H
#define FM_IO_PNG_FAST_H

#include <stdbool.h>

#include "io/input.h"
#include "io/raster.h"

/* Reads a gray or palette PNG that is not interlaced, lies whole in the input's window and has no
 * flaw at all. Any other is left to libpng, which has messages for flaws: `*out` and the input are
 * untouched then. The only failure is FM_ERR_MEMORY. */
fm_status fm__png_fast_mask(const fm_context *context, const fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err);

#endif
