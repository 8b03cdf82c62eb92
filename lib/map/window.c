/* map/window.c - means over windows, one region at a time: every column holds the sum of the pixels
 * of each region in the rows of the window, and a run's window slides over the columns. */
#include "map/window.h"

#include <freemask/map.h>
#include <inttypes.h>
#include <math.h>
#include <stdalign.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/size.h"
#include "core/view.h"
#include "dsp/map_kernels.h"

/* ---- Sliding ---------------------------------------------------------------------- */

/* A window that has slid along a row: its sum and its pixels when it was around column `at`. */
typedef struct place {
  int64_t y, at;
  fm__totals totals;
} place;

typedef struct slider {
  const fm__runs *runs;
  const fm__window_input *input;
  size_t radius;
  bool far;        /* sums of windows may need more than 32 bits */
  size_t stride;   /* columns of a region, with `radius` and one more empty ones on both sides */
  int32_t *sums;   /* [regions][stride] */
  int32_t *pixels; /* [regions][stride] */
  place *places;   /* [regions] */
  float *means;    /* [width] of a row, and what kernels write behind it */
} slider;

typedef void change_columns(const int32_t *steps, size_t n, int32_t *sums, int32_t *pixels);

/* Adds row y to the columns, or takes it away. */
static void change_row(const slider *s, int64_t y, change_columns *change) {
  const fm__run *run = s->runs->runs + s->runs->rows[y],
                *end = s->runs->runs + s->runs->rows[y + 1];
  const int32_t *steps = s->input->steps + y % s->input->rows * s->runs->width;
  for (int64_t x = 0; run < end; x = run++->end) {
    if (run->region < 0) continue;
    size_t first = (size_t)run->region * s->stride + s->radius + 1 + (size_t)x;
    change(steps + x, (size_t)(run->end - x), s->sums + first, s->pixels + first);
  }
}

/* The sums around the column before x, afresh, or from where the region's window was last in this
 * row if that is nearer. */
static place find_place(const slider *s, int32_t region, int64_t y, int64_t x) {
  const fm__map_kernels *kernels = s->runs->context->dsp->maps;
  const size_t first = (size_t)region * s->stride + (size_t)x, side = 2 * s->radius + 1;
  const int32_t *sums = s->sums + first, *pixels = s->pixels + first; /* from the left edge on */
  place p = s->places[region];
  const size_t gap = (size_t)(x - 1 - p.at);
  if (p.y != y || gap > s->radius)
    p.totals = kernels->total(sums, pixels, side);
  else if (gap)
    p.totals = kernels->move(sums - gap, pixels - gap, side, gap, p.totals);
  return p;
}

/* The means around the columns x .. end - 1 of a region's run. */
static void slide(const slider *s, int32_t region, int64_t y, int64_t x, int64_t end) {
  const size_t first = (size_t)region * s->stride + s->radius + 1 + (size_t)x;
  place p = find_place(s, region, y, x);
  const fm__totals last = s->runs->context->dsp->maps->slide(
      s->sums + first, s->pixels + first, s->radius, (size_t)(end - x), p.totals, s->means + x);
  s->places[region] = (place){y, end - 1, last};
}

/* The same where sums may need more than 32 bits. */
static void slide_far(const slider *s, int32_t region, int64_t x, int64_t end) {
  const size_t first = (size_t)region * s->stride + (size_t)x, side = 2 * s->radius + 1;
  const int32_t *sums = s->sums + first, *pixels = s->pixels + first;
  int64_t sum = 0;
  int32_t count = 0;
  for (size_t i = 0; i < side; i++) sum += sums[i];
  for (size_t i = 0; i < side; i++) count += pixels[i];
  for (size_t i = 0, n = (size_t)(end - x); i < n; i++) {
    sum += (int64_t)sums[i + side] - sums[i];
    count += pixels[i + side] - pixels[i];
    s->means[(size_t)x + i] = (float)sum / (float)count * FM__STEP;
  }
}

