/* test_posix.c - see test_posix.h.
 * SPDX-License-Identifier: MIT */
#include "test_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Six letters for the six at the end of the path, others at each try. */
static void put_letters(char *path, int try) {
  uint64_t rest = (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid() + (uint64_t)try;
  char *end = path + strlen(path) - 6;
  for (int i = 0; i < 6; i++, rest /= 26) end[i] = (char)('a' + rest % 26);
}

char *test_mkdtemp(char *path) {
  for (int try = 0; try < 10000; try++) {
    put_letters(path, try);
    if (!mkdir(path, 0700)) return path;
    if (errno != EEXIST) break;
  }
  return NULL;
}

int test_mkstemp(char *path) {
  for (int try = 0; try < 10000; try++) {
    put_letters(path, try);
    int handle = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (handle >= 0 || errno != EEXIST) return handle;
  }
  return -1;
}

int test_setenv(const char *name, const char *value, int replace) {
  return replace || !getenv(name) ? _putenv_s(name, value) : 0;
}

int test_posix_memalign(void **out, size_t alignment, size_t size) {
  (void)alignment;
  *out = malloc(size);
  return *out ? 0 : ENOMEM;
}
