/* job/outdir.c - making, locking and removing output folders. */
#define _XOPEN_SOURCE 700 /* lstat */
#include "job/outdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"

enum { BESIDE_SUFFIX = 40 };

/* Remembers a path; takes it over. */
static void remember(outdir *dir, char *path) {
  if (!dir) {
    free(path);
    return;
  }
  dir->made = alloc_grow(dir->made, dir->count, &dir->capacity, sizeof *dir->made);
  dir->made[dir->count++] = path;
}

static bool is_nothing(const char *path) {
  struct stat info;
  return lstat(path, &info) && errno == ENOENT;
}

/* mkdir said `code`. Was this folder there, or the one above it, and is it no more? */
static bool is_removed(char *part, int code) {
  char *slash = strrchr(part, '/');
  if (code == EEXIST) return is_nothing(part);
  if (code != ENOENT || !slash || slash == part) return false;
  *slash = '\0';
  const bool removed = is_nothing(part);
  *slash = '/';
  return removed;
}

/* FOLDER_GONE: another process, which had made it and failed, has removed what was there. */
static int make_one(outdir *dir, char *part, fault *f) {
  if (!mkdir(part, 0777)) {
    remember(dir, path_join(part, ""));
    return EXIT_FINE;
  }
  const int code = errno;
  if (is_removed(part, code)) return FOLDER_GONE;
  if (code == EEXIST && path_is_folder(part)) return EXIT_FINE;
  return fault_system(f, code == EEXIST ? ENOTDIR : code, "make folder", part);
}

/* Makes `path` and what is missing above it. The caller holds the mutex. */
static int make(outdir *dir, const char *path, fault *f) {
  char *part = alloc_text(path);
  int code = EXIT_FINE;
  for (char *c = part + 1; !code; c++) {
    if (*c && *c != '/') continue;
    char kept = *c;
    *c = '\0';
    code = make_one(dir, part, f);
    *c = kept;
    if (code == FOLDER_GONE) {
      code = EXIT_FINE;
      c = part;
    } else if (!kept) {
      break;
    }
  }
  free(part);
  return code;
}

int outdir_make(const char *path, fault *f) { return make(NULL, path, f); }

static size_t length_without_slashes(const char *path) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  return length;
}

/* A name next to the folder, of this process. The caller frees. */
static char *beside(const char *path, const char *what) {
  const int length = (int)length_without_slashes(path);
  const size_t size = (size_t)length + BESIDE_SUFFIX;
  char *out = alloc_zeroed(size, 1);
  snprintf(out, size, "%.*s.%ld-%s.fm-part", length, path, (long)getpid(), what);
  return out;
}

/* The folder and its lock move together. False: on Windows, say, where a lock is an open file. */
static bool move_locked(folder_lock *lock, const char *from, const char *to) {
  if (rename(from, to)) return false;
  free(lock->path);
  lock->path = path_join(to, FOLDER_LOCK_NAME);
  return true;
}

typedef enum making { MADE, MADE_BY_ANOTHER, NOT_SO } making;

/* Gives up the folder that was to be the output folder. */
static making not_made(outdir *dir, const char *fresh, int code) {
  char *lock = path_join(fresh, FOLDER_LOCK_NAME);
  unlink(lock); /* one that could not be locked, too */
  folder_lock_release(&dir->lock);
  rmdir(fresh);
  free(lock);
  return code == ENOTEMPTY || code == EEXIST ? MADE_BY_ANOTHER : NOT_SO;
}

/* A folder that is not there yet appears with its lock in it, so that the process that makes it is the one that
 * has it. Else one might make it and another one lock it and fail, and neither would remove it. */
static making make_locked(outdir *dir) {
  fault unused;
  char *fresh = beside(dir->path, "new");
  making how = NOT_SO;
  if (!mkdir(fresh, 0777)) {
    bool done = !folder_lock_take(fresh, dir->path, &dir->lock, &unused);
    errno = 0;
    done = done && move_locked(&dir->lock, fresh, dir->path);
    how = done ? MADE : not_made(dir, fresh, errno);
  }
  if (how == MADE) remember(dir, path_join(dir->path, ""));
  free(fresh);
  return how;
}

/* The path of what is above; NULL: the current folder or the root. The caller frees. */
static char *above_of(const char *path) {
  char *above = alloc_text(path);
  above[length_without_slashes(path)] = '\0';
  char *slash = strrchr(above, '/');
  if (slash && slash != above) {
    *slash = '\0';
    return above;
  }
  free(above);
  return NULL;
}

/* FOLDER_GONE: another process that made the folder has moved it away, since it failed. */
static int make_and_lock_once(outdir *dir, const char *above, fault *f) {
  const int code = above ? make(dir, above, f) : EXIT_FINE;
  if (code) return code;
  const making how = is_nothing(dir->path) ? make_locked(dir) : MADE_BY_ANOTHER;
  if (how == MADE) return EXIT_FINE;
  if (how == NOT_SO || (!path_is_folder(dir->path) && !is_nothing(dir->path))) {
    const int refused = make(dir, dir->path, f);
    if (refused) return refused;
  }
  return folder_lock_take(dir->path, dir->path, &dir->lock, f);
}

static int make_and_lock(outdir *dir, fault *f) {
  char *above = above_of(dir->path);
  int code;
  do code = make_and_lock_once(dir, above, f);
  while (code == FOLDER_GONE);
  free(above);
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

/* The locked folder among those that were made; NULL: it was there before. */
static char **made_of_locked(const outdir *dir) {
  const size_t length = length_without_slashes(dir->path);
  for (size_t i = 0; i < dir->count; i++)
    if (length_without_slashes(dir->made[i]) == length && !memcmp(dir->made[i], dir->path, length))
      return &dir->made[i];
  return NULL;
}

/* An empty folder that goes gets another name while it is locked. Between the end of the lock and that of
 * the folder, another process would else take it for one that was there before, and leave it if it fails. */
static void move_away(outdir *dir) {
  char **made = dir->lock.path ? made_of_locked(dir) : NULL;
  bool empty;
  fault unused;
  if (!made || outdir_is_empty(dir->path, &empty, &unused) || !empty) return;
  char *gone = beside(dir->path, "gone");
  if (move_locked(&dir->lock, dir->path, gone)) {
    free(*made);
    *made = path_join(gone, "");
  }
  free(gone);
}

void outdir_close(outdir *dir, outdir_end end) {
  if (!dir->path) return;
  if (end == OUTDIR_UNDO) remove_made(dir, true);
  if (end != OUTDIR_KEEP) move_away(dir);
  folder_lock_release(&dir->lock);
  if (end != OUTDIR_KEEP) remove_made(dir, false);
  for (size_t i = 0; i < dir->count; i++) free(dir->made[i]);
  free(dir->made);
  free(dir->ready);
  free(dir->path);
  pthread_mutex_destroy(&dir->mutex);
  *dir = (outdir){0};
}
