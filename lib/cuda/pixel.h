/* cuda/pixel.h - pixels on the device: where they are, loads and stores of any dtype, and what is said
 * of the bad ones. Elements are aligned: the host has seen to it. */
#ifndef FM_CUDA_PIXEL_H
#define FM_CUDA_PIXEL_H

#include <math.h>

#include "cuda/grid.h"
#include "dsp/exact.h"
#include "dsp/tile.h"

typedef const fm__cu_job *cu_job;

/* ---- Elements ----------------------------------------------------------------------- */

FM__CU_FN char *cu_at(const fm__cu_planes *p, int32_t image, int64_t y, int64_t x) {
  return cu_global(p->data + image * p->image + y * p->row + x * p->col);
}

/* As the CPU's load_label: U64 labels beyond the range are the largest number. */
FM__CU_FN int64_t cu_label(const char *at, int32_t dtype) {
  const void *p = at;
  switch (dtype) {
    case FM_U8:
      return *(const uint8_t *)p;
    case FM_I8:
      return *(const int8_t *)p;
    case FM_U16:
      return *(const uint16_t *)p;
    case FM_I16:
      return *(const int16_t *)p;
    case FM_U32:
      return *(const uint32_t *)p;
    case FM_I32:
      return *(const int32_t *)p;
    case FM_U64: {
      uint64_t label = *(const uint64_t *)p;
      return label <= INT64_MAX ? (int64_t)label : INT64_MAX;
    }
    default:
      return *(const int64_t *)p;
  }
}

FM__CU_FN float cu_float(const char *at, int32_t dtype) {
  const void *p = at;
  switch (dtype) {
    case FM_F32:
      return *(const float *)p;
    case FM_F64:
      return (float)*(const double *)p;
    case FM_F16:
      return fm__float_of_half(*(const uint16_t *)p);
    default:
      return fm__float_of_bfloat(*(const uint16_t *)p);
  }
}

/* The same of an output's types, for loops over channels; of what is not a number some such. */
FM__CU_INLINE float cu_quick_float(const char *at, int32_t dtype) {
  const void *p = at;
  if (dtype == FM_F32) return *(const float *)p;
  uint16_t bits = *(const uint16_t *)p;
  return dtype == FM_F16 ? cu_half(bits) : fm__float_of_bfloat(bits);
}

FM__CU_FN void cu_store(char *at, int32_t element, uint64_t bits) {
  void *p = at;
  if (element == 1)
    *(uint8_t *)p = (uint8_t)bits;
  else if (element == 2)
    *(uint16_t *)p = (uint16_t)bits;
  else if (element == 4)
    *(uint32_t *)p = (uint32_t)bits;
  else
    *(uint64_t *)p = bits;
}

/* ---- A mask's pixel ------------------------------------------------------------------ */

FM__CU_FN int32_t cu_class(cu_job job, int64_t label) {
  bool known = label >= FM__FIRST_LABEL && label <= FM__LAST_LABEL;
  return known ? job->classes[label] : (int32_t)FM__CLASS_INVALID;
}

/* Strata are those of ranks, if there are such: scores have none. */
FM__CU_FN int32_t cu_most_strata(cu_job job) {
  return job->score_strata ? job->score_strata : job->strata_count;
}

/* The stratum of a pixel that has a class; out of range: -1. */
FM__CU_FN int32_t cu_stratum(cu_job job, int32_t image, int64_t y, int64_t x) {
  if (!job->strata.data) return 0;
  int32_t stratum = *(const uint8_t *)(const void *)cu_at(&job->strata, image, y, x);
  return stratum < cu_most_strata(job) ? stratum : -1;
}

/* As fm__tile_losses: what rounding left below 0 is 0. */
FM__CU_FN float cu_rounded_loss(float loss) {
  return loss < 0 && loss > FM__ROUNDED_LOSS ? 0 : loss;
}

FM__CU_FN float cu_loss(cu_job job, int32_t image, int64_t y, int64_t x) {
  return cu_rounded_loss(cu_float(cu_at(&job->loss, image, y, x), job->loss.dtype));
}

FM__CU_FN bool cu_fits(cu_job job, int64_t label) {
  return label >= job->least && (label < 0 || (uint64_t)label <= job->most);
}

/* ---- Statuses ------------------------------------------------------------------------- */

/* The first bad pixel of an image has the smallest number, its rank being the upper bits. */
#define FM__CU_NONE UINT64_MAX
#define FM__CU_RANK_SHIFT 56

