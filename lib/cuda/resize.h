/* cuda/resize.h - where a pixel of a mask lies in a network's output, what is there, and what is said of
 * values that are none: a port of what lib/network does one pixel at a time. */
#ifndef FM_CUDA_RESIZE_H
#define FM_CUDA_RESIZE_H

#include "cuda/pixel.h"

/* ---- Where a pixel lies ---------------------------------------------------------------- */

/* Between the pixels `low` and `high` of the output, `t` of the way. Where t is 0 they are one. */
typedef struct cu_place {
  int64_t low, high;
  double t;
} cu_place;

/* As fm__axis_span, for one pixel. */
FM__CU_APART cu_place cu_place_of(const fm__axis *axis, int64_t i) {
  cu_place p;
  int64_t position = i * axis->by + axis->from;
  p.low = p.high = 0;
  p.t = 0;
  if (position < 0) return p;
  p.low = p.high = position / axis->over;
  if (p.low >= axis->last) {
    p.low = p.high = axis->last;
    return p;
  }
  p.t = (double)(position - p.low * axis->over) / (double)axis->over;
  if (p.t > 0) p.high++;
  return p;
}

/* The (up to four) pixels that have a weight. */
typedef struct cu_taps {
  int64_t y[4], x[4];
  double weight[4];
  int count;
} cu_taps;

FM__CU_APART cu_taps cu_taps_of(cu_job job, int64_t y, int64_t x) {
  cu_place down = cu_place_of(&job->down, y), across = cu_place_of(&job->across, x);
  cu_taps taps;
  taps.count = 0;
  for (int corner = 0; corner < 4; corner++) {
    bool below = corner & 2, right = corner & 1;
    double weight = (below ? down.t : 1 - down.t) * (right ? across.t : 1 - across.t);
    if (weight == 0) continue;
    taps.y[taps.count] = below ? down.high : down.low;
    taps.x[taps.count] = right ? across.high : across.low;
    taps.weight[taps.count++] = weight;
  }
  return taps;
}

FM__CU_FN const char *cu_channel(cu_job job, int32_t image, int32_t c) {
  return cu_global(job->values.data + image * job->values.image + c * job->channel);
}

FM__CU_FN float cu_value(cu_job job, const char *channel, int64_t y, int64_t x) {
  return cu_float(channel + y * job->values.row + x * job->values.col, job->values.dtype);
}

FM__CU_FN int32_t cu_channel_of(cu_job job, int32_t class_index) {
  return job->channel_of ? job->channel_of[class_index] : class_index;
}

/* ---- Failing ---------------------------------------------------------------------------- */

FM__CU_FN int32_t cu_class_of_channel(cu_job job, int32_t channel) {
  if (job->binary) return job->class_count - 1;
  for (int32_t k = 0; k < job->class_count; k++)
    if (cu_channel_of(job, k) == channel) return k;
  return -1;
}

/* Both return false. `s` is NULL while nobody asks what is wrong. */
FM__CU_FN bool cu_value_fail(cu_job job, fm_cuda_status *s, int32_t channel, int64_t y, int64_t x,
                             double value) {
  if (!s) return false;
  s->y = y;
  s->x = x;
  s->other = channel;
  s->class_index = job->queries.data ? -1 : cu_class_of_channel(job, channel);
  s->value = value;
  /* The sentence names the output's size, whether values may be below 0, and whether they are of queries. */
  s->label = job->inner_width << 32 | job->inner_height;
  s->doubt = job->queries.data ? 2 : job->kind == FM_OUTPUT_LOGITS;
  cu_status_set(s, FM__CU_BAD_VALUE, FM_ERR_LOSS);
  return false;
}

FM__CU_FN bool cu_loss_fail(fm_cuda_status *s, int32_t what, double loss, double doubt) {
  if (!s) return false;
  s->value = loss;
  s->doubt = doubt;
  cu_status_set(s, what, FM_ERR_LOSS);
  return false;
}

/* As in network/network_loss.h. */
#define FM__CU_BLEND_ERROR 0x1p-51
#define FM__CU_DOUBT 2e-6
#define FM__CU_UNSEEN 60.0

