/* io/encode.h - the encoders: from pixels to the bytes of a file. */
#ifndef FM_IO_ENCODE_H
#define FM_IO_ENCODE_H

#include <freemask/view.h>
#include <stdbool.h>

#include "io/bytes.h"
#include "io/raster.h"

/* They append to `out`, which its owner frees whatever happens. The views have been
 * checked and their strides filled in. `compression` is that of fm_write_options.
 * Every build has all of them. */
fm_status fm__png_write_mask(const fm_plane *mask, const fm_raster *like, int compression,
                             fm__bytes *out, fm_error *err);
fm_status fm__png_write_image(const fm_volume *image, int compression, fm__bytes *out,
                              fm_error *err);
fm_status fm__jpeg_write_image(const fm_volume *image, int quality, fm__bytes *out, fm_error *err);

/* Writes the file `path`, whole or not at all. The plane has been checked, too. */
fm_status fm__npy_write(const fm_context *context, const char *path, const fm_plane *plane,
                        bool flush, fm_error *err);

#endif
