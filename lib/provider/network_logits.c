/* provider/network_logits.c - cross-entropy of resized logits, block by block. */
#include <math.h>

#include "provider/network_loss.h"

/* ---- One pixel, exactly --------------------------------------------------------- */

/* The bilinear value of a channel; false if a value is not finite, which it then names. */
static bool blend(const fm__job *job, const fm__taps *taps, int64_t channel, double *value,
                  fm__tap *bad) {
  *value = 0;
  for (int i = 0; i < taps->count; i++) {
    const fm__tap *tap = &taps->at[i];
    double z = (double)fm__voxel_value(&job->output, channel, tap->y, tap->x);
    if (!isfinite(z)) {
      *bad = *tap;
      return false;
    }
    *value += tap->weight * z;
  }
  return true;
}

fm_status fm__exact_logits(const fm__job *job, int64_t y, int64_t x, int32_t class_index,
                           double *loss, fm_error *err) {
  fm__taps taps = fm__taps_of(job, y, x);
  fm__tap bad;
  int32_t own = fm__channel_of(job->model, class_index);
  double top = -INFINITY, sum = 0, label = 0;
  /* One pass: the sum is kept relative to the largest value so far. */
  for (int32_t c = 0; c < job->output.channels; c++) {
    double z;
    if (!blend(job, &taps, c, &z, &bad)) return fm__value_fail(job, c, bad.y, bad.x, err);
    if (c == own) label = z;
    if (z > top) {
      sum = sum * exp(top - z) + 1;
      top = z;
    } else {
      sum += exp(z - top);
    }
  }
  *loss = log(sum) + (top - label);
  return FM_OK;
}

/* ---- Blocks --------------------------------------------------------------------- */

/* A block's place: its corners in the stage and its pixels in the strip. */
typedef struct cell {
  fm__block block;
  fm__staged state;
  double t, dt, u, du;
  int nx, ny;
} cell;

static cell cell_of(const fm__job *job, const fm__span *rows, const fm__span *columns,
                    const int slots[2]) {
  const fm__stage *s = &job->stage;
  int64_t left = columns->low - s->first, right = columns->high - s->first;
  cell c = {.block = fm__stage_block(s, slots, rows, columns),
            .t = columns->t,
            .dt = columns->step,
            .u = rows->t,
            .du = rows->step,
            .nx = columns->count,
            .ny = rows->count};
  c.state = fm__stage_state(s, slots, left, right);
  return c;
}

static bool any_valid(const int32_t *classes, int nx, int ny) {
  int32_t largest = -1;
  for (int j = 0; j < ny; j++)
    for (int i = 0; i < nx; i++) {
      int32_t k = classes[j * FM__STRIP_ROOM + i];
      largest = k > largest ? k : largest;
    }
  return largest >= 0;
}

static double bilinear(const cell *c, const double corners[4], int i, int j) {
  double t = c->t + i * c->dt, u = c->u + j * c->du;
  double left = corners[0] + u * (corners[2] - corners[0]);
  double right = corners[1] + u * (corners[3] - corners[1]);
  return left + t * (right - left);
}

/* The label's own value at pixel (i, j), less the interpolated tops or not. In double: it
 * is subtracted from a logarithm, and both may be far larger than the loss. */
static double own_value(const cell *c, int32_t channel, int i, int j, bool less_tops) {
  const fm__block *b = &c->block;
  double corners[4] = {(double)b->corner00[channel], (double)b->corner01[channel],
                       (double)b->corner10[channel], (double)b->corner11[channel]};
  for (int n = 0; less_tops && n < 4; n++) corners[n] -= (double)b->tops[n];
  return bilinear(c, corners, i, j);
}

/* One pixel in double. As loss = log(sum) - base, with a sum of 1. */
static void wide_pixel(fm__job *job, const cell *c, size_t at, int i, int j) {
  const float *const corners[4] = {c->block.corner00, c->block.corner01, c->block.corner10,
                                   c->block.corner11};
  size_t p = at + (size_t)j * FM__STRIP_ROOM + (size_t)i;
  job->sums[p] = 1;
  if (job->classes[p] < 0) return;
  double t = c->t + i * c->dt, u = c->u + j * c->du, top;
  const double weights[4] = {(1 - u) * (1 - t), (1 - u) * t, u * (1 - t), u * t};
  double sum = job->kernels->wide(corners, weights, (size_t)job->output.channels, &top);
  int32_t channel = fm__channel_of(job->model, job->classes[p]);
  job->base[p] = own_value(c, channel, i, j, false) - top - log(sum);
}

