/* io/without_png.c - what a build without libpng answers. */
#include "core/fail.h"
#include "io/decode.h"
#include "io/encode.h"

static fm_status refuse(fm_error *err) {
  return fm__fail(err, FM_ERR_UNSUPPORTED, "this libfreemask was built without PNG (libpng)");
}

fm_status fm__png_read_mask(const fm_context *context, fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err) {
  (void)context, (void)input, (void)max_pixels, (void)out;
  return refuse(err);
}

fm_status fm__png_read_image(const fm_context *context, fm__input *input, int64_t max_pixels,
                             fm_raster **out, fm_error *err) {
  (void)context, (void)input, (void)max_pixels, (void)out;
  return refuse(err);
}

fm_status fm__png_write_mask(const fm_plane *mask, const fm_raster *like, int compression,
                             fm__bytes *out, fm_error *err) {
  (void)mask, (void)like, (void)compression, (void)out;
  return refuse(err);
}

fm_status fm__png_write_image(const fm_volume *image, int compression, fm__bytes *out,
                              fm_error *err) {
  (void)image, (void)compression, (void)out;
  return refuse(err);
}
