/* base/input_file.c - reading inputs, and knowing them again. */
#define _GNU_SOURCE /* st_mtim */
#include "base/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/vfs.h>
#endif
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/text.h"
#include "open_above.h"

enum {
  MOST_TRIES = 4,
  PIECE = 1 << 18,       /* bytes that are hashed at once */
  MOST_AT_ONCE = 1 << 25 /* larger files are read by the library, and hashed afterwards */
};

const input_kind input_mask = {fm_mask_read, fm_mask_decode},
                 input_loss = {fm_loss_read, fm_loss_decode},
                 input_output = {fm_output_read, fm_output_decode},
                 input_queries = {fm_queries_read, fm_queries_decode},
                 input_image = {fm_image_read, fm_image_decode};

/* ---- Identity ------------------------------------------------------------------------- */

/* Numbers differ where files do: device and node are not used again while a file is there, and no
 * program can set the time of a change (ctime). */
static uint64_t identity_of(const struct stat *info) {
  const int64_t words[] = {(int64_t)info->st_dev,          (int64_t)info->st_ino,
                           (int64_t)info->st_size,         (int64_t)info->st_mtim.tv_sec,
                           (int64_t)info->st_mtim.tv_nsec, (int64_t)info->st_ctim.tv_sec,
                           (int64_t)info->st_ctim.tv_nsec};
  uint64_t hash = XXH3_64bits(words, sizeof words);
  return hash ? hash : 1;
}

static uint64_t content_of(uint64_t hash) { return hash ? hash : 1; }

/* ---- Reading -------------------------------------------------------------------------- */

