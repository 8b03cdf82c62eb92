/* network/logits.c - cross-entropy of resized logits, block by block. */
#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "core/fail.h"
#include "network/network_loss.h"

/* Sums of this size and above may lack terms that were cut off. */
static const double LARGEST_SUM = 1e37;

/* Values up to this, either sign, are resized in double to 1e-7. */
static const double MOST_WIDE = 1e8;

/* ---- One pixel, exactly --------------------------------------------------------- */

/* A channel relative to the label's own, resized. Differences of floats are exact or round by
 * 2^-53 of their size, so that equal logits differ by 0 whatever their size. */
typedef struct relative {
  double value;
  double doubt; /* by how much rounding may have moved it */
} relative;

/* The label's values at the taps. */
typedef struct own_taps {
  fm__taps taps;
  double values[4];
} own_taps;

/* Fails on a value that is not finite. */
static fm_status read_tap(const fm__job *job, const fm__tap *tap, int64_t channel, double *value,
                          fm_error *err) {
  *value = (double)fm__voxel_value(&job->values, channel, tap->y, tap->x);
  return isfinite(*value) ? FM_OK : fm__value_fail(job, channel, tap->y, tap->x, err);
}

static fm_status relative_to(const fm__job *job, const own_taps *own, int64_t channel,
                             relative *out, fm_error *err) {
  double sum = 0, size = 0;
  for (int i = 0; i < own->taps.count; i++) {
    const fm__tap *tap = &own->taps.at[i];
    double z;
    fm_status status = read_tap(job, tap, channel, &z, err);
    if (status) return status;
    sum += tap->weight * (z - own->values[i]);
    size += fabs(z - own->values[i]);
  }
  *out = (relative){sum, own->taps.count > 1 ? size * FM__BLEND_ERROR : 0};
  return FM_OK;
}

/* The largest doubt about a channel that has a part in the loss. */
static fm_status doubt_of(const fm__job *job, const own_taps *own, double top, double *doubt,
                          fm_error *err) {
  *doubt = 0;
  for (int32_t c = 0; c < job->values.channels; c++) {
    relative z;
    fm_status status = relative_to(job, own, c, &z, err);
    if (status) return status;
    if (z.value + z.doubt > top - FM__UNSEEN && z.doubt > *doubt) *doubt = z.doubt;
  }
  return FM_OK;
}

static fm_status check_loss(const fm__job *job, const own_taps *own, int64_t y, int64_t x,
                            double top, double loss, bool doubtful, fm_error *err) {
  if (!isfinite((float)loss))
    return fm__fail(err, FM_ERR_LOSS,
                    "output: the loss at pixel (x %" PRId64 ", y %" PRId64
                    ") of the mask is %g, more than a float holds: its logits are too far apart",
                    x, y, loss);
  double doubt = 0;
  fm_status status = doubtful ? doubt_of(job, own, top, &doubt, err) : FM_OK;
  return status ? status : fm__check_doubt(doubt, loss, y, x, err);
}

fm_status fm__exact_logits(const fm__job *job, int64_t y, int64_t x, int32_t class_index,
                           double *loss, fm_error *err) {
  own_taps own = {.taps = fm__taps_of(job, y, x)};
  int32_t channel = fm__channel_of(job->model, class_index);
  for (int i = 0; i < own.taps.count; i++) {
    fm_status status = read_tap(job, &own.taps.at[i], channel, &own.values[i], err);
    if (status) return status;
  }
  double top = -INFINITY, sum = 0;
  bool doubtful = false;
  /* One pass: the sum is kept relative to the largest value so far. */
  for (int32_t c = 0; c < job->values.channels; c++) {
    relative z;
    fm_status status = relative_to(job, &own, c, &z, err);
    if (status) return status;
    doubtful |= z.doubt > FM__DOUBT;
    sum = z.value > top ? sum * exp(top - z.value) + 1 : sum + exp(z.value - top);
    if (z.value > top) top = z.value;
  }
  *loss = log(sum) + top;
  return check_loss(job, &own, y, x, top, *loss, doubtful, err);
}

/* ---- Blocks --------------------------------------------------------------------- */

/* A block: its corners in the stage; its pixels, the first one number `at` of the strip. */
typedef struct cell {
  fm__block block;
  fm__staged state;
  const fm__span *rows, *columns;
  int nx, ny;
  size_t at;
  bool uniform; /* of one class */
} cell;

static cell cell_of(const fm__job *job, const fm__span *rows, const fm__span *columns,
                    const int slots[2], size_t at) {
  const fm__stage *s = &job->stage;
  cell c = {.rows = rows, .columns = columns, .nx = columns->count, .ny = rows->count, .at = at};
  c.block = fm__stage_block(s, slots, rows, columns);
  c.state = fm__stage_state(s, slots, columns->low - s->first, columns->high - s->first);
  return c;
}

