/* cuda/walk.h - how the threads of a block share an image's pixels. */
#ifndef FM_CUDA_WALK_H
#define FM_CUDA_WALK_H

#include "cuda/output.h"

/* The pixels of a thread, FM__CU_RUN next to each other in reading order: neighbours mostly have one class,
 * and are counted together. Number `at` of all pixels is that of the first one. */
typedef struct cu_run {
  int64_t at, y, x;
  int count; /* that are left; 0: there is none */
} cu_run;

FM__CU_FN cu_run cu_run_of(cu_job job, int64_t block, uint32_t t) {
  cu_run run;
  run.at = block * FM__CU_TILE + (int64_t)t * FM__CU_RUN;
  int64_t left = job->height * job->width - run.at;
  run.count = left <= 0 ? 0 : left < FM__CU_RUN ? (int)left : (int)FM__CU_RUN;
  run.y = (uint32_t)run.at / (uint32_t)job->width; /* below 2^31 */
  run.x = run.at - run.y * job->width;
  return run;
}

/* To the next pixel. */
FM__CU_INLINE void cu_step(cu_job job, int64_t *y, int64_t *x) {
  if (++*x < job->width) return;
  *x = 0;
  ++*y;
}

/* To the next FM__CU_PIECE pixels. */
FM__CU_INLINE void cu_run_next(cu_job job, cu_run *run) {
  run->at += FM__CU_PIECE;
  run->count = run->count > FM__CU_PIECE ? run->count - FM__CU_PIECE : 0;
  for (int i = 0; i < FM__CU_PIECE; i++) cu_step(job, &run->y, &run->x);
}

/* Four bytes and four floats that are loaded and stored at once. */
typedef struct FM__CU_ALIGN(4) cu_four_bytes {
  uint8_t of[FM__CU_PIECE];
} cu_four_bytes;

typedef struct FM__CU_ALIGN(16) cu_four_floats {
  float of[FM__CU_PIECE];
} cu_four_floats;

FM__CU_INLINE char *cu_run_at(const fm__cu_planes *p, int32_t image, const cu_run *run) {
  return cu_global(p->data + image * p->image + run->at * p->element);
}

FM__CU_INLINE bool cu_is_whole(const fm__cu_planes *p, const cu_run *run) {
  return p->dense && run->count >= FM__CU_PIECE;
}

/* The labels of the next FM__CU_PIECE pixels; 0 beyond the end. */
FM__CU_INLINE void cu_run_labels(cu_job job, int32_t image, const cu_run *run, int64_t *labels) {
  if (job->mask.dtype == FM_U8 && cu_is_whole(&job->mask, run)) {
    cu_four_bytes four = *(const cu_four_bytes *)(const void *)cu_run_at(&job->mask, image, run);
    for (int i = 0; i < FM__CU_PIECE; i++) labels[i] = four.of[i];
    return;
  }
  int64_t y = run->y, x = run->x;
  for (int i = 0; i < FM__CU_PIECE; i++) {
    labels[i] = i < run->count ? cu_label(cu_at(&job->mask, image, y, x), job->mask.dtype) : 0;
    cu_step(job, &y, &x);
  }
}

/* Their losses, as cu_loss has them; 0 beyond the end. */
FM__CU_INLINE void cu_run_losses(cu_job job, int32_t image, const cu_run *run, float *losses) {
  if (job->loss.dtype == FM_F32 && cu_is_whole(&job->loss, run)) {
    cu_four_floats four = *(const cu_four_floats *)(const void *)cu_run_at(&job->loss, image, run);
    for (int i = 0; i < FM__CU_PIECE; i++) losses[i] = cu_rounded_loss(four.of[i]);
    return;
  }
  int64_t y = run->y, x = run->x;
  for (int i = 0; i < FM__CU_PIECE; i++) {
    losses[i] = i < run->count ? cu_loss(job, image, y, x) : 0;
    cu_step(job, &y, &x);
  }
}

/* Stores what they come to; `kept`: a bit for each that is left alone. */
FM__CU_INLINE void cu_run_store(cu_job job, int32_t image, const cu_run *run, const uint64_t *bits,
                                uint32_t kept) {
  if (job->out.element == 1 && !kept && cu_is_whole(&job->out, run)) {
    cu_four_bytes four;
    for (int i = 0; i < FM__CU_PIECE; i++) four.of[i] = (uint8_t)bits[i];
    *(cu_four_bytes *)(void *)cu_run_at(&job->out, image, run) = four;
    return;
  }
  int64_t y = run->y, x = run->x;
  for (int i = 0; i < FM__CU_PIECE; i++) {
    if (i < run->count && !(kept >> i & 1))
      cu_store(cu_at(&job->out, image, y, x), job->out.element, bits[i]);
    cu_step(job, &y, &x);
  }
}

/* A thread's column of FM__CU_ROWS pixels, for losses from outputs. */
typedef struct cu_column_place {
  int64_t y, x;
  int rows; /* 0: there is none */
} cu_column_place;

FM__CU_FN cu_column_place cu_column_of(cu_job job, int64_t block, uint32_t t) {
  cu_column_place p;
  uint32_t number = (uint32_t)block * FM__CU_THREADS + t, width = (uint32_t)job->width;
  uint32_t group = number / width;
  p.x = number - group * width;
  p.y = (int64_t)group * FM__CU_ROWS;
  p.rows = FM__CU_ROWS;
  if (job->row_shift) {
    p.y += job->row_shift - FM__CU_ROWS;
    if (p.y < 0) p.rows = job->row_shift;
    if (p.y < 0) p.y = 0;
  }
  int64_t left = job->height - p.y;
  if (left < p.rows) p.rows = left > 0 ? (int)left : 0;
  return p;
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
  for (int j = 0; j < FM__CU_ROWS; j++) {
    out->label[j] = 0;
    out->cell[j] = classes[j] = FM__CLASS_IGNORE;
    if (j >= p->rows) continue;
    out->label[j] = cu_label(cu_at(&job->mask, image, p->y + j, p->x), job->mask.dtype);
    classes[j] = cu_class(job, out->label[j]);
    out->cell[j] = cu_cell(job, image, p->y + j, p->x, classes[j]);
  }
  uint32_t bad = cu_column_losses(job, image, p->y, p->rows, p->x, classes, out->loss);
  for (int j = 0; j < FM__CU_ROWS; j++) {
    if (!(bad >> j & 1)) continue;
    cu_bad(job, image, cu_rank_of(job, CU_LOSS), p->y + j, p->x);
    out->cell[j] = FM__CLASS_INVALID;
  }
}

#endif
