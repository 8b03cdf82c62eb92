/* job/filter_counts.c - what a run of `filter` counts beside the masks. */
#include <stdlib.h>

#include "job/filter_run.h"
#include "job/mask_store.h"

void filter_run_counts_open(const filter_run *r, filter_counts *out) {
  *out = (filter_counts){0};
  loss_table_open(r->ws.labels, r->counts.losses.stops, &out->losses);
  if (r->own_stop < 0) loss_table_open(r->ws.labels, NULL, &out->kept);
  confusion_open(r->counts.confused.class_count, &out->confused);
  agreement_open(r->counts.alike.class_count, &out->alike);
}

void filter_run_counts_close(filter_run *r, filter_counts *counts) {
  filter_counts *all = &r->counts;
  loss_table_merge(&all->losses, &counts->losses);
  if (r->own_stop < 0) loss_table_merge(&all->kept, &counts->kept);
  confusion_merge(&all->confused, &counts->confused);
  agreement_merge(&all->alike, &counts->alike);
  loss_table_free(&counts->losses);
  loss_table_free(&counts->kept);
  confusion_free(&counts->confused);
  agreement_free(&counts->alike);
}

int32_t *filter_run_count(const filter_run *r, const fm_plane *mask, const loss_map *loss,
                          const mask_others *others, filter_counts *counts) {
  loss_table_add(&counts->losses, r->ws.labels, mask, &loss->plane);
  agreement_add(&counts->alike, &r->ranks, r->ws.labels, mask, &loss->plane, others->reference,
                others->ranks != 0);
  return loss->shown ? confusion_classes(r->ws.labels, mask) : NULL;
}

void filter_run_count_filtered(const filter_run *r, int32_t *before, const fm_plane *filtered,
                               const loss_map *loss, filter_counts *counts) {
  confusion_add(&counts->confused, r->ws.labels, before, filtered, loss->shown);
  if (r->own_stop < 0) loss_table_add(&counts->kept, r->ws.labels, filtered, &loss->plane);
  free(before);
}

/* ---- Of an earlier command ------------------------------------------------------------------ */

/* A network is not run once more for the sake of a correlation. */
static int get_reference(const filter_run *r, size_t index, reference_cache *cache,
                         mask_others *others, fault *f) {
  input_seen ignored[3];
  *others = (mask_others){.ranks = r->real.codes};
  if (!r->counts.alike.class_count || loss_provider_is_plugin(r->job->real.loss.provider))
    return EXIT_FINE;
  return references_get(&r->real, index, cache, ignored, &others->reference, f);
}

int filter_run_recount(const filter_run *r, size_t index, const char *path,
                       reference_cache *reference, filter_counts *counts, fault *f) {
  mask_batch batch;
  mask_others others;
  mask_target target;
  int32_t *before = NULL;
  fm_raster *filtered = NULL;
  fm_error err;
  int code = get_reference(r, index, reference, &others, f);
  if (!code) code = mask_batch_open(&r->ws, &r->strata, r->source, &index, 1, NULL, &batch, f);
  if (code) return code;
  const loss_map *loss = &batch.losses[0];
  code = mask_target_open(r->ws.labels, &batch.requests[0].mask, batch.paths[0], &target, f);
  if (!code) {
    before = filter_run_count(r, &target.mask, loss, &others, counts);
    mask_target_close(&target);
  }
  if (!code && (r->own_stop < 0 || before) &&
      fm_mask_read(r->ws.context, path, NULL, &filtered, &err))
    code = fault_library(f, &err, path);
  if (filtered) {
    const fm_plane plane = fm_raster_plane(filtered);
    filter_run_count_filtered(r, before, &plane, loss, counts);
    fm_raster_destroy(filtered);
  } else {
    free(before);
  }
  mask_batch_close(&batch);
  return code;
}
