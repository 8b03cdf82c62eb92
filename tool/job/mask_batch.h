/* job/mask_batch.h - some masks and their loss maps at a time: as many as a source takes. */
#ifndef FREEMASK_TOOL_MASK_BATCH_H
#define FREEMASK_TOOL_MASK_BATCH_H

#include "job/workspace.h"
#include "losses/loss_source.h"

typedef struct mask_batch {
  size_t count;
  const size_t *indices; /* of the folder's masks, borrowed */
  fm_raster **rasters;
  char **paths;
  loss_request *requests; /* the masks as planes */
  loss_map *losses;
} mask_batch;

/* Reads the masks and gets their losses. On failure there is nothing to free. */
int mask_batch_open(const workspace *ws, const folder *masks, const loss_source *source,
                    const size_t *indices, size_t count, mask_batch *out, fault *f);
void mask_batch_close(mask_batch *batch);

#endif
