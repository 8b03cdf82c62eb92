/* export/export_stage.c - an export appears as a whole, and replaces only files of earlier ones. */
#define _XOPEN_SOURCE 700 /* nftw, lstat */
#include "export/export_stage.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/disk.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/unsaid.h"
#include "job/outdir.h"

#define STAGED ".freemask.staged"
#define REPLACED ".freemask.replaced"
#define COMMIT ".freemask.commit"
#define EXPORTS ".freemask.exports"

enum { OPEN_FOLDERS = 16 };

/* ---- Files and folders ------------------------------------------------------------------ */

static char *below(const export_stage *stage, const char *name) {
  return path_join(stage->output, name);
}

static char *below_folder(const export_stage *stage, const char *folder_name, const char *name) {
  char *above = below(stage, folder_name), *path = path_join(above, name);
  free(above);
  return path;
}

/* Anything at all, a link as well. */
static int find(const char *path, bool *there, fault *f) {
  struct stat info;
  *there = !lstat(path, &info);
  return *there || fault_means_absent(errno) ? EXIT_FINE : fault_system(f, errno, "find", path);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)where;
  int code = kind == FTW_DP || kind == FTW_DNR ? rmdir(path) : unlink(path);
  return code && errno != ENOENT ? errno : 0;
}

static int remove_tree(const export_stage *stage, const char *name, fault *f) {
  char *path = below(stage, name);
  int code = EXIT_FINE, refusal = nftw(path, remove_one, OPEN_FOLDERS, FTW_PHYS | FTW_DEPTH);
  if (refusal < 0) refusal = errno;
  if (refusal && !fault_means_absent(refusal)) code = fault_system(f, refusal, "remove", path);
  free(path);
  return code;
}

/* Makes the folder of a file. */
static int make_above(const char *path, fault *f) {
  char *above = alloc_text(path), *slash = strrchr(above, '/');
  int code = EXIT_FINE;
  if (slash && slash != above) {
    *slash = '\0';
    if (!path_is_folder(above)) code = outdir_make(above, f);
  }
  free(above);
  return code;
}

/* Folders that are empty now go, up to the output folder. */
static void remove_empty_above(const export_stage *stage, const char *name) {
  char *path = below(stage, name);
  size_t shortest = strlen(path) - strlen(name);
  for (char *slash; (slash = strrchr(path, '/')) && (size_t)(slash - path) >= shortest;) {
    *slash = '\0';
    if (rmdir(path)) break;
  }
  free(path);
}

static int move(const char *from, const char *to, fault *f) {
  int code = make_above(to, f);
  if (!code && rename(from, to)) code = fault_system(f, errno, "rename", from);
  return code;
}

/* ---- Putting in place ------------------------------------------------------------------- */

/* What is in the file's place goes aside. Nothing there is fine. */
static int set_aside(const export_stage *stage, const char *name, fault *f) {
  char *there = below(stage, name), *aside = below_folder(stage, REPLACED, name);
  bool found;
  int code = find(there, &found, f);
  if (!code && found) code = move(there, aside, f);
  free(aside);
  free(there);
  return code;
}

/* Done already, by a process that was killed, where there is nothing staged any more. */
static int place_one(const export_stage *stage, const char *name, fault *f) {
  char *there = below(stage, name), *staged = below_folder(stage, STAGED, name);
  bool found;
  int code = find(staged, &found, f);
  if (!code && found) code = set_aside(stage, name, f);
  if (!code && found) code = move(staged, there, f);
  free(staged);
  free(there);
  return code;
}

static int place_all(const export_stage *stage, const json_t *commit, fault *f) {
  size_t i;
  json_t *name;
  int code = EXIT_FINE;
  json_array_foreach(json_object_get(commit, "place"), i, name) {
    if (!code) code = place_one(stage, json_string_value(name), f);
  }
  json_array_foreach(json_object_get(commit, "remove"), i, name) {
    if (code) break;
    code = set_aside(stage, json_string_value(name), f);
    if (!code) remove_empty_above(stage, json_string_value(name));
  }
  return code;
}

