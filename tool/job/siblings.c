/* job/siblings.c - other synthetic images of a mask. */
#include "job/siblings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* ---- Who they are ----------------------------------------------------------------------- */

/* The entry of the sibling `at` of a mask, which is not its own; NULL: there is no such. */
static const synthetic_entry *find(const siblings *s, size_t mask_index, size_t at) {
  size_t count;
  if (!s->source) return NULL;
  const synthetic_entry *list = families_of(s->of, mask_index, &count);
  for (size_t i = 0; i < count; i++)
    if (list[i].file != s->of->at[mask_index] && !at--) return &list[i];
  return NULL;
}

size_t siblings_count(const siblings *s, size_t mask_index) {
  size_t count, others = 0;
  if (!s->source) return 0;
  const synthetic_entry *list = families_of(s->of, mask_index, &count);
  for (size_t i = 0; i < count; i++) others += list[i].file != s->of->at[mask_index];
  return others;
}

bool siblings_are(const siblings *s, size_t mask_index, size_t other) {
  const size_t real = families_real(s->of, mask_index);
  return real != SIZE_MAX && real == families_real(s->of, other);
}

int siblings_open(const references *real, const filter_job *job, const stats_file *stats,
                  siblings *out, fault *f) {
  *out = (siblings){.ws = real->ws, .of = &real->of};
  loss_options loss = job->set.loss;
  loss.quiet = job->common.quiet;
  int code = synthetic_check_siblings(&real->of.set, f); /* of all shards */
  if (!code)
    code = loss_source_open(real->ws->context, real->ws->labels, &loss, real->of.files, false,
                            &out->source, f);
  if (!code) code = loss_source_use_model(out->source, stats->provider, job->stats, f);
  return code;
}

void siblings_close(siblings *s) {
  loss_source_close(s->source);
  *s = (siblings){0};
}

/* ---- What they lose --------------------------------------------------------------------- */

void sibling_cache_clear(sibling_cache *cache) {
  for (size_t i = 0; cache->of && i < cache->count; i++) loss_map_free(&cache->of[i].own);
  free(cache->of);
  free(cache->planes);
  *cache = (sibling_cache){0};
}

/* The family of a mask; what is known of another one is forgotten. */
static void use_family(const siblings *s, size_t mask_index, sibling_cache *cache) {
  size_t count;
  const size_t real = families_real(s->of, mask_index);
  const synthetic_entry *list = families_of(s->of, mask_index, &count);
  if (cache->of && cache->real == real) return;
  sibling_cache_clear(cache);
  cache->real = real;
  cache->count = count;
  cache->of = alloc_zeroed(count, sizeof *cache->of);
  cache->planes = alloc_zeroed(count, sizeof *cache->planes);
  for (size_t i = 0; i < count; i++) cache->of[i].file = list[i].file;
}

void siblings_know(const siblings *s, size_t mask_index, const fm_plane *loss,
                   const input_seen seen[3], sibling_cache *cache) {
  if (!siblings_count(s, mask_index)) return;
  use_family(s, mask_index, cache);
  for (size_t i = 0; i < cache->count; i++) {
    sibling_loss *one = &cache->of[i];
    if (one->file != s->of->at[mask_index] || one->plane.data) continue;
    one->plane = *loss;
    memcpy(one->seen, seen, sizeof one->seen);
  }
}

/* A few of a family at a time: as many as the source takes. */
typedef struct few {
  size_t count;
  sibling_loss **of;
  fm_raster **masks;
  loss_request *requests;
  loss_map *losses;
} few;

static int read_mask(const siblings *s, few *some, const fm_plane *like, sibling_loss *one,
                     fault *f) {
  char *path;
  const size_t at = some->count;
  int code = workspace_read_mask(s->ws, s->of->files, one->file, &one->seen[0], &some->masks[at],
                                 &path, f);
  if (!code) {
    const fm_plane mask = fm_raster_plane(some->masks[at]);
    code = loss_check_size(like, mask.height, mask.width, "mask", path, f);
    some->of[at] = one;
    some->requests[at] = (loss_request){one->file, mask, &one->seen[1]};
    some->count++;
  }
  free(path);
  return code;
}