/* Pixel (i, j) of a cell. */
static size_t pixel_of(const cell *c, int i, int j) {
  return c->at + (size_t)j * FM__STRIP_ROOM + (size_t)i;
}

/* Whether all pixels of a cell have one class. */
static bool is_uniform(const fm__job *job, const cell *c) {
  const int32_t *classes = job->classes + c->at;
  int32_t first = classes[0], other = 0;
  for (int j = 0; j < c->ny; j++, classes += FM__STRIP_ROOM)
    for (int i = 0; i < c->nx; i++) other |= classes[i] ^ first;
  return !other;
}

/* A channel's corners, with or without their tops subtracted. In double: the label's own value is
 * subtracted from a logarithm, and both may be far larger than the loss. */
typedef struct corners {
  double z[4];
} corners;

static corners corners_of(const fm__block *b, int32_t channel, bool less_tops) {
  corners k = {{(double)b->corner00[channel], (double)b->corner01[channel],
                (double)b->corner10[channel], (double)b->corner11[channel]}};
  for (int n = 0; less_tops && n < 4; n++) k.z[n] -= (double)b->tops[n];
  return k;
}

static double bilinear(const corners *k, double t, double u) {
  double left = k->z[0] + u * (k->z[2] - k->z[0]);
  double right = k->z[1] + u * (k->z[3] - k->z[1]);
  return left + t * (right - left);
}

/* Whether doubles resize the channels that count well enough: none is large, and the largest is not
 * far below 0, where parts of either sign would have cancelled. */
static bool is_moderate(const cell *c, double base) {
  bool moderate = base >= -MOST_WIDE;
  for (int i = 0; i < 4; i++) moderate &= (double)c->block.tops[i] <= MOST_WIDE;
  return moderate;
}

/* One pixel by itself, as loss = log(sum) - base with a sum of 1. Where values are large,
 * fm__exact_logits decides. */
static fm_status wide_pixel(fm__job *job, const cell *c, int i, int j, int64_t y, int64_t x,
                            fm_error *err) {
  const float *const values[4] = {c->block.corner00, c->block.corner01, c->block.corner10,
                                  c->block.corner11};
  size_t p = pixel_of(c, i, j);
  int32_t k = job->classes[p];
  job->sums[p] = 1;
  if (k < 0) return FM_OK;
  double t = c->columns->t + i * c->columns->step, u = c->rows->t + j * c->rows->step;
  const double weights[4] = {(1 - u) * (1 - t), (1 - u) * t, u * (1 - t), u * t};
  double base, sum = job->kernels->wide(values, weights, (size_t)job->values.channels, &base);
  corners own = corners_of(&c->block, fm__channel_of(job->model, k), false);
  job->base[p] = bilinear(&own, t, u) - base - log(sum);
  if (is_moderate(c, base) && sum > 0.25 && sum < LARGEST_SUM && isfinite((float)job->base[p]))
    return FM_OK;
  double loss = 0;
  fm_status status = fm__exact_logits(job, y + j, x + i, k, &loss, err);
  if (!status) job->base[p] = -loss;
  return status;
}

static fm_status wide_cell(fm__job *job, const cell *c, int64_t y, int64_t x, fm_error *err) {
  fm_status status = FM_OK;
  for (int j = 0; j < c->ny && !status; j++)
    for (int i = 0; i < c->nx && !status; i++) status = wide_pixel(job, c, i, j, y, x, err);
  return status;
}

/* The labels' own values. Neighbors mostly have the same label. */
static void own_values(fm__job *job, const cell *c) {
  corners own = {{0}};
  int32_t last = FM_CLASS_IGNORE;
  for (int j = 0; j < c->ny; j++) {
    double u = c->rows->t + j * c->rows->step;
    for (int i = 0; i < c->nx; i++) {
      size_t p = pixel_of(c, i, j);
      int32_t k = job->classes[p];
      if (k >= 0 && k != last) own = corners_of(&c->block, fm__channel_of(job->model, k), true);
      if (k >= 0) last = k;
      job->base[p] = bilinear(&own, c->columns->t + i * c->columns->step, u);
    }
  }
}

/* The same for a cell of one label. Writes beyond its right edge, to pixels that are written later,
 * so that the inner loop has a fixed length. */
static void own_values_of(fm__job *job, const cell *c, int32_t k) {
  corners own = corners_of(&c->block, fm__channel_of(job->model, k), true);
  double t[FM__BLOCK];
  for (int i = 0; i < FM__BLOCK; i++) t[i] = c->columns->t + i * c->columns->step;
  for (int j = 0; j < c->ny; j++) {
    double u = c->rows->t + j * c->rows->step;
    double left = own.z[0] + u * (own.z[2] - own.z[0]);
    double right = own.z[1] + u * (own.z[3] - own.z[1]);
    double *base = job->base + pixel_of(c, 0, j);
    for (int i = 0; i < FM__BLOCK; i++) base[i] = left + t[i] * (right - left);
  }
}

