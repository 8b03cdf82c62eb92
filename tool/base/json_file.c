/* base/json_file.c - reading JSON strictly. */
#include "base/json_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"

enum { LARGEST_JSON = 256 << 20 }; /* bytes */

static int parse(const char *path, json_t **out, fault *f) {
  char *data;
  size_t length;
  json_error_t error;
  int code = path_read(path, LARGEST_JSON, &data, &length, f);
  if (code) return code;
  *out = json_loadb(data, length, JSON_REJECT_DUPLICATES, &error);
  free(data);
  if (!*out)
    return fault_set(f, EXIT_DATA, "%s, line %d, column %d: broken JSON, %s", path, error.line,
                     error.column, error.text);
  return EXIT_FINE;
}

int json_file_read(const char *path, const char *format, int64_t version, json_t **out, fault *f) {
  json_t *root = NULL;
  int64_t found = 0;
  int code = parse(path, &root, f);
  if (code) return code;
  const char *name = json_string_value(json_object_get(root, "format"));
  if (!name || strcmp(name, format))
    code = fault_set(f, EXIT_DATA, "%s: expected an object with \"format\": \"%s\"", path, format);
  if (!code) code = json_member_whole(root, path, "version", 1, INT64_MAX, &found, f);
  if (!code && found != version)
    code =
        fault_set(f, EXIT_DATA, "%s: version %" PRId64 ", expected %" PRId64, path, found, version);
  if (code)
    json_decref(root);
  else
    *out = root;
  return code;
}

int json_member_whole(const json_t *object, const char *path, const char *key, int64_t lowest,
                      int64_t highest, int64_t *out, fault *f) {
  const json_t *value = json_object_get(object, key);
  int64_t number = json_is_integer(value) ? json_integer_value(value) : 0;
  if (!json_is_integer(value) || number < lowest || number > highest)
    return fault_set(f, EXIT_DATA, "%s: \"%s\" is not a whole number from %" PRId64 " to %" PRId64,
                     path, key, lowest, highest);
  *out = number;
  return EXIT_FINE;
}

int json_member_real(const json_t *object, const char *path, const char *key, double *out,
                     fault *f) {
  const json_t *value = json_object_get(object, key);
  double number = json_number_value(value);
  if (!json_is_number(value) || !isfinite(number))
    return fault_set(f, EXIT_DATA, "%s: \"%s\" is not a finite number", path, key);
  *out = number;
  return EXIT_FINE;
}

int json_member_text(const json_t *object, const char *path, const char *key, char **out,
                     fault *f) {
  const char *value = json_string_value(json_object_get(object, key));
  if (!value) return fault_set(f, EXIT_DATA, "%s: \"%s\" is not a string", path, key);
  *out = alloc_text(value);
  return EXIT_FINE;
}

int json_member_text_or_null(const json_t *object, const char *path, const char *key, char **out,
                             fault *f) {
  const json_t *value = json_object_get(object, key);
  if (json_is_null(value)) {
    *out = NULL;
    return EXIT_FINE;
  }
  return json_member_text(object, path, key, out, f);
}

int json_member_hex(const json_t *object, const char *path, const char *key, uint64_t *out,
                    fault *f) {
  const char *value = json_string_value(json_object_get(object, key));
  if (!value || strlen(value) != 16 || strspn(value, "0123456789abcdef") != 16)
    return fault_set(f, EXIT_DATA, "%s: \"%s\" is not a string of 16 hexadecimal digits", path,
                     key);
  *out = strtoull(value, NULL, 16);
  return EXIT_FINE;
}

int json_member_object(const json_t *object, const char *path, const char *key, json_t **out,
                       fault *f) {
  *out = json_object_get(object, key);
  if (json_is_object(*out)) return EXIT_FINE;
  return fault_set(f, EXIT_DATA, "%s: \"%s\" is not an object", path, key);
}

int json_member_array(const json_t *object, const char *path, const char *key, json_t **out,
                      fault *f) {
  *out = json_object_get(object, key);
  if (json_is_array(*out)) return EXIT_FINE;
  return fault_set(f, EXIT_DATA, "%s: \"%s\" is not a list", path, key);
}
