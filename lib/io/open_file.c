/* io/open_file.c - files under numbers that nobody takes for standard input, output or error. */
#include "io/open_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_TRIES = 100 };

static int open_once(const char *path, int flags) {
  int fd;
  do fd = open(path, flags, 0666);
  while (fd < 0 && errno == EINTR);
  return fd;
}

static bool is_at(const char *path, int fd) {
  struct stat open, there;
  return !fstat(fd, &open) && !stat(path, &there) && open.st_dev == there.st_dev &&
         open.st_ino == there.st_ino;
}

/* A copy of a low number above all of them. Between open and this, another thread may have closed
 * the number, and opened another file under it: then it is not the file, and -1 with EBADF. */
static int move_up(const char *path, int fd) {
  int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  int code = above < 0 ? errno : 0;
  if (above >= 0 && !is_at(path, above)) {
    (void)close(above);
    code = EBADF;
  }
  if (is_at(path, fd)) (void)close(fd);
  errno = code;
  return code ? -1 : above;
}

int fm__open_file(const char *path, int flags) {
  int fd = -1;
  for (int try = 0; try < MOST_TRIES; try++) {
    fd = open_once(path, flags);
    if (fd < 0 || fd > STDERR_FILENO) return fd;
    fd = move_up(path, fd);
    if (fd >= 0) return fd;
    int code = errno;
    if (flags & O_CREAT) (void)unlink(path);
    errno = code;
    if (code != EBADF) return -1;
  }
  return fd;
}
