/* support/planes.h - planes in odd strides, number formats and a random generator of the
 * tests' own. Needs no Check, so that it runs on emulated machines, too.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_SUPPORT_PLANES_H
#define FM_TESTS_SUPPORT_PLANES_H

#include <freemask/view.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Planes --------------------------------------------------------------------- */

/* How the pixels of a plane lie in memory. */
typedef enum kit_layout {
  KIT_PACKED,
  KIT_PADDED,     /* gap behind every row */
  KIT_FLIPPED,    /* last row first: negative row stride */
  KIT_MIRRORED,   /* negative column stride */
  KIT_TRANSPOSED, /* column after column */
  KIT_STRIDED,    /* every third element */
  KIT_UNALIGNED,  /* starts at an odd address, odd strides */
  KIT_LAYOUTS
} kit_layout;

/* Own memory of a plane; `memory` is filled with 0xEE where there is no pixel. */
typedef struct kit_plane {
  fm_plane view;
  unsigned char *memory;
  size_t size;
  size_t margin; /* bytes at both ends that are not the plane's */
} kit_plane;

kit_plane kit_plane_new(fm_dtype dtype, int64_t height, int64_t width, kit_layout layout);
void kit_plane_free(kit_plane *plane);
void kit_put_int(const fm_plane *plane, int64_t y, int64_t x, int64_t value);
int64_t kit_get_int(const fm_plane *plane, int64_t y, int64_t x);
/* Rounded to the dtype, to nearest even. */
void kit_put_real(const fm_plane *plane, int64_t y, int64_t x, float value);
float kit_get_real(const fm_plane *plane, int64_t y, int64_t x);
const char *kit_layout_name(kit_layout layout);

/* ---- Number formats --------------------------------------------------------------- */

/* By definition, in double arithmetic. */
double kit_half_value(uint16_t bits);
float kit_bfloat_value(uint16_t bits);
uint16_t kit_half_bits(float value);
uint16_t kit_bfloat_bits(float value);
float kit_float(uint32_t bits);

/* ---- Random numbers ---------------------------------------------------------------- */

/* xorshift64*; not the library's generator. */
uint64_t kit_random(uint64_t *state);
int64_t kit_below(uint64_t *state, int64_t bound);
/* Losses of all sizes, zeros, denormals and huge ones among them. */
float kit_wild_loss(uint64_t *state);
/* 0 to 8 nats. */
float kit_plain_loss(uint64_t *state);

#endif
