/* base/path.c - names of files. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/path.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/unsaid.h"

char *path_join(const char *folder, const char *name) {
  size_t left = strlen(folder), right = strlen(name);
  while (left > 1 && folder[left - 1] == '/') left--;
  char *path = alloc_zeroed(left + right + 2, 1);
  memcpy(path, folder, left);
  if (left && path[left - 1] != '/') path[left++] = '/';
  memcpy(path + left, name, right);
  return path;
}

bool path_ends_with(const char *path, const char *suffix) {
  size_t whole = strlen(path), end = strlen(suffix);
  return whole >= end && !memcmp(path + whole - end, suffix, end);
}

bool path_exists(const char *path) {
  struct stat info;
  return !stat(path, &info) || !fault_means_absent(errno);
}

int path_look(const char *path, path_kind *out, fault *f) {
  struct stat info;
  if (!stat(path, &info))
    *out = S_ISDIR(info.st_mode) ? PATH_FOLDER : PATH_FILE;
  else if (fault_means_absent(errno))
    *out = PATH_ABSENT;
  else
    return fault_system(f, errno, "examine", path);
  return EXIT_FINE;
}

/* stat, or a note of why not. */
static bool look(const char *path, struct stat *info) {
  if (!stat(path, info)) return true;
  unsaid_note(errno, path);
  return false;
}

bool path_is_folder(const char *path) {
  struct stat info;
  return look(path, &info) && S_ISDIR(info.st_mode);
}

bool path_is_file(const char *path, struct stat *info) {
  return look(path, info) && S_ISREG(info->st_mode);
}

bool path_same_file(const char *a, const char *b) {
  struct stat left, right;
  return look(a, &left) && look(b, &right) && left.st_dev == right.st_dev &&
         left.st_ino == right.st_ino;
}

int path_expect_free(const char *path, const char *expected, fault *f) {
  path_kind kind;
  int code = path_look(path, &kind, f);
  if (!code && kind != PATH_ABSENT)
    code = fault_set(f, EXIT_USAGE, "%s is already there, expected %s", path, expected);
  return code;
}

char *path_stem(const char *relative, const char *suffix) {
  char *stem = alloc_text(relative);
  char *slash = strrchr(stem, '/');
  char *name = slash ? slash + 1 : stem;
  char *dot = strrchr(name, '.');
  if (dot && dot != name) *dot = '\0';
  size_t end = suffix ? strlen(suffix) : 0;
  if (end && strlen(name) > end && path_ends_with(name, suffix)) name[strlen(name) - end] = '\0';
  return stem;
}

char *path_real(const char *path) {
  char *real = realpath(path, NULL);
  if (real) return real;
  unsaid_note(errno, path);
  if (!strcmp(path, ".") && (real = getcwd(NULL, 0))) return real; /* it has no name to add */
  char *parent = alloc_text(path);
  size_t length = strlen(parent);
  while (length > 1 && parent[length - 1] == '/') parent[--length] = '\0';
  char *slash = strrchr(parent, '/');
  char *name = alloc_text(slash ? slash + 1 : parent);
  if (!slash)
    strcpy(parent, ".");
  else if (slash == parent)
    slash[1] = '\0';
  else
    *slash = '\0';
  char *up = strcmp(parent, path) ? path_real(parent) : alloc_text(parent);
  real = path_join(up, name);
  free(up);
  free(name);
  free(parent);
  return real;
}

/* Bytes of `a` up to the end of the last folder that is above both. */
static size_t common_folders(const char *a, const char *b) {
  size_t common = 0, i = 0;
  for (;; i++) {
    bool end_a = !a[i] || a[i] == '/', end_b = !b[i] || b[i] == '/';
    if (end_a && end_b) common = i;
    if (!a[i] || a[i] != b[i]) return common;
  }
}

static bool is_above(const char *folder, const char *path) {
  size_t length = strlen(folder);
  return !strncmp(folder, path, length) &&
         (!path[length] || path[length] == '/' || (length && folder[length - 1] == '/'));
}

size_t path_root(const char *path) {
#if defined(_WIN32)
  if (isalpha((unsigned char)*path) && path[1] == ':' && path[2] == '/') return 3;
#endif
  return *path == '/';
}

/* Goes up a folder. What is above a link is above the folder that it leads to. */
static void go_up(char **path) {
  struct stat info;
  if (lstat(*path, &info)) {
    unsaid_note(errno, *path);
  } else if (S_ISLNK(info.st_mode)) {
    char *real = path_real(*path);
    free(*path);
    *path = real;
  }
  char *slash = strrchr(*path, '/');
  if (slash) slash[slash == *path] = '\0';
}

char *path_absolute(const char *path) {
  size_t root = path_root(path);
  char *at = root ? alloc_text(path) : path_real(".");
  if (root) at[root] = '\0';
  if (root > 1) *at = (char)toupper((unsigned char)*at); /* as path_real tells drives */
  path += root;
  while (*path) {
    size_t length = strcspn(path, "/");
    if (length == 2 && !strncmp(path, "..", 2)) {
      go_up(&at);
    } else if (length && !(length == 1 && *path == '.')) {
      char *name = alloc_text(path);
      name[length] = '\0';
      char *longer = path_join(at, name);
      free(name);
      free(at);
      at = longer;
    }
    path += length + (path[length] == '/');
  }
  return at;
}