static int write_json(const export_stage *stage, json_t *value, const char *name, fault *f) {
  fm_context *context;
  fm_error err;
  char *path = below(stage, name);
  int code = EXIT_FINE;
  if (fm_context_create(NULL, &context, &err)) {
    json_decref(value);
    code = fault_library(f, &err, path);
  } else {
    code = json_file_write(context, value, path, f);
    fm_context_destroy(context);
  }
  free(path);
  return code;
}

static int apply(const export_stage *stage, const json_t *commit, fault *f) {
  int code = place_all(stage, commit, f);
  if (code) return code;
  json_t *exports = json_pack("{s:s, s:i, s:O}", "format", "freemask-exports", "version", 1,
                              "exports", json_object_get(commit, "exports"));
  return write_json(stage, exports, EXPORTS, f);
}

/* A commit is over when its file is gone. What is left then is rubbish. */
static int end_commit(const export_stage *stage, fault *f) {
  char *path = below(stage, COMMIT);
  int code = disk_remove(path, f);
  free(path);
  if (!code) code = remove_tree(stage, REPLACED, f);
  return code ? code : remove_tree(stage, STAGED, f);
}

/* ---- Taking back ------------------------------------------------------------------------ */

static int take_back_one(const export_stage *stage, const char *name, fault *f) {
  char *there = below(stage, name), *staged = below_folder(stage, STAGED, name);
  char *aside = below_folder(stage, REPLACED, name);
  bool is_staged, is_there = false, is_aside;
  int code = find(staged, &is_staged, f);
  if (!code) code = find(there, &is_there, f);
  if (!code) code = find(aside, &is_aside, f);
  if (!code && !is_staged && is_there) code = move(there, staged, f);
  if (!code && is_aside) code = move(aside, there, f);
  if (!code) remove_empty_above(stage, name);
  free(aside);
  free(staged);
  free(there);
  return code;
}

static int put_back_one(const export_stage *stage, const char *name, fault *f) {
  char *there = below(stage, name), *aside = below_folder(stage, REPLACED, name);
  bool found;
  int code = find(aside, &found, f);
  if (!code && found) code = move(aside, there, f);
  free(aside);
  free(there);
  return code;
}

/* The sentence of what failed stays, unless this fails as well. */
static void take_back(const export_stage *stage, const json_t *commit, fault *f) {
  size_t i;
  json_t *name;
  fault second;
  int code = EXIT_FINE;
  json_array_foreach(json_object_get(commit, "place"), i, name) {
    if (!code) code = take_back_one(stage, json_string_value(name), &second);
  }
  json_array_foreach(json_object_get(commit, "remove"), i, name) {
    if (!code) code = put_back_one(stage, json_string_value(name), &second);
  }
  if (!code) code = end_commit(stage, &second);
  if (!code) return;
  fault first = *f;
  fault_set(f, first.exit_code,
            "%s; and then %s: the next freemask export into %s puts the files in place", first.text,
            second.text, stage->output);
}

/* ---- Opening ---------------------------------------------------------------------------- */

/* A name in a file that somebody may have changed: it stays below the folder. */
static bool is_safe(const char *name) {
  if (!name || !*name || *name == '/') return false;
  for (const char *part = name; part; part = strchr(part, '/')) {
    part += *part == '/';
    size_t length = strcspn(part, "/");
    if (!length || !strncmp(part, ".freemask.", 10)) return false;
    if ((length == 1 && *part == '.') || (length == 2 && !strncmp(part, "..", 2))) return false;
    if (!part[length]) break;
  }
  return true;
}

static int check_list(const json_t *list, const char *path, fault *f) {
  size_t i;
  json_t *name;
  bool good = json_is_array(list);
  json_array_foreach(list, i, name) good = good && is_safe(json_string_value(name));
  return good ? EXIT_FINE
              : fault_set(f, EXIT_DATA, "%s: not a list of names below the folder", path);
}

