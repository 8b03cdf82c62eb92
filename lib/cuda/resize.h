/* cuda/resize.h - the loss of a pixel from a network's output, resized bilinearly: a port of what
 * lib/network does one pixel at a time, and a faster form for logits whose values are moderate. */
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
FM__CU_FN cu_place cu_place_of(const fm__axis *axis, int64_t i) {
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

FM__CU_FN cu_taps cu_taps_of(cu_job job, int64_t y, int64_t x) {
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
  return job->values.data + image * job->values.image + c * job->channel;
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
  s->class_index = cu_class_of_channel(job, channel);
  s->value = value;
  /* The sentence names the output's size, and whether values may be below 0. */
  s->label = job->inner_width << 32 | job->inner_height;
  s->doubt = job->kind == FM_OUTPUT_LOGITS;
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

/* ---- Logits, exactly ---------------------------------------------------------------------- */

/* A channel relative to the label's own, and by how much rounding may have moved it. */
FM__CU_FN bool cu_relative(cu_job job, int32_t image, const cu_taps *taps, const double *own,
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

FM__CU_FN bool cu_exact_logits(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                               double *loss, fm_cuda_status *s) {
  cu_taps taps = cu_taps_of(job, y, x);
  int32_t label = cu_channel_of(job, k);
  double own[4], top = -INFINITY, sum = 0, z, doubt, most = 0;
  bool doubtful = false;
  for (int i = 0; i < taps.count; i++) {
    own[i] = (double)cu_value(job, cu_channel(job, image, label), taps.y[i], taps.x[i]);
    if (!isfinite(own[i])) return cu_value_fail(job, s, label, taps.y[i], taps.x[i], own[i]);
  }
  for (int32_t c = 0; c < job->channels; c++) {
    if (!cu_relative(job, image, &taps, own, c, &z, &doubt, s)) return false;
    doubtful |= doubt > FM__CU_DOUBT;
    sum = z > top ? sum * exp(top - z) + 1 : sum + exp(z - top);
    if (z > top) top = z;
  }
  *loss = log(sum) + top;
  if (!isfinite((float)*loss)) return cu_loss_fail(s, FM__CU_NO_FLOAT, *loss, 0);
  if (!doubtful) return true;
  for (int32_t c = 0; c < job->channels; c++) {
    (void)cu_relative(job, image, &taps, own, c, &z, &doubt, s);
    if (z + doubt > top - FM__CU_UNSEEN && doubt > most) most = doubt;
  }
  return cu_check_doubt(most, *loss, s);
}

/* ---- Logits, several rows at once ----------------------------------------------------------- */

/* Bits of 1e8, either sign: values below it are resized in double to 1e-7. */
#define FM__CU_MODERATE UINT32_C(0x4cbebc20)

/* Terms that are added as floats before doubles take their sum. */
enum { FM__CU_PART = 16 };

/* exp(z - top), summed up. */
typedef struct cu_sum {
  double top, sum;
  float part;
} cu_sum;

FM__CU_FN void cu_sum_add(cu_sum *s, double z) {
  float d = (float)(z - s->top);
  if (d <= 0) {
    s->part += expf(d);
    return;
  }
  double scale = exp(s->top - z); /* 0 for the first */
  s->sum *= scale;
  s->part = s->part * (float)scale + 1;
  s->top = z;
}

FM__CU_FN void cu_sum_drain(cu_sum *s) {
  s->sum += (double)s->part;
  s->part = 0;
}

/* A channel in row y of the output, between the columns; `*most` collects the largest bits. */
FM__CU_FN double cu_between(cu_job job, const char *channel, int64_t y, const cu_place *across,
                            uint32_t *most) {
  float left = cu_value(job, channel, y, across->low), right = left;
  uint32_t bits = fm__float_bits(left) & INT32_MAX;
  *most = bits > *most ? bits : *most;
  if (!(across->t > 0)) return (double)left;
  right = cu_value(job, channel, y, across->high);
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

/* False where one of the values is not moderate. */
FM__CU_FN bool cu_fast_logits(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                              const int32_t *classes, float *losses) {
  cu_place down[FM__CU_ROWS], across = cu_place_of(&job->across, x);
  cu_sum sums[FM__CU_ROWS];
  double z[FM__CU_ROWS], own[FM__CU_ROWS];
  uint32_t most = 0;
  int32_t label[FM__CU_ROWS];
  for (int j = 0; j < rows; j++) {
    down[j] = cu_place_of(&job->down, y + j);
    sums[j].top = -INFINITY;
    sums[j].sum = 0;
    sums[j].part = 0;
    own[j] = 0;
    label[j] = classes[j] < 0 ? -1 : cu_channel_of(job, classes[j]);
  }
  for (int32_t c = 0; c < job->channels; c++) {
    cu_column(job, cu_channel(job, image, c), down, rows, &across, z, &most);
    if (most > FM__CU_MODERATE) return false;
    for (int j = 0; j < rows; j++) {
      cu_sum_add(&sums[j], z[j]);
      if (c == label[j]) own[j] = z[j];
      if ((c + 1) % FM__CU_PART == 0) cu_sum_drain(&sums[j]);
    }
  }
  for (int j = 0; j < rows; j++) {
    cu_sum_drain(&sums[j]);
    double loss = log(sums[j].sum) + (sums[j].top - own[j]);
    losses[j] = classes[j] < 0 || !(loss > 0) ? 0 : (float)loss;
  }
  return true;
}

/* ---- Probabilities, scores, one channel of logits ------------------------------------------- */

/* The resized value of one channel; fails on a part that is neither a probability nor a score. */
FM__CU_FN bool cu_score(cu_job job, int32_t image, const cu_taps *taps, int32_t c, double *score,
                        fm_cuda_status *s) {
  const char *channel = cu_channel(job, image, c);
  *score = 0;
  for (int i = 0; i < taps->count; i++) {
    float value = cu_value(job, channel, taps->y[i], taps->x[i]);
    if (!(value >= 0 && isfinite(value)))
      return cu_value_fail(job, s, c, taps->y[i], taps->x[i], (double)value);
    *score += taps->weight[i] * (double)value;
  }
  return true;
}

FM__CU_FN double cu_loss_of_share(cu_job job, double share) {
  double loss = -log(share > job->floor ? share : job->floor);
  return loss > 0 ? loss : 0;
}

FM__CU_FN bool cu_probs(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k, double *loss,
                        fm_cuda_status *s) {
  cu_taps taps = cu_taps_of(job, y, x);
  double p;
  if (!cu_score(job, image, &taps, job->binary ? 0 : cu_channel_of(job, k), &p, s)) return false;
  *loss = cu_loss_of_share(job, job->binary && k != job->class_count - 1 ? 1 - p : p);
  return true;
}

FM__CU_FN bool cu_scores(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k, double *loss,
                         fm_cuda_status *s) {
  cu_taps taps = cu_taps_of(job, y, x);
  double own = 0, sum = 0, score;
  for (int32_t c = 0; c < job->channels; c++) {
    if (!cu_score(job, image, &taps, c, &score, s)) return false;
    sum += score;
    if (c == cu_channel_of(job, k)) own = score;
  }
  *loss = cu_loss_of_share(job, sum > 0 ? own / sum : 0);
  return true;
}

FM__CU_FN bool cu_binary_logit(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                               double *loss, fm_cuda_status *s) {
  cu_taps taps = cu_taps_of(job, y, x);
  double z = 0, size = 0;
  for (int i = 0; i < taps.count; i++) {
    double value = (double)cu_value(job, cu_channel(job, image, 0), taps.y[i], taps.x[i]);
    if (!isfinite(value)) return cu_value_fail(job, s, 0, taps.y[i], taps.x[i], value);
    z += taps.weight[i] * value;
    size += fabs(value);
  }
  double doubt = taps.count > 1 ? size * FM__CU_BLEND_ERROR : 0;
  z = k == job->class_count - 1 ? -z : z;
  *loss = (z > 0 ? z : 0) + log1p(exp(-fabs(z)));
  return z + doubt < -FM__CU_UNSEEN ? true : cu_check_doubt(doubt, *loss, s);
}

/* ---- Any kind -------------------------------------------------------------------------------- */

FM__CU_FN bool cu_exact_loss(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                             float *loss, fm_cuda_status *s) {
  double exact = 0;
  bool good = true;
  *loss = 0;
  if (k < 0) return true;
  if (job->kind == FM_OUTPUT_SCORES)
    good = cu_scores(job, image, y, x, k, &exact, s);
  else if (job->kind == FM_OUTPUT_PROBS)
    good = cu_probs(job, image, y, x, k, &exact, s);
  else if (job->binary)
    good = cu_binary_logit(job, image, y, x, k, &exact, s);
  else
    good = cu_exact_logits(job, image, y, x, k, &exact, s);
  *loss = exact > 0 ? (float)exact : 0;
  return good;
}

/* The losses of `rows` pixels of a column; bit j of the result: that of row j is bad. */
FM__CU_FN uint32_t cu_column_losses(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                    const int32_t *classes, float *losses) {
  uint32_t bad = 0;
  bool any = false;
  for (int j = 0; j < rows; j++) {
    losses[j] = 0;
    any |= classes[j] >= 0;
  }
  if (!any) return 0;
  if (job->kind == FM_OUTPUT_LOGITS && !job->binary &&
      cu_fast_logits(job, image, y, rows, x, classes, losses))
    return 0;
  for (int j = 0; j < rows; j++)
    if (!cu_exact_loss(job, image, y + j, x, classes[j], &losses[j], NULL)) bad |= 1U << j;
  return bad;
}

#endif
