/* cuda/judge.h - kernels that write a filtered mask, weights or losses, and count. */
#ifndef FM_CUDA_JUDGE_H
#define FM_CUDA_JUDGE_H

#include "cuda/plain.h"
#include "cuda/rank.h"

/* Pixels of one cell that a thread has met in a row: the dropped ones in the upper half, all in the lower. A block
 * has no more than 4,096. */
typedef struct cu_tally {
  int32_t cell;
  uint32_t both;
} cu_tally;

enum { CU_HALF = 16, CU_LOWER = (1 << CU_HALF) - 1 };

/* Adds to a cell's counts in global memory. Apart as in cuda/sum.h. */
FM__CU_APART void cu_count(cu_job job, int32_t image, int32_t cell, uint32_t both) {
  int64_t cells = (int64_t)job->class_count * job->strata_count;
  int64_t *counts = job->counts + 2 * (image * cells + cell);
  if (both) cu_add64(counts, both & CU_LOWER);
  if (both >> CU_HALF) cu_add64(counts + 1, both >> CU_HALF);
}

FM__CU_FN void cu_tally_flush(cu_job job, int32_t image, const cu_tally *tally, uint32_t *own) {
  if (!tally->both) return;
  if (own)
    cu_add32(own + tally->cell, tally->both);
  else if (job->counts)
    cu_count(job, image, tally->cell, tally->both);
}

FM__CU_FN void cu_tally_add(cu_job job, int32_t image, cu_tally *tally, int32_t cell, bool dropped,
                            uint32_t *own) {
  if (cell != tally->cell) {
    cu_tally_flush(job, image, tally, own);
    tally->cell = cell;
    tally->both = 0;
  }
  tally->both += dropped ? (1 << CU_HALF) + 1 : 1;
}

FM__CU_FN uint64_t cu_weight(cu_job job, float loss, float threshold, bool dropped) {
  if (!job->soft) return dropped ? job->dropped : job->kept;
  double weight = fm__weight_of(&job->weigh, (double)loss, (double)threshold);
  return fm__weight_bits(weight, job->out.dtype);
}

/* The bits of one pixel. False: it is to be left alone, because it is bad and its status can then still be
 * found. */
FM__CU_INLINE bool cu_judge(cu_job job, int32_t image, int64_t y, int64_t x, int64_t label,
                            int32_t cell, float loss, cu_tally *tally, uint32_t *own,
                            uint64_t *bits) {
  *bits = (uint64_t)label;
  if (job->sink == FM__CU_LOSSES) {
    *bits = cell == FM__CLASS_INVALID ? 0 : fm__float_bits(loss);
    return true;
  }
  if (cell == FM__CLASS_INVALID) return false;
  bool dropped = false;
  float threshold = 0;
  if (cell >= 0) {
    threshold = cu_threshold(job, image, cell);
    dropped = (int32_t)fm__loss_bits(loss) > (int32_t)fm__float_bits(threshold);
    cu_tally_add(job, image, tally, cell, dropped, own);
  }
  if (job->sink == FM__CU_WEIGHTS)
    *bits = cell < 0 ? 0 : cu_weight(job, loss, threshold, dropped);
  else if (job->narrows && !cu_fits(job, label))
    cu_bad(job, image, cu_rank_of(job, CU_MISFIT), y, x);
  else if (dropped)
    *bits = job->dropped;
  return true;
}

/* ---- A block's own counters: one for each cell ------------------------------------------- */

FM__CU_FN int32_t cu_cells(cu_job job) { return job->class_count * job->strata_count; }

FM__CU_FN void cu_tally_clear(cu_job job, uint32_t t, uint32_t *own) {
  if (!job->own_counters) return;
  for (int32_t i = (int32_t)t; i < cu_cells(job); i += FM__CU_THREADS) own[i] = 0;
}

FM__CU_FN void cu_tally_deliver(cu_job job, int32_t image, uint32_t t, const uint32_t *own) {
  if (!job->own_counters) return;
  for (int32_t i = (int32_t)t; i < cu_cells(job); i += FM__CU_THREADS)
    cu_count(job, image, i, own[i]);
}

/* ---- Kernels ----------------------------------------------------------------------------- */

FM__CU_INLINE void cu_filter_piece(cu_job job, int32_t image, const cu_run *run, cu_tally *tally,
                                   uint32_t *own) {
  int64_t labels[FM__CU_PIECE], y = run->y, x = run->x;
  float losses[FM__CU_PIECE];
  uint64_t bits[FM__CU_PIECE];
  uint32_t kept = 0;
  cu_run_labels(job, image, run, labels);
  cu_run_losses(job, image, run, losses);
  for (int i = 0; i < FM__CU_PIECE; i++) {
    bits[i] = 0;
    if (i < run->count) {
      int32_t cell = cu_cell(job, image, y, x, cu_class(job, labels[i]));
      float loss = cell < 0 ? 0 : losses[i];
      if (fm__loss_bits(loss) >= FM__INFINITY_BITS) {
        cu_bad(job, image, cu_rank_of(job, CU_LOSS), y, x);
        cell = FM__CLASS_INVALID;
      }
      if (!cu_judge(job, image, y, x, labels[i], cell, loss, tally, own, &bits[i])) kept |= 1U << i;
      cu_step(job, &y, &x);
    }
  }
  if (job->out.data) cu_run_store(job, image, run, bits, kept);
}

