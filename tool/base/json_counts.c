/* base/json_counts.c - lists of counts in JSON as strings, where most are zero. */
#include <inttypes.h>

#include "base/json_file.h"

json_t *json_counts(const int64_t *counts, size_t size) {
  text t = {0};
  size_t i = 0;
  while (i < size) {
    size_t zeros = 0;
    while (i + zeros < size && !counts[i + zeros]) zeros++;
    const int64_t number = zeros > 1 ? (int64_t)zeros : counts[i];
    text_add(&t, "%s%s%" PRId64, i ? " " : "", zeros > 1 ? "+" : "", number);
    i += zeros > 1 ? zeros : 1;
  }
  json_t *value = json_text(size ? t.data : "");
  text_free(&t);
  return value;
}

/* A count, or +n for n zeros; returns what is behind it, and NULL if it is neither. The library reads the
 * words of stats.json alike (lib/io/json.c), with statuses of its own, and exports no reader of them. */
static const char *read_count(const char *at, bool *zeros, int64_t *number) {
  int64_t value = 0;
  *zeros = *at == '+';
  at += *zeros;
  if (*at < '0' || *at > '9' || (*at == '0' && at[1] >= '0' && at[1] <= '9')) return NULL;
  for (; *at >= '0' && *at <= '9'; at++) {
    if (value > (INT64_MAX - (*at - '0')) / 10) return NULL;
    value = value * 10 + (*at - '0');
  }
  *number = value;
  return (*zeros && !value) || (*at && *at != ' ') ? NULL : at;
}

int json_member_counts(const json_t *object, const char *path, const char *key, int32_t k,
                       size_t size, int64_t most, int64_t *out, fault *f) {
  const char *words = json_string_value(json_object_get(object, key)), *at = words;
  size_t found = 0;
  int64_t left = most;
  if (!words)
    return fault_set(f, EXIT_DATA, "%s: \"%s\" of class %d is not a string of counts", path, key,
                     (int)k);
  while (*at) {
    bool zeros;
    int64_t number = 0;
    const char *start = at + (at > words); /* behind a blank */
    at = read_count(start, &zeros, &number);
    if (!at)
      return fault_set(f, EXIT_DATA,
                       "%s: \"%s\" of class %d, character %zu: expected a count, or +n for n "
                       "zeros, and one blank between two",
                       path, key, (int)k, (size_t)(start - words) + 1);
    const uint64_t many = zeros ? (uint64_t)number : 1;
    if (many > size - found) {
      found = size + 1;
      break;
    }
    if (!zeros && number > left)
      return fault_set(f, EXIT_DATA,
                       "%s: \"%s\" of class %d counts more pixels than the %" PRId64 " there are",
                       path, key, (int)k, most);
    left -= zeros ? 0 : number;
    for (uint64_t i = 0; i < many; i++) out[found++] = zeros ? 0 : number;
  }
  if (found == size) return EXIT_FINE;
  return fault_set(f, EXIT_DATA, "%s: \"%s\" of class %d has %s than %zu counts", path, key, (int)k,
                   found < size ? "fewer" : "more", size);
}
