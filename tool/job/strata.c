/* job/strata.c - planes of strata by stem. */
#include "job/strata.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/path.h"

/* By the mask's stem, or by its full name, suffix included. */
static const folder_file *find(const strata_folder *s, const folder_file *mask) {
  const folder_file *found = folder_find(&s->files, mask->stem);
  if (found) return found;
  char *full = path_stem(mask->relative, "");
  found = folder_find(&s->files, full);
  free(full);
  return found;
}

static int pair(strata_folder *s, bool lenient, fault *f) {
  size_t missing = 0, first = 0;
  s->partner = alloc_zeroed(s->masks->count, sizeof *s->partner);
  for (size_t i = 0; i < s->masks->count; i++) {
    s->partner[i] = find(s, &s->masks->files[i]);
    if (!s->partner[i] && !missing++) first = i;
  }
  if (!missing || lenient) return EXIT_FINE;
  char *mask = folder_path(s->masks, &s->masks->files[first]);
  int code = fault_set(f, EXIT_DATA, "%s: no strata '%s.png' in %s (%zu of %zu masks have none)",
                       mask, s->masks->files[first].stem, s->files.path, missing, s->masks->count);
  free(mask);
  return code;
}

int strata_open(fm_context *context, const char *path, const folder *masks, bool lenient,
                strata_folder *out, fault *f) {
  *out = (strata_folder){.context = context, .masks = masks};
  if (!path) return EXIT_FINE;
  int code = folder_list(FOLDER_STRATA, path, NULL, &out->files, f);
  if (!code) code = pair(out, lenient, f);
  if (code) strata_close(out);
  return code;
}

void strata_close(strata_folder *s) {
  free(s->partner);
  folder_free(&s->files);
  *s = (strata_folder){0};
}

bool strata_has(const strata_folder *s, size_t mask_index) {
  return !s->files.path || s->partner[mask_index];
}

char *strata_path(const strata_folder *s, size_t mask_index) {
  return s->files.path ? folder_path(&s->files, s->partner[mask_index]) : NULL;
}

static int check(const fm_plane *plane, const fm_plane *mask, const char *path, fault *f) {
  if (plane->dtype != FM_U8)
    return fault_set(f, EXIT_DATA, "%s: strata have 8 bits and are 0 to 254, but these have more",
                     path);
  if (plane->height == mask->height && plane->width == mask->width) return EXIT_FINE;
  fault_set(f, EXIT_DATA,
            "%s: the strata are %" PRId64 "x%" PRId64 ", their mask %" PRId64 "x%" PRId64
            ", expected equal sizes",
            path, plane->width, plane->height, mask->width, mask->height);
  f->status = FM_ERR_SHAPE;
  return EXIT_DATA;
}

int strata_get(const strata_folder *s, size_t mask_index, const fm_plane *mask, input_seen *seen,
               fm_raster **raster, fm_plane *out, fault *f) {
  fm_error err;
  *raster = NULL;
  *out = (fm_plane){0};
  if (!s->files.path) return EXIT_FINE;
  char *path = strata_path(s, mask_index);
  int code = EXIT_FINE;
  if (input_read(s->context, &input_mask, path, NULL, raster, seen, &err)) {
    code = fault_library(f, &err, path);
  } else {
    *out = fm_raster_plane(*raster);
    code = check(out, mask, path, f);
  }
  if (code) {
    fm_raster_destroy(*raster);
    *raster = NULL;
  }
  free(path);
  return code;
}
