/* dsp/tile.c - loads of any dtype and stride. memcpy because pixels may be unaligned. */
#include "dsp/tile.h"

#include <freemask/labels.h>
#include <string.h>

float fm__float_of_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t rest = half & 0x7fff;
  uint32_t bits;
  if (rest >= 0x7c00) {
    bits = 0x7f800000 | (rest & 0x3ff) << 13;
  } else if (rest >= 0x0400) {
    bits = (rest << 13) + ((127 - 15) << 23);
  } else { /* subnormal: rest * 2^-24, which a float holds exactly */
    float value = (float)rest * 0x1p-24F;
    memcpy(&bits, &value, sizeof bits);
  }
  bits |= sign;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static int64_t load_label(const char *at, int32_t dtype) {
  switch (dtype) {
    case FM_U8:
      return *(const unsigned char *)at;
    case FM_U16: {
      uint16_t v;
      memcpy(&v, at, sizeof v);
      return v;
    }
    case FM_I16: {
      int16_t v;
      memcpy(&v, at, sizeof v);
      return v;
    }
    case FM_I32: {
      int32_t v;
      memcpy(&v, at, sizeof v);
      return v;
    }
    default: {
      int64_t v;
      memcpy(&v, at, sizeof v);
      return v;
    }
  }
}

static float load_loss(const char *at, int32_t dtype) {
  uint16_t half;
  float value;
  switch (dtype) {
    case FM_F32:
      memcpy(&value, at, sizeof value);
      return value;
    case FM_F16:
      memcpy(&half, at, sizeof half);
      return fm__float_of_half(half);
    default: {
      memcpy(&half, at, sizeof half);
      uint32_t bits = (uint32_t)half << 16;
      memcpy(&value, &bits, sizeof value);
      return value;
    }
  }
}

static int32_t look_up(const fm__lookup *lookup, int64_t label) {
  if ((uint64_t)label <= 0xffff) return lookup->classes[label];
  return label == -1 ? lookup->minus_one : FM_CLASS_INVALID;
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

void fm__tile_losses(const fm_plane *loss, int64_t y, int64_t x, size_t n, float *losses) {
  const char *at = fm__pixel(loss, y, x);
  if (loss->dtype == FM_F32 && loss->col_stride == (int64_t)sizeof *losses) {
    memcpy(losses, at, n * sizeof *losses);
    return;
  }
  for (size_t i = 0; i < n; i++, at += loss->col_stride) losses[i] = load_loss(at, loss->dtype);
}

void fm__tile_bytes(const fm_plane *plane, int64_t y, int64_t x, size_t n, uint8_t *bytes) {
  const char *at = fm__pixel(plane, y, x);
  for (size_t i = 0; i < n; i++, at += plane->col_stride) bytes[i] = *(const unsigned char *)at;
}

void fm__store_label(char *to, size_t element, int64_t label) {
  uint8_t v8 = (uint8_t)label;
  uint16_t v16 = (uint16_t)label;
  uint32_t v32 = (uint32_t)label;
  if (element == 1) memcpy(to, &v8, sizeof v8);
  if (element == 2) memcpy(to, &v16, sizeof v16);
  if (element == 4) memcpy(to, &v32, sizeof v32);
  if (element == 8) memcpy(to, &label, sizeof label);
}

int64_t fm__label_at(const fm_plane *mask, int64_t y, int64_t x) {
  return load_label(fm__pixel(mask, y, x), mask->dtype);
}

float fm__loss_at(const fm_plane *loss, int64_t y, int64_t x) {
  return load_loss(fm__pixel(loss, y, x), loss->dtype);
}
