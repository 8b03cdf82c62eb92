/* io/without_tiff.c - what a build without libtiff does. */
#include "core/fail.h"
#include "io/decode.h"

fm_status fm__tiff_read(const fm_context *context, fm__input *input, const fm__request *request,
                        fm_raster **out, fm_error *err) {
  (void)context, (void)input, (void)request, (void)out;
  return fm__fail(err, FM_ERR_UNSUPPORTED, "this libfreemask was built without TIFF (libtiff)");
}
