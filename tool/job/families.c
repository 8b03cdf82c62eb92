/* job/families.c - which synthetic images were made of one real mask. */
#include "job/families.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/folder_pair.h"

/* Both are sorted by stem. */
static size_t *find_places(const folder *masks, const folder *all) {
  size_t *at = alloc_zeroed(masks->count, sizeof *at);
  for (size_t i = 0, k = 0; i < masks->count; i++) {
    while (k + 1 < all->count && strcmp(all->files[k].stem, masks->files[i].stem) < 0) k++;
    at[i] = k;
  }
  return at;
}

static size_t *find_real(const families *all) {
  size_t *real = alloc_zeroed(all->files->count, sizeof *real);
  for (size_t i = 0; i < all->files->count; i++) real[i] = SIZE_MAX;
  for (size_t i = 0; i < all->set.count; i++)
    real[all->set.entries[i].file] = all->set.entries[i].real;
  for (size_t i = 0; i < all->files->count; i++) {
    if (real[i] != SIZE_MAX) continue;
    const folder_file *same =
        folder_find_any(all->set.real, all->files->files[i].stem, folder_find);
    if (same) real[i] = (size_t)(same - all->set.real->files);
  }
  return real;
}

int families_find(const workspace *ws, const folder *masks, bool sharded, const folder *real,
                  families *out, fault *f) {
  int code = EXIT_FINE;
  if (sharded)
    code = workspace_masks(ws, masks->path, (folder_shard){0, 1}, &out->listed, NULL, NULL, f);
  out->files = sharded ? &out->listed : masks;
  if (!code) code = synthetic_match(real, out->files, &out->set, f);
  if (code) return code;
  synthetic_tell_guess(&out->set);
  out->at = find_places(masks, out->files);
  out->real = find_real(out);
  return EXIT_FINE;
}

void families_free(families *all) {
  synthetic_free(&all->set);
  free(all->at);
  free(all->real);
  folder_free(&all->listed);
  *all = (families){0};
}

size_t families_real(const families *all, size_t mask_index) {
  return all->real[all->at[mask_index]];
}

const synthetic_entry *families_of(const families *all, size_t mask_index, size_t *count) {
  const size_t real = families_real(all, mask_index);
  *count = 0;
  return real == SIZE_MAX ? NULL : synthetic_of(&all->set, real, count);
}
