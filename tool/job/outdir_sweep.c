/* job/outdir_sweep.c - tidying output folders of earlier runs. */
#define _XOPEN_SOURCE 700 /* nftw */
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

static int sweep(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info;
  (void)place;
  if (kind == FTW_F && path_ends_with(path, ".fm-part")) unlink(path);
  return 0;
}

void outdir_sweep(const char *path) { nftw(path, sweep, OPEN_FOLDERS, FTW_PHYS); }

void outdir_sweep_prefix(const char *path, const char *prefix) {
  DIR *handle = opendir(path);
  struct dirent *entry;
  while (handle && (entry = readdir(handle))) {
    const char *name = entry->d_name + (entry->d_name[0] == '.' ? 1 : 0);
    if (strncmp(name, prefix, strlen(prefix)) || !path_ends_with(name, ".fm-part")) continue;
    char *file = path_join(path, entry->d_name);
    unlink(file);
    free(file);
  }
  if (handle) closedir(handle);
}

/* `rest` is what stands behind "name." in the name of an unfinished file: "1234-...". */
static bool is_orphan(const char *rest) {
  char *end;
  long process = strtol(rest, &end, 10);
  return process > 0 && *end == '-' && path_ends_with(end, ".fm-part") && kill((pid_t)process, 0) &&
         errno == ESRCH;
}

void outdir_sweep_file(const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  size_t length = strlen(base);
  char *above = alloc_text(slash ? path : ".");
  if (slash) above[slash == path ? 1 : slash - path] = '\0';
  DIR *handle = opendir(above);
  struct dirent *entry;
  while (handle && (entry = readdir(handle))) {
    const char *name = entry->d_name;
    if (strncmp(name, base, length) || name[length] != '.' || !is_orphan(name + length + 1))
      continue;
    char *file = path_join(above, name);
    unlink(file);
    free(file);
  }
  if (handle) closedir(handle);
  free(above);
}

static int clear(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info;
  (void)place;
  if (kind == FTW_F && (path_ends_with(path, ".png") || path_ends_with(path, ".fm-part")))
    unlink(path);
  else if (kind == FTW_DP)
    rmdir(path); /* stays if something else is in it */
  return 0;
}

void outdir_clear_masks(const char *path) { nftw(path, clear, OPEN_FOLDERS, FTW_PHYS | FTW_DEPTH); }

static int find_file(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)path;
  (void)info;
  (void)place;
  return kind == FTW_D || kind == FTW_DNR ? 0 : FOUND;
}

bool outdir_has_files(const char *path) {
  return nftw(path, find_file, OPEN_FOLDERS, FTW_PHYS) == FOUND;
}
