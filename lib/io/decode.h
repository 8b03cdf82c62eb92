/* io/decode.h - the decoders: from an input at its first byte to a new raster. */
#ifndef FM_IO_DECODE_H
#define FM_IO_DECODE_H

#include "io/input.h"
#include "io/raster.h"

/* All of them refuse more than `max_pixels` before memory for pixels is taken, and
 * write no path into their messages. Every build has all of them. */
fm_status fm__png_read_mask(const fm_context *context, fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err);
fm_status fm__png_read_image(const fm_context *context, fm__input *input, int64_t max_pixels,
                             fm_raster **out, fm_error *err);
fm_status fm__jpeg_read_image(const fm_context *context, fm__input *input, int64_t max_pixels,
                              fm_raster **out, fm_error *err);
fm_status fm__npy_read_mask(const fm_context *context, fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err);
fm_status fm__npy_read_loss(const fm_context *context, fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err);
fm_status fm__npy_read_output(const fm_context *context, fm__input *input, int64_t max_pixels,
                              fm_raster **out, fm_error *err);

#endif