FM__CU_FN bool cu_check_doubt(double doubt, double loss, fm_cuda_status *s) {
  if (doubt <= FM__CU_DOUBT * (loss > 20 ? loss : 1)) return true;
  return cu_loss_fail(s, FM__CU_DOUBTFUL, loss, doubt);
}

/* ---- Shares -------------------------------------------------------------------------------- */

FM__CU_APART double cu_loss_of_share(cu_job job, double share) {
  double loss = -log(share > job->floor ? share : job->floor);
  return loss > 0 ? loss : 0;
}

/* ---- Several rows at once, in doubles -------------------------------------------------------- */

/* Bits of 1e8, either sign: values below it are resized in double to 1e-7. */
#define FM__CU_MODERATE UINT32_C(0x4cbebc20)

/* Terms that are added as floats before doubles take their sum. */
enum { FM__CU_PART = 16 };

/* A channel in row y of the output, between the columns; `*most` collects the largest bits. */
FM__CU_FN double cu_between(cu_job job, const char *channel, int64_t y, const cu_place *across,
                            uint32_t *most) {
  const char *row = channel + y * job->values.row;
  float left = cu_quick_float(row + across->low * job->values.col, job->values.dtype), right = left;
  uint32_t bits = fm__float_bits(left) & INT32_MAX;
  *most = bits > *most ? bits : *most;
  if (!(across->t > 0)) return (double)left;
  right = cu_quick_float(row + across->high * job->values.col, job->values.dtype);
  bits = fm__float_bits(right) & INT32_MAX;
  *most = bits > *most ? bits : *most;
  return (double)left + across->t * ((double)right - (double)left);
}

/* A channel at the pixels of a column. */
FM__CU_FN void cu_column(cu_job job, const char *channel, const cu_place *down, int rows,
                         const cu_place *across, double *z, uint32_t *most) {
  double low = 0, high = 0;
  int64_t low_at = -1, high_at = -1;
  for (int j = 0; j < rows; j++) {
    if (down[j].low != low_at) {
      low = down[j].low == high_at ? high : cu_between(job, channel, down[j].low, across, most);
      low_at = down[j].low;
    }
    if (down[j].high != high_at) {
      high = down[j].high == low_at ? low : cu_between(job, channel, down[j].high, across, most);
      high_at = down[j].high;
    }
    z[j] = low + down[j].t * (high - low);
  }
}

/* ---- Between few rows ------------------------------------------------------------------------ */

/* Rows of the output that a column of pixels may lie between. */
enum { FM__CU_NEAR = 3 };

/* A column of pixels, FM__CU_ROWS long; what is beyond its end is as its last one. */
typedef struct cu_near {
  const char *at[FM__CU_NEAR][2]; /* of channel 0 */
  double left, right;             /* weights of columns, times log2(e) */
  double weight[FM__CU_ROWS][FM__CU_NEAR];
  bool tall; /* the third row counts */
} cu_near;

FM__CU_INLINE double cu_row_weight(const cu_place *down, int64_t row) {
  if (row == down->low) return 1 - down->t;
  return row == down->high ? down->t : 0;
}

/* False where the column lies between more rows. */
FM__CU_INLINE bool cu_near_find(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                cu_near *n) {
  bool near = true;
  cu_place across = cu_place_of(&job->across, x);
  int64_t first = cu_place_of(&job->down, y).low;
  n->left = (1 - across.t) * 1.4426950408889634;
  n->right = across.t * 1.4426950408889634;
  n->tall = false;
  for (int j = 0; j < FM__CU_ROWS; j++) {
    cu_place down = cu_place_of(&job->down, y + (j < rows ? j : rows - 1));
    int64_t last = down.high - first;
    near &= last < FM__CU_NEAR;
    n->tall |= last == FM__CU_NEAR - 1;
    for (int r = 0; r < FM__CU_NEAR; r++) n->weight[j][r] = cu_row_weight(&down, first + r);
  }
  for (int r = 0; r < FM__CU_NEAR; r++) {
    int64_t row = first + r < job->down.last ? first + r : job->down.last;
    const char *at = cu_channel(job, image, 0) + row * job->values.row;
    n->at[r][0] = at + across.low * job->values.col;
    n->at[r][1] = at + across.high * job->values.col;
  }
  return near;
}

#endif
