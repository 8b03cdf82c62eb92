/* io/part_file.c - a file that appears under its name when it is whole. */
#include "io/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/host_error.h"
#include "io/path.h"
#include "open_above.h"

enum {
  /* File systems allow 255 bytes a name; the rest is for what is appended. */
  LONGEST_STEM = 190,
  SUFFIX = 64,
  MOST_TRIES = 10000
};

/* Where the last component of a path begins. */
static size_t folder_length(const char *path) { return (size_t)(fm__path_name(path) - path); }

/* A device or a folder must not be replaced by a file. */
static fm_status check_target(const char *path, fm_error *err) {
  if (!path[folder_length(path)])
    return fm__fail_errno(err, *path ? EISDIR : ENOENT, "cannot be written");
  struct stat about;
  if (stat(path, &about) || S_ISREG(about.st_mode)) return FM_OK;
  if (S_ISDIR(about.st_mode)) return fm__fail_errno(err, EISDIR, "cannot be written");
  return fm__fail_host(err, FM_ERR_IO, EINVAL, "cannot be written: it is not a regular file");
}

/* Processes differ by number, threads by the address of `file`, machines that share a
 * folder by O_EXCL. */
static int create_part(fm__part_file *file, size_t stem) {
  for (unsigned try = 0; try < MOST_TRIES; try++) {
    (void)snprintf(file->part + stem, SUFFIX, ".%ld-%" PRIxPTR "-%x.fm-part", (long)getpid(),
                   (uintptr_t)(const void *)file, try);
    int fd = open_above(file->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

fm_status fm__part_open(const fm_context *context, const char *path, fm__part_file *file,
                        fm_error *err) {
  fm_status status = check_target(path, err);
  if (status) return status;
  size_t stem = strlen(path), longest = folder_length(path) + LONGEST_STEM;
  if (stem > longest) stem = longest;
  *file = (fm__part_file){context, path, fm__alloc(context, stem + SUFFIX), -1};
  if (!file->part) return fm__fail_memory(err, stem + SUFFIX);
  memcpy(file->part, path, stem);
  file->fd = create_part(file, stem);
  if (file->fd >= 0) return FM_OK;
  int code = errno;
  fm__free(context, file->part);
  return fm__fail_errno(err, code, "cannot be written");
}

fm_status fm__part_write(fm__part_file *file, const void *data, size_t size, fm_error *err) {
  const char *at = data;
  while (size) {
    ssize_t written = write(file->fd, at, size < (1U << 30) ? size : 1U << 30);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fm__fail_errno(err, written ? errno : ENOSPC, "cannot be written");
    at += written;
    size -= (size_t)written;
  }
  return FM_OK;
}

/* The rename itself reaches the disk with the folder. By then the file is whole under
 * its name, and not every file system can do this: a failure changes nothing. */
static void flush_folder(fm__part_file *file) {
  size_t length = folder_length(file->path);
  /* The part's name is no longer needed, and it begins with the folder. */
  if (length)
    file->part[length] = '\0';
  else
    memcpy(file->part, ".", 2);
  int fd = open_above(file->part, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (fd < 0) return;
  (void)fsync(fd);
  (void)close(fd);
}

fm_status fm__part_commit(fm__part_file *file, bool flush, fm_error *err) {
  int code = flush && fsync(file->fd) ? errno : 0;
  /* Some file systems report only now what write() failed to do. */
  if (close(file->fd) && !code && errno != EINTR) code = errno;
  file->fd = -1;
  if (!code && rename(file->part, file->path)) code = errno;
  if (code) {
    fm__part_abandon(file);
    return fm__fail_errno(err, code, "cannot be written");
  }
  if (flush) flush_folder(file);
  fm__free(file->context, file->part);
  return FM_OK;
}

void fm__part_abandon(fm__part_file *file) {
  if (file->fd >= 0) (void)close(file->fd);
  (void)unlink(file->part);
  fm__free(file->context, file->part);
}
