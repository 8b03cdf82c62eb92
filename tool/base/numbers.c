/* base/numbers.c - ranges and lists of whole numbers. */
#include "base/numbers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { MOST_NUMBERS = 1 << 20 };

static bool take(const char **at, int64_t *out) {
  char *end;
  errno = 0;
  if (!strchr("-0123456789", **at) || !**at) return false;
  *out = strtoll(*at, &end, 10);
  if (end == *at || errno) return false;
  *at = end;
  return true;
}

static bool read_range(const char *text, int64_t **out, size_t *count) {
  int64_t first, last;
  if (!take(&text, &first) || *text++ != ':' || !take(&text, &last) || *text) return false;
  if (last <= first || (uint64_t)last - (uint64_t)first > MOST_NUMBERS) return false;
  *count = (size_t)(last - first);
  *out = alloc_zeroed(*count, sizeof **out);
  for (size_t i = 0; i < *count; i++) (*out)[i] = first + (int64_t)i;
  return true;
}

static bool read_list(const char *text, int64_t **out, size_t *count) {
  int64_t *numbers = NULL, number;
  size_t capacity = 0;
  *count = 0;
  while (*count < MOST_NUMBERS && take(&text, &number)) {
    numbers = alloc_grow(numbers, *count, &capacity, sizeof *numbers);
    numbers[(*count)++] = number;
    if (!*text) {
      *out = numbers;
      return true;
    }
    if (*text++ != ',') break;
  }
  free(numbers);
  return false;
}

bool numbers_read(const char *text, int64_t **out, size_t *count) {
  return (strchr(text, ':') ? read_range : read_list)(text, out, count);
}
