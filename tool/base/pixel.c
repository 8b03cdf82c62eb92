/* base/pixel.c - single numbers out of planes. */
#include "base/pixel.h"

#include <string.h>

fm_plane pixel_strides(const fm_plane *plane) {
  fm_plane p = *plane;
  if (!p.col_stride) p.col_stride = (int64_t)fm_dtype_size((fm_dtype)p.dtype);
  if (!p.row_stride) p.row_stride = p.col_stride * p.width;
  return p;
}

int64_t pixel_label(const void *at, int32_t dtype) {
  uint16_t u16;
  int16_t i16;
  int32_t i32;
  int64_t i64;
  switch (dtype) {
    case FM_U8:
      return *(const unsigned char *)at;
    case FM_U16:
      memcpy(&u16, at, sizeof u16);
      return u16;
    case FM_I16:
      memcpy(&i16, at, sizeof i16);
      return i16;
    case FM_I32:
      memcpy(&i32, at, sizeof i32);
      return i32;
    default:
      memcpy(&i64, at, sizeof i64);
      return i64;
  }
}
