/* base/alloc.c - allocation that does not return on failure. */
#include "base/alloc.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"

/* _exit: other threads may be running, and files on disk are whole at any moment. Where several fail at once the first
 * speaks; the others wait for the end. */
_Noreturn void alloc_fail(void) {
  static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&once);
  static const char sentence[] = "freemask: out of memory\n";
  ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
  (void)written;
  _exit(EXIT_IO);
}

void *alloc_zeroed(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size ? size : 1);
  if (!memory) alloc_fail();
  return memory;
}

void *alloc_resize(void *old, size_t count, size_t size) {
  if (size && count > SIZE_MAX / size) alloc_fail();
  size_t bytes = count * size;
  void *memory = realloc(old, bytes ? bytes : 1);
  if (!memory) alloc_fail();
  return memory;
}

char *alloc_text(const char *text) {
  if (!text) return NULL;
  size_t bytes = strlen(text) + 1;
  return memcpy(alloc_zeroed(bytes, 1), text, bytes);
}

void *alloc_grow(void *array, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return array;
  *capacity = *capacity ? *capacity * 2 : 16;
  return alloc_resize(array, *capacity, size);
}
