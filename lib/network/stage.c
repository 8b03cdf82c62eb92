/* network/stage.c - reads an output: a value, a row, rows in the order of the kernels. */
#include <inttypes.h>
#include <math.h>

#include "core/fail.h"
#include "dsp/tile.h"
#include "network/network_loss.h"

void fm__load_floats(const char *at, int64_t stride, int32_t dtype, size_t n, float *out) {
  fm_plane row = fm_plane_make(at, (fm_dtype)dtype, 1, (int64_t)n);
  row.col_stride = stride;
  fm__tile_floats(&row, 0, 0, n, out);
}

const float *fm__floats(const fm__job *job, const char *at, size_t n) {
  const fm_volume *v = &job->values;
  bool packed = v->col_stride == (int64_t)fm_dtype_size((fm_dtype)v->dtype);
  size_t even = 0;
  if (packed && v->dtype == FM_F32) {
    if ((uintptr_t)at % sizeof(float) == 0) return (const float *)(const void *)at;
  } else if (packed) {
    even = n / job->kernels->lanes * job->kernels->lanes;
    job->kernels->widen(at, v->dtype, even, job->sums);
  }
  fm__load_floats(at + (int64_t)even * v->col_stride, v->col_stride, v->dtype, n - even,
                  job->sums + even);
  return job->sums;
}

float fm__voxel_value(const fm_volume *v, int64_t c, int64_t y, int64_t x) {
  float value;
  fm__load_floats(fm__voxel(v, c, y, x), 4, v->dtype, 1, &value);
  return value;
}

fm__taps fm__taps_of(const fm__job *job, int64_t y, int64_t x) {
  fm__span rows = fm__axis_span(&job->down, y, y + 1);
  fm__span columns = fm__axis_span(&job->across, x, x + 1);
  fm__taps taps = {.count = 0};
  for (int corner = 0; corner < 4; corner++) {
    bool below = corner & 2, right = corner & 1;
    double weight = (below ? rows.t : 1 - rows.t) * (right ? columns.t : 1 - columns.t);
    if (weight == 0) continue;
    fm__tap tap = {below ? rows.high : rows.low, right ? columns.high : columns.low, weight};
    taps.at[taps.count++] = tap;
  }
  return taps;
}

fm_status fm__check_doubt(double doubt, double loss, int64_t y, int64_t x, fm_error *err) {
  if (doubt <= FM__DOUBT * (loss > 20 ? loss : 1)) return FM_OK;
  return fm__fail(err, FM_ERR_LOSS,
                  "output: the loss at pixel (x %" PRId64 ", y %" PRId64
                  ") of the mask is about %g, but rounding may have moved it by %g: its logits are "
                  "too large, and of either sign",
                  x, y, loss, doubt);
}

/* The name of the class that a channel belongs to; NULL if there is none. */
static const char *class_of_channel(const fm_network_loss *model, int64_t channel) {
  const fm_labels *labels = model->labels;
  if (model->options.binary) return labels->class_names[labels->class_count - 1];
  for (int32_t k = 0; k < labels->class_count; k++)
    if (fm__channel_of(model, k) == channel) return labels->class_names[k];
  return NULL;
}

fm_status fm__value_fail(const fm__job *job, int64_t channel, int64_t y, int64_t x, fm_error *err) {
  double value = (double)fm__voxel_value(&job->values, channel, y, x);
  const char *name = job->class_logits.data ? NULL : class_of_channel(job->model, channel);
  const char *what = job->class_logits.data ? "query" : "channel";
  bool any_sign = job->class_logits.data || job->model->options.kind == FM_OUTPUT_LOGITS;
  return fm__fail(err, FM_ERR_LOSS,
                  "output: %g in %s %" PRId64 " (class %s) at (x %" PRId64 ", y %" PRId64
                  ") of %" PRId64 "x%" PRId64 ", expected a finite number%s",
                  value, what, channel, name ? name : "-", x, y, job->values.width,
                  job->values.height, any_sign ? "" : ", not below 0");
}

/* ---- The stage ------------------------------------------------------------------ */

/* Channels and columns that are transposed together. */
enum { GROUP = FM__STAGE_ALIGN, COLUMNS = 64 };

