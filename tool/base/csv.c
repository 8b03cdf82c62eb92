/* base/csv.c - reading tables strictly. */
#include "base/csv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"

enum { LARGEST_TABLE = 1 << 30 }; /* bytes */

static int malformed(const csv *t, const char *what, fault *f) {
  return fault_set(f, EXIT_DATA, "%s, line %zu: %s", t->path, t->line, what);
}

/* Takes the quotes of a field off in place. `*end` gets what follows the closing one. */
static int unquote(csv *t, char *start, char **end, char **terminator, size_t *lines, fault *f) {
  char *read = start + 1, *write = start, *limit = t->data + t->length;
  for (; read < limit; read++) {
    if (*read == '"') {
      if (read + 1 >= limit || read[1] != '"') break;
      read++;
    }
    if (*read == '\n') ++*lines;
    *write++ = *read;
  }
  if (read >= limit) return malformed(t, "a quoted field has no end", f);
  *terminator = write;
  *end = read + 1;
  return EXIT_FINE;
}

/* Reads one field and steps over the separator; `*last` if it was the row's last one. */
static int read_field(csv *t, bool *last, size_t *lines, fault *f) {
  char *start = t->data + t->at, *limit = t->data + t->length, *end = start, *terminator = start;
  if (*start == '"') {
    int code = unquote(t, start, &end, &terminator, lines, f);
    if (code) return code;
  } else {
    while (end < limit && *end != ',' && *end != '\n' && *end != '"') end++;
    if (end < limit && *end == '"') return malformed(t, "a quote inside an unquoted field", f);
    terminator = end > start && end[-1] == '\r' && *end != ',' ? end - 1 : end;
  }
  if (end + 1 < limit && *end == '\r' && end[1] == '\n') end++;
  if (end < limit && *end != ',' && *end != '\n')
    return malformed(t, "text after a closing quote", f);
  *last = end >= limit || *end == '\n';
  t->at = (size_t)(end - t->data) + (end < limit ? 1 : 0);
  *terminator = '\0';
  if (!*last && t->at >= t->length) { /* the file ends in a comma: one more, empty field */
    t->data[t->length] = '\n';
    t->data[++t->length] = '\0';
  }
  t->fields = alloc_grow(t->fields, t->field_count, &t->field_capacity, sizeof *t->fields);
  t->fields[t->field_count++] = start;
  return EXIT_FINE;
}

static int read_row(csv *t, fault *f) {
  bool last = false;
  size_t lines = 1;
  t->field_count = 0;
  t->line++;
  while (!last) {
    int code = read_field(t, &last, &lines, f);
    if (code) return code;
  }
  t->line += lines - 1;
  return EXIT_FINE;
}

static int check_header(csv *t, const char *header, fault *f) {
  int code = t->length ? read_row(t, f) : EXIT_FINE;
  if (code) return code;
  const char *expected = header;
  for (size_t i = 0; i < t->field_count; i++) {
    size_t length = strlen(t->fields[i]);
    if (strncmp(expected, t->fields[i], length)) break;
    expected += length;
    if (i + 1 < t->field_count && *expected++ != ',') break;
    if (i + 1 == t->field_count && !*expected) return EXIT_FINE;
  }
  return fault_set(f, EXIT_DATA, "%s, line 1: expected the header %s", t->path, header);
}

int csv_open(const char *path, const char *header, csv *out, fault *f) {
  *out = (csv){0};
  int code = path_read(path, LARGEST_TABLE, &out->data, &out->length, f);
  if (code) return code;
  out->data = alloc_resize(out->data, out->length + 2, 1); /* room for read_field's line end */
  out->path = alloc_text(path);
  out->line = 0;
  if (out->length >= 3 && !memcmp(out->data, "\xEF\xBB\xBF", 3)) out->at = 3;
  if (memchr(out->data, 0, out->length))
    code = fault_set(f, EXIT_DATA, "%s: holds NUL bytes, expected text", path);
  if (!code) code = check_header(out, header, f);
  if (code) csv_close(out);
  return code;
}

int csv_next(csv *t, bool *more, fault *f) {
  size_t expected = t->field_count;
  *more = t->at < t->length;
  if (!*more) return EXIT_FINE;
  int code = read_row(t, f);
  if (code) return code;
  if (t->field_count != expected)
    return fault_set(f, EXIT_DATA, "%s, line %zu: %zu fields, expected %zu", t->path, t->line,
                     t->field_count, expected);
  return EXIT_FINE;
}

int csv_whole(const csv *t, size_t field, int64_t lowest, int64_t *out, fault *f) {
  const char *value = t->fields[field];
  char *end;
  errno = 0;
  long long number = strtoll(value, &end, 10);
  if (!strchr("-0123456789", *value) || end == value || *end || errno || number < lowest)
    return fault_set(f, EXIT_DATA,
                     "%s, line %zu, field %zu: '%.60s', expected a whole number, %lld or more",
                     t->path, t->line, field + 1, value, (long long)lowest);
  *out = number;
  return EXIT_FINE;
}

int csv_real(const csv *t, size_t field, double *out, fault *f) {
  const char *value = t->fields[field];
  char *end;
  double number = strtod(value, &end);
  bool plain = *value && strspn(value, "+-.0123456789eE") == strlen(value);
  if (!plain || *end || !isfinite(number))
    return fault_set(f, EXIT_DATA, "%s, line %zu, field %zu: '%.60s', expected a finite number",
                     t->path, t->line, field + 1, value);
  *out = number;
  return EXIT_FINE;
}

void csv_close(csv *t) {
  free(t->path);
  free(t->data);
  free(t->fields);
  *t = (csv){0};
}
