/* io/input.c - the bytes of a file or of the host's memory, once and in order. */
#include "io/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/host_error.h"
#include "open_above.h"

/* Most masks fit, and are then decoded at once. */
enum { WINDOW = 128 * 1024 };

static fm_status too_large(int64_t size, int64_t max_bytes, fm_error *err) {
  return fm__fail(err, FM_ERR_LIMIT,
                  "has %" PRId64 " bytes, more than the limit of %" PRId64 " (max_bytes)", size,
                  max_bytes);
}

/* What can be told from the open file: whether it is one, and how long. */
static fm_status measure(int fd, int64_t max_bytes, int64_t *size, fm_error *err) {
  struct stat about;
  if (fstat(fd, &about)) return fm__fail_errno(err, errno, "cannot be examined");
  if (S_ISDIR(about.st_mode)) return fm__fail_errno(err, EISDIR, "cannot be read");
  if (!S_ISREG(about.st_mode))
    return fm__fail_host(err, FM_ERR_IO, EINVAL, "cannot be read: it is not a regular file");
  if (about.st_size > max_bytes) return too_large(about.st_size, max_bytes, err);
  *size = about.st_size;
  return FM_OK;
}

fm_status fm__input_open(const fm_context *context, const char *path, int64_t max_bytes,
                         fm__input *input, fm_error *err) {
  /* O_NONBLOCK: opening a pipe without a writer must not hang. */
  int fd = open_above(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return fm__fail_errno(err, errno, "cannot be opened");
  int64_t size = 0;
  fm_status status = measure(fd, max_bytes, &size, err);
  size_t window = size < WINDOW ? (size_t)size : WINDOW;
  unsigned char *buffer = NULL;
  if (!status) {
    buffer = fm__alloc(context, window);
    if (!buffer) status = fm__fail_memory(err, window);
  }
  if (status) {
    (void)close(fd);
    return status;
  }
  *input = (fm__input){buffer, 0, size, size, fd, 0, buffer, NULL};
  return FM_OK;
}

fm_status fm__input_memory(const void *data, size_t size, int64_t max_bytes, fm__input *input,
                           fm_error *err) {
  int64_t bytes = size > PTRDIFF_MAX ? PTRDIFF_MAX : (int64_t)size;
  if (size > PTRDIFF_MAX || bytes > max_bytes) return too_large(bytes, max_bytes, err);
  *input = (fm__input){data, size, 0, (int64_t)size, -1, 0, NULL, data};
  return FM_OK;
}

void fm__input_close(const fm_context *context, fm__input *input) {
  fm__free(context, input->buffer);
  if (input->fd >= 0) (void)close(input->fd);
}

/* What a parser takes for a file that was cut off may be a disk that failed. */
static fm_status parse_input(const fm_context *context, fm__input *input, fm__parse_fn parse,
                             void *job, fm_error *err) {
  fm_status status = parse(context, input, job, err);
  if (status && input->host_code) return fm__fail_errno(err, input->host_code, "cannot be read");
  return status;
}

fm_status fm__parse_file(const fm_context *context, const char *path, int64_t max_bytes,
                         fm__parse_fn parse, void *job, fm_error *err) {
  fm__input input;
  fm_status status = fm__input_open(context, path, max_bytes, &input, err);
  if (!status) {
    status = parse_input(context, &input, parse, job, err);
    fm__input_close(context, &input);
  }
  if (status) fm__fail_prefix(err, "%s", path);
  return status;
}

fm_status fm__parse_memory(const fm_context *context, const void *data, size_t size,
                           int64_t max_bytes, fm__parse_fn parse, void *job, fm_error *err) {
  fm__input input;
  fm_status status = fm__input_memory(size ? data : "", size, max_bytes, &input, err);
  return status ? status : parse_input(context, &input, parse, job, err);
}

fm_status fm__blame_file(fm_status status, fm_error *err) {
  if (status == FM_ERR_MEMORY) return status;
  if (err) err->code = FM_ERR_FORMAT;
  return FM_ERR_FORMAT;
}

fm_status fm__input_load(const fm_context *context, fm__input *input, size_t extra, char **data,
                         size_t *size, fm_error *err) {
  int64_t left = fm__input_left(input);
  if ((uint64_t)left > (uint64_t)PTRDIFF_MAX - extra)
    return fm__fail(err, FM_ERR_LIMIT, "has %" PRId64 " bytes, more than this machine can address",
                    left);
  char *bytes = fm__alloc(context, (size_t)left + extra);
  if (!bytes) return fm__fail_memory(err, (size_t)left + extra);
  *size = fm__input_read(input, bytes, (size_t)left);
  if (input->host_code) {
    fm__free(context, bytes);
    return fm__fail_errno(err, input->host_code, "cannot be read");
  }
  if (extra) memset(bytes + *size, 0, extra);
  *data = bytes;
  return FM_OK;
}

int64_t fm__input_left(const fm__input *input) { return (int64_t)input->ready + input->beyond; }

/* Reads up to `size` bytes of the file; 0 at its end, and where it fails. */
static size_t read_file(fm__input *input, unsigned char *to, size_t size) {
  if (input->fd < 0 || !input->beyond || !size) return 0;
  if ((uint64_t)size > (uint64_t)input->beyond) size = (size_t)input->beyond;
  if (size > (1U << 30)) size = 1U << 30;
  ssize_t got;
  do got = read(input->fd, to, size);
  while (got < 0 && errno == EINTR);
  if (got <= 0) {
    input->beyond = 0; /* it failed, or the file became shorter meanwhile */
    if (got < 0) input->host_code = errno;
    return 0;
  }
  input->beyond -= got;
  return (size_t)got;
}

bool fm__input_at(fm__input *input, uint64_t offset, void *to, size_t size) {
  if (offset > (uint64_t)input->size || size > (uint64_t)input->size - offset) return false;
  if (input->memory) {
    memcpy(to, input->memory + offset, size);
    return true;
  }
  unsigned char *at = to;
  while (size) {
    size_t wanted = size < (1U << 30) ? size : 1U << 30;
    ssize_t got = pread(input->fd, at, wanted, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) input->host_code = errno;
    if (got <= 0) return false;
    at += got;
    offset += (uint64_t)got;
    size -= (size_t)got;
  }
  return true;
}

bool fm__input_fill(fm__input *input) {
  if (input->ready) return true;
  input->next = input->buffer;
  input->ready =
      read_file(input, input->buffer, input->size < WINDOW ? (size_t)input->size : WINDOW);
  return input->ready > 0;
}

size_t fm__input_read(fm__input *input, void *to, size_t size) {
  unsigned char *at = to;
  size_t done = 0;
  while (done < size) {
    size_t wanted = size - done;
    if (!input->ready && wanted >= WINDOW) {
      size_t got = read_file(input, at + done, wanted);
      if (!got) break;
      done += got;
      continue;
    }
    if (!fm__input_fill(input)) break;
    size_t piece = wanted < input->ready ? wanted : input->ready;
    memcpy(at + done, input->next, piece);
    input->next += piece;
    input->ready -= piece;
    done += piece;
  }
  return done;
}
