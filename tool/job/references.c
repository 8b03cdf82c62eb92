/* job/references.c - the real image of each synthetic image's mask. */
#include "job/references.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "job/reference_codes.h"

/* ---- Pairs ---------------------------------------------------------------------------- */

/* The length of a stem without "_seed_<number>" at its end. */
static size_t length_without_seed(const char *stem) {
  static const char seed[] = "_seed_";
  size_t length = strlen(stem), digits = length;
  while (digits && stem[digits - 1] >= '0' && stem[digits - 1] <= '9') digits--;
  size_t start = digits >= strlen(seed) ? digits - strlen(seed) : length;
  return digits < length && start && !strncmp(stem + start, seed, strlen(seed)) ? start : length;
}

static const folder_file *find(const folder *real, const char *stem) {
  const folder_file *found = folder_find(real, stem);
  if (found) return found;
  char *mask = alloc_text(stem);
  mask[length_without_seed(stem)] = '\0';
  found = folder_find(real, mask);
  free(mask);
  return found;
}

static int pair(references *r, const folder *synthetic, bool lenient, fault *f) {
  size_t first = 0;
  r->partner = alloc_zeroed(synthetic->count, sizeof *r->partner);
  for (size_t i = 0; i < synthetic->count; i++) {
    const folder_file *found = find(&r->masks, synthetic->files[i].stem);
    r->partner[i] = found ? (size_t)(found - r->masks.files) : SIZE_MAX;
    if (!found && !r->missing++) first = i;
  }
  if (!r->missing || lenient) return EXIT_FINE;
  char *mask = folder_path(synthetic, &synthetic->files[first]);
  int length = (int)length_without_seed(synthetic->files[first].stem);
  fault_set(f, EXIT_DATA,
            "%s: no real mask '%.*s' in %s, whose losses --policy paired compares with (%zu of %zu "
            "masks have none); --allow-unpaired judges them without",
            mask, length, synthetic->files[first].stem, r->masks.path, r->missing,
            synthetic->count);
  free(mask);
  return EXIT_DATA;
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

int references_open(const workspace *ws, const job_common *common, const job_set *real,
                    const folder *synthetic, bool lenient, const stats_file *stats,
                    const char *stats_path, references *out, fault *f) {
  *out = (references){.ws = ws};
  int code = workspace_masks(ws, real->masks, (folder_shard){0, 1}, &out->masks, NULL, NULL, f);
  if (!code) code = pair(out, synthetic, lenient, f);
  if (!code)
    code =
        loss_source_open(ws->context, ws->labels, &real->loss, &out->masks, false, &out->source, f);
  if (!code) code = take_model(out->source, common, stats, stats_path, f);
  if (code) references_close(out);
  return code;
}

int references_open_codes(const workspace *ws, const char *path, const folder *synthetic,
                          bool lenient, const stats_file *stats, const char *stats_path,
                          references *out, fault *f) {
  *out = (references){.ws = ws, .codes = reference_codes_ranks(stats->stats)};
  int code = reference_codes_check(path, stats->stats, stats_path, f);
  if (!code) code = folder_list(FOLDER_STRATA, path, NULL, &out->masks, f);
  if (!code) code = pair(out, synthetic, lenient, f);
  if (code) references_close(out);
  return code;
}

void references_close(references *r) {
  loss_source_close(r->source);
  free(r->partner);
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

int references_get(const references *r, size_t index, reference_cache *cache, input_seen *seen,
                   const fm_plane **out, fault *f) {
  *out = NULL;
  if (!r->partner || r->partner[index] == SIZE_MAX) return EXIT_FINE;
  if (!cache->full || cache->index != r->partner[index]) {
    int code = fill(r, r->partner[index], cache, f);
    if (code) return code;
  }
  memcpy(seen, cache->seen, sizeof cache->seen);
  *out = r->codes ? &cache->codes : &cache->loss.plane;
  return EXIT_FINE;
}

char *references_path(const references *r, size_t index, int which) {
  if (!r->partner || r->partner[index] == SIZE_MAX) return NULL;
  size_t real = r->partner[index];
  if (which == 0) return folder_path(&r->masks, &r->masks.files[real]);
  if (r->codes) return NULL;
  return which == 1 ? loss_source_path(r->source, real) : loss_source_second_path(r->source, real);
}