static int check_exports(json_t *root, const char *path, json_t **out, fault *f) {
  const char *format;
  json_t *list;
  int code = json_member_object(root, path, "exports", out, f);
  if (code) return code;
  json_object_foreach(*out, format, list) {
    if (!code) code = check_list(list, path, f);
  }
  return code;
}

static int read_commit(const char *path, json_t **commit, fault *f) {
  json_t *exports;
  int code = json_file_read(path, "freemask-commit", 1, commit, f);
  if (code) return code;
  code = check_list(json_object_get(*commit, "place"), path, f);
  if (!code) code = check_list(json_object_get(*commit, "remove"), path, f);
  if (!code) code = check_exports(*commit, path, &exports, f);
  if (code) json_decref(*commit);
  return code;
}

static int finish_cut_off(const export_stage *stage, fault *f) {
  char *path = below(stage, COMMIT);
  json_t *commit;
  bool there;
  int code = find(path, &there, f);
  if (!code && there) {
    code = read_commit(path, &commit, f);
    if (!code) {
      code = apply(stage, commit, f);
      json_decref(commit);
    }
  }
  free(path);
  return code ? code : end_commit(stage, f);
}

static int read_owned(export_stage *stage, fault *f) {
  char *path = below(stage, EXPORTS);
  json_t *root = NULL, *exports = NULL, *list, *name;
  const char *format;
  size_t i;
  bool there;
  int code = find(path, &there, f);
  if (!code && there) code = json_file_read(path, "freemask-exports", 1, &root, f);
  if (!code && root) code = check_exports(root, path, &exports, f);
  stage->owned = !code && exports ? json_incref(exports) : json_object();
  stage->names = json_object();
  json_object_foreach(stage->owned, format, list) {
    json_array_foreach(list, i, name)
        json_object_set_new(stage->names, json_string_value(name), json_true());
  }
  json_decref(root);
  free(path);
  return code;
}

int export_stage_open(const char *output, export_stage *out, fault *f) {
  *out = (export_stage){.output = alloc_text(output), .staged = json_object()};
  pthread_mutex_init(&out->mutex, NULL);
  int code = finish_cut_off(out, f);
  if (!code) code = read_owned(out, f);
  if (code) export_stage_close(out);
  return code;
}

int export_stage_was_cut_off(const char *output, bool *out, fault *f) {
  char *path = path_join(output, COMMIT);
  int code = find(path, out, f);
  free(path);
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
  char *there = below(stage, name);
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
  *path = below_folder(stage, STAGED, name);
  pthread_mutex_lock(&stage->mutex);
  if (json_object_set_new(json_object_get(stage->staged, format), name, json_true()))
    code = fault_set(f, EXIT_DATA, "%s: the name is not UTF-8, no list can hold it", name);
  if (!code) code = make_above(*path, f);
  pthread_mutex_unlock(&stage->mutex);
  if (code) {
    free(*path);
    *path = NULL;
  }
  return code;
}

char *export_stage_folder(const export_stage *stage, const char *name) {
  return below_folder(stage, STAGED, name);
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
      char *old = below(stage, json_string_value(name));
      char *staged = below_folder(stage, STAGED, json_string_value(name));
      fault why;
      bool there;
      if (find(staged, &there, &why)) unsaid_note(why.host_code, staged);
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
  code = disk_flush(stage->output, f);
  if (!code) code = write_json(stage, json_incref(commit), COMMIT, f);
  if (!code) {
    code = apply(stage, commit, f);
    if (code)
      take_back(stage, commit, f);
    else
      code = end_commit(stage, f);
  }
  json_decref(commit);
  return code;
}

void export_stage_close(export_stage *stage) {
  fault ignored;
  bool cut_off;
  if (!stage->output) return;
  if (!export_stage_was_cut_off(stage->output, &cut_off, &ignored) && !cut_off)
    remove_tree(stage, STAGED, &ignored);
  json_decref(stage->owned);
  json_decref(stage->names);
  json_decref(stage->staged);
  pthread_mutex_destroy(&stage->mutex);
  free(stage->output);
  *stage = (export_stage){0};
}
