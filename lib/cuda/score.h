/* cuda/score.h - FM_SCORE_RANK on the device, and losses of outputs in memory, for what looks at them several times. */
#ifndef FM_CUDA_SCORE_H
#define FM_CUDA_SCORE_H

#include "cuda/device.h"
#include "cuda/planes.h"

/* The references that a call takes. */
typedef enum fm__cu_references {
  FM__CU_NO_REFERENCE,
  FM__CU_OPTIONAL_REFERENCE,
  FM__CU_REQUIRED_REFERENCE
} fm__cu_references;

/* What the score is made of. `strata` 0: there is none, losses are compared. */
typedef struct fm__cu_ranks {
  int32_t strata, tables, bins, shift;
  size_t steps_at, codes_at; /* in the extra tables of the space */
  uint64_t fingerprint;
  fm__cu_references references;
} fm__cu_ranks;

/* Tables of a handle on the way to the device; fm__cu_tables_free releases them, after a failure too. */
typedef struct fm__cu_tables {
  char *data;
  size_t size;
} fm__cu_tables;

/* Room for so many bytes behind what there is, at a multiple of 8; NULL: out of memory. */
void *fm__cu_tables_add(fm__cu_tables *tables, size_t size, fm_error *err);
void fm__cu_tables_free(fm__cu_tables *tables);

/* Adds the tables of statistics of losses; NULL: there are none. */
fm_status fm__cu_ranks_make(fm__cu_ranks *ranks, fm__cu_tables *tables, const fm_labels *labels,
                            const fm_class_stats *losses, fm_error *err);

/* Puts the ranks into a job. */
void fm__cu_ranks_use(const fm__cu_ranks *ranks, const fm__cu_space *space, fm__cu_job *job);

/* ---- Inputs ------------------------------------------------------------------------------- */

typedef struct fm__cu_extra {
  fm__cu_batch strata, reference, siblings;
} fm__cu_extra;

/* Reads what a call takes besides; the job has its ranks. */
fm_status fm__cu_read_extra(fm__cu_job *job, fm__cu_extra *known, const fm__cu_batch *mask,
                            const fm_cuda_extra *extra, const fm__cu_ranks *ranks, fm_error *err);

/* As fm__cu_check_output, of all that was read. */
fm_status fm__cu_check_output_extra(const fm__cu_batch *out, const fm__cu_extra *extra,
                                    fm_error *err);

/* ---- Work ---------------------------------------------------------------------------------- */

/* The masks that a workspace is for. */
typedef struct fm__cu_masks {
  int32_t images;
  int64_t height, width;
  bool fused; /* losses come from an output */
} fm__cu_masks;

/* Where an output's losses that are looked at several times and scores begin in a workspace, behind what a call
 * takes itself, and the end. */
typedef struct fm__cu_rooms {
  size_t losses, scores, end;
} fm__cu_rooms;

/* Whether a batch of such masks can be. */
bool fm__cu_is_batch(const fm__cu_masks *masks);

/* `keeps`: losses are looked at several times, as for scores they always are. */
fm__cu_rooms fm__cu_rooms_of(const fm__cu_ranks *ranks, int32_t classes, const fm__cu_masks *masks,
                             size_t own, bool keeps);

/* Those of a job that has been read. */
fm__cu_masks fm__cu_masks_of(const fm__cu_job *job);

/* Puts the losses of an output into memory, where the job then has them. */
void fm__cu_losses(fm__cu_call *call, char *memory);

/* Puts scores in the place of the job's losses. */
void fm__cu_scores(fm__cu_call *call, char *memory);

#endif