/* The same of a plain run. */
FM__CU_INLINE void cu_filter_plain(cu_job job, int32_t image, const cu_run *run, const cu_plain *p,
                                   const cu_entry *entries, cu_tally *tally, uint32_t *own) {
  cu_bytes out;
  const uint32_t ignored = (uint8_t)job->dropped;
  int32_t least = FM__CLASS_IGNORE;
  FM__CU_UNROLLED
  for (int i = 0; i < FM__CU_RUN; i++) {
    const uint32_t label = cu_byte(p->labels.words, i);
    const cu_entry e = entries[label];
    const bool dropped = (int32_t)cu_plain_bits(p, i) > e.limit;
    cu_put_byte(out.words, i, dropped ? ignored : label);
    least = e.cell < least ? e.cell : least;
    if (own && e.cell >= 0) cu_tally_add(job, image, tally, e.cell, dropped, own);
  }
  if (job->out.data) *(cu_bytes *)(void *)cu_run_at(&job->out, image, run) = out;
  if (least != FM__CLASS_IGNORE) cu_plain_note(job, image, *run, entries);
}

FM__CU_MAP_KERNEL(filter, tally)

FM__CU_INLINE void cu_filter_column(cu_job job, int32_t image, const cu_column_place *p,
                                    const cu_column_pixels *pixels, cu_tally *tally,
                                    uint32_t *own) {
  for (int j = 0; j < FM__CU_ROWS; j++) {
    uint64_t bits;
    if (j < p->rows && cu_judge(job, image, p->y + j, p->x, pixels->label[j], pixels->cell[j],
                                pixels->loss[j], tally, own, &bits))
      cu_store(cu_at(&job->out, image, p->y + j, p->x), job->out.element, bits);
  }
}

FM__CU_OUTPUT_KERNEL(filter_output, filter, tally)

/* Empties statuses and what is added up. */
FM__CU_KERNEL(start) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    int64_t first = FM__CU_BLOCK * FM__CU_THREADS + t, step = FM__CU_BLOCKS * FM__CU_THREADS;
    for (int64_t i = first; i < job->zero_count; i += step) job->zeros[i] = 0;
    for (int64_t i = first; job->status && i < job->images; i += step)
      cu_status_clear(&job->status[i]);
  }
}

FM__CU_FN void cu_describe(cu_job job, int32_t image, fm_cuda_status *s) {
  float loss;
  int rank = cu_status_place(job, image, s);
  if (job->queries.data && rank == cu_rank_of(job, CU_QUERY)) {
    s->value = cu_class_logit(job, image, s->y, s->x);
    cu_status_set(s, FM__CU_BAD_QUERY, FM_ERR_LOSS);
  } else if (rank == cu_rank_of(job, CU_MISFIT)) {
    s->other = job->out.dtype;
    cu_status_set(s, FM__CU_MISFIT, FM_ERR_LIMIT);
  } else if (job->score_strata && rank == cu_rank_of(job, CU_REFERENCE)) {
    s->value = (double)cu_expected_loss(job, image, s->y, s->x, s->other);
    cu_status_set(s, FM__CU_BAD_REFERENCE, FM_ERR_LOSS);
  } else if (!job->classes) { /* values of any number */
    s->value = (double)cu_float(cu_at(&job->loss, image, s->y, s->x), job->loss.dtype);
    cu_status_set(s, FM__CU_BAD_NUMBER, FM_ERR_LOSS);
  } else if (!job->fused && !job->loss.data) {
    (void)cu_status_label(job, image, s);
  } else if (!job->fused) {
    cu_status_loss(job, image, s);
  } else if (!cu_status_label(job, image, s)) {
    (void)cu_exact_loss(job, image, s->y, s->x, s->class_index, &loss, s);
  }
}

/* An image with a bad pixel comes out ignored and uncounted. */
FM__CU_FN void cu_give_up(cu_job job, int32_t image, uint32_t t) {
  const uint64_t bits = job->sink == FM__CU_LABELS ? job->dropped : 0;
  const int64_t tiles = (job->height * job->width + FM__CU_TILE - 1) / FM__CU_TILE;
  for (int64_t tile = 0; tile < tiles && job->out.data; tile++) {
    cu_run run = cu_run_of(job, tile, t);
    for (int i = 0; i < run.count; i++) {
      cu_store(cu_at(&job->out, image, run.y, run.x), job->out.element, bits);
      cu_step(job, &run.y, &run.x);
    }
  }
  for (int32_t i = (int32_t)t; job->counts && i < 2 * cu_cells(job); i += FM__CU_THREADS)
    job->counts[(int64_t)image * 2 * cu_cells(job) + i] = 0;
}

/* A block for each image: completes its status before anything that this is about is overwritten. Bad images are
 * few: one block is enough, and a launch of more would cost all calls. */
FM__CU_KERNEL(finish) {
  FM__CU_START;
  if (cu_is_good(job, FM__CU_IMAGE)) return;
  FM__CU_EACH_THREAD(t) {
    if (t == 0) cu_describe(job, FM__CU_IMAGE, &job->status[FM__CU_IMAGE]);
  }
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) cu_give_up(job, FM__CU_IMAGE, t);
}

#endif
