/* io/raster.c - pixels that the library owns. */
#include "io/raster.h"

#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"

/* A raster and its pixels: height * width elements of `element` bytes. */
static fm_status raster_new(const fm_context *context, int64_t height, int64_t width,
                            size_t element, fm_raster **out, fm_error *err) {
  uint64_t row = (uint64_t)width * element;
  if (row > (uint64_t)PTRDIFF_MAX / (uint64_t)height)
    return fm__fail(err, FM_ERR_LIMIT,
                    "%" PRId64 "x%" PRId64 " pixels are more than this machine can address", width,
                    height);
  fm_raster *raster = fm__alloc_zeroed(context, 1, sizeof *raster);
  if (!raster) return fm__fail_memory(err, sizeof *raster);
  size_t size = (size_t)(row * (uint64_t)height);
  raster->pixels = fm__alloc(context, size);
  if (!raster->pixels) {
    fm__free(context, raster);
    return fm__fail_memory(err, size);
  }
  raster->context = fm__context_hold(context);
  *out = raster;
  return FM_OK;
}

fm_status fm__raster_plane(const fm_context *context, fm_dtype dtype, int64_t height, int64_t width,
                           int32_t bit_depth, fm_raster **out, fm_error *err) {
  fm_raster *raster = NULL;
  size_t element = fm_dtype_size(dtype);
  fm_status status = raster_new(context, height, width, element, &raster, err);
  if (status) return status;
  raster->plane = fm_plane_make(raster->pixels, dtype, height, width);
  raster->plane.col_stride = (int64_t)element;
  raster->plane.row_stride = width * (int64_t)element;
  raster->bit_depth = bit_depth;
  *out = raster;
  return FM_OK;
}

fm_status fm__raster_volume(const fm_context *context, fm_dtype dtype, int64_t channels,
                            int64_t height, int64_t width, int32_t bit_depth, fm_raster **out,
                            fm_error *err) {
  fm_raster *raster = NULL;
  int64_t element = (int64_t)fm_dtype_size(dtype);
  fm_status status = raster_new(context, channels * height, width, (size_t)element, &raster, err);
  if (status) return status;
  raster->volume = fm_volume_make(raster->pixels, dtype, channels, height, width);
  raster->volume.col_stride = element;
  raster->volume.row_stride = width * element;
  raster->volume.channel_stride = height * width * element;
  raster->bit_depth = bit_depth;
  *out = raster;
  return FM_OK;
}

fm_status fm__raster_image(const fm_context *context, int64_t height, int64_t width,
                           int32_t bit_depth, fm_raster **out, fm_error *err) {
  fm_raster *raster = NULL;
  fm_status status = raster_new(context, height, width, 3, &raster, err);
  if (status) return status;
  raster->volume = fm_volume_make(raster->pixels, FM_U8, 3, height, width);
  raster->volume.channel_stride = 1;
  raster->volume.col_stride = 3;
  raster->volume.row_stride = 3 * width;
  raster->bit_depth = bit_depth;
  *out = raster;
  return FM_OK;
}

void fm__raster_join(fm_raster *volume, fm_raster *plane) {
  volume->plane = plane->plane;
  volume->class_pixels = plane->pixels;
  plane->pixels = NULL;
  fm_raster_destroy(plane);
}

fm_status fm__check_pixels(uint64_t width, uint64_t height, int64_t max_pixels, fm_error *err) {
  if (width <= INT32_MAX && height <= INT32_MAX && width * height <= (uint64_t)max_pixels)
    return FM_OK;
  return fm__fail(err, FM_ERR_LIMIT,
                  "has %" PRIu64 "x%" PRIu64 " pixels, more than the limit of %" PRId64
                  " (max_pixels)",
                  width, height, max_pixels);
}

void fm_raster_destroy(fm_raster *raster) {
  if (!raster) return;
  fm_context *context = raster->context;
  fm__free(context, raster->pixels);
  fm__free(context, raster->class_pixels);
  fm__free(context, raster);
  fm__context_drop(context);
}

fm_plane fm_raster_plane(const fm_raster *raster) {
  fm_plane none = {0};
  return raster ? raster->plane : none;
}

fm_volume fm_raster_volume(const fm_raster *raster) {
  fm_volume none = {0};
  return raster ? raster->volume : none;
}

int32_t fm_raster_bit_depth(const fm_raster *raster) { return raster ? raster->bit_depth : 0; }

int32_t fm_raster_orientation(const fm_raster *raster) {
  return raster && raster->orientation ? raster->orientation : 1;
}

int32_t fm_raster_palette_size(const fm_raster *raster) {
  return raster ? raster->palette_size : 0;
}

fm_status fm_raster_palette_entry(const fm_raster *raster, int32_t index, uint8_t *rgb,
                                  fm_error *err) {
  if (!raster || !rgb)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_raster_palette_entry: %s is NULL",
                    raster ? "rgb" : "raster");
  if (index < 0 || index >= raster->palette_size)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_raster_palette_entry: index is %d, the palette has %d entries", (int)index,
                    (int)raster->palette_size);
  memcpy(rgb, raster->palette + 3 * index, 3);
  return FM_OK;
}
