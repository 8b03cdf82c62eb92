/* baseline/baseline_bins.c - color, texture, position and surroundings of pixels, in bins. */
#include "baseline/baseline_bins.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "baseline/baseline_model.h"

/* A pixel as the windows see it: 8 bytes. Colors are halved so that they fit. */
enum { LUMA = 0, RED_BLUE, GREEN_PURPLE, EDGE_X, EDGE_Y, PLANES, PIXEL = 8 };
/* A window's sums: the planes, and the squares of luma. */
enum { LUMA_SQUARED = PLANES, SUMS = 8 };
/* Squares of a window must add up below 2^31: 181 * 181 * 255 * 255. */
enum { RADIUS_MAX = 90 };

/* Numbers of bins. */
enum { B_LUMA = 8, B_COLOR = 7, B_DEVIATION = 5, B_EDGE = 6, B_BUSY = 7, B_ROW = 8 };
enum { B_RELATIVE = 14, B_ROW_FINE = 16, B_COLUMN = 4 };
enum {
  COLORS = B_LUMA * B_COLOR * B_COLOR,
  TEXTURES = B_EDGE * B_EDGE * B_DEVIATION * B_ROW,
  SURROUNDINGS = COLORS * B_BUSY
};
enum {
  AT_PIXEL = 0,
  AT_COLOR = AT_PIXEL + COLORS * B_ROW,
  AT_TEXTURE = AT_COLOR + COLORS * B_DEVIATION,
  AT_WIDE_COLOR = AT_TEXTURE + TEXTURES,
  AT_WIDE_TEXTURE = AT_WIDE_COLOR + COLORS * B_ROW,
  AT_ABOVE = AT_WIDE_TEXTURE + TEXTURES,
  AT_BELOW = AT_ABOVE + SURROUNDINGS,
  AT_RELATIVE = AT_BELOW + SURROUNDINGS,
  AT_POSITION = AT_RELATIVE + B_RELATIVE * B_COLOR * B_COLOR,
  AT_END = AT_POSITION + B_ROW_FINE * B_COLUMN
};
_Static_assert((int)AT_END == (int)BINS_TOTAL, "BINS_TOTAL must be the sum of all groups");

/* Where bins begin. Colors in steps of one halved level around 127.5, edges in eighths of a
 * level, deviations in levels of luma. */
static const int luma_edges[] = {28, 56, 84, 112, 144, 176, 208};
static const int color_edges[] = {113, 122, 126, 130, 134, 143};
static const int edge_edges[] = {12, 28, 56, 96, 160};
static const int busy_edges[] = {8, 16, 28, 48, 80, 128};
static const int near_edges[] = {3, 8, 18, 35};
static const int wide_edges[] = {5, 12, 25, 40};
static const int relative_edges[] = {48, 72, 88, 100, 110, 119, 128, 137, 146, 156, 168, 184, 208};
static const int tint_edges[] = {113, 122, 126, 130, 134, 143};

/* Sums over a square window that slides over the image. */
typedef struct window {
  int64_t radius;
  int64_t at;      /* row of its center; -1: not begun */
  int32_t *column; /* [width + 2 * radius][SUMS]: sums of the window's rows */
  int32_t *middle; /* where pixel 0's column is */
} window;

struct bins {
  int64_t width, height;
  uint8_t *pixels;        /* [height][width][PIXEL] */
  uint16_t *wide_color;   /* [height][width], COLORS * B_BUSY: the wide window's */
  uint16_t *wide_texture; /* [height][width], TEXTURES without the row */
  int32_t mean[3];        /* of the image: luma, colors */
  window pixel, near;
  uint8_t luma[256], color[256], edge[256], busy[256], near_deviation[256], wide_deviation[256];
  uint8_t relative[256], tint[256];
};

static void table_fill(uint8_t *table, const int *edges, size_t count) {
  for (int v = 0, bin = 0; v < 256; v++) {
    while ((size_t)bin < count && v >= edges[bin]) bin++;
    table[v] = (uint8_t)bin;
  }
}
#define TABLE_FILL(table, edges) table_fill(table, edges, sizeof(edges) / sizeof *(edges))

static void tables_fill(bins *b) {
  TABLE_FILL(b->luma, luma_edges);
  TABLE_FILL(b->color, color_edges);
  TABLE_FILL(b->edge, edge_edges);
  TABLE_FILL(b->busy, busy_edges);
  TABLE_FILL(b->near_deviation, near_edges);
  TABLE_FILL(b->wide_deviation, wide_edges);
  TABLE_FILL(b->relative, relative_edges);
  TABLE_FILL(b->tint, tint_edges);
}

