/* freemask/seeds.c - lists of generator seeds. */
#include "seeds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { MOST_SEEDS = 1 << 20 };

static bool take(const char **at, int64_t *out) {
  char *end;
  errno = 0;
  if (!strchr("-0123456789", **at) || !**at) return false;
  *out = strtoll(*at, &end, 10);
  if (end == *at || errno) return false;
  *at = end;
  return true;
}

static bool read_range(const char *value, int64_t **out, size_t *count) {
  int64_t first, last;
  if (!take(&value, &first) || *value++ != ':' || !take(&value, &last) || *value) return false;
  if (last <= first || (uint64_t)last - (uint64_t)first > MOST_SEEDS) return false;
  *count = (size_t)(last - first);
  *out = alloc_zeroed(*count, sizeof **out);
  for (size_t i = 0; i < *count; i++) (*out)[i] = first + (int64_t)i;
  return true;
}

static bool read_list(const char *value, int64_t **out, size_t *count) {
  int64_t *seeds = NULL, seed;
  size_t capacity = 0;
  *count = 0;
  while (*count < MOST_SEEDS && take(&value, &seed)) {
    seeds = alloc_grow(seeds, *count, &capacity, sizeof *seeds);
    seeds[(*count)++] = seed;
    if (!*value) {
      *out = seeds;
      return true;
    }
    if (*value++ != ',') break;
  }
  free(seeds);
  return false;
}

static int by_value(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

int seeds_read(const char *value, int64_t n_max, int64_t **out, size_t *count, fault *f) {
  const char *text = value ? value : "42:62";
  if (!(strchr(text, ':') ? read_range : read_list)(text, out, count))
    return fault_set(f, EXIT_USAGE,
                     "--seeds is '%.200s', expected first:end with first below end, or "
                     "a comma list of whole numbers",
                     text);
  qsort(*out, *count, sizeof **out, by_value);
  int code = EXIT_FINE;
  for (size_t i = 1; i < *count && !code; i++)
    if ((*out)[i] == (*out)[i - 1])
      code = fault_set(f, EXIT_USAGE, "--seeds holds %" PRId64 " twice", (*out)[i]);
  if (!code && n_max > (int64_t)*count)
    code = fault_set(f, EXIT_USAGE, "--n-max is %" PRId64 " but --seeds %s holds only %zu seeds",
                     n_max, text, *count);
  if (code) free(*out);
  return code;
}
