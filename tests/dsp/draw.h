/* dsp/draw.h - images at random: values, sizes, strides and alignments of every kind, in
 * memory with a forbidden page on either side.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_DSP_DRAW_H
#define FM_TESTS_DSP_DRAW_H

#include <freemask/freemask.h>
#include <stdbool.h>

/* ---- Numbers -------------------------------------------------------------------- */

typedef struct draw_random {
  uint64_t state;
} draw_random;

uint64_t draw_word(draw_random *random);
uint32_t draw_below(draw_random *random, uint32_t n);
bool draw_chance(draw_random *random, uint32_t percent);

/* ---- Memory --------------------------------------------------------------------- */

/* `size` bytes that end (or begin) where a page begins that may not be touched. */
typedef struct draw_block {
  unsigned char *data;
  size_t size;
  void *pages;
  size_t page_bytes;
} draw_block;

draw_block draw_block_make(draw_random *random, size_t size);
void draw_block_free(draw_block *block);

/* A plane of random strides over a block of its own, which holds nothing else. */
typedef struct draw_plane {
  fm_plane plane;
  draw_block block;
} draw_plane;

draw_plane draw_plane_make(draw_random *random, fm_dtype dtype, int64_t height, int64_t width);
void draw_plane_free(draw_plane *plane);

/* ---- Pixels --------------------------------------------------------------------- */

/* Written without the library's help. Losses of 16 bits take the upper or rounded-down bits. */
int64_t draw_label_at(const fm_plane *mask, int64_t y, int64_t x);
void draw_set_label(const fm_plane *mask, int64_t y, int64_t x, int64_t label);
double draw_loss_at(const fm_plane *loss, int64_t y, int64_t x);
void draw_set_loss(const fm_plane *loss, int64_t y, int64_t x, float value);

/* ---- Images --------------------------------------------------------------------- */

/* What a mask may hold, and losses of interest. */
typedef struct draw_palette {
  const int64_t *labels; /* of classes, then the ignored ones */
  size_t class_labels, count;
  const float *thresholds; /* [threshold_count]: losses close to them are drawn often */
  size_t threshold_count;
} draw_palette;

typedef struct draw_image {
  draw_plane mask, loss;
} draw_image;

/* Without a bad pixel, except that losses of ignored pixels may be anything. */
draw_image draw_image_make(draw_random *random, const draw_palette *palette);
void draw_image_free(draw_image *image);

#endif
