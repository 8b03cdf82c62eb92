/* collect/collect_image.c - images: reading them, and bringing them where they belong. */
#define _XOPEN_SOURCE 700 /* link */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/folder_names.h"
#include "base/path.h"
#include "collect/collect.h"

enum { MOST_BYTES = 1 << 30 };

static const char *const types[] = {".jpg", ".jpeg", ".png"};
enum { TYPES = sizeof types / sizeof *types };

/* The first of the names that exists, `type` before the others; NULL if none does. */
static char *find(const char *without_type, const char *type) {
  for (size_t i = 0; i <= TYPES; i++) {
    text path = {0};
    text_add(&path, "%s%s", without_type, i ? types[i - 1] : type);
    if (path_exists(path.data)) return path.data;
    text_free(&path);
  }
  return NULL;
}

/* The whole file is decoded: half an image has the right size. */
static int look_at(fm_context *context, const char *name, result_file *file, findings *list,
                   fault *f) {
  fm_raster *raster;
  fm_error err;
  if (fm_image_decode(context, file->bytes, file->length, folder_read_options(), &raster, &err)) {
    fault why;
    fault_library(&why, &err, file->path);
    int code = findings_add_fault(list, FINDING_UNREADABLE, name, &why, f);
    if (code) return code;
    free(file->bytes);
    file->bytes = NULL;
    return EXIT_FINE;
  }
  fm_volume image = fm_raster_volume(raster);
  file->width = image.width;
  file->height = image.height;
  fm_raster_destroy(raster);
  return EXIT_FINE;
}

int collect_read(fm_context *context, const char *without_type, const char *type, const char *name,
                 bool look, result_file *out, findings *list, fault *f) {
  *out = (result_file){.path = find(without_type, type)};
  if (!out->path) return EXIT_FINE;
  int code = path_read(out->path, MOST_BYTES, &out->bytes, &out->length, f);
  if (code == EXIT_DATA) { /* too large to be an image */
    findings_add(list, FINDING_UNREADABLE, name, f->text);
    return EXIT_FINE;
  }
  if (!code && look) code = look_at(context, name, out, list, f);
  if (code) collect_free(out);
  return code;
}

void collect_free(result_file *file) {
  free(file->path);
  free(file->bytes);
  *file = (result_file){0};
}

static int copy(fm_context *context, const result_file *file, const char *target, fault *f) {
  fm_error err;
  if (fm_file_write(context, target, file->bytes, file->length, &err))
    return fault_library(f, &err, target);
  return EXIT_FINE;
}

int collect_drop(const result_file *file, fault *f) {
  return unlink(file->path) && errno != ENOENT ? fault_system(f, errno, "remove", file->path)
                                               : EXIT_FINE;
}

int collect_bring(fm_context *context, int by, const result_file *file, const char *target,
                  fault *f) {
  if (by == COLLECT_COPY) return copy(context, file, target, f);
  if (!link(file->path, target)) {
    return by == COLLECT_MOVE ? collect_drop(file, f) : EXIT_FINE;
  }
  if (by == COLLECT_LINK || errno == EEXIST) return fault_system(f, errno, "make link", target);
  int code = copy(context, file, target, f); /* from another file system */
  return code ? code : collect_drop(file, f);
}
