/* dsp/span.h - pieces of rows in the form that byte kernels take. */
#ifndef FM_DSP_SPAN_H
#define FM_DSP_SPAN_H

#include <freemask/view.h>

#include "dsp/dsp.h"
#include "dsp/tile.h"

/* Pixel (x, y) of an image. */
typedef struct fm__place {
  int64_t y, x;
} fm__place;

/* Makes `count` planes of one size into one long row each, if none has gaps or jumps
 * between its rows; pixel x of it is (x % width, x / width) of the image. */
void fm__span_flatten(fm_plane *const *planes, size_t count);

/* Pixels in the tile at (y, x): FM__TILE, or what is left of the row. */
static inline size_t fm__span_length(const fm_plane *plane, int64_t x) {
  int64_t left = plane->width - x;
  return left < FM__TILE ? (size_t)left : FM__TILE;
}

/* The labels of a tile as bytes: where they are, or made in `buffer` [FM__TILE]. NULL if
 * one of them is no byte. */
const uint8_t *fm__span_labels(const fm_dsp *dsp, const fm_plane *mask, fm__place at, size_t n,
                               uint8_t *buffer);

/* The losses of a tile as floats: where they are, or made in `buffer` [FM__TILE]. */
const float *fm__span_losses(const fm_dsp *dsp, const fm_plane *loss, fm__place at, size_t n,
                             float *buffer);

#endif
