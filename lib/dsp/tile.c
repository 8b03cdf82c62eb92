/* dsp/tile.c - loads of any dtype and stride; labels as bytes and losses as floats, without a copy
 * where they are such. memcpy because pixels may be unaligned. */
#include "dsp/tile.h"

#include <string.h>

/* A U64 label beyond the range becomes the largest number, which is no label of any space. */
static int64_t load_label(const char *at, int32_t dtype) {
  union {
    uint8_t u8;
    int8_t i8;
    uint16_t u16;
    int16_t i16;
    uint32_t u32;
    int32_t i32;
    uint64_t u64;
    int64_t i64;
  } v;
  switch (dtype) {
    case FM_U8:
      return *(const unsigned char *)at;
    case FM_I8:
      memcpy(&v, at, sizeof v.i8);
      return v.i8;
    case FM_U16:
      memcpy(&v, at, sizeof v.u16);
      return v.u16;
    case FM_I16:
      memcpy(&v, at, sizeof v.i16);
      return v.i16;
    case FM_U32:
      memcpy(&v, at, sizeof v.u32);
      return v.u32;
    case FM_I32:
      memcpy(&v, at, sizeof v.i32);
      return v.i32;
    case FM_U64:
      memcpy(&v, at, sizeof v.u64);
      return v.u64 <= INT64_MAX ? (int64_t)v.u64 : INT64_MAX;
    default:
      memcpy(&v, at, sizeof v.i64);
      return v.i64;
  }
}

static float load_loss(const char *at, int32_t dtype) {
  uint16_t half;
  float value;
  double wide;
  switch (dtype) {
    case FM_F32:
      memcpy(&value, at, sizeof value);
      return value;
    case FM_F64:
      memcpy(&wide, at, sizeof wide);
      return (float)wide;
    case FM_F16:
      memcpy(&half, at, sizeof half);
      return fm__float_of_half(half);
    default:
      memcpy(&half, at, sizeof half);
      return fm__float_of_bfloat(half);
  }
}

static int32_t look_up(const fm__lookup *lookup, int64_t label) {
  bool known = label >= FM__FIRST_LABEL && label <= FM__LAST_LABEL;
  return known ? lookup->classes[label] : FM__CLASS_INVALID;
}

void fm__tile_classes(const fm_plane *mask, const fm__lookup *lookup, int64_t y, int64_t x,
                      size_t n, int32_t *classes) {
  const char *at = fm__pixel(mask, y, x);
  if (mask->dtype == FM_U8 && mask->col_stride == 1) {
    for (size_t i = 0; i < n; i++) classes[i] = lookup->classes[(unsigned char)at[i]];
    return;
  }
  for (size_t i = 0; i < n; i++, at += mask->col_stride)
    classes[i] = look_up(lookup, load_label(at, mask->dtype));
}

/* Loops of their own for what masks usually are. */
#define LOAD_LABELS(type)                                  \
  for (size_t i = 0; i < n; i++, at += mask->col_stride) { \
    type label;                                            \
    memcpy(&label, at, sizeof label);                      \
    labels[i] = label;                                     \
  }
#define STORE_NUMBERS(type)                                 \
  for (size_t i = 0; i < n; i++, to += plane->col_stride) { \
    type number = (type)numbers[i];                         \
    memcpy(to, &number, sizeof number);                     \
  }

void fm__tile_labels(const fm_plane *mask, int64_t y, int64_t x, size_t n, int64_t *labels) {
  const char *at = fm__pixel(mask, y, x);
  if (mask->dtype == FM_U8)
    LOAD_LABELS(uint8_t)
  else if (mask->dtype == FM_U16)
    LOAD_LABELS(uint16_t)
  else
    for (size_t i = 0; i < n; i++, at += mask->col_stride) labels[i] = load_label(at, mask->dtype);
}

void fm__tile_store(const fm_plane *plane, int64_t y, int64_t x, size_t n, const int64_t *numbers) {
  char *to = fm__pixel(plane, y, x);
  size_t element = fm_dtype_size((fm_dtype)plane->dtype);
  if (element == sizeof(uint8_t))
    STORE_NUMBERS(uint8_t)
  else if (element == sizeof(uint16_t))
    STORE_NUMBERS(uint16_t)
  else if (element == sizeof(uint32_t))
    STORE_NUMBERS(uint32_t)
  else
    STORE_NUMBERS(uint64_t)
}
#undef LOAD_LABELS
#undef STORE_NUMBERS

