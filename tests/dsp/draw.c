/* dsp/draw.c - numbers, memory and single pixels.
 * SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, which POSIX has only since 2024 */
#include "draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- Numbers -------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t draw_word(draw_random *random) {
  uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

uint32_t draw_below(draw_random *random, uint32_t n) {
  return (uint32_t)((draw_word(random) >> 32) * n >> 32);
}

bool draw_chance(draw_random *random, uint32_t percent) {
  return draw_below(random, 100) < percent;
}

/* ---- Memory --------------------------------------------------------------------- */

draw_block draw_block_make(draw_random *random, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t inside = (size + page - 1) / page * page;
  draw_block block = {.size = size, .page_bytes = inside + 2 * page};
  block.pages = mmap(NULL, block.page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char *first = (unsigned char *)block.pages + page;
  if (block.pages == MAP_FAILED || mprotect(first, inside, PROT_READ | PROT_WRITE)) {
    printf("Bail out! no memory for %zu bytes\n", size);
    exit(1);
  }
  block.data = draw_chance(random, 70) ? first + (inside - size) : first;
  return block;
}

void draw_block_free(draw_block *block) { (void)munmap(block->pages, block->page_bytes); }

/* Bytes from a pixel to the next: mostly packed, else with a gap, often an uneven one. */
static int64_t draw_column_stride(draw_random *random, int64_t element) {
  return draw_chance(random, 80) ? element : element + draw_below(random, 6);
}

draw_plane draw_plane_make(draw_random *random, fm_dtype dtype, int64_t height, int64_t width) {
  int64_t element = (int64_t)fm_dtype_size(dtype);
  int64_t column = draw_column_stride(random, element);
  int64_t row = width * column + (draw_chance(random, 60) ? 0 : draw_below(random, 70));
  int64_t span = (height - 1) * row + (width - 1) * column + element;
  draw_plane p = {.plane = fm_plane_make(NULL, dtype, height, width)};
  p.block = draw_block_make(random, (size_t)span);
  memset(p.block.data, 0xa5, p.block.size);
  p.plane.data = p.block.data;
  p.plane.row_stride = row;
  p.plane.col_stride = column;
  if (draw_chance(random, 10)) {
    p.plane.data = p.block.data + (height - 1) * row;
    p.plane.row_stride = -row;
  }
  if (draw_chance(random, 5)) {
    p.plane.data = (unsigned char *)p.plane.data + (width - 1) * column;
    p.plane.col_stride = -column;
  }
  return p;
}

void draw_plane_free(draw_plane *plane) { draw_block_free(&plane->block); }

/* ---- Pixels --------------------------------------------------------------------- */

static void *pixel(const fm_plane *plane, int64_t y, int64_t x) {
  return (char *)plane->data + y * plane->row_stride + x * plane->col_stride;
}

int64_t draw_label_at(const fm_plane *mask, int64_t y, int64_t x) {
  uint64_t bits = 0;
  unsigned size = (unsigned)fm_dtype_size((fm_dtype)mask->dtype);
  const unsigned char *at = pixel(mask, y, x);
  const uint16_t one = 1;
  bool little = *(const unsigned char *)&one;
  for (unsigned i = 0; i < size; i++) bits = bits << 8 | at[little ? size - 1 - i : i];
  bool is_signed = mask->dtype == FM_I8 || mask->dtype == FM_I16 || mask->dtype == FM_I32;
  bool negative = is_signed && bits >> (8 * size - 1);
  return (int64_t)(negative ? bits | ~UINT64_C(0) << (8 * size) : bits);
}

void draw_set_label(const fm_plane *mask, int64_t y, int64_t x, int64_t label) {
  uint8_t u8 = (uint8_t)label;
  uint16_t u16 = (uint16_t)label;
  uint32_t u32 = (uint32_t)label;
  void *at = pixel(mask, y, x);
  switch (fm_dtype_size((fm_dtype)mask->dtype)) {
    case 1:
      memcpy(at, &u8, sizeof u8);
      break;
    case 2:
      memcpy(at, &u16, sizeof u16);
      break;
    case 4:
      memcpy(at, &u32, sizeof u32);
      break;
    default:
      memcpy(at, &label, sizeof label);
  }
}

/* IEEE 754, 3.4: sign, 5 bits of exponent with a bias of 15, 10 of fraction. */
static double value_of_half(uint16_t half) {
  int exponent = half >> 10 & 31, fraction = half & 1023;
  double value = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                 : exponent == 0 ? ldexp(fraction, -24)
                                 : ldexp(1024 + fraction, exponent - 25);
  return half & 0x8000 ? -value : value;
}

/* Rounded towards 0, at most the largest finite number; NaN and infinity stay such. */
static uint16_t half_of(float value) {
  uint16_t sign = signbit(value) ? 0x8000 : 0;
  double size = fabs((double)value);
  if (isnan(value)) return 0x7e01 | sign;
  if (isinf(value)) return 0x7c00 | sign;
  if (size >= 65504) return 0x7bff | sign;
  if (size < 0x1p-14) return (uint16_t)(size * 0x1p24) | sign;
  int exponent;
  double fraction = frexp(size, &exponent); /* 0.5 to 1 */
  return (uint16_t)(((exponent + 14) << 10) + (int)(fraction * 2048 - 1024)) | sign;
}

double draw_loss_at(const fm_plane *loss, int64_t y, int64_t x) {
  uint16_t half;
  float value;
  if (loss->dtype == FM_F32) {
    memcpy(&value, pixel(loss, y, x), sizeof value);
    return (double)value;
  }
  if (loss->dtype == FM_F64) {
    double wide;
    memcpy(&wide, pixel(loss, y, x), sizeof wide);
    return wide;
  }
  memcpy(&half, pixel(loss, y, x), sizeof half);
  if (loss->dtype == FM_F16) return value_of_half(half);
  uint32_t bits = (uint32_t)half << 16;
  memcpy(&value, &bits, sizeof value);
  return (double)value;
}

void draw_set_loss(const fm_plane *loss, int64_t y, int64_t x, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint16_t half = loss->dtype == FM_F16 ? half_of(value) : (uint16_t)(bits >> 16);
  double wide = (double)value;
  if (loss->dtype == FM_F64)
    memcpy(pixel(loss, y, x), &wide, sizeof wide);
  else if (loss->dtype == FM_F32)
    memcpy(pixel(loss, y, x), &value, sizeof value);
  else
    memcpy(pixel(loss, y, x), &half, sizeof half);
}
