/* cuda/rank.h - kernels of FM_SCORE_RANK, step by step as labels/score_image.c and labels/score_level.c: ranks, what
 * is expected of their places, levels, and after the means over windows (cuda/map.h) scores. */
#ifndef FM_CUDA_RANK_H
#define FM_CUDA_RANK_H

#include "cuda/walk.h"
#include "dsp/bins.h"
#include "labels/score_steps.h"
#include "map/nearest.h"

/* ---- Planes of the workspace: those of an image without gaps --------------------------- */

FM__CU_FN int64_t cu_room(cu_job job, int32_t image, int64_t at) {
  return image * job->score_room + at;
}

FM__CU_FN int32_t *cu_kind(cu_job job, int32_t image, int64_t at) {
  return (int32_t *)(void *)cu_global(job->kinds.data) + cu_room(job, image, at);
}

FM__CU_FN float *cu_window_steps(cu_job job, int32_t image, int64_t at) {
  return (float *)(void *)cu_global(job->window_steps.data) + cu_room(job, image, at);
}

FM__CU_FN float *cu_score_at(cu_job job, int32_t image, int64_t at) {
  return (float *)(void *)cu_global(job->scores.data) + cu_room(job, image, at);
}

/* ---- Ranks ------------------------------------------------------------------------------ */

/* A class's tables: its own, and that of a stratum, which is the same if there is one. */
FM__CU_FN const int16_t *cu_own_ranks(cu_job job, int32_t k) {
  return job->rank_steps + (int64_t)k * job->rank_tables * job->rank_bins;
}

FM__CU_FN const int16_t *cu_stratum_ranks(cu_job job, int32_t k, int32_t stratum) {
  return cu_own_ranks(job, k) + (job->rank_tables > 1 ? (stratum + 1) * job->rank_bins : 0);
}

/* The bin of a loss; -1: it is none. */
FM__CU_FN int32_t cu_rank_bin(cu_job job, float loss) {
  const uint32_t bits = fm__loss_bits(loss);
  return bits < FM__INFINITY_BITS ? (int32_t)fm__bin_of(bits, job->rank_shift) : -1;
}

/* The bin of a pixel that has a class and a stratum; -1: it is bad, which is noted, or ignored. */
FM__CU_FN int32_t cu_pixel_bin(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                               int32_t *stratum) {
  *stratum = 0;
  if (k == FM__CLASS_IGNORE) return -1;
  *stratum = k < 0 ? -1 : cu_stratum(job, image, y, x);
  if (*stratum < 0) {
    cu_bad(job, image, cu_rank_of(job, k < 0 ? CU_LABEL : CU_STRATUM), y, x);
    return -1;
  }
  const int32_t bin = cu_rank_bin(job, cu_loss(job, image, y, x));
  if (bin < 0) cu_bad(job, image, cu_rank_of(job, CU_LOSS), y, x);
  return bin;
}

FM__CU_KERNEL(rank) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    cu_run run = cu_run_of(job, FM__CU_BLOCK, t);
    for (; run.count; run.count--, run.at++) {
      const int64_t label =
          cu_label(cu_at(&job->mask, FM__CU_IMAGE, run.y, run.x), job->mask.dtype);
      const int32_t k = cu_class(job, label);
      int32_t stratum;
      const int32_t bin = cu_pixel_bin(job, FM__CU_IMAGE, run.y, run.x, k, &stratum);
      *cu_kind(job, FM__CU_IMAGE, run.at) = bin < 0 ? (int32_t)FM__CLASS_IGNORE : k;
      job->own_steps[cu_room(job, FM__CU_IMAGE, run.at)] =
          bin < 0 ? (int16_t)0 : cu_own_ranks(job, k)[bin];
      *cu_window_steps(job, FM__CU_IMAGE, run.at) =
          bin < 0 ? 0 : (float)cu_stratum_ranks(job, k, stratum)[bin];
      cu_step(job, &run.y, &run.x);
    }
  }
}

/* ---- What is expected ------------------------------------------------------------------- */

/* Which column and row of the reference a column and a row of the mask take: one after the other, as sums of doubles. */
FM__CU_KERNEL(places) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    if (t < 2) {
      const int64_t count = t ? job->height : job->width;
      int32_t *to = job->places + (t ? job->width : 0);
      fm__nearest nearest =
          fm__nearest_start(t ? job->reference_height : job->reference_width, count);
      for (int64_t i = 0; i < count; i++) to[i] = (int32_t)fm__nearest_next(&nearest);
    }
  }
}

