/* base/json_file.c - reading JSON strictly. */
#include "base/json_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"

enum { LARGEST_JSON = 256 << 20 }; /* bytes */

static int check_root(json_t *root, const char *path, const char *format, int64_t version,
                      fault *f) {
  const char *name = json_string_value(json_object_get(root, "format"));
  int64_t found = 0;
  if (!name || strcmp(name, format))
    return fault_set(f, EXIT_DATA, "%s: expected an object with \"format\": \"%s\"", path, format);
  int code = json_member_whole(root, path, "version", 1, INT64_MAX, &found, f);
  if (!code && found != version)
    code =
        fault_set(f, EXIT_DATA, "%s: version %" PRId64 ", expected %" PRId64, path, found, version);
  return code;
}

int json_data_read(const char *data, size_t length, const char *path, const char *format,
                   int64_t version, json_t **out, fault *f) {
  json_error_t error;
  json_t *root = json_loadb(data, length, JSON_REJECT_DUPLICATES, &error);
  if (!root && json_error_code(&error) == json_error_out_of_memory) alloc_fail();
  if (!root)
    return fault_set(f, EXIT_DATA, "%s, line %d, column %d: broken JSON, %s", path, error.line,
                     error.column, error.text);
  int code = check_root(root, path, format, version, f);
  if (code)
    json_decref(root);
  else
    *out = root;
  return code;
}

int json_file_read(const char *path, const char *format, int64_t version, json_t **out, fault *f) {
  char *data;
  size_t length;
  int code = path_read(path, LARGEST_JSON, &data, &length, f);
  if (code) return code;
  code = json_data_read(data, length, path, format, version, out, f);
  free(data);
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

int json_member_path(const json_t *object, const char *path, const char *key, char **out,
                     fault *f) {
  char *stored = NULL;
  int code = json_member_text(object, path, key, &stored, f);
  if (!code) *out = path_from_store(path, stored);
  free(stored);
  return code;
}

int json_member_path_or_null(const json_t *object, const char *path, const char *key, char **out,
                             fault *f) {
  *out = NULL;
  if (json_is_null(json_object_get(object, key))) return EXIT_FINE;
  return json_member_path(object, path, key, out, f);
}

/* ---- Making --------------------------------------------------------------------------- */

json_t *json_text(const char *string) {
  if (!string) return json_null();
  text t = {0};
  text_add_utf8(&t, string);
  json_t *value = json_string(t.data);
  text_free(&t);
  return value;
}

json_t *json_hex(uint64_t number) { return json_sprintf("%016" PRIx64, number); }

json_t *json_stored_path(const char *file, const char *path) {
  char *stored = path_to_store(file, path);
  json_t *value = json_text(stored);
  free(stored);
  return value;
}

/* Numbers are written so that the same bits are read back. */
enum { DUMP = JSON_ENCODE_ANY | JSON_REAL_PRECISION(17) };

static void add(const json_t *value, text *t) {
  char *words = json_dumps(value, DUMP);
  if (!words) alloc_fail();
  text_add_string(t, words);
  free(words);
}

void json_add_ascii_line(json_t *value, text *t) {
  char *words = json_dumps(value, DUMP | JSON_ENSURE_ASCII);
  if (!words) alloc_fail();
  text_add(t, "%s\n", words);
  free(words);
  json_decref(value);
}

void json_add_line(json_t *value, text *t) {
  add(value, t);
  text_add_bytes(t, "\n", 1);
  json_decref(value);
}

void json_add_string(const char *string, text *t) {
  json_t *value = json_text(string);
  add(value, t);
  json_decref(value);
}

static void end_table(json_writer *w) {
  if (w->in_table) text_add(&w->text, w->rows ? "\n ]" : "]");
  w->in_table = false;
}

static void begin_member(json_writer *w, const char *key) {
  end_table(w);
  text_add(&w->text, w->members++ ? ",\n " : "{\n ");
  json_add_string(key, &w->text);
  text_add_bytes(&w->text, ": ", 2);
}

void json_write_member(json_writer *w, const char *key, json_t *value) {
  begin_member(w, key);
  add(value, &w->text);
  json_decref(value);
}

void json_write_table(json_writer *w, const char *key) {
  begin_member(w, key);
  text_add_bytes(&w->text, "[", 1);
  w->in_table = true;
  w->rows = 0;
}

void json_write_row(json_writer *w, json_t *row) {
  text_add(&w->text, w->rows++ ? ",\n  " : "\n  ");
  add(row, &w->text);
  json_decref(row);
}

void json_write_end(json_writer *w) {
  end_table(w);
  text_add(&w->text, w->members ? "\n}\n" : "{}\n");
}

/* Is it an array of objects? */
static bool is_table(const json_t *value) { return json_is_object(json_array_get(value, 0)); }

int json_file_write(fm_context *context, json_t *object, const char *path, fault *f) {
  json_writer w = {0};
  const char *key;
  json_t *value, *row;
  size_t i;
  json_object_foreach(object, key, value) {
    if (!is_table(value)) {
      json_write_member(&w, key, json_incref(value));
      continue;
    }
    json_write_table(&w, key);
    json_array_foreach(value, i, row) json_write_row(&w, json_incref(row));
  }
  json_write_end(&w);
  int code = text_write(&w.text, context, path, f);
  text_free(&w.text);
  json_decref(object);
  return code;
}