/* As the library opens inputs: a pipe does not hang. -1: no regular file. */
static int open_regular(const char *path, struct stat *info) {
  int handle = open_above(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (handle < 0) return -1;
  int code = fstat(handle, info) ? errno : S_ISREG(info->st_mode) ? 0 : EINVAL;
  if (!code) return handle;
  close(handle);
  errno = code;
  return -1;
}

/* Up to `size` bytes; fewer at the end. -1: errno tells why. */
static ssize_t read_some(int handle, char *to, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t got = read(handle, to + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (!got) break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

/* Hashes the rest of the file. False: errno tells why. */
static bool hash_open(int handle, input_seen *seen) {
  XXH3_state_t state;
  char *piece = alloc_resize(NULL, PIECE, 1);
  ssize_t got;
  XXH3_64bits_reset(&state);
  seen->size = 0;
  while ((got = read_some(handle, piece, PIECE)) > 0) {
    XXH3_64bits_update(&state, piece, (size_t)got);
    seen->size += got;
  }
  int code = errno;
  free(piece);
  errno = code;
  seen->content = content_of(XXH3_64bits_digest(&state));
  return got == 0;
}

/* Is it still what it was when it was opened? */
static bool unchanged(int handle, const struct stat *before) {
  struct stat after;
  return !fstat(handle, &after) && identity_of(&after) == identity_of(before);
}

/* 1: done, `*seen` is set; 0: the file changed meanwhile; -1: errno tells why. */
static int look_once(const char *path, input_seen *seen) {
  struct stat info;
  int handle = open_regular(path, &info);
  if (handle < 0) return -1;
  bool read = hash_open(handle, seen);
  int code = errno;
  bool same = read && unchanged(handle, &info);
  close(handle);
  seen->identity = identity_of(&info);
  errno = code;
  return read ? same : -1;
}

int input_look(const char *path, input_seen *seen, fault *f) {
  for (int i = 0; i < MOST_TRIES; i++) {
    int done = look_once(path, seen);
    if (done > 0) return EXIT_FINE;
    if (done < 0) return fault_system(f, errno, "read", path);
  }
  return fault_set(f, EXIT_IO, "%s changes while it is read, expected inputs that stay", path);
}

/* ---- Pixels --------------------------------------------------------------------------- */

/* Names the file, unless the sentence would not fit: the caller's fault has more room. */
static fm_status blame(const char *path, fm_status status, fm_error *err) {
  if (!status || !err) return status;
  char line[sizeof err->message];
  text_to_line(path, line, sizeof line);
  size_t name = strlen(line), rest = strlen(err->message);
  if (name + 2 + rest >= sizeof err->message) return status;
  memmove(err->message + name + 2, err->message, rest + 1);
  memcpy(err->message, line, name);
  memcpy(err->message + name, ": ", 2);
  return status;
}

/* The file's bytes, which decode as they lie in memory. 0: the file changed meanwhile, or cannot be
 * read as a whole: the library says why. */
static bool load(int handle, const struct stat *info, char **data, input_seen *seen) {
  size_t size = (size_t)info->st_size;
  *data = malloc(size + 1);
  ssize_t got = *data ? read_some(handle, *data, size + 1) : -1;
  if (got == (ssize_t)size && unchanged(handle, info)) {
    *seen = (input_seen){identity_of(info), content_of(XXH3_64bits(*data, size)), got};
    return true;
  }
  free(*data);
  return false;
}

/* A large file is not held twice: the library reads it by its name. */
static fm_status read_large(const fm_context *context, const input_kind *kind, const char *path,
                            const fm_read_options *options, uint64_t identity, fm_raster **out,
                            input_seen *seen, bool *again, fm_error *err) {
  fm_raster *raster;
  fm_status status = kind->read(context, path, options, &raster, err);
  if (status) return status;
  *again = look_once(path, seen) <= 0 || seen->identity != identity;
  if (*again)
    fm_raster_destroy(raster);
  else
    *out = raster;
  return FM_OK;
}

static fm_status read_once(const fm_context *context, const input_kind *kind, const char *path,
                           const fm_read_options *options, fm_raster **out, input_seen *seen,
                           bool *again, fm_error *err) {
  struct stat info;
  char *data;
  int handle = open_regular(path, &info);
  *again = false;
  if (handle < 0) { /* which the library finds as well */
    fm_raster *raster = NULL;
    fm_status status = kind->read(context, path, options, &raster, err);
    fm_raster_destroy(raster);
    *again = !status;
    return status;
  }
  if (info.st_size > MOST_AT_ONCE) {
    close(handle);
    return read_large(context, kind, path, options, identity_of(&info), out, seen, again, err);
  }
  *again = !load(handle, &info, &data, seen);
  close(handle);
  if (*again) return FM_OK;
  fm_status status = blame(
      path, kind->decode(context, data, seen->size ? (size_t)seen->size : 0, options, out, err),
      err);
  free(data);
  return status;
}

static fm_status unsteady(const fm_context *context, const input_kind *kind, const char *path,
                          const fm_read_options *options, fm_error *err) {
  fm_raster *raster = NULL;
  fm_status status = kind->read(context, path, options, &raster, err);
  fm_raster_destroy(raster);
  if (status) return status; /* a disk that fails, most likely */
  if (err) {
    *err = (fm_error){.code = FM_ERR_IO};
    snprintf(err->message, sizeof err->message,
             "changes while it is read, expected inputs that stay");
  }
  return blame(path, FM_ERR_IO, err);
}

fm_status input_read(const fm_context *context, const input_kind *kind, const char *path,
                     const fm_read_options *options, fm_raster **out, input_seen *seen,
                     fm_error *err) {
  if (!seen) return kind->read(context, path, options, out, err);
  for (int i = 0; i < MOST_TRIES; i++) {
    bool again;
    fm_status status = read_once(context, kind, path, options, out, seen, &again, err);
    if (status || !again) return status;
  }
  return unsteady(context, kind, path, options, err);
}

/* ---- Several files as one ------------------------------------------------------------- */

/* The same on all machines: records travel. */
static uint64_t join_hash(uint64_t all, uint64_t next) {
  uint64_t h = all * 0x9E3779B97F4A7C15u + next;
  h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDu;
  h ^= h >> 33;
  return h ? h : 1;
}

void input_join(input_seen *all, const input_seen *next) {
  const bool first = !all->content;
  if (!next->content) return;
  all->identity = next->identity && (first || all->identity)
                      ? join_hash(first ? 0 : all->identity, next->identity)
                      : 0;
  all->content = join_hash(all->content, next->content);
  all->size += next->size;
}

/* ---- Comparing ------------------------------------------------------------------------ */

#if defined(__linux__)

/* Does the kernel of this machine set the times of its files? Servers have clocks of their own. */
static bool has_own_clock(const char *path) {
  static const uint32_t local[] = {
      0xEF53,     /* ext2 to ext4 */
      0x58465342, /* XFS */
      0x9123683E, /* Btrfs */
      0x01021994, /* tmpfs */
      0x858458F6, /* ramfs */
      0xF2F52010, /* F2FS */
      0x794C7630, /* overlayfs */
      0x2FC12FC1, /* ZFS */
      0xCA451A4E, /* bcachefs */
      0x73717368, /* SquashFS */
      0x4D44,     /* FAT */
      0x2011BAB0, /* exFAT */
  };
  struct statfs info;
  if (statfs(path, &info)) return false;
  for (size_t i = 0; i < sizeof local / sizeof *local; i++)
    if ((uint32_t)info.f_type == local[i]) return true;
  return false;
}

#else

static bool has_own_clock(const char *path) {
  (void)path;
  return false;
}

#endif

/* Was the file's last change long enough before the reading for any later one to have another time?
 * Clocks tick every 2 seconds at worst (FAT); those of two machines may be a day apart. */
static bool is_settled(const char *path, const struct stat *info, const struct stat *written,
                       int slack) {
  enum { TICK = 2, DAY = 24 * 60 * 60 };
  int64_t age = (int64_t)written->st_mtim.tv_sec - (int64_t)info->st_ctim.tv_sec;
  if (age > DAY + slack) return true;
  return age > TICK + slack && (info->st_dev == written->st_dev || has_own_clock(path));
}

int input_stat(const char *path, const struct stat *written, int slack, uint64_t *identity,
               bool *settled, fault *f) {
  struct stat info;
  if (stat(path, &info)) return fault_system(f, errno, "open", path);
  *identity = identity_of(&info);
  *settled = !written || is_settled(path, &info, written, slack);
  return EXIT_FINE;
}

int input_compare(const char *path, const input_seen *before, const struct stat *written, int slack,
                  input_seen *now, bool *same, fault *f) {
  bool settled;
  *now = *before;
  *same = true;
  int code = input_stat(path, written, slack, &now->identity, &settled, f);
  if (code || (settled && now->identity == before->identity)) return code;
  code = input_look(path, now, f);
  *same = !code && now->content == before->content && now->size == before->size;
  return code;
}
