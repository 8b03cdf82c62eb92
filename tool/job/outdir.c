/* job/outdir.c - making, locking and removing output folders. */
#define _XOPEN_SOURCE 700 /* lstat */
#include "job/outdir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"

/* Remembers a path; takes it over. */
static void remember(outdir *dir, char *path) {
  if (!dir) {
    free(path);
    return;
  }
  dir->made = alloc_grow(dir->made, dir->count, &dir->capacity, sizeof *dir->made);
  dir->made[dir->count++] = path;
}

/* Makes `path` and what is missing above it. The caller holds the mutex. */
static int make(outdir *dir, const char *path, fault *f) {
  char *part = alloc_text(path);
  int code = EXIT_FINE;
  for (char *c = part + 1; !code; c++) {
    if (*c && *c != '/') continue;
    char kept = *c;
    *c = '\0';
    if (!mkdir(part, 0777))
      remember(dir, path_join(part, ""));
    else if (errno != EEXIST || !path_is_folder(part))
      code = fault_system(f, errno == EEXIST ? ENOTDIR : errno, "make folder", part);
    *c = kept;
    if (!kept) break;
  }
  free(part);
  return code;
}

int outdir_make(const char *path, fault *f) { return make(NULL, path, f); }

/* Another process may remove the folder after it was made and before it is locked: the one that
 * made it removes it on failure. */
static int make_and_lock(outdir *dir, fault *f) {
  int code;
  do {
    code = make(dir, dir->path, f);
    if (!code) code = folder_lock_take(dir->path, &dir->lock, f);
  } while (code == FOLDER_GONE);
  return code;
}

int outdir_open(const char *path, const folder_lock *held, outdir *out, fault *f) {
  *out = (outdir){.path = alloc_text(path)};
  pthread_mutex_init(&out->mutex, NULL);
  int code = held ? make(out, path, f) : make_and_lock(out, f);
  if (code) outdir_close(out, OUTDIR_UNDO);
  return code;
}

/* Looks at the folder's parts from `below` on, a place in `full`. */
static int check_real(char *full, char *below, fault *f) {
  struct stat info;
  for (char *c = below; *c; c++) {
    if (c[1] && c[1] != '/') continue;
    char kept = c[1];
    c[1] = '\0';
    if (lstat(full, &info)) {
      if (fault_is_of_machine(errno)) return fault_system(f, errno, "examine", full);
    } else if (S_ISLNK(info.st_mode)) {
      return fault_set(f, EXIT_USAGE,
                       "%s is a symbolic link, and below its output folder freemask follows none; "
                       "remove the link, or choose another output folder",
                       full);
    }
    c[1] = kept;
  }
  return EXIT_FINE;
}

int outdir_check_real(const outdir *dir, const char *relative, fault *f) {
  char *full = path_join(dir->path, relative);
  size_t length = strlen(full) - strlen(relative);
  int code = check_real(full, full + length, f);
  free(full);
  return code;
}

/* Most files go into the folder of the one before them. */
static int prepare(outdir *dir, char *full, const char *relative, fault *f) {
  const size_t length = (size_t)(strrchr(relative, '/') - relative);
  int code = check_real(full, full + strlen(full) - length, f);
  if (!code && !path_is_folder(full)) code = make(dir, full, f);
  if (code) return code;
  free(dir->ready);
  dir->ready = alloc_text(full);
  return EXIT_FINE;
}

int outdir_path(outdir *dir, const char *relative, char **path, fault *f) {
  char *full = path_join(dir->path, relative);
  char *slash = strrchr(full, '/');
  int code = EXIT_FINE;
  if (slash && strchr(relative, '/')) {
    *slash = '\0';
    pthread_mutex_lock(&dir->mutex);
    if (!dir->ready || strcmp(dir->ready, full) != 0) code = prepare(dir, full, relative, f);
    pthread_mutex_unlock(&dir->mutex);
    *slash = '/';
  }
  if (code)
    free(full);
  else
    *path = full;
  return code;
}

void outdir_made(outdir *dir, const char *path) {
  pthread_mutex_lock(&dir->mutex);
  remember(dir, alloc_text(path));
  pthread_mutex_unlock(&dir->mutex);
}

/* Newest first. Folders stay where something else is in them. */
static void remove_made(const outdir *dir, bool files) {
  for (size_t i = dir->count; i--;) {
    if (path_ends_with(dir->made[i], "/"))
      rmdir(dir->made[i]);
    else if (files)
      unlink(dir->made[i]);
  }
}

void outdir_close(outdir *dir, outdir_end end) {
  if (!dir->path) return;
  if (end == OUTDIR_UNDO) remove_made(dir, true);
  folder_lock_release(&dir->lock);
  if (end != OUTDIR_KEEP) remove_made(dir, false);
  for (size_t i = 0; i < dir->count; i++) free(dir->made[i]);
  free(dir->made);
  free(dir->ready);
  free(dir->path);
  pthread_mutex_destroy(&dir->mutex);
  *dir = (outdir){0};
}
