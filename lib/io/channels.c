/* io/channels.c - masks whose pixels are stored as several numbers. */
#include "io/channels.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/fail.h"

static bool is_gray(const unsigned char *pixel, int bytes) {
  return !memcmp(pixel, pixel + bytes, (size_t)bytes) &&
         !memcmp(pixel, pixel + 2 * bytes, (size_t)bytes);
}

static fm_status fail_color(const unsigned char *pixel, int bytes, int64_t x, int64_t y,
                            fm_error *err) {
  char color[32] = "colored";
  if (bytes == 1) snprintf(color, sizeof color, "#%02x%02x%02x", pixel[0], pixel[1], pixel[2]);
  return fm__fail(err, FM_ERR_UNSUPPORTED,
                  "holds colors, pixel (x %" PRId64 ", y %" PRId64
                  ") is %s: expected one number for each pixel (freemask convert makes labels of "
                  "colors; a conversion to gray would mix them up)",
                  x, y, color);
}

fm_status fm__channels_keep_one(const unsigned char *row, int64_t width, int channels, int bytes,
                                int64_t y, unsigned char *out, fm_error *err) {
  static const unsigned char opaque[2] = {0xFF, 0xFF};
  const bool rgb = channels >= 3, alpha = channels % 2 == 0;
  for (int64_t x = 0; x < width; x++, row += channels * bytes, out += bytes) {
    if (rgb && !is_gray(row, bytes)) return fail_color(row, bytes, x, y, err);
    if (alpha && memcmp(row + (channels - 1) * bytes, opaque, (size_t)bytes) != 0)
      return fm__fail(err, FM_ERR_UNSUPPORTED,
                      "is not opaque at pixel (x %" PRId64 ", y %" PRId64
                      "): expected labels without transparency, or colors for freemask convert",
                      x, y);
    memcpy(out, row, (size_t)bytes);
  }
  return FM_OK;
}
