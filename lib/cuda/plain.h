/* cuda/plain.h - masks of packed bytes and loss maps of packed floats, as most are: a thread takes its whole run at
 * once, and what labels come to is in the block's own memory. */
#ifndef FM_CUDA_PLAIN_H
#define FM_CUDA_PLAIN_H

#include "cuda/walk.h"

/* What a label comes to: its cell, FM__CLASS_IGNORE or FM__CLASS_INVALID, and the bits of the largest loss that
 * is kept; of what has no cell, more than any loss has. */
typedef struct FM__CU_ALIGN(8) cu_entry {
  int32_t cell, limit;
} cu_entry;

FM__CU_FN float cu_threshold(cu_job job, int32_t image, int32_t cell) {
  return job->thresholds[image * job->limit_step + cell];
}

/* One for each thread of a block. */
FM__CU_FN void cu_entries_fill(cu_job job, int32_t image, uint32_t t, cu_entry *entries) {
  if (!job->plain || t >= FM__CU_LABELS_OF_BYTE) return;
  cu_entry e;
  e.cell = job->classes[t];
  e.limit = INT32_MAX;
  if (e.cell >= 0 && job->thresholds)
    e.limit = (int32_t)fm__float_bits(cu_threshold(job, image, e.cell));
  entries[t] = e;
}

/* The counters, which lie behind the entries. */
FM__CU_FN uint32_t *cu_own_counters(cu_job job, void *own) {
  return (uint32_t *)own + (job->plain ? FM__CU_TABLE_BYTES / sizeof(uint32_t) : 0);
}

/* FM__CU_RUN labels or bytes. */
typedef struct FM__CU_ALIGN(16) cu_bytes {
  uint32_t words[FM__CU_RUN / 4];
} cu_bytes;

typedef struct cu_plain {
  cu_bytes labels;
  cu_four_floats losses[FM__CU_RUN / 4];
} cu_plain;

FM__CU_INLINE uint32_t cu_plain_bits(const cu_plain *p, int i) {
  return fm__float_bits(p->losses[i / 4].of[i % 4]);
}

/* False: the run is to be taken pixel by pixel, being short, or having losses that are none or rounded. */
FM__CU_INLINE bool cu_plain_load(cu_job job, int32_t image, const cu_run *run, cu_plain *p) {
  uint32_t most = 0;
  if (!job->plain || run->count < FM__CU_RUN) return false;
  const void *losses = cu_run_at(&job->loss, image, run);
  p->labels = *(const cu_bytes *)(const void *)cu_run_at(&job->mask, image, run);
  for (int i = 0; i < FM__CU_RUN / 4; i++) p->losses[i] = ((const cu_four_floats *)losses)[i];
  for (int i = 0; i < FM__CU_RUN; i++)
    most = cu_plain_bits(p, i) > most ? cu_plain_bits(p, i) : most;
  return most < FM__INFINITY_BITS;
}

/* Notes the labels of a run that are none. */
FM__CU_APART void cu_plain_note(cu_job job, int32_t image, cu_run run, const cu_entry *entries) {
  for (int i = 0; i < FM__CU_RUN; i++) {
    int64_t label = cu_label(cu_at(&job->mask, image, run.y, run.x), FM_U8);
    if (entries[label].cell == FM__CLASS_INVALID)
      cu_bad(job, image, cu_rank_of(job, CU_LABEL), run.y, run.x);
    cu_step(job, &run.y, &run.x);
  }
}

/* ---- The frame of kernels that look at each pixel once ---------------------------------------- */

/* Of a loss map. A thread adds up what it meets in a cu_`kind`, which it hands to the counters of its block
 * (cu_`kind`_flush); these are cleared before (cu_`kind`_clear) and handed on behind (cu_`kind`_deliver). A whole run goes
 * through cu_`name`_plain, else pieces of it through cu_`name`_piece. */
#define FM__CU_MAP_KERNEL(name, kind)                                                \
  FM__CU_KERNEL(name) {                                                              \
    FM__CU_START;                                                                    \
    FM__CU_OWN(cu_entry, entries);                                                   \
    uint32_t *const own = cu_own_counters(job, entries);                             \
    FM__CU_EACH_THREAD(t) {                                                          \
      cu_entries_fill(job, FM__CU_IMAGE, t, entries);                                \
      cu_##kind##_clear(job, t, own);                                                \
    }                                                                                \
    FM__CU_BARRIER();                                                                \
    FM__CU_EACH_THREAD(t) {                                                          \
      cu_##kind sum = {0};                                                           \
      sum.cell = -1;                                                                 \
      uint32_t *counters = job->own_counters ? own : NULL;                           \
      cu_run run = cu_run_of(job, FM__CU_BLOCK, t);                                  \
      cu_plain plain;                                                                \
      if (cu_plain_load(job, FM__CU_IMAGE, &run, &plain))                            \
        cu_##name##_plain(job, FM__CU_IMAGE, &run, &plain, entries, &sum, counters); \
      else                                                                           \
        for (; run.count; cu_run_next(job, &run))                                    \
          cu_##name##_piece(job, FM__CU_IMAGE, &run, &sum, counters);                \
      cu_##kind##_flush(job, FM__CU_IMAGE, &sum, counters);                          \
    }                                                                                \
    FM__CU_BARRIER();                                                                \
    FM__CU_EACH_THREAD(t) cu_##kind##_deliver(job, FM__CU_IMAGE, t, own);            \
  }

/* The same of an output, a column of pixels at a time: cu_`work`_column. */
#define FM__CU_OUTPUT_KERNEL(name, work, kind)                            \
  FM__CU_WIDE_KERNEL(name) {                                              \
    FM__CU_START;                                                         \
    FM__CU_OWN(uint32_t, own);                                            \
    FM__CU_EACH_THREAD(t) cu_##kind##_clear(job, t, own);                 \
    FM__CU_BARRIER();                                                     \
    FM__CU_EACH_THREAD(t) {                                               \
      cu_##kind sum = {0};                                                \
      sum.cell = -1;                                                      \
      uint32_t *counters = job->own_counters ? own : NULL;                \
      cu_column_place p = cu_column_of(job, FM__CU_BLOCK, t);             \
      cu_column_pixels pixels;                                            \
      if (p.rows) cu_column_read(job, FM__CU_IMAGE, &p, &pixels);         \
      cu_##work##_column(job, FM__CU_IMAGE, &p, &pixels, &sum, counters); \
      cu_##kind##_flush(job, FM__CU_IMAGE, &sum, counters);               \
    }                                                                     \
    FM__CU_BARRIER();                                                     \
    FM__CU_EACH_THREAD(t) cu_##kind##_deliver(job, FM__CU_IMAGE, t, own); \
  }

#endif
