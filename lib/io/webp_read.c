/* io/webp_read.c - WebP photographs as RGB. libwebp takes its working memory from malloc: a few
 * rows of a lossy file, 4 bytes for each pixel of a lossless one. */
#include <inttypes.h>
#include <string.h>

#include <webp/decode.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/exif.h"
#include "io/orient.h"

enum { HEADER = 12, CHUNK = 8 };

static uint32_t little(const unsigned char *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The EXIF chunk of the container tells the orientation. */
static int32_t orientation_of(const unsigned char *data, size_t size) {
  for (size_t at = HEADER; at <= size && size - at >= CHUNK;) {
    size_t length = little(data + at + 4), left = size - at - CHUNK;
    if (length > left) return 1;
    if (!memcmp(data + at, "EXIF", 4)) return fm__exif_orientation(data + at + CHUNK, length);
    at += CHUNK + length + (length & 1 && length < left);
  }
  return 1;
}

static fm_status check(const WebPBitstreamFeatures *about, int64_t max_pixels, fm_error *err) {
  if (about->has_animation)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "WebP is an animation, expected one image: save its frame as an image");
  if (about->width <= 0 || about->height <= 0)
    return fm__fail(err, FM_ERR_FORMAT, "WebP is damaged: it has no size");
  return fm__check_pixels((uint64_t)about->width, (uint64_t)about->height, max_pixels, err);
}

static fm_status decode(const fm_context *context, const unsigned char *data, size_t size,
                        const fm__request *request, fm_raster **out, fm_error *err) {
  WebPBitstreamFeatures about;
  fm_raster *raster = NULL;
  VP8StatusCode code = WebPGetFeatures(data, size, &about);
  if (code)
    return fm__fail(err, FM_ERR_FORMAT, "WebP is damaged: %s",
                    code == VP8_STATUS_NOT_ENOUGH_DATA ? "the file ends too early"
                                                       : "its header makes no sense");
  fm_status status = check(&about, request->max_pixels, err);
  if (!status) status = fm__raster_image(context, about.height, about.width, 8, &raster, err);
  if (status) return status;
  const size_t stride = 3 * (size_t)about.width;
  if (!WebPDecodeRGBInto(data, size, raster->pixels, stride * (size_t)about.height, (int)stride)) {
    fm_raster_destroy(raster);
    return fm__fail(err, FM_ERR_FORMAT,
                    "WebP is damaged: its pixels end too early or make no sense");
  }
  status = fm__orient(context, request, orientation_of(data, size), &raster, err);
  if (!status) *out = raster;
  return status;
}

fm_status fm__webp_read(const fm_context *context, fm__input *input, const fm__request *request,
                        fm_raster **out, fm_error *err) {
  char *data = NULL;
  size_t size = 0;
  fm_status status = fm__input_load(context, input, 0, &data, &size, err);
  if (status) return status;
  status = decode(context, (const unsigned char *)data, size, request, out, err);
  fm__free(context, data);
  return status;
}
