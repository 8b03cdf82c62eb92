/* core/view.c - shapes and strides. */
#include "core/view.h"

#include <inttypes.h>
#include <string.h>

#include "core/fail.h"

static const int64_t LONGEST_SIDE = INT32_MAX;
static const int64_t MOST_PIXELS = INT64_C(1) << 40;

fm_plane fm_plane_make(const void *data, fm_dtype dtype, int64_t height, int64_t width) {
  fm_plane plane = {0};
  /* Views are for reading and for writing; which of them is the callee's matter. */
  memcpy(&plane.data, &data, sizeof data);
  plane.dtype = (int32_t)dtype;
  plane.height = height;
  plane.width = width;
  return plane;
}

fm_volume fm_volume_make(const void *data, fm_dtype dtype, int64_t channels, int64_t height,
                         int64_t width) {
  fm_volume volume = {0};
  memcpy(&volume.data, &data, sizeof data);
  volume.dtype = (int32_t)dtype;
  volume.channels = channels;
  volume.height = height;
  volume.width = width;
  return volume;
}

size_t fm_dtype_size(fm_dtype dtype) {
  switch (dtype) {
    case FM_U8:
      return 1;
    case FM_U16:
    case FM_I16:
    case FM_F16:
    case FM_BF16:
      return 2;
    case FM_I32:
    case FM_F32:
      return 4;
    case FM_I64:
      return 8;
  }
  return 0;
}

static const char *dtype_name(int32_t dtype) {
  static const char *const names[] = {"?", "u8", "u16", "i16", "i32", "i64", "f32", "f16", "bf16"};
  return dtype >= FM_U8 && dtype <= FM_BF16 ? names[dtype] : names[0];
}

/* Strides far outside of any address space would overflow the offsets below. */
static bool stride_fits(int64_t stride, int64_t steps) {
  int64_t magnitude = stride < 0 ? -(stride + 1) : stride;
  return magnitude <= INT64_MAX / 4 / steps;
}

static fm_status check_pixels(const void *data, int32_t dtype, int64_t height, int64_t width,
                              unsigned types, const char *what, fm_error *err) {
  if (!data) return fm__fail(err, FM_ERR_ARGUMENT, "%s: data is NULL", what);
  if (fm_dtype_size((fm_dtype)dtype) == 0)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: dtype is %d, expected an fm_dtype", what,
                    (int)dtype);
  if (!(types & FM__BIT(dtype)))
    return fm__fail(err, FM_ERR_UNSUPPORTED, "%s: dtype %s is not one that fits here", what,
                    dtype_name(dtype));
  if (height < 1 || width < 1)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: size is %" PRId64 "x%" PRId64 ", has no pixel", what,
                    width, height);
  if (height > LONGEST_SIDE || width > LONGEST_SIDE || height > MOST_PIXELS / width)
    return fm__fail(err, FM_ERR_LIMIT,
                    "%s: size is %" PRId64 "x%" PRId64 ", more than 2^40 pixels or 2^31 a side",
                    what, width, height);
  return FM_OK;
}

/* A field that may hold anything today could never get a meaning. */
static fm_status fail_reserved(int32_t reserved, const char *what, fm_error *err) {
  return fm__fail(err, FM_ERR_ARGUMENT, "%s: reserved is %d, expected 0", what, (int)reserved);
}

fm_status fm__plane_read(fm_plane *known, const fm_plane *plane, unsigned types, const char *what,
                         fm_error *err) {
  if (!plane) return fm__fail(err, FM_ERR_ARGUMENT, "%s: is NULL", what);
  if (plane->reserved) return fail_reserved(plane->reserved, what, err);
  fm_status status =
      check_pixels(plane->data, plane->dtype, plane->height, plane->width, types, what, err);
  if (status) return status;
  *known = *plane;
  int64_t element = (int64_t)fm_dtype_size((fm_dtype)plane->dtype);
  if (!known->col_stride) known->col_stride = element;
  if (!stride_fits(known->col_stride, known->width))
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: col_stride is %" PRId64 " bytes, out of range", what,
                    known->col_stride);
  if (!known->row_stride) known->row_stride = known->width * known->col_stride;
  if (!stride_fits(known->row_stride, known->height))
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: row_stride is %" PRId64 " bytes, out of range", what,
                    known->row_stride);
  return FM_OK;
}

fm_status fm__volume_read(fm_volume *known, const fm_volume *volume, unsigned types,
                          const char *what, fm_error *err) {
  if (!volume) return fm__fail(err, FM_ERR_ARGUMENT, "%s: is NULL", what);
  if (volume->reserved) return fail_reserved(volume->reserved, what, err);
  fm_status status =
      check_pixels(volume->data, volume->dtype, volume->height, volume->width, types, what, err);
  if (status) return status;
  if (volume->channels < 1 || volume->channels > 65536)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: has %" PRId64 " channels, expected 1 to 65536", what,
                    volume->channels);
  *known = *volume;
  int64_t element = (int64_t)fm_dtype_size((fm_dtype)volume->dtype);
  if (!known->channel_stride && !known->row_stride && !known->col_stride) {
    known->col_stride = element;
    known->row_stride = known->width * element;
    known->channel_stride = known->height * known->row_stride;
  }
  if (!stride_fits(known->col_stride, known->width) ||
      !stride_fits(known->row_stride, known->height) ||
      !stride_fits(known->channel_stride, known->channels))
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: a stride is out of range", what);
  return FM_OK;
}

fm_status fm__same_size(const fm_plane *a, const char *a_name, const fm_plane *b,
                        const char *b_name, fm_error *err) {
  if (a->height == b->height && a->width == b->width) return FM_OK;
  return fm__fail(err, FM_ERR_SHAPE,
                  "%s is %" PRId64 "x%" PRId64 ", %s is %" PRId64 "x%" PRId64
                  " (width x height): they have to be equal",
                  a_name, a->width, a->height, b_name, b->width, b->height);
}
