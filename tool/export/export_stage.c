/* export/export_stage.c - an export appears as a whole, and replaces only files of earlier ones. */
#define _XOPEN_SOURCE 700 /* lstat */
#include "export/export_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/unsaid.h"
#include "export/export_commit.h"
#include "job/outdir.h"

/* ---- Opening ---------------------------------------------------------------------------- */

static void list_names(export_stage *stage) {
  const char *format;
  json_t *list, *name;
  size_t i;
  stage->names = json_object();
  json_object_foreach(stage->owned, format, list) {
    json_array_foreach(list, i, name)
        json_object_set_new(stage->names, json_string_value(name), json_true());
  }
}

int export_stage_open(const char *output, export_stage *out, fault *f) {
  *out = (export_stage){.output = alloc_text(output), .staged = json_object()};
  pthread_mutex_init(&out->mutex, NULL);
  int code = export_commit_finish(output, f);
  if (!code) code = export_commit_exports(output, &out->owned, f);
  if (code)
    export_stage_close(out);
  else
    list_names(out);
  return code;
}

/* ---- Staging ---------------------------------------------------------------------------- */

void export_stage_begin(export_stage *stage, const char *format) {
  json_object_set_new(stage->staged, format, json_object());
}

void export_stage_drop(export_stage *stage, const char *format) {
  export_stage_begin(stage, format);
}

/* What is in the place of a file must be a file of an earlier export. */
static int check_free(const export_stage *stage, const char *name, fault *f) {
  char *there = path_join(stage->output, name);
  struct stat info;
  outdir output = {.path = stage->output};
  int code = EXIT_FINE;
  bool found = !lstat(there, &info);
  if (!found && errno != ENOENT)
    code = fault_system(f, errno, "write", there);
  else if (found && S_ISDIR(info.st_mode))
    code = fault_system(f, EISDIR, "write", there);
  else if (found && !json_object_get(stage->names, name))
    code = fault_set(f, EXIT_USAGE,
                     "%s is already there, and freemask export did not write it: move it away, or "
                     "choose another folder",
                     there);
  char *above = alloc_text(name), *slash = strrchr(above, '/');
  if (slash) *slash = '\0';
  if (!code && slash) code = outdir_check_real(&output, above, f);
  free(above);
  free(there);
  return code;
}

int export_stage_check_free(const export_stage *stage, const char *const *names, fault *f) {
  int code = EXIT_FINE;
  for (; *names && !code; names++)
    if (!path_ends_with(*names, "/")) code = check_free(stage, *names, f);
  return code;
}

int export_stage_path(export_stage *stage, const char *format, const char *name, char **path,
                      fault *f) {
  int code = check_free(stage, name, f);
  if (code) return code;
  *path = export_commit_staged(stage->output, name);
  pthread_mutex_lock(&stage->mutex);
  if (json_object_set_new(json_object_get(stage->staged, format), name, json_true()))
    code = fault_set(f, EXIT_DATA, "%s: the name is not UTF-8, no list can hold it", name);
  if (!code) code = export_commit_make_above(*path, f);
  pthread_mutex_unlock(&stage->mutex);
  if (code) {
    free(*path);
    *path = NULL;
  }
  return code;
}

char *export_stage_folder(const export_stage *stage, const char *name) {
  return export_commit_staged(stage->output, name);
}

/* ---- Committing ------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted: threads stage files in any order. */
static json_t *list_of(json_t *names) {
  const size_t count = json_object_size(names);
  const char **sorted = alloc_zeroed(count, sizeof *sorted), *name;
  json_t *value, *list = json_array();
  size_t i = 0;
  json_object_foreach(names, name, value) sorted[i++] = name;
  qsort(sorted, count, sizeof *sorted, by_name);
  for (i = 0; i < count; i++) json_array_append_new(list, json_string(sorted[i]));
  free(sorted);
  return list;
}

static void add_names(json_t *all, const json_t *list) {
  size_t i;
  json_t *name;
  json_array_foreach(list, i, name) json_object_set_new(all, json_string_value(name), json_true());
}

/* All exports that will be there. */
static json_t *exports_after(const export_stage *stage) {
  json_t *exports = json_copy(stage->owned), *names;
  const char *format;
  json_object_foreach(stage->staged, format, names) {
    if (json_object_size(names))
      json_object_set_new(exports, format, list_of(names));
    else
      json_object_del(exports, format);
  }
  return exports;
}

/* What formats that are replaced had, and no export has any more. */
static json_t *names_to_remove(const export_stage *stage, const json_t *exports) {
  json_t *kept = json_object(), *list, *gone = json_array(), *value;
  const char *format, *name;
  json_object_foreach((json_t *)exports, format, list) add_names(kept, list);
  json_object_foreach(stage->names, name, value) if (!json_object_get(kept, name))
      json_array_append_new(gone, json_string(name));
  json_decref(kept);
  return gone;
}

static json_t *plan_commit(const export_stage *stage) {
  json_t *exports = exports_after(stage), *names, *place = json_object();
  const char *format;
  json_object_foreach(stage->staged, format, names) json_object_update(place, names);
  json_t *commit =
      json_pack("{s:s, s:i, s:o, s:o, s:O}", "format", "freemask-commit", "version", 1, "place",
                list_of(place), "remove", names_to_remove(stage, exports), "exports", exports);
  json_decref(place);
  json_decref(exports);
  return commit;
}

static bool same_files(const char *a, const char *b) {
  char *left = NULL, *right = NULL;
  size_t left_size, right_size;
  fault ignored;
  bool same = !path_read(a, SIZE_MAX, &left, &left_size, &ignored) &&
              !path_read(b, SIZE_MAX, &right, &right_size, &ignored) && left_size == right_size &&
              !memcmp(left, right, left_size);
  free(left);
  free(right);
  return same;
}

/* Would a file of two formats change, of which only one is made again? Returns the other, or NULL. */
static const char *find_outdated(const export_stage *stage, const char **shared) {
  const char *format;
  json_t *list, *name;
  size_t i;
  json_object_foreach(stage->owned, format, list) {
    if (json_object_get(stage->staged, format)) continue;
    json_array_foreach(list, i, name) {
      char *old = path_join(stage->output, json_string_value(name));
      char *staged = export_commit_staged(stage->output, json_string_value(name));
      fault why;
      bool there;
      if (export_commit_find(staged, &there, &why)) unsaid_note(why.host_code, staged);
      bool differs = there && !same_files(old, staged);
      free(staged);
      free(old);
      *shared = json_string_value(name);
      if (differs) return format;
    }
  }
  return NULL;
}

static int check_others(const export_stage *stage, fault *f) {
  const char *shared, *format = find_outdated(stage, &shared);
  if (!format) return EXIT_FINE;
  return fault_set(
      f, EXIT_USAGE,
      "%s also holds an export --to %s, of other images, and both have %s: export into "
      "another folder, or remove this one and export each format again",
      stage->output, format, shared);
}

int export_stage_commit(export_stage *stage, fault *f) {
  int code = check_others(stage, f);
  if (code) return code;
  json_t *commit = plan_commit(stage);
  code = export_commit_make(stage->output, commit, f);
  json_decref(commit);
  return code;
}

void export_stage_close(export_stage *stage) {
  fault ignored;
  bool cut_off;
  if (!stage->output) return;
  if (!export_commit_was_cut_off(stage->output, &cut_off, &ignored) && !cut_off)
    export_commit_drop_staged(stage->output);
  json_decref(stage->owned);
  json_decref(stage->names);
  json_decref(stage->staged);
  pthread_mutex_destroy(&stage->mutex);
  free(stage->output);
  *stage = (export_stage){0};
}
