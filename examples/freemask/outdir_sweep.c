/* freemask/outdir_sweep.c - tidying output folders of earlier runs. */
#define _XOPEN_SOURCE 700 /* nftw */
#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "outdir.h"
#include "path.h"

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