FM__CU_FN const char *cu_reference_at(cu_job job, int32_t image, int64_t y, int64_t x) {
  if (job->places) {
    y = job->places[job->width + y];
    x = job->places[x];
  }
  return cu_at(&job->reference, image, y, x);
}

/* What the reference (-1) or a sibling loses at the place of a pixel. */
FM__CU_FN float cu_expected_loss(cu_job job, int32_t image, int64_t y, int64_t x, int32_t sibling) {
  if (sibling < 0)
    return cu_rounded_loss(cu_float(cu_reference_at(job, image, y, x), job->reference.dtype));
  const char *at = cu_at(&job->siblings, image * job->sibling_count + sibling, y, x);
  return cu_rounded_loss(cu_float(at, job->siblings.dtype));
}

/* Its bin; -1: it is no loss, which is noted: the first in a row of the reference, then in that of each sibling. */
FM__CU_FN int32_t cu_expected_bin(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                                  int32_t sibling) {
  if (sibling < 0 && job->reference.dtype == FM_U8) {
    const uint8_t code = *(const uint8_t *)(const void *)cu_reference_at(job, image, y, x);
    return job->code_bins[k * FM__CU_LABELS_OF_BYTE + code];
  }
  const int32_t bin = cu_rank_bin(job, cu_expected_loss(job, image, y, x, sibling));
  const int64_t row = y * (1 + job->sibling_count) + 1 + sibling;
  if (bin < 0) cu_bad(job, image, cu_rank_of(job, CU_REFERENCE), row, x);
  return bin;
}

/* The steps of a pixel's own, and of those that the window takes the mean of. */
typedef struct cu_two_steps {
  int32_t own, window;
} cu_two_steps;

/* What is expected of a pixel: of the reference, or of the mean of the siblings if that is less. */
FM__CU_FN cu_two_steps cu_expected(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                                   int32_t stratum) {
  const int16_t *own = cu_own_ranks(job, k), *window = cu_stratum_ranks(job, k, stratum);
  cu_two_steps real = {0, 0}, sum = {0, 0};
  int32_t bin = cu_expected_bin(job, image, y, x, k, -1);
  if (bin < 0) return real;
  real.own = own[bin];
  real.window = window[bin];
  for (int32_t i = 0; i < job->sibling_count; i++) {
    bin = cu_expected_bin(job, image, y, x, k, i);
    if (bin < 0) return real;
    sum.own += own[bin];
    sum.window += window[bin];
  }
  if (!job->sibling_count) return real;
  const int64_t mean_own = fm__sibling_mean(sum.own, job->sibling_count),
                mean_window = fm__sibling_mean(sum.window, job->sibling_count);
  if (mean_own < real.own) real.own = (int32_t)mean_own;
  if (mean_window < real.window) real.window = (int32_t)mean_window;
  return real;
}

FM__CU_KERNEL(pair) {
  FM__CU_START;
  if (job->has_reference && !job->has_reference[FM__CU_IMAGE]) return;
  FM__CU_EACH_THREAD(t) {
    cu_run run = cu_run_of(job, FM__CU_BLOCK, t);
    for (; run.count; run.count--, run.at++) {
      const int32_t k = *cu_kind(job, FM__CU_IMAGE, run.at);
      if (k >= 0) {
        const int32_t stratum = cu_stratum(job, FM__CU_IMAGE, run.y, run.x);
        const cu_two_steps e = cu_expected(job, FM__CU_IMAGE, run.y, run.x, k, stratum);
        int16_t *own = job->own_steps + cu_room(job, FM__CU_IMAGE, run.at);
        *own = (int16_t)(*own - fm__paired_steps(e.own));
        *cu_window_steps(job, FM__CU_IMAGE, run.at) -= (float)fm__paired_steps(e.window);
      }
      cu_step(job, &run.y, &run.x);
    }
  }
}

/* ---- Levels ------------------------------------------------------------------------------- */

/* Of a class of an image; the last: of the whole image. */
FM__CU_FN int64_t cu_level_row(cu_job job, int32_t image, int64_t k) {
  return image * ((int64_t)job->class_count + 1) + k;
}

/* Neighbours of one bin are counted together. */
FM__CU_KERNEL(level_count) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    cu_run run = cu_run_of(job, FM__CU_BLOCK, t);
    int64_t last = -1;
    uint32_t count = 0;
    for (; run.count; run.count--, run.at++) {
      const int32_t k = *cu_kind(job, FM__CU_IMAGE, run.at);
      const int32_t steps = job->own_steps[cu_room(job, FM__CU_IMAGE, run.at)];
      const int64_t at =
          k < 0 ? -1 : cu_level_row(job, FM__CU_IMAGE, k) * FM__LEVEL_BINS + fm__level_bin(steps);
      if (at != last) {
        if (last >= 0) cu_count32(job->level_counts + last, count);
        last = at;
        count = 0;
      }
      count++;
    }
    if (last >= 0) cu_count32(job->level_counts + last, count);
  }
}