void fm__tile_floats(const fm_plane *loss, int64_t y, int64_t x, size_t n, float *losses) {
  const char *at = fm__pixel(loss, y, x);
  if (loss->dtype == FM_F32 && loss->col_stride == (int64_t)sizeof *losses) {
    memcpy(losses, at, n * sizeof *losses);
    return;
  }
  for (size_t i = 0; i < n; i++, at += loss->col_stride) losses[i] = load_loss(at, loss->dtype);
}

void fm__tile_losses(const fm_plane *loss, int64_t y, int64_t x, size_t n, float *losses) {
  fm__tile_floats(loss, y, x, n, losses);
  for (size_t i = 0; i < n; i++)
    losses[i] = losses[i] < 0 && losses[i] > FM__ROUNDED_LOSS ? 0 : losses[i];
}

void fm__tile_bytes(const fm_plane *plane, int64_t y, int64_t x, size_t n, uint8_t *bytes) {
  const char *at = fm__pixel(plane, y, x);
  if (plane->col_stride == 1) {
    memcpy(bytes, at, n);
    return;
  }
  for (size_t i = 0; i < n; i++, at += plane->col_stride) bytes[i] = *(const unsigned char *)at;
}

/* ---- For byte kernels ------------------------------------------------------------ */

static bool is_one_run(const fm_plane *plane) {
  return plane->height == 1 || plane->row_stride == plane->width * plane->col_stride;
}

void fm__flatten(fm_plane *const *planes, size_t count) {
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

/* One loop for each wider integer type; a negative number is large when unsigned. Signed bytes are
 * labels up to 127, whatever their bits. */
#define NARROW(name, type, most)                                                        \
  static const uint8_t *name(const char *at, int64_t step, size_t n, uint8_t *buffer) { \
    type all = 0;                                                                       \
    for (size_t i = 0; i < n; i++, at += step) {                                        \
      type v;                                                                           \
      memcpy(&v, at, sizeof v);                                                         \
      all |= v;                                                                         \
      buffer[i] = (uint8_t)v;                                                           \
    }                                                                                   \
    return all > (most) ? NULL : buffer;                                                \
  }
NARROW(narrow_signed, uint8_t, INT8_MAX)
NARROW(narrow_16, uint16_t, UINT8_MAX)
NARROW(narrow_32, uint32_t, UINT8_MAX)
NARROW(narrow_64, uint64_t, UINT8_MAX)
#undef NARROW

const uint8_t *fm__tile_label_bytes(const fm_dsp *dsp, const fm_plane *mask, fm__yx at, size_t n,
                                    uint8_t *buffer) {
  const char *from = fm__pixel(mask, at.y, at.x);
  int64_t step = mask->col_stride;
  switch (mask->dtype) {
    case FM_U8:
      return step == 1 ? (const uint8_t *)from : gather_bytes(from, step, n, buffer);
    case FM_I8:
      return narrow_signed(from, step, n, buffer);
    case FM_U16:
    case FM_I16: /* negative numbers are above 255 when unsigned */
      if (step == 2) return dsp->narrow(from, n, buffer) ? buffer : NULL;
      return narrow_16(from, step, n, buffer);
    case FM_U32:
    case FM_I32:
      return narrow_32(from, step, n, buffer);
    default:
      return narrow_64(from, step, n, buffer);
  }
}

const float *fm__tile_loss_floats(const fm_dsp *dsp, const fm_plane *loss, fm__yx at, size_t n,
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

/* ---- One pixel -------------------------------------------------------------------- */

void fm__store_number(char *to, size_t element, uint64_t number) {
  uint8_t v8 = (uint8_t)number;
  uint16_t v16 = (uint16_t)number;
  uint32_t v32 = (uint32_t)number;
  if (element == 1) memcpy(to, &v8, sizeof v8);
  if (element == 2) memcpy(to, &v16, sizeof v16);
  if (element == 4) memcpy(to, &v32, sizeof v32);
  if (element == 8) memcpy(to, &number, sizeof number);
}

int64_t fm__label_at(const fm_plane *mask, int64_t y, int64_t x) {
  return load_label(fm__pixel(mask, y, x), mask->dtype);
}

float fm__loss_at(const fm_plane *loss, int64_t y, int64_t x) {
  return load_loss(fm__pixel(loss, y, x), loss->dtype);
}
