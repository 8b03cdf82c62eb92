/* base/seeds.c - lists of generator seeds. */
#include "base/seeds.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/numbers.h"

static int by_value(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

int seeds_read(const char *value, int64_t n_max, int64_t **out, size_t *count, fault *f) {
  const char *text = value ? value : "42:62";
  if (!numbers_read(text, out, count))
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
