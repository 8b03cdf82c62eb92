/* losses/mask_resize.c - resizing masks. */
#include "losses/mask_resize.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pixel.h"

/* The pixel of `whole` that contains the middle of pixel `at` of `size`. */
static int64_t middle_of(int64_t at, int64_t whole, int64_t size) {
  return (2 * at + 1) * whole / (2 * size);
}

int mask_resize(const fm_plane *mask, int64_t width, int64_t height, const char *path,
                fm_plane *out, fault *f) {
  const fm_plane from = pixel_strides(mask);
  const bool narrow = mask->dtype == FM_U8;
  uint8_t *bytes = alloc_zeroed((size_t)(width * height), narrow ? 1 : 2);
  *out = fm_plane_make(bytes, narrow ? FM_U8 : FM_U16, height, width);
  for (int64_t at = 0; at < width * height; at++) {
    int64_t y = middle_of(at / width, from.height, height);
    int64_t x = middle_of(at % width, from.width, width);
    const char *pixel = (const char *)from.data + y * from.row_stride + x * from.col_stride;
    int64_t label = pixel_label(pixel, from.dtype);
    if (label < 0 || label > UINT16_MAX) {
      free(bytes);
      return fault_set(f, EXIT_DATA, "%s: label %" PRId64 ", a PNG holds 0 to 65535", path, label);
    }
    if (narrow)
      bytes[at] = (uint8_t)label;
    else
      memcpy(bytes + 2 * at, &(uint16_t){(uint16_t)label}, 2);
  }
  return EXIT_FINE;
}
