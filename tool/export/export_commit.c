/* export/export_commit.c - staged files are put in place together, or not at all. */
#define _XOPEN_SOURCE 700 /* nftw, lstat */
#include "export/export_commit.h"

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
#include "job/outdir.h"

#define STAGED ".freemask.staged"
#define REPLACED ".freemask.replaced"
#define COMMIT ".freemask.commit"
#define EXPORTS ".freemask.exports"

enum { OPEN_FOLDERS = 16 };

/* ---- Files and folders ------------------------------------------------------------------ */

static char *below_folder(const char *output, const char *folder_name, const char *name) {
  char *above = path_join(output, folder_name), *path = path_join(above, name);
  free(above);
  return path;
}

int export_commit_find(const char *path, bool *there, fault *f) {
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

static int remove_tree(const char *output, const char *name, fault *f) {
  char *path = path_join(output, name);
  int code = EXIT_FINE, refusal = nftw(path, remove_one, OPEN_FOLDERS, FTW_PHYS | FTW_DEPTH);
  if (refusal < 0) refusal = errno;
  if (refusal && !fault_means_absent(refusal)) code = fault_system(f, refusal, "remove", path);
  free(path);
  return code;
}

int export_commit_make_above(const char *path, fault *f) {
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
static void remove_empty_above(const char *output, const char *name) {
  char *path = path_join(output, name);
  size_t shortest = strlen(path) - strlen(name);
  for (char *slash; (slash = strrchr(path, '/')) && (size_t)(slash - path) >= shortest;) {
    *slash = '\0';
    if (rmdir(path)) break;
  }
  free(path);
}

static int move(const char *from, const char *to, fault *f) {
  int code = export_commit_make_above(to, f);
  if (!code && rename(from, to)) code = fault_system(f, errno, "rename", from);
  return code;
}

/* ---- Putting in place ------------------------------------------------------------------- */

/* What is in the file's place goes aside. Nothing there is fine. */
static int set_aside(const char *output, const char *name, fault *f) {
  char *there = path_join(output, name), *aside = below_folder(output, REPLACED, name);
  bool found;
  int code = export_commit_find(there, &found, f);
  if (!code && found) code = move(there, aside, f);
  free(aside);
  free(there);
  return code;
}

/* Done already, by a process that was killed, where there is nothing staged any more. */
static int place_one(const char *output, const char *name, fault *f) {
  char *there = path_join(output, name), *staged = below_folder(output, STAGED, name);
  bool found;
  int code = export_commit_find(staged, &found, f);
  if (!code && found) code = set_aside(output, name, f);
  if (!code && found) code = move(staged, there, f);
  free(staged);
  free(there);
  return code;
}

static int place_all(const char *output, const json_t *commit, fault *f) {
  size_t i;
  json_t *name;
  int code = EXIT_FINE;
  json_array_foreach(json_object_get(commit, "place"), i, name) {
    if (!code) code = place_one(output, json_string_value(name), f);
  }
  json_array_foreach(json_object_get(commit, "remove"), i, name) {
    if (code) break;
    code = set_aside(output, json_string_value(name), f);
    if (!code) remove_empty_above(output, json_string_value(name));
  }
  return code;
}

static int write_json(const char *output, json_t *value, const char *name, fault *f) {
  fm_context *context;
  fm_error err;
  char *path = path_join(output, name);
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

static int apply(const char *output, const json_t *commit, fault *f) {
  int code = place_all(output, commit, f);
  if (code) return code;
  json_t *exports = json_pack("{s:s, s:i, s:O}", "format", "freemask-exports", "version", 1,
                              "exports", json_object_get(commit, "exports"));
  return write_json(output, exports, EXPORTS, f);
}

/* A commit is over when its file is gone. What is left then is rubbish. */
static int end_commit(const char *output, fault *f) {
  char *path = path_join(output, COMMIT);
  int code = disk_remove(path, f);
  free(path);
  if (!code) code = remove_tree(output, REPLACED, f);
  return code ? code : remove_tree(output, STAGED, f);
}

/* ---- Taking back ------------------------------------------------------------------------ */

static int take_back_one(const char *output, const char *name, fault *f) {
  char *there = path_join(output, name), *staged = below_folder(output, STAGED, name);
  char *aside = below_folder(output, REPLACED, name);
  bool is_staged, is_there = false, is_aside;
  int code = export_commit_find(staged, &is_staged, f);
  if (!code) code = export_commit_find(there, &is_there, f);
  if (!code) code = export_commit_find(aside, &is_aside, f);
  if (!code && !is_staged && is_there) code = move(there, staged, f);
  if (!code && is_aside) code = move(aside, there, f);
  if (!code) remove_empty_above(output, name);
  free(aside);
  free(staged);
  free(there);
  return code;
}

static int put_back_one(const char *output, const char *name, fault *f) {
  char *there = path_join(output, name), *aside = below_folder(output, REPLACED, name);
  bool found;
  int code = export_commit_find(aside, &found, f);
  if (!code && found) code = move(aside, there, f);
  free(aside);
  free(there);
  return code;
}

/* The sentence of what failed stays, unless this fails as well. */
static void take_back(const char *output, const json_t *commit, fault *f) {
  size_t i;
  json_t *name;
  fault second;
  int code = EXIT_FINE;
  json_array_foreach(json_object_get(commit, "place"), i, name) {
    if (!code) code = take_back_one(output, json_string_value(name), &second);
  }
  json_array_foreach(json_object_get(commit, "remove"), i, name) {
    if (!code) code = put_back_one(output, json_string_value(name), &second);
  }
  if (!code) code = end_commit(output, &second);
  if (!code) return;
  fault first = *f;
  fault_set(f, first.exit_code,
            "%s; and then %s: the next freemask export into %s puts the files in place", first.text,
            second.text, output);
}

/* ---- Reading what was written -------------------------------------------------------------- */

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

int export_commit_finish(const char *output, fault *f) {
  char *path = path_join(output, COMMIT);
  json_t *commit;
  bool there;
  int code = export_commit_find(path, &there, f);
  if (!code && there) {
    code = read_commit(path, &commit, f);
    if (!code) {
      code = apply(output, commit, f);
      json_decref(commit);
    }
  }
  free(path);
  return code ? code : end_commit(output, f);
}

int export_commit_was_cut_off(const char *output, bool *out, fault *f) {
  char *path = path_join(output, COMMIT);
  int code = export_commit_find(path, out, f);
  free(path);
  return code;
}

int export_commit_exports(const char *output, json_t **out, fault *f) {
  char *path = path_join(output, EXPORTS);
  json_t *root = NULL, *exports = NULL;
  bool there;
  int code = export_commit_find(path, &there, f);
  if (!code && there) code = json_file_read(path, "freemask-exports", 1, &root, f);
  if (!code && root) code = check_exports(root, path, &exports, f);
  if (!code) *out = exports ? json_incref(exports) : json_object();
  json_decref(root);
  free(path);
  return code;
}

/* ---- For the stage ------------------------------------------------------------------------ */

char *export_commit_staged(const char *output, const char *name) {
  return below_folder(output, STAGED, name);
}

void export_commit_drop_staged(const char *output) {
  fault ignored;
  remove_tree(output, STAGED, &ignored);
}

int export_commit_make(const char *output, json_t *commit, fault *f) {
  int code = disk_flush(output, f);
  if (!code) code = write_json(output, json_incref(commit), COMMIT, f);
  if (code) return code;
  code = apply(output, commit, f);
  if (!code) return end_commit(output, f);
  take_back(output, commit, f);
  return code;
}
