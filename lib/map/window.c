/* map/window.c - means over windows, one region at a time: every column holds the sum of the pixels
 * of each region in the rows of the window, and a run's window slides over the columns. */
#include "map/window.h"

#include <freemask/map.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/size.h"
#include "core/view.h"

/* ---- Sliding ---------------------------------------------------------------------- */

/* A window that has slid along a row: its sums when it was around column `at`. */
typedef struct place {
  int64_t y, at;
  int64_t sum;
  int32_t pixels;
} place;

typedef struct slider {
  const fm__runs *runs;
  const int32_t *steps;
  int64_t radius;
  size_t stride;   /* columns of a region, with `radius` and one more empty ones on both sides */
  int32_t *sums;   /* [regions][stride] */
  int32_t *pixels; /* [regions][stride] */
  place *places;   /* [regions] */
  float *row_sums, *row_pixels; /* [width] */
} slider;

static void add_row(const slider *s, int64_t y) {
  const fm__run *run = s->runs->runs + s->runs->rows[y],
                *end = s->runs->runs + s->runs->rows[y + 1];
  const int32_t *steps = s->steps + y * s->runs->width;
  for (int64_t x = 0; run < end; x = run++->end) {
    if (run->region < 0) continue;
    size_t first = (size_t)run->region * s->stride + (size_t)(s->radius + 1);
    int32_t *sums = s->sums + first, *pixels = s->pixels + first;
    for (int64_t i = x; i < run->end; i++) sums[i] += steps[i];
    for (int64_t i = x; i < run->end; i++) pixels[i]++;
  }
}

static void remove_row(const slider *s, int64_t y) {
  const fm__run *run = s->runs->runs + s->runs->rows[y],
                *end = s->runs->runs + s->runs->rows[y + 1];
  const int32_t *steps = s->steps + y * s->runs->width;
  for (int64_t x = 0; run < end; x = run++->end) {
    if (run->region < 0) continue;
    size_t first = (size_t)run->region * s->stride + (size_t)(s->radius + 1);
    int32_t *sums = s->sums + first, *pixels = s->pixels + first;
    for (int64_t i = x; i < run->end; i++) sums[i] -= steps[i];
    for (int64_t i = x; i < run->end; i++) pixels[i]--;
  }
}

/* The sums around column x, afresh, or from where the region's window was last in this row if
 * that is nearer. */
static place find_place(const slider *s, int32_t region, int64_t y, int64_t x) {
  size_t first = (size_t)region * s->stride + (size_t)(s->radius + 1);
  const int32_t *sums = s->sums + first, *pixels = s->pixels + first;
  place p = s->places[region];
  if (p.y != y || x - p.at > s->radius) {
    p = (place){.y = y, .at = x};
    for (int64_t i = x - s->radius; i <= x + s->radius; i++) {
      if (i < 0 || i >= s->runs->width) continue;
      p.sum += sums[i];
      p.pixels += pixels[i];
    }
    return p;
  }
  for (; p.at < x; p.at++) {
    p.sum += (int64_t)sums[p.at + s->radius + 1] - sums[p.at - s->radius];
    p.pixels += pixels[p.at + s->radius + 1] - pixels[p.at - s->radius];
  }
  return p;
}

/* The sums around the columns x .. end - 1 of a region's run. */
static void slide(const slider *s, int32_t region, int64_t y, int64_t x, int64_t end) {
  size_t first = (size_t)region * s->stride + (size_t)(s->radius + 1);
  const int32_t *sums = s->sums + first, *pixels = s->pixels + first;
  const int64_t ahead = s->radius + 1, behind = s->radius;
  place p = find_place(s, region, y, x);
  int64_t sum = p.sum;
  int32_t count = p.pixels;
  s->row_sums[x] = (float)sum;
  s->row_pixels[x] = (float)count;
  for (int64_t i = x; i + 1 < end; i++) {
    sum += (int64_t)sums[i + ahead] - sums[i - behind];
    count += pixels[i + ahead] - pixels[i - behind];
    s->row_sums[i + 1] = (float)sum;
    s->row_pixels[i + 1] = (float)count;
  }
  s->places[region] = (place){y, end - 1, sum, count};
}

static void slide_row(const slider *s, int64_t y) {
  const fm__run *run = s->runs->runs + s->runs->rows[y],
                *end = s->runs->runs + s->runs->rows[y + 1];
  for (int64_t x = 0; run < end; x = run++->end) {
    if (run->region >= 0) {
      slide(s, run->region, y, x, run->end);
      continue;
    }
    for (int64_t i = x; i < run->end; i++) s->row_pixels[i] = 1; /* divisible */
  }
  for (int64_t i = 0; i < s->runs->width; i++) s->row_sums[i] /= s->row_pixels[i];
}

/* ---- One image -------------------------------------------------------------------- */

/* One block: sums and pixels of all columns, places, two rows. */
static fm_status allocate(slider *s, void **memory, fm_error *err) {
  const fm__runs *runs = s->runs;
  size_t regions = (size_t)runs->regions, width = (size_t)runs->width;
  size_t columns = 0, cells = SIZE_MAX, places = regions * sizeof *s->places,
         rows = 2 * width * sizeof(float);
  s->stride = width + 2 * (size_t)s->radius + 2;
  *memory = NULL;
  if (fm__size_mul(regions, s->stride * sizeof(int32_t), &columns) &&
      fm__size_mul(columns, 2, &cells) && fm__size_add(cells, places + rows, &cells))
    *memory = fm__alloc(runs->context, cells);
  if (!*memory) return fm__fail_memory(err, cells);
  char *at = *memory;
  s->places = (place *)(void *)at;
  s->sums = (int32_t *)(void *)(at + places);
  s->pixels = s->sums + regions * s->stride;
  s->row_sums = (float *)(s->pixels + regions * s->stride);
  s->row_pixels = s->row_sums + width;
  memset(at + places, 0, 2 * columns + rows);
  for (size_t i = 0; i < regions; i++) s->places[i].y = -1;
  return FM_OK;
}

