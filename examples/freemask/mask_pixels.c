/* freemask/mask_pixels.c - labels of a mask. */
#include "mask_pixels.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

int64_t mask_label_at(const fm_plane *mask, int64_t x, int64_t y) {
  union {
    uint8_t u8;
    uint16_t u16;
    int16_t i16;
    int32_t i32;
    int64_t i64;
  } v;
  const size_t size = fm_dtype_size((fm_dtype)mask->dtype);
  const int64_t column = mask->col_stride ? mask->col_stride : (int64_t)size;
  const int64_t row = mask->row_stride ? mask->row_stride : mask->width * column;
  memcpy(&v, (const char *)mask->data + y * row + x * column, size);
  switch (mask->dtype) {
    case FM_U8:
      return v.u8;
    case FM_U16:
      return v.u16;
    case FM_I16:
      return v.i16;
    case FM_I32:
      return v.i32;
    default:
      return v.i64;
  }
}

/* The pixel of `whole` in which the middle of pixel `at` of `size` lies. */
static int64_t middle_of(int64_t at, int64_t whole, int64_t size) {
  return (2 * at + 1) * whole / (2 * size);
}

int mask_resize(const fm_plane *mask, int64_t width, int64_t height, const char *path,
                fm_plane *out, fault *f) {
  const bool narrow = mask->dtype == FM_U8;
  uint8_t *bytes = alloc_zeroed((size_t)(width * height), narrow ? 1 : 2);
  *out = fm_plane_make(bytes, narrow ? FM_U8 : FM_U16, height, width);
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++) {
      int64_t label =
          mask_label_at(mask, middle_of(x, mask->width, width), middle_of(y, mask->height, height));
      int64_t at = y * width + x;
      if (label < 0 || label > UINT16_MAX) {
        free(bytes);
        return fault_set(f, EXIT_DATA, "%s: label %" PRId64 ", a PNG holds 0 to 65535", path,
                         label);
      }
      if (narrow)
        bytes[at] = (uint8_t)label;
      else
        memcpy(bytes + 2 * at, &(uint16_t){(uint16_t)label}, 2);
    }
  return EXIT_FINE;
}
