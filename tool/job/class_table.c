/* job/class_table.c - counts the classes of many masks, by worker threads. */
#include "job/class_table.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/pool.h"

typedef struct state {
  const workspace *ws;
  folder masks;
  size_t *files; /* per row: the mask's index in the folder */
  class_table *table;
} state;

static int count_one(void *shared, void *own, size_t row, fault *f) {
  const state *s = shared;
  fm_raster *raster = NULL;
  fm_error err;
  char *path;
  (void)own;
  int code = workspace_read_mask(s->ws, &s->masks, s->files[row], NULL, &raster, &path, f);
  if (!code) {
    fm_plane mask = fm_raster_plane(raster);
    int64_t *pixels = s->table->pixels + row * s->table->class_count;
    if (fm_labels_count(s->ws->labels, &mask, pixels, NULL, &err))
      code = fault_library(f, &err, path);
  }
  fm_raster_destroy(raster);
  free(path);
  return code;
}

static int find_files(state *s, const char *path, const hardness_row *rows, size_t count,
                      fault *f) {
  int code = workspace_masks(s->ws, path, (folder_shard){0, 1}, &s->masks, NULL, NULL, f);
  s->files = alloc_zeroed(count, sizeof *s->files);
  for (size_t i = 0; i < count && !code; i++) {
    const folder_file *file = folder_find(&s->masks, rows[i].mask);
    if (!file)
      code = fault_set(f, EXIT_DATA, "%s: no mask '%s', which the table of hardness has", path,
                       rows[i].mask);
    else
      s->files[i] = (size_t)(file - s->masks.files);
  }
  return code;
}

int class_table_make(const workspace *ws, const char *path, const hardness_row *rows, size_t count,
                     int threads, bool quiet, class_table *out, fault *f) {
  state s = {.ws = ws, .table = out};
  out->class_count = (size_t)fm_labels_class_count(ws->labels);
  out->pixels = alloc_zeroed(count, out->class_count * sizeof *out->pixels);
  int code = find_files(&s, path, rows, count, f);
  if (!code) {
    pool_job work = {.what = "plan", .count = count, .threads = threads, .quiet = quiet};
    work.shared = &s;
    work.work = count_one;
    code = pool_run(&work, f);
  }
  free(s.files);
  folder_free(&s.masks);
  return code;
}

void class_table_free(class_table *table) { free(table->pixels); }
