/* io/without_jpeg.c - what a build without libjpeg-turbo does. */
#include "core/fail.h"
#include "io/decode.h"
#include "io/encode.h"

static fm_status refuse(fm_error *err) {
  return fm__fail(err, FM_ERR_UNSUPPORTED,
                  "this libfreemask was built without JPEG (libjpeg-turbo)");
}

fm_status fm__jpeg_read(const fm_context *context, fm__input *input, const fm__request *request,
                        fm_raster **out, fm_error *err) {
  (void)context, (void)input, (void)request, (void)out;
  return refuse(err);
}

fm_status fm__jpeg_write_image(const fm_volume *image, int quality, fm__bytes *out, fm_error *err) {
  (void)image, (void)quality, (void)out;
  return refuse(err);
}