/* Computes pixels whose sum is too small again, by themselves. */
static fm_status redo_small(fm__job *job, const cell *c, float least, int64_t y, int64_t x,
                            fm_error *err) {
  fm_status status = FM_OK;
  for (int j = 0; j < c->ny && !status; j++)
    for (int i = 0; i < c->nx && !status; i++)
      if (job->sums[pixel_of(c, i, j)] < least) status = wide_pixel(job, c, i, j, y, x, err);
  return status;
}

static fm_status fast_cell(fm__job *job, const cell *c, int64_t y, int64_t x, fm_error *err) {
  float sums[FM__BLOCK_PIXELS], smallest[FM__BLOCK] = {1, 1, 1, 1};
  float least = job->values.channels <= FM__FEW_CHANNELS ? FM__LEAST_SUM_OF_FEW : FM__LEAST_SUM;
  job->kernels->block[c->ny - 1][c->nx - 1](&c->block, job->stage.padded, job->scratch, sums);
  for (int j = 0; j < c->ny; j++) {
    float *to = job->sums + pixel_of(c, 0, j);
    for (int i = 0; i < FM__BLOCK; i++) to[i] = sums[FM__BLOCK * j + i];
    for (int i = 0; i < FM__BLOCK; i++) smallest[i] = to[i] < smallest[i] ? to[i] : smallest[i];
  }
  int32_t k = job->classes[c->at];
  if (c->uniform)
    own_values_of(job, c, k);
  else
    own_values(job, c);
  for (int i = 0; i < c->nx; i++)
    if (smallest[i] < least) return redo_small(job, c, least, y, x, err);
  return FM_OK;
}

/* Where a value is not finite; it may have no weight. */
static fm_status exact_cell(fm__job *job, const cell *c, int64_t y, int64_t x, fm_error *err) {
  for (int j = 0; j < c->ny; j++)
    for (int i = 0; i < c->nx; i++) {
      size_t p = pixel_of(c, i, j);
      int32_t k = job->classes[p];
      double loss = 0;
      fm_status status = k < 0 ? FM_OK : fm__exact_logits(job, y + j, x + i, k, &loss, err);
      if (status) return status;
      job->sums[p] = 1;
      job->base[p] = -loss;
    }
  return FM_OK;
}

static void skip_cell(fm__job *job, const cell *c) {
  for (int j = 0; j < c->ny; j++)
    for (int i = 0; i < c->nx; i++) {
      job->sums[pixel_of(c, i, j)] = 1;
      job->base[pixel_of(c, i, j)] = 0;
    }
}

static fm_status do_cell(fm__job *job, const cell *c, int64_t y, int64_t x, fm_error *err) {
  if (c->uniform && job->classes[c->at] < 0) {
    skip_cell(job, c);
    return FM_OK;
  }
  if (c->state == FM__STAGE_GOOD) return fast_cell(job, c, y, x, err);
  if (c->state == FM__STAGE_WIDE) return wide_cell(job, c, y, x, err);
  return exact_cell(job, c, y, x, err);
}

static void finish_row(fm__job *job, size_t at, size_t n, float *out) {
  float *sums = job->sums + at;
  const int32_t *classes = job->classes + at;
  size_t lanes = job->kernels->lanes, padded = (n + lanes - 1) / lanes * lanes;
  for (size_t i = n; i < padded; i++) sums[i] = 1;
  job->kernels->losses(sums, job->base + at, padded, out);
  for (size_t i = 0; i < n; i++) out[i] = classes[i] < 0 ? 0 : out[i];
}

fm_status fm__strip_logits(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                           fm_error *err) {
  fm__span rows = fm__axis_span(&job->down, y, y + ny);
  int slots[2];
  slots[0] = fm__stage_row(job, rows.low, rows.high, false);
  slots[1] = fm__stage_row(job, rows.high, rows.low, false);
  const fm__span *columns = job->columns;
  for (int64_t i = x; i < end; i += columns->count, columns++) {
    cell c = cell_of(job, &rows, columns, slots, (size_t)(i - x));
    c.uniform = is_uniform(job, &c);
    fm_status status = do_cell(job, &c, y, i, err);
    if (status) return status;
  }
  for (int j = 0; j < ny; j++) {
    size_t at = (size_t)j * FM__STRIP_ROOM;
    finish_row(job, at, (size_t)(end - x), out + at);
  }
  return FM_OK;
}
