/* cuda/scores.h - losses from probabilities, scores and one channel of logits, one pixel at a time. */
#ifndef FM_CUDA_SCORES_H
#define FM_CUDA_SCORES_H

#include "cuda/resize.h"

/* The resized value of one channel; fails on a part that is neither a probability nor a score. */
FM__CU_APART bool cu_score(cu_job job, int32_t image, const cu_taps *taps, int32_t c, double *score,
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

FM__CU_APART bool cu_probs(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k, double *loss,
                           fm_cuda_status *s) {
  cu_taps taps = cu_taps_of(job, y, x);
  double p;
  if (!cu_score(job, image, &taps, job->binary ? 0 : cu_channel_of(job, k), &p, s)) return false;
  *loss = cu_loss_of_share(job, job->binary && k != job->class_count - 1 ? 1 - p : p);
  return true;
}

FM__CU_APART bool cu_scores(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                            double *loss, fm_cuda_status *s) {
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

FM__CU_APART bool cu_binary_logit(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
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

#endif
