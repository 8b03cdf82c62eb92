/* port/open_above.h - files under numbers that nobody takes for standard input, output or error: of
 * the library and of the tool. */
#ifndef FREEMASK_PORT_OPEN_ABOVE_H
#define FREEMASK_PORT_OPEN_ABOVE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

/* While another thread does nothing but close 0 to 2, 4 of 10 tries fail with musl, whose open takes two
 * calls of the system (1 of 10 with glibc), and many in a row while that thread has a processor: of
 * 36,000 files, one took 1,638. A try takes less than 10 us. */
enum { OPEN_ABOVE_TRIES = 20000 };

static inline bool open_above_is_at(const char *path, int fd) {
  struct stat open, there;
  return !fstat(fd, &open) && !stat(path, &there) && open.st_dev == there.st_dev &&
         open.st_ino == there.st_ino;
}

/* A copy of a low number above all of them. Between open and this, another thread may have closed
 * the number, and opened another file under it: then it is not the file, and -1 with EBADF. */
static inline int open_above_move(const char *path, int fd) {
  int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  int code = above < 0 ? errno : 0;
  if (above >= 0 && !open_above_is_at(path, above)) {
    (void)close(above);
    code = EBADF;
  }
  if (open_above_is_at(path, fd)) (void)close(fd);
  errno = code;
  return code ? -1 : above;
}

/* As open(), but never 0, 1 or 2, even where the host has closed these: what is printed, or closed
 * as if it were one of them, must not hit a file of ours. That holds while other threads close
 * them. O_CREAT goes with O_EXCL, since the file may be made again; its mode is 0666. -1: errno
 * tells why. */
static inline int open_above(const char *path, int flags) {
  int fd = -1;
  for (int i = 0; i < OPEN_ABOVE_TRIES; i++) {
    do fd = open(path, flags, 0666);
    while (fd < 0 && errno == EINTR);
    if (fd < 0 || fd > STDERR_FILENO) return fd;
    fd = open_above_move(path, fd);
    if (fd >= 0) return fd;
    int code = errno;
    if (flags & O_CREAT) (void)unlink(path);
    errno = code;
    if (code != EBADF) return -1;
  }
  return -1;
}

#endif
