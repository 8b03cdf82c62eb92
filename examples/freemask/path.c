/* freemask/path.c - names of files. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "path.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc.h"

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
  return !stat(path, &info);
}

bool path_is_folder(const char *path) {
  struct stat info;
  return !stat(path, &info) && S_ISDIR(info.st_mode);
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

bool path_same_or_inside(const char *inner, const char *outer) {
  char *in = path_real(inner), *out = path_real(outer);
  size_t length = strlen(out);
  bool inside =
      !strncmp(in, out, length) && (in[length] == '\0' || in[length] == '/' || !strcmp(out, "/"));
  free(in);
  free(out);
  return inside;
}

int path_read(const char *path, size_t limit, char **data, size_t *length, fault *f) {
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
    return fault_set(f, EXIT_DATA, "%s has more than %zu bytes, too many for its kind", path,
                     limit);
  }
  bytes[count] = '\0';
  *data = bytes;
  *length = count;
  return EXIT_FINE;
}
