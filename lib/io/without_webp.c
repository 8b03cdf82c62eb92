/* io/without_webp.c - what a build without libwebp does. */
#include "core/fail.h"
#include "io/decode.h"

fm_status fm__webp_read(const fm_context *context, fm__input *input, const fm__request *request,
                        fm_raster **out, fm_error *err) {
  (void)context, (void)input, (void)request, (void)out;
  return fm__fail(err, FM_ERR_UNSUPPORTED, "this libfreemask was built without WebP (libwebp)");
}
