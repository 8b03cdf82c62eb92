/* cuda/shown.h - the kernel of which class an output shows, as network/class_map.c finds it: the same sums of
 * doubles. */
#ifndef FM_CUDA_SHOWN_H
#define FM_CUDA_SHOWN_H

#include "cuda/walk.h"

/* Pixels without a weight are not read: they need not be numbers. */
FM__CU_FN double cu_shown_between(cu_job job, const char *channel, int64_t y,
                                  const cu_place *across) {
  const double left = (double)cu_value(job, channel, y, across->low);
  if (across->t == 0) return left;
  return left + across->t * ((double)cu_value(job, channel, y, across->high) - left);
}

FM__CU_FN double cu_shown_value(cu_job job, int32_t image, int32_t c, const cu_place *down,
                                const cu_place *across) {
  const char *channel = cu_channel(job, image, c);
  const double upper = cu_shown_between(job, channel, down->low, across);
  if (down->t == 0) return upper;
  return upper + down->t * (cu_shown_between(job, channel, down->high, across) - upper);
}

/* The largest value's class, the first of several; -1: none is a number. */
FM__CU_FN int32_t cu_shown(cu_job job, int32_t image, int64_t y, int64_t x) {
  const cu_place down = cu_place_of(&job->down, y), across = cu_place_of(&job->across, x);
  if (job->binary) {
    const double value = cu_shown_value(job, image, 0, &down, &across);
    const double even = job->kind == FM_OUTPUT_LOGITS ? 0 : 0.5;
    return isnan(value) ? -1 : value > even ? job->class_count - 1 : 0;
  }
  double best = -INFINITY;
  int32_t shown = -1;
  for (int32_t k = 0; k < job->class_count; k++) {
    const double value = cu_shown_value(job, image, cu_channel_of(job, k), &down, &across);
    if (value > best) shown = k;
    if (value > best) best = value;
  }
  return shown;
}

/* A thread for each pixel, so that those of a row read along the rows of a channel. */
FM__CU_KERNEL(shown) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    const int64_t at = FM__CU_BLOCK * FM__CU_THREADS + t, y = at / job->width, x = at % job->width;
    if (y < job->height) {
      const int64_t label = cu_label(cu_at(&job->mask, FM__CU_IMAGE, y, x), job->mask.dtype);
      const int32_t k = cu_class(job, label);
      if (k == FM__CLASS_INVALID) cu_bad(job, FM__CU_IMAGE, cu_rank_of(job, CU_LABEL), y, x);
      const int32_t shown = k < 0 ? -1 : cu_shown(job, FM__CU_IMAGE, y, x);
      cu_store(cu_at(&job->out, FM__CU_IMAGE, y, x), 4, (uint32_t)shown);
    }
  }
}

#endif