static void stage_channels(const fm__job *job, int64_t row, int64_t c, int count, int64_t first,
                           size_t n, float *out) {
  const fm_volume *v = &job->values;
  if (v->dtype == FM_F32 && v->col_stride == (int64_t)sizeof(float) && count == GROUP) {
    job->kernels->transpose(fm__voxel(v, c, row, first), (ptrdiff_t)v->channel_stride,
                            (ptrdiff_t)v->row_stride, n, out, job->stage.padded);
    return;
  }
  float lines[GROUP][COLUMNS];
  for (int i = 0; i < GROUP; i++) /* what fills missing channels is not used */
    fm__load_floats(fm__voxel(v, c + (i < count ? i : 0), row, first), v->col_stride, v->dtype, n,
                    lines[i]);
  job->kernels->transpose((const char *)lines, sizeof lines[0], 0, n, out, job->stage.padded);
}

static void stage_columns(const fm__job *job, int64_t row, int64_t first, size_t n, float *out) {
  const fm_volume *v = &job->values;
  if (v->channel_stride == (int64_t)fm_dtype_size((fm_dtype)v->dtype)) {
    for (size_t x = 0; x < n; x++)
      fm__load_floats(fm__voxel(v, 0, row, first + (int64_t)x), v->channel_stride, v->dtype,
                      (size_t)v->channels, out + x * job->stage.padded);
    return;
  }
  for (int64_t c = 0; c < v->channels; c += GROUP) {
    int64_t left = v->channels - c;
    stage_channels(job, row, c, left < GROUP ? (int)left : GROUP, first, n, out + c);
  }
}

/* Mask logits of queries are only negated: the progression is that of exp(-z). */
static int negate(float *pixel, size_t channels, size_t padded) {
  bool good = true;
  for (size_t c = 0; c < channels; c++) {
    pixel[c] = -pixel[c];
    good &= fabsf(pixel[c]) <= FM__STAGE_RANGE;
  }
  for (size_t c = channels; c < padded; c++) pixel[c] = 0;
  return good ? FM__STAGE_GOOD : FM__STAGE_BAD;
}

int fm__stage_row(fm__job *job, int64_t row, int64_t keep, bool negated) {
  fm__stage *s = &job->stage;
  if (s->tags[0] == row) return 0;
  if (s->tags[1] == row) return 1;
  int slot = s->tags[0] == keep ? 1 : 0;
  s->tags[slot] = row;
  size_t channels = (size_t)job->values.channels;
  for (int64_t x = 0; x < s->columns; x += COLUMNS) {
    int64_t left = s->columns - x;
    size_t n = left < COLUMNS ? (size_t)left : COLUMNS;
    float *out = s->rows[slot] + (size_t)x * s->padded;
    stage_columns(job, row, s->first + x, n, out);
    for (size_t i = 0; i < n; i++, out += s->padded) {
      float *top = &s->tops[slot][x + (int64_t)i];
      *top = 0;
      s->state[slot][x + (int64_t)i] =
          (uint8_t)(negated ? negate(out, channels, s->padded)
                            : job->kernels->stage_finish(out, channels, s->padded, top));
    }
  }
  return slot;
}

fm__staged fm__stage_state(const fm__stage *s, const int slots[2], int64_t left, int64_t right) {
  int product = s->state[slots[0]][left] * s->state[slots[0]][right] * s->state[slots[1]][left] *
                s->state[slots[1]][right];
  return product == 0 ? FM__STAGE_BAD : product == 1 ? FM__STAGE_GOOD : FM__STAGE_WIDE;
}

fm__block fm__stage_block(const fm__stage *s, const int slots[2], const fm__span *rows,
                          const fm__span *columns) {
  int64_t left = columns->low - s->first, right = columns->high - s->first;
  size_t at_left = (size_t)left * s->padded, at_right = (size_t)right * s->padded;
  const float *upper = s->rows[slots[0]], *lower = s->rows[slots[1]];
  fm__block block = {upper + at_left,
                     upper + at_right,
                     lower + at_left,
                     lower + at_right,
                     {s->tops[slots[0]][left], s->tops[slots[0]][right], s->tops[slots[1]][left],
                      s->tops[slots[1]][right]},
                     (float)columns->t,
                     (float)columns->step,
                     (float)rows->t,
                     (float)rows->step,
                     (float)(columns->t - (double)(float)columns->t),
                     (float)(rows->t - (double)(float)rows->t)};
  return block;
}
