/* dsp/tile.h - pieces of rows, of any dtype and stride, in the form kernels take. */
#ifndef FM_DSP_TILE_H
#define FM_DSP_TILE_H

#include <freemask/view.h>

#include "dsp/dsp.h"

/* What labels mean: a class for each of 0 .. 65535, and for -1. */
typedef struct fm__lookup {
  const int32_t *classes;
  int32_t minus_one;
} fm__lookup;

/* Planes as fm__plane_read gives them; pixels x .. x + n - 1 of row y. */
void fm__tile_classes(const fm_plane *mask, const fm__lookup *lookup, int64_t y, int64_t x,
                      size_t n, int32_t *classes);
void fm__tile_losses(const fm_plane *loss, int64_t y, int64_t x, size_t n, float *losses);
void fm__tile_bytes(const fm_plane *plane, int64_t y, int64_t x, size_t n, uint8_t *bytes);

/* One pixel. */
int64_t fm__label_at(const fm_plane *mask, int64_t y, int64_t x);
float fm__loss_at(const fm_plane *loss, int64_t y, int64_t x);
static inline char *fm__pixel(const fm_plane *plane, int64_t y, int64_t x) {
  return (char *)plane->data + y * plane->row_stride + x * plane->col_stride;
}

/* Writes the low `element` bytes of a number: 1, 2, 4 or 8. */
void fm__store_label(char *to, size_t element, int64_t label);

/* Elements of a row follow each other without gaps. */
static inline bool fm__is_packed(const fm_plane *plane) {
  return plane->col_stride == (int64_t)fm_dtype_size((fm_dtype)plane->dtype);
}

/* IEEE binary16 to float; exact, NaN and infinity stay such. */
float fm__float_of_half(uint16_t half);

#endif
