/* io/without_png.c - what a build without libpng does. */
#include "core/fail.h"
#include "io/decode.h"
#include "io/encode.h"

static fm_status refuse(fm_error *err) {
  return fm__fail(err, FM_ERR_UNSUPPORTED, "this libfreemask was built without PNG (libpng)");
}

fm_status fm__png_read(const fm_context *context, fm__input *input, const fm__request *request,
                       fm_raster **out, fm_error *err) {
  (void)context, (void)input, (void)request, (void)out;
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
