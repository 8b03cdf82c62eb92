/* cuda/logits.h - losses from logits, in three ways: floats, where a column of pixels lies between few rows of
 * the output and its values are moderate; doubles, where they are moderate; and exactly, one pixel at a time. */
#ifndef FM_CUDA_LOGITS_H
#define FM_CUDA_LOGITS_H

#include "cuda/resize.h"
#include "network/log_sum.h"

/* ---- Logits, exactly ---------------------------------------------------------------------- */

/* A channel relative to the label's own, and by how much rounding may have moved it. */
FM__CU_APART bool cu_relative(cu_job job, int32_t image, const cu_taps *taps, const double *own,
                              int32_t c, double *z, double *doubt, fm_cuda_status *s) {
  const char *channel = cu_channel(job, image, c);
  double sum = 0, size = 0;
  for (int i = 0; i < taps->count; i++) {
    double value = (double)cu_value(job, channel, taps->y[i], taps->x[i]);
    if (!isfinite(value)) return cu_value_fail(job, s, c, taps->y[i], taps->x[i], value);
    sum += taps->weight[i] * (value - own[i]);
    size += fabs(value - own[i]);
  }
  *z = sum;
  *doubt = taps->count > 1 ? size * FM__CU_BLEND_ERROR : 0;
  return true;
}

FM__CU_APART bool cu_exact_logits(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                                  double *loss, fm_cuda_status *s) {
  cu_taps taps = cu_taps_of(job, y, x);
  int32_t label = cu_channel_of(job, k);
  fm__log_sum sum = {-INFINITY, 0};
  double own[4], z, doubt, most = 0;
  bool doubtful = false;
  for (int i = 0; i < taps.count; i++) {
    own[i] = (double)cu_value(job, cu_channel(job, image, label), taps.y[i], taps.x[i]);
    if (!isfinite(own[i])) return cu_value_fail(job, s, label, taps.y[i], taps.x[i], own[i]);
  }
  for (int32_t c = 0; c < job->channels; c++) {
    if (!cu_relative(job, image, &taps, own, c, &z, &doubt, s)) return false;
    doubtful |= doubt > FM__CU_DOUBT;
    fm__log_sum_add(&sum, z);
  }
  *loss = log(sum.sum) + sum.top;
  if (!isfinite((float)*loss)) return cu_loss_fail(s, FM__CU_NO_FLOAT, *loss, 0);
  if (!doubtful) return true;
  for (int32_t c = 0; c < job->channels; c++) {
    (void)cu_relative(job, image, &taps, own, c, &z, &doubt, s);
    if (z + doubt > sum.top - FM__CU_UNSEEN && doubt > most) most = doubt;
  }
  return cu_check_doubt(most, *loss, s);
}

/* ---- In doubles ------------------------------------------------------------------------------ */

/* exp(z - top), summed up. */
typedef struct cu_sum {
  double top, sum;
  float part;
} cu_sum;

/* The top moves seldom. */
FM__CU_APART double cu_sum_scale(double down) { return exp(down); }

FM__CU_FN void cu_sum_add(cu_sum *s, double z) {
  float d = (float)(z - s->top);
  if (d <= 0) {
    s->part += expf(d);
    return;
  }
  double scale = cu_sum_scale(s->top - z); /* 0 for the first */
  s->sum *= scale;
  s->part = s->part * (float)scale + 1;
  s->top = z;
}

FM__CU_FN void cu_sum_drain(cu_sum *s) {
  s->sum += (double)s->part;
  s->part = 0;
}

/* False where one of the values is not moderate. */
FM__CU_APART bool cu_double_logits(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                   const int32_t *classes, float *losses) {
  cu_place down[FM__CU_ROWS], across = cu_place_of(&job->across, x);
  cu_sum sums[FM__CU_ROWS];
  double z[FM__CU_ROWS], own[FM__CU_ROWS];
  uint32_t most = 0;
  int32_t label[FM__CU_ROWS];
  for (int j = 0; j < FM__CU_ROWS; j++) {
    down[j] = cu_place_of(&job->down, y + (j < rows ? j : rows - 1));
    sums[j].top = -INFINITY;
    sums[j].sum = 0;
    sums[j].part = 0;
    own[j] = 0;
    label[j] = classes[j] < 0 ? -1 : cu_channel_of(job, classes[j]);
  }
  for (int32_t c = 0; c < job->channels; c++) {
    cu_column(job, cu_channel(job, image, c), down, FM__CU_ROWS, &across, z, &most);
    if (most > FM__CU_MODERATE) return false;
    for (int j = 0; j < FM__CU_ROWS; j++) {
      cu_sum_add(&sums[j], z[j]);
      if (c == label[j]) own[j] = z[j];
      if ((c + 1) % FM__CU_PART == 0) cu_sum_drain(&sums[j]);
    }
  }
  for (int j = 0; j < FM__CU_ROWS; j++) {
    cu_sum_drain(&sums[j]);
    double loss = log(sums[j].sum) + (sums[j].top - own[j]);
    losses[j] = classes[j] < 0 || !(loss > 0) ? 0 : (float)loss;
  }
  return true;
}

