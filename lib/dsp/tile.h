/* dsp/tile.h - pieces of rows, of any dtype and stride, in the forms that kernels take. */
#ifndef FM_DSP_TILE_H
#define FM_DSP_TILE_H

#include <freemask/view.h>

#include "dsp/dsp.h"

/* Labels that can mean something. */
enum { FM__FIRST_LABEL = -32768, FM__LAST_LABEL = 65535 };

/* What labels mean: the class of each, the one of label 0 at classes[0]. */
typedef struct fm__lookup {
  const int32_t *classes;
} fm__lookup;

/* Pixel (x, y) of an image, or the tile that begins there. */
typedef struct fm__yx {
  int64_t y, x;
} fm__yx;

/* ---- Planes, as fm__plane_read gives them --------------------------------------- */

static inline char *fm__pixel(const fm_plane *plane, int64_t y, int64_t x) {
  return (char *)plane->data + y * plane->row_stride + x * plane->col_stride;
}

/* Elements of a row follow each other without gaps. */
static inline bool fm__is_packed(const fm_plane *plane) {
  return plane->col_stride == (int64_t)fm_dtype_size((fm_dtype)plane->dtype);
}

/* Makes `count` planes of one size into one long row each, if none has gaps or jumps between its
 * rows; pixel x of it is (x % width, x / width) of the image. */
void fm__flatten(fm_plane *const *planes, size_t count);

/* Pixels of the tile, or the piece, at column x: FM__TILE, FM__PIECE, or what is left of the row.
 */
static inline size_t fm__tile_length(const fm_plane *plane, int64_t x) {
  int64_t left = plane->width - x;
  return left < FM__TILE ? (size_t)left : FM__TILE;
}
static inline size_t fm__piece_length(const fm_plane *plane, int64_t x) {
  int64_t left = plane->width - x;
  return left < FM__PIECE ? (size_t)left : FM__PIECE;
}

/* ---- Pixels x .. x + n - 1 of row y --------------------------------------------- */

void fm__tile_classes(const fm_plane *mask, const fm__lookup *lookup, int64_t y, int64_t x,
                      size_t n, int32_t *classes);
void fm__tile_floats(const fm_plane *plane, int64_t y, int64_t x, size_t n, float *floats);

/* Losses as floats. What rounding left below 0, as -log(p + 1e-6) does where p is 1, becomes 0. */
#define FM__ROUNDED_LOSS (-1e-5F) /* the first that is no rounding */
void fm__tile_losses(const fm_plane *loss, int64_t y, int64_t x, size_t n, float *losses);
void fm__tile_bytes(const fm_plane *plane, int64_t y, int64_t x, size_t n, uint8_t *bytes);

/* Labels as they are, and integers into a plane whose type they fit. */
void fm__tile_labels(const fm_plane *mask, int64_t y, int64_t x, size_t n, int64_t *labels);
void fm__tile_store(const fm_plane *plane, int64_t y, int64_t x, size_t n, const int64_t *numbers);

/* The labels of a tile as bytes: where they are, or made in `buffer` [FM__TILE]. NULL if
 * one of them is no byte. */
const uint8_t *fm__tile_label_bytes(const fm_dsp *dsp, const fm_plane *mask, fm__yx at, size_t n,
                                    uint8_t *buffer);
/* The losses of a tile as floats: where they are, or made in `buffer` [FM__TILE]. Some may be a hair
 * below 0, which kernels refuse: fm__tile_losses then makes them 0. */
const float *fm__tile_loss_floats(const fm_dsp *dsp, const fm_plane *loss, fm__yx at, size_t n,
                                  float *buffer);

/* ---- One pixel ------------------------------------------------------------------ */

int64_t fm__label_at(const fm_plane *mask, int64_t y, int64_t x);
float fm__loss_at(const fm_plane *loss, int64_t y, int64_t x);

/* Writes the low `element` bytes of a number: 1, 2, 4 or 8. */
void fm__store_number(char *to, size_t element, uint64_t number);

#endif
