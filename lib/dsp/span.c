/* dsp/span.c - labels as bytes, losses as floats, without a copy where they are such. */
#include "dsp/span.h"

#include <string.h>

static bool is_one_run(const fm_plane *plane) {
  return plane->height == 1 || plane->row_stride == plane->width * plane->col_stride;
}

void fm__span_flatten(fm_plane *const *planes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!is_one_run(planes[i])) return;
  for (size_t i = 0; i < count; i++) {
    planes[i]->width *= planes[i]->height;
    planes[i]->height = 1;
  }
}

static const uint8_t *gather_bytes(const char *at, int64_t step, size_t n, uint8_t *buffer) {
  for (size_t i = 0; i < n; i++, at += step) buffer[i] = *(const unsigned char *)at;
  return buffer;
}

/* One loop for each wider integer type; a negative number is wide when unsigned. */
#define NARROW(name, type, wide)                                                        \
  static const uint8_t *name(const char *at, int64_t step, size_t n, uint8_t *buffer) { \
    wide all = 0;                                                                       \
    for (size_t i = 0; i < n; i++, at += step) {                                        \
      type v;                                                                           \
      memcpy(&v, at, sizeof v);                                                         \
      all |= (wide)v;                                                                   \
      buffer[i] = (uint8_t)v;                                                           \
    }                                                                                   \
    return all > UINT8_MAX ? NULL : buffer;                                             \
  }
NARROW(narrow_16, uint16_t, uint32_t)
NARROW(narrow_32, int32_t, uint32_t)
NARROW(narrow_64, int64_t, uint64_t)
#undef NARROW

const uint8_t *fm__span_labels(const fm_dsp *dsp, const fm_plane *mask, fm__place at, size_t n,
                               uint8_t *buffer) {
  const char *from = fm__pixel(mask, at.y, at.x);
  int64_t step = mask->col_stride;
  switch (mask->dtype) {
    case FM_U8:
      return step == 1 ? (const uint8_t *)from : gather_bytes(from, step, n, buffer);
    case FM_U16:
    case FM_I16: /* negative ones are above 255 as unsigned ones */
      if (step == 2) return dsp->narrow(from, n, buffer) ? buffer : NULL;
      return narrow_16(from, step, n, buffer);
    case FM_I32:
      return narrow_32(from, step, n, buffer);
    default:
      return narrow_64(from, step, n, buffer);
  }
}

const float *fm__span_losses(const fm_dsp *dsp, const fm_plane *loss, fm__place at, size_t n,
                             float *buffer) {
  const char *from = fm__pixel(loss, at.y, at.x);
  bool packed = loss->col_stride == (int64_t)fm_dtype_size((fm_dtype)loss->dtype);
  if (packed && loss->dtype == FM_F32 && (uintptr_t)from % alignof(float) == 0)
    return (const float *)(const void *)from;
  if (packed && loss->dtype == FM_F16 && dsp->widen)
    dsp->widen(from, n, buffer);
  else
    fm__tile_losses(loss, at.y, at.x, n, buffer);
  return buffer;
}
