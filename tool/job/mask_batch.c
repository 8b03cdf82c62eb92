/* job/mask_batch.c - masks and losses, batch by batch. */
#include "job/mask_batch.h"

#include <stdlib.h>

#include "base/alloc.h"

static int read_planes(const workspace *ws, const strata_folder *strata, input_parts *seen,
                       mask_batch *m, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < m->count && !code; i++) {
    size_t index = m->indices[i];
    input_seen *parts = seen ? seen[i].of : NULL;
    code = workspace_read_mask(ws, strata->masks, index, parts ? parts + PART_MASK : NULL,
                               &m->rasters[i], &m->paths[i], f);
    if (code) return code;
    m->requests[i] =
        (loss_request){index, fm_raster_plane(m->rasters[i]), parts ? parts + PART_LOSS : NULL};
    code = strata_get(strata, index, &m->requests[i].mask, parts ? parts + PART_STRATA : NULL,
                      &m->strata_rasters[i], &m->strata[i], f);
  }
  return code;
}

static int get_losses(const loss_source *source, mask_batch *m, fault *f) {
  const size_t most = loss_source_batch(source);
  int code = EXIT_FINE;
  for (size_t at = 0; at < m->count && !code; at += most) {
    const size_t left = m->count - at;
    code = loss_source_get(source, m->requests + at, left < most ? left : most, m->losses + at, f);
  }
  return code;
}

int mask_batch_open(const workspace *ws, const strata_folder *strata, const loss_source *source,
                    const size_t *indices, size_t count, input_parts *seen, mask_batch *out,
                    fault *f) {
  *out = (mask_batch){.count = count, .indices = indices};
  out->rasters = alloc_zeroed(count, sizeof *out->rasters);
  out->paths = alloc_zeroed(count, sizeof *out->paths);
  out->requests = alloc_zeroed(count, sizeof *out->requests);
  out->losses = alloc_zeroed(count, sizeof *out->losses);
  out->strata_rasters = alloc_zeroed(count, sizeof *out->strata_rasters);
  out->strata = alloc_zeroed(count, sizeof *out->strata);
  int code = read_planes(ws, strata, seen, out, f);
  if (!code) code = get_losses(source, out, f);
  if (code) mask_batch_close(out);
  return code;
}

const fm_extra_planes *mask_batch_extra(mask_batch *batch, size_t at, const mask_others *others) {
  const fm_plane *strata = batch->strata[at].data ? &batch->strata[at] : NULL;
  const mask_others known = others && others->reference ? *others : (mask_others){0};
  batch->extra = (fm_extra_planes){.size = sizeof batch->extra,
                                   .strata = strata,
                                   .reference = known.reference,
                                   .reference_ranks = known.ranks,
                                   .siblings = known.sibling_count ? known.siblings : NULL,
                                   .sibling_count = known.sibling_count};
  return strata || known.reference ? &batch->extra : NULL;
}

/* Shapes and types have been checked: what is wrong with an argument is a stratum. */
int mask_batch_blame(const mask_batch *batch, const strata_folder *strata,
                     const loss_source *source, size_t at, const fm_error *err, fault *f) {
  char *path = err->code == FM_ERR_ARGUMENT ? strata_path(strata, batch->indices[at]) : NULL;
  int code = path ? fault_file(f, err, path)
                  : loss_source_blame(source, batch->indices[at], batch->paths[at], err, f);
  free(path);
  return code;
}

void mask_batch_close(mask_batch *batch) {
  for (size_t i = 0; i < batch->count; i++) {
    loss_map_free(&batch->losses[i]);
    fm_raster_destroy(batch->rasters[i]);
    strata_free(batch->strata_rasters[i], &batch->strata[i]);
    free(batch->paths[i]);
  }
  free(batch->losses);
  free(batch->requests);
  free(batch->paths);
  free(batch->rasters);
  free(batch->strata_rasters);
  free(batch->strata);
  *batch = (mask_batch){0};
}
