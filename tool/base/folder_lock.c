/* base/folder_lock.c - locks a folder by a file in it. */
#define _DEFAULT_SOURCE /* flock */
#include "base/folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

/* Is the open file still the one at `path`? An owner removes the file before it releases the lock.
 */
static bool is_there(const char *path, int handle) {
  struct stat named, opened;
  return !lstat(path, &named) && !fstat(handle, &opened) && named.st_dev == opened.st_dev &&
         named.st_ino == opened.st_ino;
}

static int refuse(const char *folder, int handle, fault *f) {
  char digits[24];
  ssize_t length = pread(handle, digits, sizeof digits - 1, 0);
  digits[length > 0 ? length : 0] = '\0';
  long process = strtol(digits, NULL, 10);
  char who[40] = "";
  if (process > 0) snprintf(who, sizeof who, " (process %ld)", process);
  return fault_set(f, EXIT_USAGE,
                   "%s: another freemask%s is writing into this folder; wait for it to end, or "
                   "choose another folder",
                   folder, who);
}

/* Read by a process that is refused. A file with several names is not only a lock. */
static void write_process(int handle) {
  char digits[24];
  struct stat info;
  if (fstat(handle, &info) || info.st_nlink != 1 || ftruncate(handle, 0)) return;
  int length = snprintf(digits, sizeof digits, "%ld\n", (long)getpid());
  ssize_t written = pwrite(handle, digits, (size_t)length, 0);
  (void)written;
}

static int lock_file(const char *shown, const char *path, int handle, bool *again, fault *f) {
  struct stat info;
  if (fstat(handle, &info)) return fault_system(f, errno, "lock", path);
  if (!S_ISREG(info.st_mode))
    return fault_set(f, EXIT_IO, "cannot lock %s: it is not a regular file", path);
  int refused;
  do refused = flock(handle, LOCK_EX | LOCK_NB);
  while (refused && errno == EINTR);
  if (refused && errno == EWOULDBLOCK) return refuse(shown, handle, f);
  if (refused)
    fprintf(stderr,
            "freemask: warning: %s: this file system has no locks; do not let two processes write "
            "into one folder\n",
            shown);
  *again = !is_there(path, handle);
  return EXIT_FINE;
}

int folder_lock_take(const char *folder, const char *shown, folder_lock *out, fault *f) {
  char *path = path_join(folder, FOLDER_LOCK_NAME);
  bool again;
  int code, handle;
  do {
    again = false;
    handle = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    if (handle < 0) {
      code = errno == ENOENT ? FOLDER_GONE : fault_system(f, errno, "lock", path);
      break;
    }
    code = lock_file(shown, path, handle, &again, f);
    if (code || again) close(handle);
  } while (again);
  if (code) {
    free(path);
    return code;
  }
  write_process(handle);
  *out = (folder_lock){path, handle};
  return EXIT_FINE;
}

void folder_lock_release(folder_lock *lock) {
  if (!lock->path) return;
  if (is_there(lock->path, lock->handle)) unlink(lock->path);
  close(lock->handle);
  free(lock->path);
  *lock = (folder_lock){0};
}