static int64_t clamp_to(int64_t v, int64_t low, int64_t high) {
  return v < low ? low : v > high ? high : v;
}

static int clamp_byte(int v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

static bool window_open(window *w, int64_t radius, int64_t width) {
  w->radius = clamp_to(radius, 1, RADIUS_MAX);
  w->at = -1;
  w->column = calloc((size_t)(width + 2 * w->radius + 1) * SUMS, sizeof *w->column);
  if (w->column) w->middle = w->column + w->radius * SUMS;
  return w->column != NULL;
}

/* Adds a row of pixels to the columns, and takes another one away (NULL: none). */
static void window_shift(window *w, const uint8_t *add, const uint8_t *take, int64_t width) {
  for (int64_t x = 0; x < width; x++) {
    int32_t *sum = w->middle + x * SUMS;
    const uint8_t *in = add + x * PIXEL, *out = take + x * PIXEL;
    for (int c = 0; c < PLANES; c++) sum[c] += in[c] - out[c];
    sum[LUMA_SQUARED] += in[LUMA] * in[LUMA] - out[LUMA] * out[LUMA];
  }
}

/* Repeats the first and the last column outside the image. */
static void window_pad(window *w, int64_t width) {
  const size_t bytes = SUMS * sizeof *w->column;
  for (int64_t i = 1; i <= w->radius; i++) {
    memcpy(w->middle - i * SUMS, w->middle, bytes);
    memcpy(w->middle + (width - 1 + i) * SUMS, w->middle + (width - 1) * SUMS, bytes);
  }
}

/* Rows outside the image repeat the first and the last one. */
static const uint8_t *row_of(const bins *b, int64_t y) {
  return b->pixels + clamp_to(y, 0, b->height - 1) * b->width * PIXEL;
}

/* Moves the window's center down to row `y`. */
static void window_move(window *w, const bins *b, int64_t y) {
  if (w->at < 0) {
    const uint8_t *nothing = b->pixels + b->height * b->width * PIXEL;
    for (int64_t i = -w->radius; i <= w->radius; i++)
      window_shift(w, row_of(b, i), nothing, b->width);
    w->at = 0;
  }
  for (; w->at < y; w->at++)
    window_shift(w, row_of(b, w->at + 1 + w->radius), row_of(b, w->at - w->radius), b->width);
  window_pad(w, b->width);
}

/* What a window says about the pixel at its center. */
typedef struct view {
  int mean[PLANES]; /* edges in eighths, at most 255 */
  int deviation;    /* of luma */
} view;

/* A window on its way along a row. */
typedef struct slide {
  int32_t sum[SUMS];
  const int32_t *in, *out;
  float share; /* 1 / pixels of the window */
} slide;

static void slide_begin(slide *s, const window *w) {
  const int64_t side = 2 * w->radius + 1;
  memset(s->sum, 0, sizeof s->sum);
  for (int64_t x = 0; x < side; x++)
    for (int c = 0; c < SUMS; c++) s->sum[c] += w->column[x * SUMS + c];
  s->out = w->column;
  s->in = w->column + side * SUMS;
  s->share = 1.0F / (float)(side * side);
}

static void slide_next(slide *s) {
  for (int c = 0; c < SUMS; c++) s->sum[c] += s->in[c] - s->out[c];
  s->in += SUMS;
  s->out += SUMS;
}

static void slide_view(const slide *s, view *v) {
  const float luma = (float)s->sum[LUMA] * s->share;
  const float square = luma * luma;
  const float variance = (float)s->sum[LUMA_SQUARED] * s->share - square;
  v->mean[LUMA] = (int)luma;
  v->mean[RED_BLUE] = (int)((float)s->sum[RED_BLUE] * s->share);
  v->mean[GREEN_PURPLE] = (int)((float)s->sum[GREEN_PURPLE] * s->share);
  const int x = (int)((float)s->sum[EDGE_X] * s->share * 8.0F);
  const int y = (int)((float)s->sum[EDGE_Y] * s->share * 8.0F);
  v->mean[EDGE_X] = x > 255 ? 255 : x;
  v->mean[EDGE_Y] = y > 255 ? 255 : y;
  v->deviation = variance > 0.0F ? (int)sqrtf(variance) : 0;
}

static int color_of(const bins *b, const view *v) {
  return (b->luma[v->mean[LUMA]] * B_COLOR + b->color[v->mean[RED_BLUE]]) * B_COLOR +
         b->color[v->mean[GREEN_PURPLE]];
}

static int texture_of(const bins *b, const view *v, const uint8_t *deviations) {
  return (b->edge[v->mean[EDGE_X]] * B_EDGE + b->edge[v->mean[EDGE_Y]]) * B_DEVIATION +
         deviations[v->deviation];
}

/* How a window differs from the whole image: less a matter of the hour and the weather. */
static int relative_of(const bins *b, const view *v) {
  const int luma = b->relative[clamp_byte(128 + v->mean[LUMA] - b->mean[0])];
  const int red = b->tint[clamp_byte(128 + v->mean[RED_BLUE] - b->mean[1])];
  const int green = b->tint[clamp_byte(128 + v->mean[GREEN_PURPLE] - b->mean[2])];
  return (luma * B_COLOR + red) * B_COLOR + green;
}

/* Looks through the wide window once: it serves three groups, in three rows. */
static void wide_fill(bins *b, window *w) {
  for (int64_t y = 0; y < b->height; y++) {
    uint16_t *color = b->wide_color + y * b->width, *texture = b->wide_texture + y * b->width;
    slide s;
    window_move(w, b, y);
    slide_begin(&s, w);
    for (int64_t x = 0; x < b->width; x++) {
      view v;
      slide_view(&s, &v);
      const int busy = b->busy[(v.mean[EDGE_X] + v.mean[EDGE_Y]) / 2];
      color[x] = (uint16_t)(color_of(b, &v) * B_BUSY + busy);
      texture[x] = (uint16_t)texture_of(b, &v, b->wide_deviation);
      slide_next(&s);
    }
  }
}

/* Luma and colors of a row of the image. */
static void row_colors(const fm_volume *image, int64_t y, uint8_t *out, int64_t sums[3]) {
  const int64_t column = image->col_stride, channel = image->channel_stride;
  const uint8_t *in = (const uint8_t *)image->data + y * image->row_stride;
  for (int64_t x = 0; x < image->width; x++, in += column, out += PIXEL) {
    const int r = in[0], g = in[channel], b = in[2 * channel];
    out[LUMA] = (uint8_t)((r + 2 * g + b) / 4);
    out[RED_BLUE] = (uint8_t)((r - b + 255) / 2);
    out[GREEN_PURPLE] = (uint8_t)((2 * g - r - b + 510) / 4);
    for (int c = 0; c < 3; c++) sums[c] += out[c];
  }
}

/* Differences to the pixels before and above. */
static void row_edges(bins *b, int64_t y) {
  uint8_t *row = b->pixels + y * b->width * PIXEL;
  const uint8_t *above = y > 0 ? row - b->width * PIXEL : row;
  for (int64_t x = 0; x < b->width; x++) {
    const int here = row[x * PIXEL], before = x > 0 ? row[(x - 1) * PIXEL] : here;
    row[x * PIXEL + EDGE_X] = (uint8_t)abs(here - before);
    row[x * PIXEL + EDGE_Y] = (uint8_t)abs(here - above[x * PIXEL]);
  }
}

static void pixels_fill(bins *b, const fm_volume *image) {
  int64_t sums[3] = {0, 0, 0};
  for (int64_t y = 0; y < b->height; y++) {
    row_colors(image, y, b->pixels + y * b->width * PIXEL, sums);
    row_edges(b, y);
  }
  for (int c = 0; c < 3; c++) b->mean[c] = (int32_t)(sums[c] / (b->width * b->height));
}

/* Checks the image and fills in the strides of a packed one. */
static fm_status image_check(fm_volume *image, fm_error *err) {
  if (!image->data) return baseline_fail(err, FM_ERR_ARGUMENT, "there is no image");
  if (image->dtype != FM_U8)
    return baseline_fail(err, FM_ERR_UNSUPPORTED, "the baseline takes images of 8 bits only");
  if (image->channels != 3 || image->width < 1 || image->height < 1)
    return baseline_fail(
        err, FM_ERR_SHAPE, "the image is %lld x %lld with %lld channels, expected RGB",
        (long long)image->width, (long long)image->height, (long long)image->channels);
  if (image->width > INT32_MAX || image->height > INT32_MAX / image->width)
    return baseline_fail(err, FM_ERR_LIMIT, "the image is %lld x %lld, more than 2^31 pixels",
                         (long long)image->width, (long long)image->height);
  if (!image->channel_stride && !image->row_stride && !image->col_stride) {
    image->col_stride = 1;
    image->row_stride = image->width;
    image->channel_stride = image->width * image->height;
  }
  return FM_OK;
}

static bool bins_allocate(bins *b, int64_t width, int64_t height) {
  const size_t count = (size_t)(width * height);
  const int64_t side = width < height ? width : height;
  b->width = width;
  b->height = height;
  /* one more row, of zeros: what a window that begins takes away */
  b->pixels = calloc(count + (size_t)width, PIXEL);
  b->wide_color = malloc(count * sizeof *b->wide_color);
  b->wide_texture = malloc(count * sizeof *b->wide_texture);
  const bool windows =
      window_open(&b->pixel, 1, width) && window_open(&b->near, side < 180 ? 3 : side / 60, width);
  return windows && b->pixels && b->wide_color && b->wide_texture;
}

static int64_t wide_radius(const bins *b) {
  const int64_t side = b->width < b->height ? b->width : b->height;
  return clamp_to(side / 18, 4, RADIUS_MAX);
}

fm_status bins_open(const fm_volume *image, bins **out, fm_error *err) {
  fm_volume packed = *image;
  window wide = {0};
  fm_status status = image_check(&packed, err);
  if (status) return status;
  bins *b = calloc(1, sizeof *b);
  if (!b || !bins_allocate(b, packed.width, packed.height) ||
      !window_open(&wide, wide_radius(b), b->width)) {
    bins_close(b);
    return baseline_fail(err, FM_ERR_MEMORY, "no memory for an image of %lld x %lld",
                         (long long)packed.width, (long long)packed.height);
  }
  tables_fill(b);
  pixels_fill(b, &packed);
  wide_fill(b, &wide);
  free(wide.column);
  *out = b;
  return FM_OK;
}

void bins_close(bins *b) {
  if (!b) return;
  free(b->pixels);
  free(b->wide_color);
  free(b->wide_texture);
  free(b->pixel.column);
  free(b->near.column);
  free(b);
}

void bins_row(bins *b, int64_t y, uint16_t *out) {
  const int64_t last = b->height - 1, width = b->width, reach = 2 * wide_radius(b);
  const int row = (int)(y * B_ROW / b->height), fine = (int)(y * B_ROW_FINE / b->height);
  const uint16_t *wide = b->wide_color + y * width, *texture = b->wide_texture + y * width;
  const uint16_t *above = b->wide_color + clamp_to(y - reach, 0, last) * width;
  const uint16_t *below = b->wide_color + clamp_to(y + reach, 0, last) * width;
  slide pixel, near;
  window_move(&b->pixel, b, y);
  window_move(&b->near, b, y);
  slide_begin(&pixel, &b->pixel);
  slide_begin(&near, &b->near);
  for (int64_t x = 0; x < width; x++, out += BINS_GROUPS) {
    const int eighth = (int)(x * 2 * B_COLUMN / width);
    const int column = eighth < B_COLUMN ? eighth : 2 * B_COLUMN - 1 - eighth;
    view p, n;
    slide_view(&pixel, &p);
    slide_view(&near, &n);
    out[0] = (uint16_t)(AT_PIXEL + color_of(b, &p) * B_ROW + row);
    out[1] = (uint16_t)(AT_COLOR + color_of(b, &n) * B_DEVIATION + b->near_deviation[n.deviation]);
    out[2] = (uint16_t)(AT_TEXTURE + texture_of(b, &n, b->near_deviation) * B_ROW + row);
    out[3] = (uint16_t)(AT_WIDE_COLOR + wide[x] / B_BUSY * B_ROW + row);
    out[4] = (uint16_t)(AT_WIDE_TEXTURE + texture[x] * B_ROW + row);
    out[5] = (uint16_t)(AT_ABOVE + above[x]);
    out[6] = (uint16_t)(AT_BELOW + below[x]);
    out[7] = (uint16_t)(AT_RELATIVE + relative_of(b, &n));
    out[8] = (uint16_t)(AT_POSITION + fine * B_COLUMN + column);
    slide_next(&pixel);
    slide_next(&near);
  }
}