/* ---- In floats: of the mask's size ------------------------------------------------------------ */

#define FM__CU_LOG2_E 1.44269504F

/* Each pixel's sum is relative to `from`, which stays FM__CU_AHEAD above the largest logit that moved it: it
 * moves seldom, and what moving rounds is then a small part of the sum. */
#define FM__CU_AHEAD 4.0F

typedef struct cu_online {
  float from, part, least;
  double sum;
} cu_online;

FM__CU_INLINE void cu_online_add(cu_online *s, float value) {
  if (value > s->from) {
    float from = value + FM__CU_AHEAD, scale = cu_exp2((s->from - from) * FM__CU_LOG2_E);
    s->sum *= (double)scale;
    s->part *= scale;
    s->from = from;
  }
  s->part += cu_exp2((value - s->from) * FM__CU_LOG2_E);
  s->least = fminf(s->least, value);
}

/* Values that are not finite, and sums that say little, leave `loss` for another way. */
FM__CU_INLINE bool cu_online_loss(const cu_online *s, double own, float *loss) {
  double exact = log(s->sum) + ((double)s->from - own);
  if (!(s->sum > 0 && exact < 1e30 && s->least > -INFINITY)) return false;
  *loss = exact > 0 ? (float)exact : 0;
  return true;
}

/* Channels whose values are all loaded before the first of them is added: adding asks, and a compiler loads nothing ahead
 * of that. */
enum { CU_AHEAD = 2 };

FM__CU_INLINE bool cu_flat_logits_of(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                     const int32_t *classes, float *losses, int32_t dtype) {
  const char *at[FM__CU_ROWS];
  cu_online sums[FM__CU_ROWS];
  for (int j = 0; j < FM__CU_ROWS; j++) {
    int64_t row = y + (j < rows ? j : rows - 1);
    at[j] = cu_channel(job, image, 0) + row * job->values.row + x * job->values.col;
    sums[j].from = cu_quick_float(at[j], dtype) + FM__CU_AHEAD;
    sums[j].part = 0;
    sums[j].least = INFINITY;
    sums[j].sum = 0;
  }
  for (int32_t first = 0; first < job->channels; first += FM__CU_PART) {
    int32_t end = job->channels - first < FM__CU_PART ? job->channels : first + FM__CU_PART;
    FM__CU_ROLLED
    for (int32_t c = first; c < end; c += CU_AHEAD) {
      float values[CU_AHEAD][FM__CU_ROWS];
      for (int i = 0; i < CU_AHEAD && c + i < end; i++)
        for (int j = 0; j < FM__CU_ROWS; j++) {
          values[i][j] = cu_quick_float(at[j], dtype);
          at[j] += job->channel;
        }
      for (int i = 0; i < CU_AHEAD && c + i < end; i++)
        for (int j = 0; j < FM__CU_ROWS; j++) cu_online_add(&sums[j], values[i][j]);
    }
    for (int j = 0; j < FM__CU_ROWS; j++) {
      sums[j].sum += (double)sums[j].part;
      sums[j].part = 0;
    }
  }
  for (int j = 0; j < FM__CU_ROWS; j++) {
    if (j >= rows || classes[j] < 0) continue;
    const char *own = cu_channel(job, image, cu_channel_of(job, classes[j]));
    double value = (double)cu_value(job, own, y + j, x);
    if (!isfinite(value) || !cu_online_loss(&sums[j], value, &losses[j])) return false;
  }
  return true;
}

/* ---- In floats: resized ------------------------------------------------------------------------- */

/* Sums of floats below this may be of terms that are far below the tops, and so too far from exact. */
#define FM__CU_LEAST_SUM 0x1p-6

/* The largest values at the corners; false where some are not moderate. */
FM__CU_INLINE bool cu_near_tops(cu_job job, const cu_near *n, float tops[][2], int32_t dtype,
                                int count) {
  float most = 0;
  for (int r = 0; r < FM__CU_NEAR; r++) tops[r][0] = tops[r][1] = -INFINITY;
  int64_t at = 0;
  FM__CU_SEVERAL(4)
  for (int32_t c = 0; c < job->channels; c++, at += job->channel)
    for (int r = 0; r < FM__CU_NEAR; r++)
      for (int i = 0; i < 2 && r < count; i++) {
        float value = cu_quick_float(n->at[r][i] + at, dtype);
        tops[r][i] = fmaxf(tops[r][i], value);
        most = fmaxf(most, fabsf(value));
      }
  return most <= fm__float_of_bits(FM__CU_MODERATE);
}

/* Sums of exponentials. Values are relative to the tops of their corners: none is above 0, so that nothing
 * cancels where they are resized. NaN where one is. */