static int read_losses(const siblings *s, few *some, fault *f) {
  int code = some->count ? loss_source_get(s->source, some->requests, some->count, some->losses, f)
                         : EXIT_FINE;
  for (size_t i = 0; i < some->count; i++) {
    if (!code) some->of[i]->own = some->losses[i];
    if (!code) some->of[i]->plane = some->losses[i].plane;
    fm_raster_destroy(some->masks[i]);
  }
  some->count = 0;
  return code;
}

/* Those that are not known yet; not the mask's own. */
static int fill(const siblings *s, size_t own, const fm_plane *mask, sibling_cache *cache,
                fault *f) {
  const size_t batch = loss_source_batch(s->source);
  few some = {.of = alloc_zeroed(batch, sizeof *some.of),
              .masks = alloc_zeroed(batch, sizeof *some.masks),
              .requests = alloc_zeroed(batch, sizeof *some.requests),
              .losses = alloc_zeroed(batch, sizeof *some.losses)};
  int code = EXIT_FINE;
  for (size_t i = 0; i < cache->count && !code; i++) {
    sibling_loss *one = &cache->of[i];
    if (one->file == own || one->plane.data) continue;
    code = read_mask(s, &some, mask, one, f);
    if (!code && some.count == batch) code = read_losses(s, &some, f);
  }
  fault first = *f;
  const int last = read_losses(s, &some, f);
  if (code) *f = first;
  free(some.of);
  free(some.masks);
  free(some.requests);
  free(some.losses);
  return code ? code : last;
}

/* Images of one mask are of one size. */
static int check_size(const siblings *s, const fm_plane *mask, const sibling_loss *one, fault *f) {
  const fm_plane *plane = &one->plane;
  if (plane->height == mask->height && plane->width == mask->width) return EXIT_FINE;
  char *path = folder_path(s->of->files, &s->of->files->files[one->file]);
  int code = loss_check_size(mask, plane->height, plane->width, "mask", path, f);
  free(path);
  return code;
}

int siblings_get(const siblings *s, size_t mask_index, const fm_plane *mask, sibling_cache *cache,
                 input_seen *seen, const fm_plane **out, int32_t *count, fault *f) {
  const size_t own = s->of->at[mask_index];
  *out = NULL;
  *count = 0;
  if (!siblings_count(s, mask_index)) return EXIT_FINE;
  use_family(s, mask_index, cache);
  int code = fill(s, own, mask, cache, f);
  for (size_t i = 0; i < cache->count && !code; i++) {
    const sibling_loss *one = &cache->of[i];
    if (one->file == own) continue;
    code = check_size(s, mask, one, f);
    for (int part = 0; part < 3; part++) input_join(seen, &one->seen[part]);
    cache->planes[(*count)++] = one->plane;
  }
  if (!code) *out = cache->planes;
  return code;
}

/* ---- Their files ------------------------------------------------------------------------ */

char **siblings_paths(const siblings *s, size_t mask_index, size_t *count) {
  const size_t others = siblings_count(s, mask_index);
  char **paths = others ? alloc_zeroed(3 * others, sizeof *paths) : NULL;
  *count = 0;
  for (size_t i = 0; i < others; i++) {
    const size_t file = find(s, mask_index, i)->file;
    paths[(*count)++] = folder_path(s->of->files, &s->of->files->files[file]);
    paths[(*count)++] = loss_source_path(s->source, file);
    char *second = loss_source_second_path(s->source, file);
    if (second) paths[(*count)++] = second;
  }
  return paths;
}

char *siblings_path(const siblings *s, size_t mask_index, size_t at) {
  const synthetic_entry *one = find(s, mask_index, at);
  return one ? loss_source_path(s->source, one->file) : NULL;
}
