/* job/mask_batch.c - masks and losses, batch by batch. */
#include "job/mask_batch.h"

#include <stdlib.h>

#include "base/alloc.h"

static int read_masks(const workspace *ws, const folder *masks, mask_batch *m, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < m->count && !code; i++) {
    code = workspace_read_mask(ws, masks, m->indices[i], &m->rasters[i], &m->paths[i], f);
    if (code) return code;
    m->requests[i] = (loss_request){m->indices[i], fm_raster_plane(m->rasters[i])};
  }
  return code;
}

int mask_batch_open(const workspace *ws, const folder *masks, const loss_source *source,
                    const size_t *indices, size_t count, mask_batch *out, fault *f) {
  *out = (mask_batch){.count = count, .indices = indices};
  out->rasters = alloc_zeroed(count, sizeof *out->rasters);
  out->paths = alloc_zeroed(count, sizeof *out->paths);
  out->requests = alloc_zeroed(count, sizeof *out->requests);
  out->losses = alloc_zeroed(count, sizeof *out->losses);
  int code = read_masks(ws, masks, out, f);
  if (!code) code = loss_source_get(source, out->requests, count, out->losses, f);
  if (code) mask_batch_close(out);
  return code;
}

void mask_batch_close(mask_batch *batch) {
  for (size_t i = 0; i < batch->count; i++) {
    loss_map_free(&batch->losses[i]);
    fm_raster_destroy(batch->rasters[i]);
    free(batch->paths[i]);
  }
  free(batch->losses);
  free(batch->requests);
  free(batch->paths);
  free(batch->rasters);
  *batch = (mask_batch){0};
}