FM__CU_INLINE void cu_near_sums(cu_job job, const cu_near *n, float tops[][2], double *sums,
                                int32_t dtype, int count) {
  const float left_weight = (float)n->left, right_weight = (float)n->right;
  float weight[FM__CU_ROWS][FM__CU_NEAR];
  for (int j = 0; j < FM__CU_ROWS; j++)
    for (int r = 0; r < FM__CU_NEAR; r++) weight[j][r] = (float)n->weight[j][r];
  int64_t at = 0;
  for (int32_t first = 0; first < job->channels; first += FM__CU_PART) {
    int32_t end = job->channels - first < FM__CU_PART ? job->channels : first + FM__CU_PART;
    float parts[FM__CU_ROWS];
    for (int j = 0; j < FM__CU_ROWS; j++) parts[j] = 0;
    FM__CU_SEVERAL(2)
    for (int32_t c = first; c < end; c++, at += job->channel) {
      float row[FM__CU_NEAR];
      for (int r = 0; r < FM__CU_NEAR; r++) {
        if (r >= count) continue;
        float left = cu_quick_float(n->at[r][0] + at, dtype) - tops[r][0];
        float right = cu_quick_float(n->at[r][1] + at, dtype) - tops[r][1];
        row[r] = fmaf(right_weight, right, left_weight * left);
      }
      for (int j = 0; j < FM__CU_ROWS; j++) {
        float z = fmaf(weight[j][1], row[1], weight[j][0] * row[0]);
        if (count > 2) z = fmaf(weight[j][2], row[2], z);
        parts[j] += cu_exp2(z);
      }
    }
    for (int j = 0; j < FM__CU_ROWS; j++) sums[j] += (double)parts[j];
  }
}

/* The label's own logit at pixel (y, x) of a column that begins in row `from`, relative to the tops there. */
FM__CU_INLINE double cu_near_own(cu_job job, const cu_near *n, int64_t from, int64_t y, int64_t x,
                                 float tops[][2], int64_t channel, int32_t dtype, int count) {
  cu_place down = cu_place_of(&job->down, y), across = cu_place_of(&job->across, x);
  int64_t first = cu_place_of(&job->down, from).low;
  double own = 0;
  for (int r = 0; r < FM__CU_NEAR; r++) {
    if (r >= count) continue;
    double left = (double)cu_quick_float(n->at[r][0] + channel, dtype) - (double)tops[r][0];
    double right = (double)cu_quick_float(n->at[r][1] + channel, dtype) - (double)tops[r][1];
    own += cu_row_weight(&down, first + r) * ((1 - across.t) * left + across.t * right);
  }
  return own;
}

FM__CU_INLINE bool cu_near_losses(cu_job job, const cu_near *n, int64_t y, int rows, int64_t x,
                                  const int32_t *classes, float *losses, int32_t dtype, int count) {
  float tops[FM__CU_NEAR][2];
  double sums[FM__CU_ROWS] = {0};
  if (!cu_near_tops(job, n, tops, dtype, count)) return false;
  cu_near_sums(job, n, tops, sums, dtype, count);
  for (int j = 0; j < FM__CU_ROWS; j++) {
    if (j >= rows || classes[j] < 0) continue;
    if (!(sums[j] >= FM__CU_LEAST_SUM)) return false;
    int64_t channel = cu_channel_of(job, classes[j]) * job->channel;
    double own = cu_near_own(job, n, y, y + j, x, tops, channel, dtype, count);
    double loss = log(sums[j]) - own;
    losses[j] = loss > 0 ? (float)loss : 0;
  }
  return true;
}

FM__CU_INLINE bool cu_near_logits_of(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                     const int32_t *classes, float *losses, int32_t dtype) {
  cu_near n;
  if (!cu_near_find(job, image, y, rows, x, &n)) return false;
  return n.tall ? cu_near_losses(job, &n, y, rows, x, classes, losses, dtype, FM__CU_NEAR)
                : cu_near_losses(job, &n, y, rows, x, classes, losses, dtype, FM__CU_NEAR - 1);
}

/* ---- The way that fits ------------------------------------------------------------------------------ */

FM__CU_INLINE bool cu_float_logits_of(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                      const int32_t *classes, float *losses, int32_t dtype) {
  return job->flat ? cu_flat_logits_of(job, image, y, rows, x, classes, losses, dtype)
                   : cu_near_logits_of(job, image, y, rows, x, classes, losses, dtype);
}

/* The types' loops are apart: none asks for the type at each value. */
FM__CU_APART bool cu_fast_logits(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                 const int32_t *classes, float *losses) {
  bool good;
  if (job->values.dtype == FM_F32)
    good = cu_float_logits_of(job, image, y, rows, x, classes, losses, FM_F32);
  else if (job->values.dtype == FM_F16)
    good = cu_float_logits_of(job, image, y, rows, x, classes, losses, FM_F16);
  else
    good = cu_float_logits_of(job, image, y, rows, x, classes, losses, FM_BF16);
  return good || cu_double_logits(job, image, y, rows, x, classes, losses);
}

#endif