/* Replaces the longest beginning of an absolute path that leads to a folder above `folder`, through
 * links maybe, by that folder. */
static char *begin_at_common(const char *folder, char *path) {
  for (size_t end = strlen(path); end; end--) {
    if (path[end] && path[end] != '/') continue;
    char kept = path[end];
    path[end] = '\0';
    char *real = path_real(path);
    path[end] = kept;
    bool above = is_above(real, folder);
    char *whole = above ? path_join(real, path + end + (kept == '/')) : NULL;
    free(real);
    if (!above) continue;
    free(path);
    return whole;
  }
  return path;
}

char *path_relative(const char *folder, const char *path) {
  char *absolute = path_absolute(path), *real = path_real(folder);
  absolute = begin_at_common(real, absolute);
  if (path_root(real) > 1 && *real != *absolute) { /* no way leads to another drive */
    free(real);
    return absolute;
  }
  size_t common = common_folders(real, absolute), ups = 0;
  for (const char *c = real + common; *c; c++) ups += *c == '/' && c[1];
  const char *rest = absolute + common;
  while (*rest == '/') rest++;
  char *out = alloc_zeroed(3 * ups + strlen(rest) + 3, 1), *end = out;
  if (!ups) end = strcpy(end, "./") + 2;
  while (ups--) end = strcpy(end, "../") + 3;
  strcpy(end, rest);
  free(absolute);
  free(real);
  return out;
}

/* The folder of a file. Caller frees. */
static char *folder_of(const char *file) {
  char *folder = alloc_text(file), *slash = strrchr(folder, '/');
  if (slash) {
    slash[slash == folder] = '\0';
    return folder;
  }
  free(folder);
  return alloc_text(".");
}

char *path_to_store(const char *file, const char *path) {
  if (!path || path_root(path)) return alloc_text(path);
  char *folder = folder_of(file), *stored = path_relative(folder, path);
  free(folder);
  return stored;
}

/* Cuts off the last name of a folder, if "<folder>/.." is what is left: not behind a link. */
static bool cut_last(char *folder) {
  struct stat info;
  char *slash = strrchr(folder, '/'), *name = slash ? slash + 1 : folder;
  if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) return false;
  if (lstat(folder, &info)) {
    unsaid_note(errno, folder);
    return false;
  }
  if (!S_ISDIR(info.st_mode)) return false;
  if (!slash)
    memcpy(folder, ".", 2); /* no longer than a name */
  else
    slash[slash == folder] = '\0';
  return true;
}

char *path_from_store(const char *file, const char *stored) {
  if (!stored || (strncmp(stored, "./", 2) && strncmp(stored, "../", 3))) return alloc_text(stored);
  char *folder = folder_of(file);
  for (;;) {
    if (!strncmp(stored, "./", 2))
      stored += 2;
    else if (!strncmp(stored, "../", 3) && cut_last(folder))
      stored += 3;
    else
      break;
  }
  /* A name alone could be that of a preset. */
  char *path = strcmp(folder, ".") != 0 || !strchr(stored, '/') ? path_join(folder, stored)
                                                                : alloc_text(stored);
  free(folder);
  return path;
}

bool path_same_or_inside(const char *inner, const char *outer) {
  char *in = path_real(inner), *out = path_real(outer);
  bool inside = is_above(out, in);
  free(in);
  free(out);
  return inside;
}

int path_read(const char *path, uint64_t limit, char **data, size_t *length, fault *f) {
  if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
  FILE *file = fopen(path, "rb");
  if (!file) return fault_system(f, errno, "open", path);
  struct stat info;
  char *bytes = NULL;
  size_t count = 0, capacity = 0;
  /* Room for all of it at once, and for the NUL and the read that finds the end. */
  if (!fstat(fileno(file), &info) && S_ISREG(info.st_mode) && info.st_size > 0 &&
      (uint64_t)info.st_size <= limit) {
    capacity = (size_t)info.st_size + 2;
    bytes = alloc_resize(NULL, capacity, 1);
  }
  for (;;) {
    if (capacity - count < 2) capacity = capacity ? capacity * 2 : 65536;
    bytes = alloc_resize(bytes, capacity, 1);
    size_t got = fread(bytes + count, 1, capacity - count - 1, file);
    count += got;
    if (!got || count > limit) break;
  }
  int trouble = ferror(file) ? errno : 0;
  fclose(file);
  if (trouble || count > limit) {
    free(bytes);
    if (trouble) return fault_system(f, trouble, "read", path);
    return fault_set(f, EXIT_DATA, "%s has more than %" PRIu64 " bytes, too many for its kind",
                     path, limit);
  }
  bytes[count] = '\0';
  *data = bytes;
  *length = count;
  return EXIT_FINE;
}
