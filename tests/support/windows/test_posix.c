/* test_posix.c - see test_posix.h.
 * SPDX-License-Identifier: MIT */
#include "test_posix.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char *test_mkdtemp(char *path) {
  char *end = path + strlen(path) - 6;
  uint64_t number = (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
  for (int tries = 0; tries < 10000; tries++) {
    uint64_t rest = number++;
    for (int i = 0; i < 6; i++, rest /= 26) end[i] = (char)('a' + rest % 26);
    if (!mkdir(path, 0700)) return path;
    if (errno != EEXIST) break;
  }
  return NULL;
}

int test_setenv(const char *name, const char *value, int replace) {
  return replace || !getenv(name) ? _putenv_s(name, value) : 0;
}

int test_posix_memalign(void **out, size_t alignment, size_t size) {
  (void)alignment;
  *out = malloc(size);
  return *out ? 0 : ENOMEM;
}
