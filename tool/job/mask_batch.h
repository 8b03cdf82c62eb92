/* job/mask_batch.h - some masks and their loss maps at a time. */
#ifndef FREEMASK_TOOL_MASK_BATCH_H
#define FREEMASK_TOOL_MASK_BATCH_H

#include "job/input_parts.h"
#include "job/strata.h"
#include "job/workspace.h"
#include "losses/loss_source.h"

/* What other images of a mask's scene lose. Zero: nothing is known. */
typedef struct mask_others {
  const fm_plane *reference; /* of the real image; NULL: none */
  uint64_t ranks;            /* it is codes, made with these; 0: it is losses */
  const fm_plane *siblings;  /* of other synthetic images */
  int32_t sibling_count;
} mask_others;

typedef struct mask_batch {
  size_t count;
  const size_t *indices; /* of the folder's masks, borrowed */
  fm_raster **rasters;
  char **paths;
  loss_request *requests; /* the masks as planes */
  loss_map *losses;
  fm_raster **strata_rasters; /* NULL without strata */
  fm_plane *strata;
  fm_extra_planes extra; /* of the mask that mask_batch_extra was asked for */
} mask_batch;

/* Reads the masks and strata and gets the losses, as many at once as the source takes; `seen` [count],
 * unless it is NULL, gets what the files were. On failure there is nothing to free. */
int mask_batch_open(const workspace *ws, const strata_folder *strata, const loss_source *source,
                    const size_t *indices, size_t count, input_parts *seen, mask_batch *out,
                    fault *f);

/* The planes in addition to a mask and its losses; NULL if there are none. They live as long as the
 * batch and the others, which may be NULL, up to the next call. */
const fm_extra_planes *mask_batch_extra(mask_batch *batch, size_t at, const mask_others *others);

/* Turns an error of a call that got all planes of a mask into a fault that names the right file. */
int mask_batch_blame(const mask_batch *batch, const strata_folder *strata,
                     const loss_source *source, size_t at, const fm_error *err, fault *f);
void mask_batch_close(mask_batch *batch);

#endif