/* The pixels of each thread's bins. */
enum { CU_LEVEL_SHARE = FM__LEVEL_BINS / FM__CU_THREADS };

/* Adds up bin `i` of all classes. */
FM__CU_FN uint32_t cu_image_bin(cu_job job, int32_t image, int32_t i) {
  uint32_t sum = 0;
  for (int32_t k = 0; k < job->class_count; k++)
    sum += job->level_counts[cu_level_row(job, image, k) * FM__LEVEL_BINS + i];
  return sum;
}

FM__CU_FN void cu_level_part(cu_job job, int32_t image, int64_t k, uint32_t t, uint32_t *own) {
  uint32_t *counts = job->level_counts + cu_level_row(job, image, k) * FM__LEVEL_BINS;
  own[t] = 0;
  for (int32_t i = (int32_t)t * CU_LEVEL_SHARE; i < ((int32_t)t + 1) * CU_LEVEL_SHARE; i++) {
    if (k == job->class_count) counts[i] = cu_image_bin(job, image, i);
    own[t] += counts[i];
  }
}

/* The first bin up to which a tenth of the pixels lies. */
FM__CU_FN void cu_level_tenth(cu_job job, int32_t image, int64_t k, const uint32_t *own) {
  const uint32_t *counts = job->level_counts + cu_level_row(job, image, k) * FM__LEVEL_BINS;
  int64_t *out = job->level_pixels + 2 * cu_level_row(job, image, k), all = 0, below = 0;
  for (int32_t i = 0; i < FM__CU_THREADS; i++) all += own[i];
  const int64_t wanted = fm__tenth(all);
  int32_t part = 0;
  for (; part < FM__CU_THREADS - 1 && below + own[part] < wanted; part++) below += own[part];
  int32_t bin = part * CU_LEVEL_SHARE;
  while (bin < FM__LEVEL_BINS - 1 && (below += counts[bin]) < wanted) bin++;
  out[0] = all;
  out[1] = fm__level_middle(bin);
}

/* A block for each class, and one for the image. */
FM__CU_KERNEL(level_find) {
  FM__CU_START;
  FM__CU_OWN(uint32_t, own);
  FM__CU_EACH_THREAD(t) cu_level_part(job, FM__CU_IMAGE, FM__CU_BLOCK, t, own);
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) {
    if (t == 0) cu_level_tenth(job, FM__CU_IMAGE, FM__CU_BLOCK, own);
  }
}

FM__CU_FN int32_t cu_level(cu_job job, int32_t image, int32_t k) {
  const int64_t *here = job->level_pixels + 2 * cu_level_row(job, image, k),
                *all = job->level_pixels + 2 * cu_level_row(job, image, job->class_count);
  return fm__level_of(here[0], here[1], all[0], all[1]);
}

/* Takes levels away; what windows take the mean of is then in nats. */
FM__CU_KERNEL(level) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    cu_run run = cu_run_of(job, FM__CU_BLOCK, t);
    int32_t last = FM__CLASS_IGNORE, level = 0;
    for (; run.count; run.count--, run.at++) {
      const int32_t k = *cu_kind(job, FM__CU_IMAGE, run.at);
      if (k < 0) continue;
      if (k != last) level = cu_level(job, FM__CU_IMAGE, k);
      last = k;
      int16_t *own = job->own_steps + cu_room(job, FM__CU_IMAGE, run.at);
      float *window = cu_window_steps(job, FM__CU_IMAGE, run.at);
      *own = (int16_t)fm__levelled(*own, level);
      *window = (float)fm__levelled((int32_t)*window, level) * FM__STEP;
    }
  }
}

/* ---- Scores --------------------------------------------------------------------------------- */

/* From means; 0 at ignored pixels and in images that have been given up, which have no means. */
FM__CU_KERNEL(score) {
  FM__CU_START;
  const bool good = cu_is_good(job, FM__CU_IMAGE);
  FM__CU_EACH_THREAD(t) {
    cu_run run = cu_run_of(job, FM__CU_BLOCK, t);
    for (; run.count; run.count--, run.at++) {
      const bool scored = good && *cu_kind(job, FM__CU_IMAGE, run.at) >= 0;
      float *score = cu_score_at(job, FM__CU_IMAGE, run.at);
      *score =
          scored ? fm__score_of(job->own_steps[cu_room(job, FM__CU_IMAGE, run.at)], *score) : 0;
    }
  }
}

#endif
