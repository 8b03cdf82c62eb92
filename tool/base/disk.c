/* base/disk.c - all files of a folder onto the disk. */
#define _GNU_SOURCE /* syncfs, nftw */
#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

static int open_folder(const char *folder) {
  int handle;
  do handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (handle < 0 && errno == EINTR);
  return handle;
}

#if defined(__linux__)

/* The whole file system at once. */
static int flush_all(const char *folder) {
  int handle = open_folder(folder);
  if (handle < 0) return -1;
  int result = syncfs(handle), code = errno;
  close(handle);
  errno = code;
  return result;
}

#else

enum { OPEN_FOLDERS = 16 };

/* Some systems cannot flush folders, and some file systems nothing at all. */
static int flush_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)where;
  if (kind != FTW_F && kind != FTW_DP) return 0;
  int handle = open(path, O_RDONLY | O_CLOEXEC);
  if (handle < 0) return -1;
  int result = fsync(handle), code = errno;
  close(handle);
  errno = code;
  return result && code != EINVAL && code != ENOTSUP ? -1 : 0;
}

static int flush_all(const char *folder) {
  return nftw(folder, flush_one, OPEN_FOLDERS, FTW_PHYS | FTW_DEPTH);
}

#endif

int disk_flush(const char *folder, fault *f) {
  return flush_all(folder) ? fault_system(f, errno, "flush", folder) : EXIT_FINE;
}

int disk_flush_names(const char *folder, fault *f) {
  int handle = open_folder(folder);
  if (handle < 0) return fault_system(f, errno, "open folder", folder);
  /* Not every file system can do this. */
  int code = fsync(handle) && errno != EINVAL && errno != ENOTSUP
                 ? fault_system(f, errno, "flush", folder)
                 : EXIT_FINE;
  close(handle);
  return code;
}

int disk_remove(const char *path, fault *f) {
  return unlink(path) && errno != ENOENT ? fault_system(f, errno, "remove", path) : EXIT_FINE;
}
