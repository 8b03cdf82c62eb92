/* cuda/walk.h - how the threads of a block share an image's pixels. */
#ifndef FM_CUDA_WALK_H
#define FM_CUDA_WALK_H

#include "cuda/resize.h"

/* The pixels of a thread, FM__CU_RUN next to each other at a time: neighbours mostly have one class,
 * and are counted together. Number `at` of all pixels is that of the run's first one. */
#define FM__CU_EACH_RUN(job, t, at)                                       \
  for (int64_t at = FM__CU_BLOCK * FM__CU_TILE + (int64_t)(t)*FM__CU_RUN, \
               last_ = (FM__CU_BLOCK + 1) * FM__CU_TILE;                  \
       at < last_ && at < (job)->height * (job)->width; at += FM__CU_THREADS * FM__CU_RUN)

FM__CU_FN int cu_run_length(cu_job job, int64_t at) {
  int64_t left = job->height * job->width - at;
  return left < FM__CU_RUN ? (int)left : (int)FM__CU_RUN;
}

/* A thread's column of FM__CU_ROWS pixels, for losses from outputs. */
typedef struct cu_column_place {
  int64_t y, x;
  int rows; /* 0: there is none */
} cu_column_place;

FM__CU_FN cu_column_place cu_column_of(cu_job job, int64_t block, uint32_t t) {
  cu_column_place p;
  int64_t number = block * FM__CU_THREADS + t;
  p.y = number / job->width * FM__CU_ROWS;
  p.x = number % job->width;
  int64_t left = job->height - p.y;
  p.rows = left <= 0 ? 0 : left < FM__CU_ROWS ? (int)left : (int)FM__CU_ROWS;
  return p;
}

/* Where what is wrong stands in the order in which the CPU finds it (cuda/pixel.h). */
typedef enum cu_rank { CU_LABEL, CU_STRATUM, CU_MISFIT, CU_LOSS } cu_rank;

FM__CU_FN int cu_rank_of(cu_job job, cu_rank rank) {
  if (job->fused) return (int)rank;
  return rank == CU_MISFIT ? 1 : 0; /* what a pixel is judged by is looked at together */
}

/* The cell of a pixel, FM__CLASS_IGNORE, or FM__CLASS_INVALID of a bad one, which is noted. */
FM__CU_FN int32_t cu_cell(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k) {
  if (k == FM__CLASS_IGNORE) return k;
  int32_t stratum = k < 0 ? -1 : cu_stratum(job, image, y, x);
  if (stratum >= 0) return k * job->strata_count + stratum;
  cu_bad(job, image, cu_rank_of(job, k < 0 ? CU_LABEL : CU_STRATUM), y, x);
  return FM__CLASS_INVALID;
}

/* Reads the labels and classes of a column, and its losses; notes the bad ones, whose cell is
 * FM__CLASS_INVALID. */
typedef struct cu_column_pixels {
  int64_t label[FM__CU_ROWS];
  int32_t cell[FM__CU_ROWS];
  float loss[FM__CU_ROWS];
} cu_column_pixels;

FM__CU_FN void cu_column_read(cu_job job, int32_t image, const cu_column_place *p,
                              cu_column_pixels *out) {
  int32_t classes[FM__CU_ROWS];
  for (int j = 0; j < p->rows; j++) {
    out->label[j] = cu_label(cu_at(&job->mask, image, p->y + j, p->x), job->mask.dtype);
    classes[j] = cu_class(job, out->label[j]);
    out->cell[j] = cu_cell(job, image, p->y + j, p->x, classes[j]);
  }
  uint32_t bad = cu_column_losses(job, image, p->y, p->rows, p->x, classes, out->loss);
  for (int j = 0; j < p->rows; j++) {
    if (!(bad >> j & 1)) continue;
    cu_bad(job, image, cu_rank_of(job, CU_LOSS), p->y + j, p->x);
    out->cell[j] = FM__CLASS_INVALID;
  }
}

#endif
