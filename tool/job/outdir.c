/* job/outdir.c - making and unmaking output folders. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "job/outdir.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
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

/* Makes `path` and what is missing above it. The caller holds the lock. */
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

int outdir_open(const char *path, outdir *out, fault *f) {
  *out = (outdir){.path = alloc_text(path)};
  pthread_mutex_init(&out->lock, NULL);
  int code = make(out, path, f);
  if (code) {
    outdir_undo(out);
    outdir_close(out);
  }
  return code;
}

int outdir_place(outdir *dir, const char *relative, char **path, fault *f) {
  char *full = path_join(dir->path, relative);
  char *slash = strrchr(full, '/');
  int code = EXIT_FINE;
  if (slash && strchr(relative, '/')) {
    *slash = '\0';
    pthread_mutex_lock(&dir->lock);
    if (!path_is_folder(full)) code = make(dir, full, f);
    pthread_mutex_unlock(&dir->lock);
    *slash = '/';
  }
  if (code)
    free(full);
  else
    *path = full;
  return code;
}

void outdir_made(outdir *dir, const char *path) {
  pthread_mutex_lock(&dir->lock);
  remember(dir, alloc_text(path));
  pthread_mutex_unlock(&dir->lock);
}

void outdir_undo(outdir *dir) {
  while (dir->count) {
    char *path = dir->made[--dir->count];
    if (path_ends_with(path, "/"))
      rmdir(path);
    else
      unlink(path);
    free(path);
  }
}

void outdir_close(outdir *dir) {
  for (size_t i = 0; i < dir->count; i++) free(dir->made[i]);
  free(dir->made);
  free(dir->path);
  pthread_mutex_destroy(&dir->lock);
  memset(dir, 0, sizeof *dir);
}

int outdir_apart(const char *output, const char *input, fault *f) {
  if (!input || !path_same_or_inside(input, output)) {
    if (!input || !path_same_or_inside(output, input)) return EXIT_FINE;
  }
  return fault_set(f, EXIT_USAGE,
                   "-o %s and the input folder %s lie in one another, expected a folder apart",
                   output, input);
}

static bool is_pixels(const char *path) {
  static const char *const endings[] = {".png", ".npy", ".jpg", ".jpeg"};
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
    if (!strcasecmp(dot, endings[i])) return true;
  return false;
}

int outdir_spare(const char *output, const char *input, fault *f) {
  struct stat mine, theirs;
  if (!input || stat(output, &mine) || stat(input, &theirs)) return EXIT_FINE;
  bool same = mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino;
  bool within = S_ISDIR(theirs.st_mode) && is_pixels(output) && path_same_or_inside(output, input);
  if (!S_ISREG(mine.st_mode) || !(same || within)) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE, "-o %s is an input as well, which it would replace", output);
}

int outdir_check_file(const char *path, fault *f) {
  char *folder = alloc_text(path), *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = '\0';
  const char *above = slash ? folder : ".";
  int code = EXIT_FINE;
  if (path_is_folder(path))
    code = fault_system(f, EISDIR, "write", path);
  else if (!path_is_folder(above))
    code = fault_system(f, path_exists(above) ? ENOTDIR : ENOENT, "write", path);
  else if (access(above, W_OK | X_OK))
    code = fault_system(f, errno, "write", path);
  free(folder);
  return code;
}