/* A window that holds the image holds it however large it is. */
static int64_t useful_radius(const fm__runs *runs, int32_t radius) {
  int64_t side = runs->height > runs->width ? runs->height : runs->width;
  return radius < side ? radius : side;
}

fm_status fm__window_mean(const fm__runs *runs, const int32_t *steps, int32_t radius,
                          fm__window_row row, void *user, fm_error *err) {
  slider s = {.runs = runs, .steps = steps, .radius = useful_radius(runs, radius)};
  void *memory;
  fm_status status = allocate(&s, &memory, err);
  if (status) return status;
  for (int64_t y = 0; y < s.radius && y < runs->height; y++) add_row(&s, y);
  for (int64_t y = 0; y < runs->height; y++) {
    if (y > s.radius) remove_row(&s, y - s.radius - 1); /* first: a column's sum just fits */
    if (y + s.radius < runs->height) add_row(&s, y + s.radius);
    slide_row(&s, y);
    row(user, y, s.row_sums);
  }
  fm__free(runs->context, memory);
  return FM_OK;
}

/* ---- The public call -------------------------------------------------------------- */

/* Adding this makes the float's lowest bit a step's: the sum is rounded to whole steps, to nearest,
 * ties to even. */
static const float ROUNDER = 12582912; /* 1.5 * 2^23 */
static const uint32_t ROUNDER_BITS = UINT32_C(0x4B400000);

static void to_steps(const float *values, int64_t n, int32_t *steps) {
  const float most = FM__MOST_STEPS;
  for (int64_t i = 0; i < n; i++) {
    float step = values[i] * (1 << FM__STEPS_BITS);
    step = step < most ? step : most;
    step = step > -most ? step : -most;
    float rounded = step + ROUNDER;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    steps[i] = (int32_t)(bits - ROUNDER_BITS);
  }
}

static fm_status read_row(const fm_plane *values, int64_t y, int32_t *steps, fm_error *err) {
  float piece[FM__PIECE];
  for (int64_t x = 0; x < values->width; x += FM__PIECE) {
    size_t n = fm__piece_length(values, x);
    uint32_t worst = 0;
    fm__tile_floats(values, y, x, n, piece);
    for (size_t i = 0; i < n; i++) {
      uint32_t bits;
      memcpy(&bits, &piece[i], sizeof bits);
      bits &= UINT32_C(0x7FFFFFFF);
      worst = bits > worst ? bits : worst;
    }
    for (size_t i = 0; worst >= UINT32_C(0x7F800000) && i < n; i++)
      if (!isfinite(piece[i]))
        return fm__fail(err, FM_ERR_LOSS,
                        "values: %g at pixel (x %" PRId64 ", y %" PRId64
                        "), expected a finite "
                        "number",
                        (double)piece[i], x + (int64_t)i, y);
    to_steps(piece, (int64_t)n, steps + x);
  }
  return FM_OK;
}

static void write_row(void *user, int64_t y, const float *means) {
  const fm_plane *out = user;
  if (fm__is_packed(out)) {
    char *to = fm__pixel(out, y, 0);
    for (int64_t x = 0; x < out->width; x++) {
      float mean = means[x] * FM__STEP;
      memcpy(to + (size_t)x * sizeof mean, &mean, sizeof mean);
    }
    return;
  }
  for (int64_t x = 0; x < out->width; x++) {
    float mean = means[x] * FM__STEP;
    memcpy(fm__pixel(out, y, x), &mean, sizeof mean);
  }
}

static fm_status run(const fm_context *context, const fm_plane *mask, const fm_plane *values,
                     int32_t radius, fm_plane *means, fm_error *err) {
  fm__runs runs;
  fm__yx bad;
  int32_t *steps = fm__alloc_pixels(context, mask->height, mask->width, sizeof *steps);
  if (!steps) return fm__fail_pixels(err, mask->height, mask->width);
  fm_status status = FM_OK;
  for (int64_t y = 0; y < mask->height && !status; y++)
    status = read_row(values, y, steps + y * mask->width, err);
  if (!status) status = fm__runs_make(context, mask, NULL, &runs, &bad, err);
  if (!status) {
    status = fm__window_mean(&runs, steps, radius, write_row, means, err);
    fm__runs_free(&runs);
  }
  fm__free(context, steps);
  return status;
}

fm_status fm_map_window_mean(const fm_context *context, const fm_plane *mask,
                             const fm_plane *values, int32_t radius, const fm_plane *means,
                             fm_error *err) {
  if (!context) return fm__fail(err, FM_ERR_ARGUMENT, "fm_map_window_mean: context is NULL");
  if (radius < 0 || radius > FM__MOST_RADIUS)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_map_window_mean: radius is %d, expected 0 to %d",
                    (int)radius, FM__MOST_RADIUS);
  fm_plane m, v, out;
  fm_status status = fm__plane_read(&m, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__plane_read(&v, values, FM__LOSS_TYPES, "values", err);
  if (!status) status = fm__same_size(&m, "mask", &v, "values", err);
  if (!status) status = fm__output_read(&out, means, FM__BIT(FM_F32), "means", err);
  if (!status) status = fm__same_size(&m, "mask", &out, "means", err);
  if (!status) status = fm__check_output(&out, "means", &m, "mask", false, err);
  if (!status) status = fm__check_output(&out, "means", &v, "values", true, err);
  return status ? status : run(context, &m, &v, radius, &out, err);
}