/* What is found first on the CPU has the smaller rank. */
typedef enum cu_rank { CU_LABEL, CU_QUERY, CU_STRATUM, CU_MISFIT, CU_LOSS, CU_REFERENCE } cu_rank;

FM__CU_FN int cu_rank_of(cu_job job, cu_rank rank) {
  if (job->fused) return (int)rank;
  if (!job->score_strata)
    return rank == CU_MISFIT; /* what a pixel is judged by is looked at together */
  /* A score takes all labels first, and an image whose labels do not fit is one with scores. */
  return rank == CU_LABEL ? 0 : rank == CU_MISFIT ? 3 : rank == CU_REFERENCE ? 2 : 1;
}

/* `number`: of a pixel, in reading order; of a class logit, of the first query's first. */
FM__CU_FN void cu_bad_number(cu_job job, int32_t image, int rank, int64_t number) {
  cu_min64(&job->status[image].first, (uint64_t)number | (uint64_t)rank << FM__CU_RANK_SHIFT);
}

FM__CU_FN void cu_bad(cu_job job, int32_t image, int rank, int64_t y, int64_t x) {
  cu_bad_number(job, image, rank, y * job->width + x);
}

FM__CU_FN bool cu_is_good(cu_job job, int32_t image) {
  return !job->status || job->status[image].first == FM__CU_NONE;
}

/* The pixel that a status is about, its rank, and what is known of it by its place. */
FM__CU_FN int cu_status_place(cu_job job, int32_t image, fm_cuda_status *s) {
  const uint64_t mask = ((uint64_t)1 << FM__CU_RANK_SHIFT) - 1;
  int64_t at = (int64_t)(s->first & mask);
  int rank = (int)(s->first >> FM__CU_RANK_SHIFT);
  if (job->queries.data && rank == cu_rank_of(job, CU_QUERY)) {
    s->y = at / (job->channels + 1);
    s->x = at % (job->channels + 1);
    return rank;
  }
  s->y = at / job->width;
  s->x = at % job->width;
  if (job->score_strata && rank == cu_rank_of(job, CU_REFERENCE)) { /* of rows of several planes */
    s->other = (int32_t)(s->y % (1 + job->sibling_count)) - 1;
    s->y /= 1 + job->sibling_count;
  }
  s->label = cu_label(cu_at(&job->mask, image, s->y, s->x), job->mask.dtype);
  s->class_index = job->classes ? cu_class(job, s->label) : -1;
  return rank;
}

FM__CU_FN void cu_status_clear(fm_cuda_status *s) {
  s->first = FM__CU_NONE;
  s->what = FM__CU_GOOD;
  s->code = FM_OK;
  s->x = s->y = s->label = 0;
  s->class_index = s->other = -1;
  s->value = s->doubt = 0;
}

FM__CU_FN void cu_status_set(fm_cuda_status *s, int32_t what, int32_t code) {
  s->what = what;
  s->code = code;
}

/* A label that is none, or a stratum. False: neither. U64 labels are kept as their bits. */
FM__CU_FN bool cu_status_label(cu_job job, int32_t image, fm_cuda_status *s) {
  if (s->class_index < 0) {
    if (job->mask.dtype == FM_U64)
      s->label = *(const int64_t *)(const void *)cu_at(&job->mask, image, s->y, s->x);
    s->other = job->mask.dtype;
    cu_status_set(s, FM__CU_BAD_LABEL, FM_ERR_LABEL);
    return true;
  }
  if (!job->strata.data) return false;
  s->other = *(const uint8_t *)(const void *)cu_at(&job->strata, image, s->y, s->x);
  if (s->other < cu_most_strata(job)) return false;
  s->doubt = cu_most_strata(job);
  cu_status_set(s, FM__CU_BAD_STRATUM, FM_ERR_ARGUMENT);
  return true;
}

/* What is wrong with a pixel of a mask and a loss map. */
FM__CU_FN void cu_status_loss(cu_job job, int32_t image, fm_cuda_status *s) {
  if (cu_status_label(job, image, s)) return;
  const char *at = cu_at(&job->loss, image, s->y, s->x);
  s->value = job->loss.dtype == FM_F64 ? *(const double *)(const void *)at
                                       : (double)cu_float(at, job->loss.dtype);
  cu_status_set(s, FM__CU_BAD_LOSS, FM_ERR_LOSS);
}

#endif
