/* job/outdir_clear.c - what earlier runs left in output folders. */
#define _XOPEN_SOURCE 700 /* nftw */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "job/outdir.h"

enum { OPEN_FOLDERS = 16, FOUND = 1 };

/* ---- Unfinished files ----------------------------------------------------------------- */

/* An unfinished file NAME.<process>-<hex>-<hex>.fm-part: the length of NAME; 0 for other names and
 * while the process is alive. One with the number of this process is of an earlier one: in a container, and on
 * Windows, numbers come back at once, and whoever sweeps is not writing there. */
static size_t orphan_of(const char *name) {
  static const char end[] = ".fm-part";
  if (!path_ends_with(name, end)) return 0;
  const char *at = name + strlen(name) - strlen(end);
  while (at > name && (isxdigit((unsigned char)at[-1]) || at[-1] == '-')) at--;
  if (at - name < 2 || at[-1] != '.') return 0;
  char *rest;
  long process = strtol(at, &rest, 10);
  if (process <= 0 || *rest != '-' || !strchr(rest + 1, '-')) return 0;
  bool dead = process == (long)getpid() || (kill((pid_t)process, 0) && errno == ESRCH);
  return dead ? (size_t)(at - 1 - name) : 0;
}

static const char *name_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* What is swept, which nftw does not hand on: `folder` is the length of its path. */
static struct {
  size_t folder;
  folder_shard shard;
} swept;

/* Is a file below the folder, whose path has `length` bytes but for what marks it as unfinished, of the shard? */
static bool is_of_shard(const char *path, size_t length) {
  size_t start = swept.folder;
  while (path[start] == '/') start++;
  char *relative = alloc_text(path + start);
  relative[length - start] = '\0';
  char *stem = path_stem(relative, "");
  const bool is_of = folder_in_shard(stem, swept.shard);
  free(stem);
  free(relative);
  return is_of;
}

static int sweep(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)where;
  const char *name = name_of(path);
  const size_t length = kind == FTW_F ? orphan_of(name) : 0;
  if (length && is_of_shard(path, (size_t)(name - path) + length)) unlink(path);
  return 0;
}

void outdir_sweep_shard(const char *path, folder_shard shard) {
  swept.shard = shard;
  swept.folder = strlen(path);
  nftw(path, sweep, OPEN_FOLDERS, FTW_PHYS);
}

void outdir_sweep(const char *path) { outdir_sweep_shard(path, (folder_shard){0}); }

/* Those right in the folder: all, or those of one file. */
static void sweep_top(const char *at, const char *only) {
  DIR *handle = opendir(at);
  struct dirent *entry;
  while (handle && (entry = readdir(handle))) {
    size_t length = orphan_of(entry->d_name);
    if (!length) continue;
    if (only && (strlen(only) != length || strncmp(only, entry->d_name, length))) continue;
    char *file = path_join(at, entry->d_name);
    unlink(file);
    free(file);
  }
  if (handle) closedir(handle);
}

void outdir_sweep_top(const char *path) { sweep_top(path, NULL); }

/* ---- Single files --------------------------------------------------------------------- */

int outdir_check_file(const char *path, fault *f) {
  char *parent = alloc_text(path), *slash = strrchr(parent, '/');
  if (slash) slash[slash == parent] = '\0';
  const char *above = slash ? parent : ".";
  int code = EXIT_FINE;
  if (path_is_folder(path))
    code = fault_system(f, EISDIR, "write", path);
  else if (!path_is_folder(above))
    code = fault_system(f, path_exists(above) ? ENOTDIR : ENOENT, "write", path);
  else if (access(above, W_OK | X_OK))
    code = fault_system(f, errno, "write", path);
  else
    sweep_top(above, name_of(path));
  free(parent);
  return code;
}

/* ---- Folders -------------------------------------------------------------------------- */

/* Stops with errno. A folder stays if something else is in it. */
static int clear(const char *path, int kind, bool ours) {
  int code = 0;
  if (kind == FTW_DNR || kind == FTW_NS)
    code = EACCES;
  else if (kind == FTW_F && (ours || orphan_of(name_of(path))))
    code = unlink(path) ? errno : 0;
  else if (kind == FTW_DP && rmdir(path) && errno != ENOTEMPTY && errno != EEXIST)
    code = errno;
  return code == ENOENT ? 0 : code;
}

static int clear_mask(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)where;
  return clear(path, kind, path_ends_with(path, ".png"));
}

static int clear_weight(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)where;
  return clear(path, kind, path_ends_with(path, ".png") || path_ends_with(path, ".npy"));
}

/* What nftw returned. */
static int end_clearing(int code, const char *path, fault *f) {
  if (code < 0) code = errno == ENOENT ? 0 : errno;
  return code ? fault_system(f, code, "clear", path) : EXIT_FINE;
}

int outdir_clear_masks(const char *path, fault *f) {
  return end_clearing(nftw(path, clear_mask, OPEN_FOLDERS, FTW_PHYS | FTW_DEPTH), path, f);
}

int outdir_clear_weights(const char *path, fault *f) {
  return end_clearing(nftw(path, clear_weight, OPEN_FOLDERS, FTW_PHYS | FTW_DEPTH), path, f);
}

static int find_file(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)path;
  (void)info;
  (void)where;
  return kind == FTW_D || kind == FTW_DNR ? 0 : FOUND;
}

bool outdir_has_files(const char *path) {
  return nftw(path, find_file, OPEN_FOLDERS, FTW_PHYS) == FOUND;
}

int outdir_is_empty(const char *path, bool *empty, fault *f) {
  static const char *const always[] = {".", "..", FOLDER_LOCK_NAME};
  DIR *handle = opendir(path);
  const struct dirent *entry;
  int code =
      handle || fault_means_absent(errno) ? EXIT_FINE : fault_system(f, errno, "examine", path);
  *empty = true;
  while (handle && *empty && (errno = 0, entry = readdir(handle))) {
    *empty = false;
    for (size_t i = 0; i < 3; i++) *empty = *empty || !strcmp(entry->d_name, always[i]);
  }
  if (handle && *empty && errno) code = fault_system(f, errno, "examine", path);
  if (handle) closedir(handle);
  return code;
}
