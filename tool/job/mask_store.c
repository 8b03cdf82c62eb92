/* job/mask_store.c - from any integer mask to PNG. */
#include "job/mask_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pixel.h"

/* Copies into 16 bits; all labels of a label space but -1 fit. */
static int narrow(const fm_plane *plane, uint16_t *out, uint16_t *largest, const char *path,
                  fault *f) {
  const fm_plane p = pixel_strides(plane);
  *largest = 0;
  for (int64_t y = 0; y < p.height; y++) {
    for (int64_t x = 0; x < p.width; x++) {
      int64_t label =
          pixel_label((const char *)p.data + y * p.row_stride + x * p.col_stride, p.dtype);
      if (label < 0 || label > 65535)
        return fault_set(f, EXIT_DATA,
                         "%s: label %" PRId64 " at pixel (x %" PRId64 ", y %" PRId64
                         ") cannot be stored in a PNG, expected 0 to 65535",
                         path, label, x, y);
      *out++ = (uint16_t)label;
      if (label > *largest) *largest = (uint16_t)label;
    }
  }
  return EXIT_FINE;
}

/* The largest label that the dtype holds; those wider than I16 hold every label. */
static int64_t largest_label(int32_t dtype) {
  if (dtype == FM_I8) return INT8_MAX;
  return dtype == FM_U8 ? UINT8_MAX : dtype == FM_I16 ? INT16_MAX : INT64_MAX;
}

void *mask_widen(fm_plane *mask, int64_t label) {
  if (mask->dtype == FM_U16 || label <= largest_label(mask->dtype)) return NULL;
  const fm_plane p = pixel_strides(mask);
  size_t count = (size_t)(p.height * p.width);
  /* A U8 mask's file may be written like the original; signed ones may hold -1. */
  fm_dtype wider = mask->dtype == FM_U8 ? FM_U16 : FM_I32;
  void *memory = alloc_zeroed(count, fm_dtype_size(wider));
  uint16_t *words = memory;
  int32_t *integers = memory;
  for (size_t i = 0; i < count; i++) {
    int64_t y = (int64_t)i / p.width, x = (int64_t)i % p.width;
    int64_t value =
        pixel_label((const char *)p.data + y * p.row_stride + x * p.col_stride, p.dtype);
    if (wider == FM_U16)
      words[i] = (uint16_t)value;
    else
      integers[i] = (int32_t)value;
  }
  *mask = fm_plane_make(memory, wider, p.height, p.width);
  return memory;
}

static int store(fm_context *context, const fm_plane *plane, const fm_raster *like,
                 const char *path, fault *f) {
  /* Flushing each file would take ten times as long as writing it. */
  fm_write_options options = {.size = sizeof options, .like = like, .flush = FM_FLUSH_LATER};
  fm_error err;
  if (fm_mask_write(context, path, plane, &options, &err)) return fault_library(f, &err, path);
  return EXIT_FINE;
}

static int store_narrow(fm_context *context, const fm_plane *plane, const char *path, fault *f) {
  size_t count = (size_t)(plane->height * plane->width);
  uint16_t *words = alloc_zeroed(count, sizeof *words), largest;
  int code = narrow(plane, words, &largest, path, f);
  fm_plane small = fm_plane_make(words, FM_U16, plane->height, plane->width);
  if (!code && largest < 256) {
    uint8_t *bytes = (uint8_t *)words; /* in place: byte i is written after word i was read */
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)words[i];
    small = fm_plane_make(bytes, FM_U8, plane->height, plane->width);
  }
  if (!code) code = store(context, &small, NULL, path, f);
  free(words);
  return code;
}

int mask_store(fm_context *context, const fm_plane *mask, const fm_raster *like, const char *path,
               fault *f) {
  if (mask->dtype == FM_U8 || mask->dtype == FM_U16) return store(context, mask, like, path, f);
  return store_narrow(context, mask, path, f);
}
