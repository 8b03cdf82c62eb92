/* job/references.c - the real image of each synthetic image's mask. */
#include "job/references.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "job/reference_codes.h"

/* ---- Pairs ---------------------------------------------------------------------------- */

static int pair(references *r, const filter_job *job, const folder *synthetic, fault *f) {
  size_t first = 0;
  int code = families_find(r->ws, synthetic, job->shard.count > 1, &r->masks, &r->of, f);
  for (size_t i = 0; i < synthetic->count && !code; i++)
    if (families_real(&r->of, i) == SIZE_MAX && !r->missing++) first = i;
  if (code || !r->missing || job->criterion.allow_unpaired) return code;
  char *mask = folder_path(synthetic, &synthetic->files[first]);
  code =
      fault_set(f, EXIT_DATA,
                "%s: is named after no real mask of %s, whose losses --policy paired compares "
                "with (%zu of %zu masks have none; names are '%s' or the real mask's); "
                "--synthetic-name says how masks are named, --allow-unpaired judges them without",
                mask, r->masks.path, r->missing, synthetic->count, r->of.set.pattern);
  free(mask);
  return code;
}

/* A model that is fitted is fitted again, so that each real image is judged by a model without it, as
 * for the statistics. It must come out the same. */
static int take_model(loss_source *source, const job_common *common, const stats_file *stats,
                      const char *stats_path, fault *f) {
  if (!loss_source_needs_model(source))
    return loss_source_use_model(source, stats->provider, stats_path, f);
  int code = loss_source_fit(source, (int)common->threads, common->quiet, f);
  if (code) return code;
  json_t *model = loss_source_model(source);
  if (!json_equal(model, stats->provider))
    code = fault_set(f, EXIT_DATA,
                     "%s: was made of another real set, expected that of --real-masks", stats_path);
  json_decref(model);
  return code;
}

/* The losses of the real set are made as for the statistics. */
static int open_losses(references *r, const filter_job *job, const stats_file *stats, fault *f) {
  int code = loss_source_open(r->ws->context, r->ws->labels, &job->real.loss, &r->masks, false,
                              &r->source, f);
  return code ? code : take_model(r->source, &job->common, stats, job->stats, f);
}

static int list(references *r, const filter_job *job, const stats_file *stats, fault *f) {
  if (!job->references)
    return workspace_masks(r->ws, job->real.masks, (folder_shard){0, 1}, &r->masks, NULL, NULL, f);
  r->codes = stats_ranks(stats->stats);
  int code = reference_codes_check(job->references, stats->stats, job->stats, f);
  return code ? code : folder_list(FOLDER_STRATA, job->references, NULL, &r->masks, f);
}

int references_open(const workspace *ws, const filter_job *job, const folder *masks,
                    const stats_file *stats, references *out, fault *f) {
  *out = (references){.ws = ws};
  int code = list(out, job, stats, f);
  if (!code) code = pair(out, job, masks, f);
  if (!code && !job->references) code = open_losses(out, job, stats, f);
  if (code) references_close(out);
  return code;
}

void references_close(references *r) {
  loss_source_close(r->source);
  families_free(&r->of);
  folder_free(&r->masks);
  *r = (references){0};
}

/* ---- Planes --------------------------------------------------------------------------- */

void reference_cache_clear(reference_cache *cache) {
  if (cache->full && !cache->codes.data) loss_map_free(&cache->loss);
  fm_raster_destroy(cache->mask);
  free(cache->path);
  *cache = (reference_cache){0};
}

static int fill(const references *r, size_t index, reference_cache *cache, fault *f) {
  reference_cache_clear(cache);
  int code =
      workspace_read_mask(r->ws, &r->masks, index, &cache->seen[0], &cache->mask, &cache->path, f);
  if (code) return code;
  cache->index = index;
  if (r->codes) {
    cache->codes = fm_raster_plane(cache->mask);
    cache->full = true;
    if (cache->codes.dtype == FM_U8) return EXIT_FINE;
    return fault_set(f, EXIT_DATA, "%s: references have 8 bits, but these have more", cache->path);
  }
  loss_request request = {index, fm_raster_plane(cache->mask), &cache->seen[1]};
  code = loss_source_get(r->source, &request, 1, &cache->loss, f);
  cache->full = !code;
  return code;
}

static size_t partner_of(const references *r, size_t index) {
  return r->of.real ? families_real(&r->of, index) : SIZE_MAX;
}

int references_get(const references *r, size_t index, reference_cache *cache, input_seen *seen,
                   const fm_plane **out, fault *f) {
  *out = NULL;
  const size_t real = partner_of(r, index);
  if (real == SIZE_MAX) return EXIT_FINE;
  if (!cache->full || cache->index != real) {
    int code = fill(r, real, cache, f);
    if (code) return code;
  }
  memcpy(seen, cache->seen, sizeof cache->seen);
  *out = r->codes ? &cache->codes : &cache->loss.plane;
  return EXIT_FINE;
}

char *references_path(const references *r, size_t index, int which) {
  const size_t real = partner_of(r, index);
  if (real == SIZE_MAX) return NULL;
  if (which == 0) return folder_path(&r->masks, &r->masks.files[real]);
  if (r->codes) return NULL;
  return which == 1 ? loss_source_path(r->source, real) : loss_source_second_path(r->source, real);
}