static void slide_row(const slider *s, int64_t y) {
  const fm__run *run = s->runs->runs + s->runs->rows[y],
                *end = s->runs->runs + s->runs->rows[y + 1];
  for (int64_t x = 0; run < end; x = run++->end) {
    if (run->region < 0) continue;
    if (s->far)
      slide_far(s, run->region, x, run->end);
    else
      slide(s, run->region, y, x, run->end);
  }
}

/* ---- One image -------------------------------------------------------------------- */

/* One block: places, sums and pixels of all columns, a row. */
static fm_status allocate(slider *s, void **memory, fm_error *err) {
  const fm__runs *runs = s->runs;
  size_t regions = (size_t)runs->regions, width = (size_t)runs->width;
  size_t columns = 0, cells = SIZE_MAX, places = regions * sizeof *s->places,
         rest = (width + 3 * FM__MAP_SLACK) * sizeof(int32_t);
  s->stride = width + 2 * s->radius + 2;
  *memory = NULL;
  if (fm__size_mul(regions, s->stride * sizeof(int32_t), &columns) &&
      fm__size_mul(columns, 2, &cells) && fm__size_add(cells, places + rest, &cells))
    *memory = fm__alloc(runs->context, cells);
  if (!*memory) return fm__fail_memory(err, cells);
  char *at = *memory;
  memset(at, 0, cells);
  s->places = (place *)(void *)at;
  s->sums = (int32_t *)(void *)(at + places);
  s->pixels = s->sums + regions * s->stride + FM__MAP_SLACK;
  s->means = (float *)(s->pixels + regions * s->stride + FM__MAP_SLACK);
  for (size_t i = 0; i < regions; i++) s->places[i].y = -1;
  return FM_OK;
}

/* A window that holds the image holds it however large it is. */
static size_t useful_radius(const fm__runs *runs, int32_t radius) {
  int64_t side = runs->height > runs->width ? runs->height : runs->width;
  return (size_t)(radius < side ? radius : side);
}

/* May the steps of a window add up to more than 32 bits hold? */
static bool is_far(const slider *s, int32_t most) {
  const int64_t side = 2 * (int64_t)s->radius + 1;
  const int64_t rows = side < s->runs->height ? side : s->runs->height;
  const int64_t columns = side < s->runs->width ? side : s->runs->width;
  return most > 0 && rows * columns > INT32_MAX / most;
}

int32_t *fm__window_steps(const fm_context *context, int64_t rows, int64_t width) {
  int32_t *steps = NULL;
  const uint64_t pixels = (uint64_t)rows * (uint64_t)width;
  if (pixels <= SIZE_MAX - FM__MAP_SLACK)
    steps = fm__alloc_array(context, (size_t)pixels + FM__MAP_SLACK, sizeof *steps);
  return steps;
}

static void add_row(const slider *s, int64_t y) {
  const fm__window_input *input = s->input;
  if (y >= s->runs->height) return;
  if (input->make) input->make(input->user, y, input->steps + y % input->rows * s->runs->width);
  change_row(s, y, s->runs->context->dsp->maps->add);
}

fm_status fm__window_mean(const fm__runs *runs, const fm__window_input *input, int32_t radius,
                          fm__window_row row, void *user, fm_error *err) {
  slider s = {.runs = runs, .input = input, .radius = useful_radius(runs, radius)};
  const int64_t reach = (int64_t)s.radius;
  void *memory;
  fm_status status = allocate(&s, &memory, err);
  if (status) return status;
  s.far = is_far(&s, input->most);
  for (int64_t y = 0; y < reach; y++) add_row(&s, y);
  for (int64_t y = 0; y < runs->height; y++) {
    if (y > reach) /* first: a column's sum just fits */
      change_row(&s, y - reach - 1, runs->context->dsp->maps->take);
    add_row(&s, y + reach);
    slide_row(&s, y);
    row(user, y, s.means);
  }
  fm__free(runs->context, memory);
  return FM_OK;
}

int64_t fm__window_rows(int64_t height, int32_t radius) {
  return height < 2 * (int64_t)radius + 1 ? height : 2 * (int64_t)radius + 1;
}

/* ---- The public call -------------------------------------------------------------- */

