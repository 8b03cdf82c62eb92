/* base/pixel.c - single numbers out of planes. */
#include "base/pixel.h"

#include <math.h>
#include <string.h>

fm_plane pixel_strides(const fm_plane *plane) {
  fm_plane p = *plane;
  if (!p.col_stride) p.col_stride = (int64_t)fm_dtype_size((fm_dtype)p.dtype);
  if (!p.row_stride) p.row_stride = p.col_stride * p.width;
  return p;
}

int64_t pixel_label(const void *at, int32_t dtype) {
  int8_t i8;
  uint16_t u16;
  int16_t i16;
  uint32_t u32;
  int32_t i32;
  uint64_t u64;
  int64_t i64;
  switch (dtype) {
    case FM_U8:
      return *(const unsigned char *)at;
    case FM_I8:
      memcpy(&i8, at, sizeof i8);
      return i8;
    case FM_U16:
      memcpy(&u16, at, sizeof u16);
      return u16;
    case FM_I16:
      memcpy(&i16, at, sizeof i16);
      return i16;
    case FM_U32:
      memcpy(&u32, at, sizeof u32);
      return u32;
    case FM_I32:
      memcpy(&i32, at, sizeof i32);
      return i32;
    case FM_U64:
      memcpy(&u64, at, sizeof u64);
      return u64 <= INT64_MAX ? (int64_t)u64 : INT64_MAX;
    default:
      memcpy(&i64, at, sizeof i64);
      return i64;
  }
}

static float half(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent == 31) return INFINITY;
  const float v =
      exponent ? ldexpf((float)(1024 + fraction), exponent - 25) : ldexpf((float)fraction, -24);
  return bits >> 15 ? -v : v;
}

float pixel_loss(const void *at, int32_t dtype) {
  float v;
  uint16_t bits;
  if (dtype == FM_F32) {
    memcpy(&v, at, sizeof v);
    return v;
  }
  if (dtype == FM_F64) {
    double wide;
    memcpy(&wide, at, sizeof wide);
    return (float)wide;
  }
  memcpy(&bits, at, sizeof bits);
  return half(bits);
}

bool pixel_same(const fm_plane *left, const fm_plane *right) {
  const fm_plane a = pixel_strides(left), b = pixel_strides(right);
  if (a.width != b.width || a.height != b.height) return false;
  for (int64_t y = 0; y < a.height; y++)
    for (int64_t x = 0; x < a.width; x++) {
      const char *of_a = (const char *)a.data + y * a.row_stride + x * a.col_stride;
      const char *of_b = (const char *)b.data + y * b.row_stride + x * b.col_stride;
      if (pixel_label(of_a, a.dtype) != pixel_label(of_b, b.dtype)) return false;
    }
  return true;
}

/* The bits of all losses together: the sign is set if one has it. For rows without gaps, which nearly
 * all are, these are loops that compilers turn into vectors. */
static uint32_t all_bits_32(const char *at, int64_t step, int64_t count) {
  uint32_t all = 0, bits;
  if (step == sizeof bits)
    for (int64_t i = 0; i < count; i++) {
      memcpy(&bits, at + i * (int64_t)sizeof bits, sizeof bits);
      all |= bits;
    }
  else
    for (int64_t i = 0; i < count; i++) {
      memcpy(&bits, at + i * step, sizeof bits);
      all |= bits;
    }
  return all;
}

static uint32_t all_bits_16(const char *at, int64_t step, int64_t count) {
  uint16_t all = 0, bits;
  for (int64_t i = 0; i < count; i++) {
    memcpy(&bits, at + i * step, sizeof bits);
    all |= bits;
  }
  return (uint32_t)all << 16;
}

bool pixel_any_negative(const fm_plane *loss) {
  const char *row = loss->data;
  uint32_t all = 0;
  for (int64_t y = 0; y < loss->height; y++, row += loss->row_stride)
    all |= loss->dtype == FM_F16 ? all_bits_16(row, loss->col_stride, loss->width)
                                 : all_bits_32(row, loss->col_stride, loss->width);
  return all >> 31;
}

bool pixel_is_rounded(const fm_plane *loss, int64_t y, int64_t x) {
  const char *at = (const char *)loss->data + y * loss->row_stride + x * loss->col_stride;
  uint16_t half;
  float value;
  if (loss->dtype == FM_F16) {
    memcpy(&half, at, sizeof half);
    return half > 0x8000U && half <= 0x80A7U; /* 167 * 2^-24 is below 1e-5, 168 * 2^-24 above */
  }
  memcpy(&value, at, sizeof value);
  return value < 0 && value > -1e-5F;
}
