/* cuda/planes.h - reads a caller's batches. */
#ifndef FM_CUDA_PLANES_H
#define FM_CUDA_PLANES_H

#include "core/view.h"
#include "cuda/job.h"

/* More queries than networks have. */
#define FM__CU_MOST_QUERIES (INT64_C(1) << 20)

/* One batch as the caller gave it, checked, for comparing it with others. */
typedef struct fm__cu_batch {
  fm_volume volume;             /* with strides filled in; data NULL: there is none */
  int64_t images, image_stride; /* of an output, whose volume is that of one image */
  const char *what;
  fm_volume class_logits; /* of an output of queries; else data NULL */
} fm__cu_batch;

/* Checks a batch [N, H, W]. */
fm_status fm__cu_read(fm__cu_batch *batch, const fm_volume *volume, unsigned types,
                      const char *what, fm_error *err);

/* What has been read, as kernels take it. */
fm__cu_planes fm__cu_planes_of(const fm_volume *volume);

/* The mask: also sets the job's size. */
fm_status fm__cu_read_mask(fm__cu_job *job, fm__cu_batch *batch, const fm_volume *volume,
                           fm_error *err);

/* A batch of the mask's size, into `planes`. */
fm_status fm__cu_read_like(fm__cu_planes *planes, fm__cu_batch *batch, const fm__cu_batch *mask,
                           const fm_volume *volume, unsigned types, const char *what,
                           fm_error *err);

/* Strata where there are several, of the job's cells or ranks; NULL, and only NULL, where there is one. */
fm_status fm__cu_read_strata(fm__cu_job *job, fm__cu_batch *batch, const fm__cu_batch *mask,
                             const fm_volume *strata, fm_error *err);

/* Refuses an output that shares a byte with an input; with `in_place` it may be the very same memory. What
 * lies between the first and the last byte of a batch counts as its own. */
fm_status fm__cu_check_output(const fm__cu_batch *out, const fm__cu_batch *in, bool in_place,
                              fm_error *err);

/* An output of a network of `channels` channels, which `known` gets with all its fields. */
fm_status fm__cu_read_values(fm__cu_job *job, const fm_cuda_output *output, fm_cuda_output *known,
                             fm__cu_batch *batch, const fm__cu_batch *mask, int32_t channels,
                             fm_error *err);

/* The class logits of queries whose mask logits have been read. */
fm_status fm__cu_read_class_logits(fm__cu_job *job, fm__cu_batch *values, const fm_volume *logits,
                                   const fm__cu_batch *mask, fm_error *err);

/* NULL where there has to be device memory, or not aligned to `align`. */
fm_status fm__cu_check_memory(const void *memory, size_t align, const char *what, fm_error *err);

/* A workspace that is too small. */
fm_status fm__cu_check_workspace(const void *workspace, size_t size, size_t needed, fm_error *err);

#endif