static fm_status fail_value(const fm_plane *values, int64_t y, fm_error *err) {
  float value = 0;
  int64_t x = 0;
  for (; x < values->width; x++) {
    fm__tile_floats(values, y, x, 1, &value);
    if (!isfinite(value)) break;
  }
  return fm__fail(err, FM_ERR_LOSS,
                  "values: %g at pixel (x %" PRId64 ", y %" PRId64 "), expected a finite number",
                  (double)value, x, y);
}

/* A row of values where they are, or NULL if they are no aligned floats without gaps. */
static const float *row_in_place(const fm_plane *values, int64_t y) {
  const char *from = fm__pixel(values, y, 0);
  const bool good =
      values->dtype == FM_F32 && fm__is_packed(values) && (uintptr_t)from % alignof(float) == 0;
  return good ? (const float *)(const void *)from : NULL;
}

static uint32_t largest_in_row(const fm__map_kernels *kernels, const fm_plane *values, int64_t y) {
  const float *row = row_in_place(values, y);
  if (row) return kernels->largest(row, (size_t)values->width);
  float piece[FM__PIECE];
  uint32_t largest = 0;
  for (int64_t x = 0; x < values->width; x += FM__PIECE) {
    size_t n = fm__piece_length(values, x);
    fm__tile_floats(values, y, x, n, piece);
    uint32_t most = kernels->largest(piece, n);
    largest = most > largest ? most : largest;
  }
  return largest;
}

/* Of a value of these bits. */
static int32_t most_steps(uint32_t bits) {
  const float value = fm__float_of_bits(bits);
  return value >= FM__MOST_STEPS * FM__STEP ? FM__MOST_STEPS : (int32_t)(value / FM__STEP) + 1;
}

/* One call. */
typedef struct call {
  const fm__map_kernels *kernels;
  const fm_plane *values, *means;
} call;

static void make_row(void *user, int64_t y, int32_t *steps) {
  const call *c = user;
  const float *row = row_in_place(c->values, y);
  if (row) {
    c->kernels->to_steps(row, (size_t)c->values->width, steps);
    return;
  }
  float piece[FM__PIECE];
  for (int64_t x = 0; x < c->values->width; x += FM__PIECE) {
    size_t n = fm__piece_length(c->values, x);
    fm__tile_floats(c->values, y, x, n, piece);
    c->kernels->to_steps(piece, n, steps + x);
  }
}

static void write_row(void *user, int64_t y, const float *means) {
  const fm_plane *out = ((const call *)user)->means;
  char *to = fm__pixel(out, y, 0);
  if (fm__is_packed(out)) {
    memcpy(to, means, (size_t)out->width * sizeof *means);
    return;
  }
  for (int64_t x = 0; x < out->width; x++, to += out->col_stride)
    memcpy(to, &means[x], sizeof *means);
}

/* The largest value, in steps; refuses the first that is not finite. */
static fm_status check_values(call *c, int32_t *most, fm_error *err) {
  uint32_t largest = 0;
  for (int64_t y = 0; y < c->values->height; y++) {
    uint32_t here = largest_in_row(c->kernels, c->values, y);
    if (here >= FM__NOT_FINITE) return fail_value(c->values, y, err);
    largest = here > largest ? here : largest;
  }
  *most = most_steps(largest);
  return FM_OK;
}

static fm_status run(const fm_context *context, const fm_plane *mask, call *c, int32_t radius,
                     fm_error *err) {
  fm__runs runs;
  fm__yx bad;
  fm__window_input input = {.make = make_row, .user = c};
  fm_status status = check_values(c, &input.most, err);
  if (!status) status = fm__runs_make(context, mask, NULL, &runs, &bad, err);
  if (status) return status;
  input.rows = fm__window_rows(mask->height, radius);
  input.steps = fm__window_steps(context, input.rows, mask->width);
  if (input.steps)
    status = fm__window_mean(&runs, &input, radius, write_row, c, err);
  else
    status = fm__fail_pixels(err, input.rows, mask->width);
  fm__free(context, input.steps);
  fm__runs_free(&runs);
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
  call c = {context->dsp->maps, &v, &out};
  return status ? status : run(context, &m, &c, radius, err);
}
