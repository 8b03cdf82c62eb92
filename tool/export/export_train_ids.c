/* export/export_train_ids.c - masks as most trainers want them: the label is the class. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/pool.h"
#include "export/exporter.h"

enum { IGNORED = 255 };

bool export_converts(const export_state *s) {
  return s->job->train_ids || export_has(s, EXPORT_CONVERTS);
}

/* The work on one set. */
typedef struct conversion {
  export_state *s;
  const export_set *set;
  const char *below; /* folder of the results */
} conversion;

/* "sub/a.npy" becomes "sub/a.png". Caller frees. */
static char *png_name(const char *relative) {
  char *stem = path_stem(relative, "");
  text t = {0};
  text_add(&t, "%s.png", stem);
  free(stem);
  return t.data;
}

static int write_converted(const conversion *c, const fm_raster *raster, const char *relative,
                           const char *from_path, fault *f) {
  const fm_labels *labels = c->s->ws.labels;
  fm_plane from = fm_raster_plane(raster);
  fm_error err;
  uint8_t *pixels = alloc_zeroed((size_t)(from.height * from.width), 1);
  fm_plane to = fm_plane_make(pixels, FM_U8, from.height, from.width);
  if (fm_labels_to_classes(labels, &from, IGNORED, &to, &err)) {
    free(pixels);
    return fault_library(f, &err, from_path);
  }
  char *name = png_name(relative), *below = path_join(c->below, name), *path = NULL;
  /* The commit flushes them all. */
  const fm_write_options options = {.size = sizeof options, .flush = FM_FLUSH_LATER};
  int code = export_stage_path(c->s->stage, c->s->job->format->name, below, &path, f);
  if (!code && fm_mask_write(c->s->ws.context, path, &to, &options, &err))
    code = fault_library(f, &err, path);
  free(path);
  free(below);
  free(name);
  free(pixels);
  return code;
}

static int convert_one(void *shared, void *own, size_t index, fault *f) {
  const conversion *c = shared;
  const folder_file *file = c->set->entries[index].mask;
  fm_raster *raster = NULL;
  fm_error err;
  (void)own;
  char *path = folder_path(&c->set->masks, file);
  int code = EXIT_FINE;
  if (fm_mask_read(c->s->ws.context, path, NULL, &raster, &err))
    code = fault_library(f, &err, path);
  if (!code) code = write_converted(c, raster, file->relative, path, f);
  fm_raster_destroy(raster);
  free(path);
  return code;
}

/* From now on the set's masks are the converted ones. */
static int adopt(const conversion *c, export_set *set, fault *f) {
  export_state *s = c->s;
  char *path = path_join(s->job->output.folder, c->below);
  char *staged = export_stage_folder(s->stage, c->below);
  folder made = {0};
  int code = folder_list(FOLDER_MASKS, staged, s->ws.labels, &made, f);
  for (size_t i = 0; i < set->count && !code; i++) {
    set->entries[i].mask = folder_find(&made, set->entries[i].stem);
    if (!set->entries[i].mask)
      code = fault_set(f, EXIT_DATA, "%s: mask '%s' has disappeared", path, set->entries[i].stem);
  }
  if (!code) {
    folder_free(&set->masks);
    free(set->mask_base);
    set->masks = made;
    set->mask_base = export_path(s, path);
  } else {
    folder_free(&made);
  }
  free(staged);
  free(path);
  return code;
}

static int convert_set(export_state *s, export_set *set, const char *below, fault *f) {
  if (!set->masks.path || !set->count) return EXIT_FINE;
  conversion c = {s, set, below};
  pool_job work = {.what = below, .count = set->count, .quiet = s->job->common.quiet};
  work.threads = (int)s->job->common.threads;
  work.shared = &c;
  work.work = convert_one;
  int code = pool_run(&work, f);
  return code ? code : adopt(&c, set, f);
}

int export_train_ids(export_state *s, fault *f) {
  if (fm_labels_class_count(s->ws.labels) > IGNORED)
    return fault_set(f, EXIT_USAGE, "--train-ids: %s has %d classes, 8-bit masks hold %d",
                     fm_labels_name(s->ws.labels), (int)fm_labels_class_count(s->ws.labels),
                     IGNORED);
  int code = convert_set(s, &s->real, "train_ids/real", f);
  if (!code) code = convert_set(s, &s->synthetic, "train_ids/synthetic", f);
  return code ? code : convert_set(s, &s->validation, "train_ids/validation", f);
}
