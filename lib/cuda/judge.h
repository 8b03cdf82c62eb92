/* cuda/judge.h - kernels that write a filtered mask, weights or losses, and count. */
#ifndef FM_CUDA_JUDGE_H
#define FM_CUDA_JUDGE_H

#include "cuda/walk.h"

/* Pixels of one cell that a thread has met in a row. */
typedef struct cu_tally {
  int32_t cell;
  uint32_t valid, dropped;
} cu_tally;

FM__CU_FN void cu_tally_flush(cu_job job, int32_t image, const cu_tally *tally, uint32_t *own) {
  if (!tally->valid || !job->counts) return;
  if (own) {
    cu_add32(own + 2 * tally->cell, tally->valid);
    if (tally->dropped) cu_add32(own + 2 * tally->cell + 1, tally->dropped);
    return;
  }
  int64_t cells = (int64_t)job->class_count * job->strata_count;
  int64_t *counts = job->counts + 2 * (image * cells + tally->cell);
  cu_add64(counts, tally->valid);
  if (tally->dropped) cu_add64(counts + 1, tally->dropped);
}

FM__CU_FN void cu_tally_add(cu_job job, int32_t image, cu_tally *tally, int32_t cell, bool dropped,
                            uint32_t *own) {
  if (cell != tally->cell) {
    cu_tally_flush(job, image, tally, own);
    tally->cell = cell;
    tally->valid = tally->dropped = 0;
  }
  tally->valid++;
  tally->dropped += dropped;
}

FM__CU_FN uint64_t cu_weight(cu_job job, int32_t cell, float loss, bool dropped) {
  if (!job->soft) return dropped ? job->dropped : job->kept;
  double weight = fm__weight_of(&job->weigh, (double)loss, (double)job->thresholds[cell]);
  return fm__weight_bits(weight, job->out.dtype);
}

/* The bits of one pixel. False: it is to be left alone, because it is bad and its status can then still be
 * found. */
FM__CU_INLINE bool cu_judge(cu_job job, int32_t image, int64_t y, int64_t x, int64_t label,
                            int32_t cell, float loss, cu_tally *tally, uint32_t *own,
                            uint64_t *bits) {
  *bits = (uint64_t)label;
  if (cell == FM__CLASS_INVALID) return false;
  if (job->sink == FM__CU_LOSSES) {
    *bits = fm__float_bits(loss);
    return true;
  }
  bool dropped = false;
  if (cell >= 0) {
    int32_t limit = (int32_t)fm__float_bits(job->thresholds[cell]);
    dropped = (int32_t)fm__loss_bits(loss) > limit;
    cu_tally_add(job, image, tally, cell, dropped, own);
  }
  if (job->sink == FM__CU_WEIGHTS)
    *bits = cell < 0 ? 0 : cu_weight(job, cell, loss, dropped);
  else if (job->narrows && !cu_fits(job, label))
    cu_bad(job, image, cu_rank_of(job, CU_MISFIT), y, x);
  else if (dropped)
    *bits = job->dropped;
  return true;
}

/* ---- A block's own counters ------------------------------------------------------------- */

FM__CU_FN int32_t cu_counters(cu_job job) { return 2 * job->class_count * job->strata_count; }

FM__CU_FN void cu_counters_clear(cu_job job, uint32_t t, uint32_t *own) {
  if (!job->own_counters) return;
  for (int32_t i = (int32_t)t; i < cu_counters(job); i += FM__CU_THREADS) own[i] = 0;
}

FM__CU_FN void cu_counters_flush(cu_job job, int32_t image, uint32_t t, const uint32_t *own) {
  if (!job->own_counters || !job->counts) return;
  int64_t *counts = job->counts + (int64_t)image * cu_counters(job);
  for (int32_t i = (int32_t)t; i < cu_counters(job); i += FM__CU_THREADS)
    if (own[i]) cu_add64(counts + i, own[i]);
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
  cu_run_store(job, image, run, bits, kept);
}

FM__CU_KERNEL(filter) {
  FM__CU_START;
  FM__CU_OWN(uint32_t, own);
  FM__CU_EACH_THREAD(t) cu_counters_clear(job, t, own);
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) {
    cu_tally tally = {-1, 0, 0};
    uint32_t *counters = job->own_counters ? own : NULL;
    cu_run run = cu_run_of(job, FM__CU_BLOCK, t);
    for (; run.count; cu_run_next(job, &run))
      cu_filter_piece(job, FM__CU_IMAGE, &run, &tally, counters);
    cu_tally_flush(job, FM__CU_IMAGE, &tally, counters);
  }
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) cu_counters_flush(job, FM__CU_IMAGE, t, own);
}

FM__CU_KERNEL(filter_output) {
  FM__CU_START;
  FM__CU_OWN(uint32_t, own);
  FM__CU_EACH_THREAD(t) cu_counters_clear(job, t, own);
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) {
    cu_tally tally = {-1, 0, 0};
    uint32_t *counters = job->own_counters ? own : NULL;
    cu_column_place p = cu_column_of(job, FM__CU_BLOCK, t);
    cu_column_pixels pixels;
    if (p.rows) cu_column_read(job, FM__CU_IMAGE, &p, &pixels);
    for (int j = 0; j < FM__CU_ROWS; j++) {
      uint64_t bits;
      if (j < p.rows && cu_judge(job, FM__CU_IMAGE, p.y + j, p.x, pixels.label[j], pixels.cell[j],
                                 pixels.loss[j], &tally, counters, &bits))
        cu_store(cu_at(&job->out, FM__CU_IMAGE, p.y + j, p.x), job->out.element, bits);
    }
    cu_tally_flush(job, FM__CU_IMAGE, &tally, counters);
  }
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) cu_counters_flush(job, FM__CU_IMAGE, t, own);
}

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

/* Completes the statuses, before anything that they are about is overwritten. */
FM__CU_KERNEL(describe) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    if (t == 0 && !cu_is_good(job, FM__CU_IMAGE))
      cu_describe(job, FM__CU_IMAGE, &job->status[FM__CU_IMAGE]);
  }
}

/* Images with a bad pixel come out ignored and uncounted. */
FM__CU_KERNEL(give_up) {
  FM__CU_START;
  if (cu_is_good(job, FM__CU_IMAGE)) return;
  FM__CU_EACH_THREAD(t) {
    uint64_t bits = job->sink == FM__CU_LABELS ? job->dropped : 0;
    cu_run run = cu_run_of(job, FM__CU_BLOCK, t);
    for (int i = 0; i < run.count; i++) {
      cu_store(cu_at(&job->out, FM__CU_IMAGE, run.y, run.x), job->out.element, bits);
      cu_step(job, &run.y, &run.x);
    }
    if (job->counts && FM__CU_BLOCK == 0)
      for (int32_t i = (int32_t)t; i < cu_counters(job); i += FM__CU_THREADS)
        job->counts[(int64_t)FM__CU_IMAGE * cu_counters(job) + i] = 0;
  }
}

#endif
