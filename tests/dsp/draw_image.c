/* dsp/draw_image.c - masks of few and many labels, in runs and as noise; losses as networks
 * have them, and as they should not be but may.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "draw.h"

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* ---- Losses --------------------------------------------------------------------- */

/* One of sixteen kinds; a loss map mostly has one. From FIRST_EDGE on: two exponents, on either
 * side of where kernels change from one way of adding to another. */
enum { USUAL_KIND = 0, FIRST_EDGE = 10, KINDS = 16 };
static const int edges[KINDS - FIRST_EDGE][2] = {{-24, 3},  {-24, 4},  {-25, 3},
                                                 {-34, 14}, {-34, 15}, {-35, 14}};

static float near_threshold(draw_random *random, const draw_palette *palette) {
  float t = palette->thresholds[draw_below(random, (uint32_t)palette->threshold_count)];
  if (isinf(t)) return float_of(0x7f7fffff);
  uint32_t which = draw_below(random, 3);
  float value = which == 0 ? t : nextafterf(t, which == 1 ? 0 : (float)INFINITY);
  return isinf(value) ? t : value;
}

static float draw_loss(draw_random *random, const draw_palette *palette, uint32_t kind) {
  float usual = (float)draw_below(random, 1 << 24) * 0x1p-22F; /* below 4, steps of 2^-22 */
  if (kind >= FIRST_EDGE)
    return ldexpf(1 + (float)draw_below(random, 1 << 23) * 0x1p-23F,
                  edges[kind - FIRST_EDGE][draw_below(random, 2)]);
  switch (kind) {
    case 1:
      return draw_chance(random, 80) ? 0 : usual;
    case 2:
      return draw_chance(random, 30) ? -0.0F : usual;
    case 3:
      return near_threshold(random, palette);
    case 4:
      return float_of(draw_below(random, 1 << 23)); /* denormal */
    case 5:
      return float_of(draw_below(random, 0x7f800000)); /* any */
    case 6:
      return 8192 + usual * 4096; /* 2^13 and more */
    case 7:
      return usual * 0x1p-16F; /* means below 1e-4 */
    case 8:
      return ldexpf(1 + usual, (int)draw_below(random, 56) - 38); /* about the windows */
    case 9:
      return draw_chance(random, 2) ? float_of(draw_below(random, 0x7f800000)) : usual;
    default:
      return usual;
  }
}

static float draw_nonsense(draw_random *random) {
  static const uint32_t bits[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001,
                                  0xbf800000, 0x80000001, 0xffffffff};
  return float_of(bits[draw_below(random, sizeof bits / sizeof *bits)]);
}

/* ---- Masks ---------------------------------------------------------------------- */

/* Some of the palette's labels (their indices), in runs of a usual length. */
typedef struct mask_style {
  uint32_t choice[24];
  uint32_t choices; /* 0: all of the palette */
  uint32_t run;
  uint32_t left;
  uint32_t now;
} mask_style;

static mask_style draw_style(draw_random *random, const draw_palette *palette) {
  static const uint32_t counts[] = {0, 1, 2, 3, 5, 24}, runs[] = {1, 2, 9, 70, 400};
  mask_style style = {.choices = counts[draw_below(random, 6)], .run = runs[draw_below(random, 5)]};
  for (uint32_t i = 0; i < style.choices; i++)
    style.choice[i] = draw_below(random, (uint32_t)palette->count);
  return style;
}

/* An index into the palette. */
static uint32_t next_label(draw_random *random, const draw_palette *palette, mask_style *style) {
  if (style->left) {
    style->left--;
    return style->now;
  }
  style->left = draw_below(random, 2 * style->run);
  style->now = style->choices ? style->choice[draw_below(random, style->choices)]
                              : draw_below(random, (uint32_t)palette->count);
  return style->now;
}

/* ---- Images --------------------------------------------------------------------- */

static int64_t largest_label(const draw_palette *palette) {
  int64_t largest = 0;
  for (size_t i = 0; i < palette->count; i++)
    if (palette->labels[i] > largest) largest = palette->labels[i];
  return largest;
}

static bool has_negative(const draw_palette *palette) {
  return palette->labels[palette->count - 1] < 0;
}

static fm_dtype draw_mask_dtype(draw_random *random, const draw_palette *palette) {
  int64_t largest = largest_label(palette);
  bool negative = has_negative(palette);
  for (;;) {
    uint32_t die = draw_below(random, 14);
    if (die < 5 && largest <= UINT8_MAX && !negative) return FM_U8;
    if (die >= 5 && die < 7 && largest <= UINT16_MAX && !negative) return FM_U16;
    if (die == 7 && largest <= INT16_MAX) return FM_I16;
    if (die == 8) return FM_I32;
    if (die == 9) return FM_I64;
    if (die == 10 && largest <= INT8_MAX) return FM_I8;
    if (die == 11 && !negative) return FM_U32;
    if (die == 12 && !negative) return FM_U64;
  }
}

static void draw_size(draw_random *random, int64_t *height, int64_t *width) {
  uint32_t die = draw_below(random, 10);
  *height = 1 + draw_below(random, die < 8 ? 12 : 3);
  *width = 1 + draw_below(random, die < 8 ? 200 : 5000);
}

draw_image draw_image_make(draw_random *random, const draw_palette *palette) {
  static const fm_dtype loss_dtypes[] = {FM_F32, FM_F32, FM_F32, FM_F16, FM_BF16, FM_F64};
  int64_t height, width;
  draw_size(random, &height, &width);
  draw_image image = {draw_plane_make(random, draw_mask_dtype(random, palette), height, width),
                      draw_plane_make(random, loss_dtypes[draw_below(random, 6)], height, width)};
  mask_style style = draw_style(random, palette);
  uint32_t kind = draw_chance(random, 30) ? USUAL_KIND : draw_below(random, KINDS);
  bool nonsense = draw_chance(random, 40);
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++) {
      uint32_t index = next_label(random, palette, &style);
      bool ignored = index >= palette->class_labels;
      float loss = draw_loss(random, palette, kind);
      if (ignored && nonsense && draw_chance(random, 50)) loss = draw_nonsense(random);
      draw_set_label(&image.mask.plane, y, x, palette->labels[index]);
      draw_set_loss(&image.loss.plane, y, x, loss);
    }
  return image;
}

void draw_image_free(draw_image *image) {
  draw_plane_free(&image->loss);
  draw_plane_free(&image->mask);
}