static void wide_cell(fm__job *job, const cell *c, size_t at) {
  for (int j = 0; j < c->ny; j++)
    for (int i = 0; i < c->nx; i++) wide_pixel(job, c, at, i, j);
}

static void fast_cell(fm__job *job, const cell *c, size_t at) {
  float sums[FM__BLOCK_PIXELS];
  float least = job->output.channels <= FM__FEW_CHANNELS ? FM__LEAST_SUM_OF_FEW : FM__LEAST_SUM;
  job->kernels->block[c->ny - 1][c->nx - 1](&c->block, job->stage.padded, job->scratch, sums);
  for (int j = 0; j < c->ny; j++)
    for (int i = 0; i < c->nx; i++) {
      size_t p = at + (size_t)j * FM__STRIP_ROOM + (size_t)i;
      int32_t k = job->classes[p];
      float sum = sums[FM__BLOCK * j + i];
      job->sums[p] = sum;
      if (sum < least)
        wide_pixel(job, c, at, i, j);
      else
        job->base[p] = k < 0 ? 0 : own_value(c, fm__channel_of(job->model, k), i, j, true);
    }
}

/* Where a value is not finite, which may have no weight. */
static fm_status exact_cell(fm__job *job, const cell *c, int64_t y, int64_t x, size_t at,
                            fm_error *err) {
  for (int j = 0; j < c->ny; j++)
    for (int i = 0; i < c->nx; i++) {
      size_t p = at + (size_t)j * FM__STRIP_ROOM + (size_t)i;
      int32_t k = job->classes[p];
      double loss = 0;
      fm_status status = k < 0 ? FM_OK : fm__exact_logits(job, y + j, x + i, k, &loss, err);
      if (status) return status;
      job->sums[p] = 1;
      job->base[p] = -loss;
    }
  return FM_OK;
}

static void skip_cell(fm__job *job, const cell *c, size_t at) {
  for (int j = 0; j < c->ny; j++)
    for (int i = 0; i < c->nx; i++) {
      job->sums[at + (size_t)j * FM__STRIP_ROOM + (size_t)i] = 1;
      job->base[at + (size_t)j * FM__STRIP_ROOM + (size_t)i] = 0;
    }
}

static void finish_row(fm__job *job, size_t at, size_t n, float *out) {
  float *sums = job->sums + at;
  for (size_t i = n; i % job->kernels->lanes; i++) sums[i] = 1;
  job->kernels->logarithms(
      sums, (n + job->kernels->lanes - 1) / job->kernels->lanes * job->kernels->lanes);
  for (size_t i = 0; i < n; i++) {
    float loss = (float)((double)sums[i] - job->base[at + i]);
    out[i] = job->classes[at + i] < 0 || loss < 0 ? 0 : loss;
  }
}

fm_status fm__strip_logits(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                           fm_error *err) {
  fm__span rows = fm__axis_span(&job->down, y, y + ny);
  int slots[2];
  slots[0] = fm__stage_row(job, rows.low, rows.high, false);
  slots[1] = fm__stage_row(job, rows.high, rows.low, false);
  for (int64_t i = x; i < end;) {
    fm__span columns = fm__axis_span(&job->across, i, end);
    cell c = cell_of(job, &rows, &columns, slots);
    size_t at = (size_t)(i - x);
    fm_status status = FM_OK;
    if (!any_valid(job->classes + at, c.nx, c.ny))
      skip_cell(job, &c, at);
    else if (c.state == FM__STAGE_GOOD)
      fast_cell(job, &c, at);
    else if (c.state == FM__STAGE_WIDE)
      wide_cell(job, &c, at);
    else
      status = exact_cell(job, &c, y, i, at, err);
    if (status) return status;
    i += columns.count;
  }
  for (int j = 0; j < ny; j++) {
    size_t at = (size_t)j * FM__STRIP_ROOM;
    finish_row(job, at, (size_t)(end - x), out + at);
  }
  return FM_OK;
}
