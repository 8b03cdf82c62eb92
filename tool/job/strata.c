/* job/strata.c - planes of strata by stem. */
#include "job/strata.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/path.h"

static int pair(strata_folder *s, bool lenient, fault *f) {
  int code = folder_pair(s->masks, &s->files, folder_find, "strata", &s->pairs, f);
  if (code || lenient || !s->pairs.missing) return code;
  return folder_pairs_missing(s->masks, &s->files, &s->pairs, "strata", f);
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
  folder_pairs_free(&s->pairs);
  folder_free(&s->files);
  *s = (strata_folder){0};
}

bool strata_has(const strata_folder *s, size_t mask_index) {
  return !s->files.path || s->pairs.of[mask_index];
}

char *strata_path(const strata_folder *s, size_t mask_index) {
  return s->files.path ? folder_path(&s->files, s->pairs.of[mask_index]) : NULL;
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

static int make_by_boundary(const strata_folder *s, const fm_plane *mask, fm_plane *out, fault *f) {
  fm_error err;
  *out = fm_plane_make(alloc_zeroed((size_t)(mask->height * mask->width), 1), FM_U8, mask->height,
                       mask->width);
  if (!fm_map_boundary_strata(s->context, mask, NULL, out, &err)) return EXIT_FINE;
  strata_free(NULL, out);
  return fault_library(f, &err, NULL);
}

void strata_free(fm_raster *raster, fm_plane *plane) {
  if (raster)
    fm_raster_destroy(raster);
  else
    free(plane->data);
  *plane = (fm_plane){0};
}

int strata_get(const strata_folder *s, size_t mask_index, const fm_plane *mask, input_seen *seen,
               fm_raster **raster, fm_plane *out, fault *f) {
  fm_error err;
  *raster = NULL;
  *out = (fm_plane){0};
  if (s->boundary) return make_by_boundary(s, mask, out, f);
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
    strata_free(*raster, out);
    *raster = NULL;
  }
  free(path);
  return code;
}
