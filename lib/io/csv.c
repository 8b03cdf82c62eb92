/* io/csv.c - reading tables strictly, and writing them. */
#include "io/csv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "io/number.h"

static fm_status malformed(const fm__csv *t, const char *what, fm_error *err) {
  return fm__fail(err, FM_ERR_FORMAT, "line %" PRId64 ": %s", t->line, what);
}

/* Takes the quotes off in place. `*end` receives what follows the closing one. */
static fm_status unquote(fm__csv *t, char *start, char **end, char **terminator, fm_error *err) {
  char *read = start + 1, *write = start, *limit = t->data + t->size;
  for (; read < limit; read++) {
    if (*read == '"') {
      if (read[1] != '"') break;
      read++;
    }
    t->next_line += *read == '\n';
    *write++ = *read;
  }
  if (read >= limit) return malformed(t, "a quoted field has no closing quote", err);
  *terminator = write;
  *end = read + 1;
  return FM_OK;
}

static bool is_blank(const fm__csv *t, char c) {
  return t->loose && (c == ' ' || (c == '\t' && t->separator != '\t'));
}

/* Reads the field at `t->at` and steps over its separator; `*last` if it ends the row. */
static fm_status read_field(fm__csv *t, char **out, bool *last, fm_error *err) {
  char *start = t->data + t->at, *limit = t->data + t->size;
  while (is_blank(t, *start)) start++;
  char *end = start, *terminator = NULL;
  if (*start == '"') {
    fm_status status = unquote(t, start, &end, &terminator, err);
    if (status) return status;
    while (is_blank(t, *end)) end++;
  } else {
    const char ends[] = {t->separator, '"', '\r', '\n', '\0'};
    terminator = end = start + strcspn(start, ends);
    if (*end == '"') return malformed(t, "a quote inside a field that is not quoted", err);
    while (terminator > start && is_blank(t, terminator[-1])) terminator--;
  }
  if (*end == '\r' && end[1] == '\n') end++;
  bool ends_row = *end == '\n' || (*end == '\r' && t->loose);
  if (end < limit && *end != t->separator && !ends_row)
    return malformed(t,
                     *end == '\r' ? "a carriage return that does not end a line"
                                  : "text follows a closing quote",
                     err);
  *last = *end != t->separator || end >= limit;
  t->next_line += ends_row;
  t->at = (size_t)(end - t->data) + (end < limit);
  *terminator = '\0';
  *out = start;
  return FM_OK;
}

static fm_status read_row(fm__csv *t, fm_error *err) {
  const int room = t->loose ? FM__CSV_COLUMNS : t->column_count;
  bool last = false;
  int count = 0;
  t->line = t->next_line;
  while (!last) {
    char *field = NULL;
    fm_status status = read_field(t, &field, &last, err);
    if (status) return status;
    if (count < room) t->fields[count] = field;
    count++;
  }
  t->field_count = count;
  if (t->loose ? count <= room : count == room) return FM_OK;
  return fm__fail(err, FM_ERR_FORMAT, "line %" PRId64 ": has %d field%s, expected %s%d", t->line,
                  count, count == 1 ? "" : "s", t->loose ? "at most " : "", room);
}

static size_t line_end(const char *text) { return strcspn(text, "\r\n"); }

static void skip_line(fm__csv *t) {
  t->at += line_end(t->data + t->at);
  if (t->data[t->at] == '\r' && t->data[t->at + 1] == '\n') t->at++;
  if (t->at < t->size) t->at++;
  t->next_line++;
}

/* "label,class,name", cut to its room. */
static void join(const char *const *columns, char *text, size_t room) {
  size_t at = 0;
  for (int i = 0; columns[i] && at < room; i++)
    at += (size_t)snprintf(text + at, room - at, "%s%s", i ? "," : "", columns[i]);
}

static fm_status check_header(fm__csv *t, fm_error *err) {
  char expected[200], found[80];
  while (!strncmp(t->data + t->at, "# ", 2) && t->columns[0][0] != '#') skip_line(t);
  const int64_t line = t->next_line;
  join(t->columns, expected, sizeof expected);
  snprintf(found, sizeof found, "%.*s", (int)strcspn(t->data + t->at, "\r\n"), t->data + t->at);
  bool good = t->at < t->size && !read_row(t, NULL);
  for (int i = 0; i < t->column_count && good; i++) good = !strcmp(t->fields[i], t->columns[i]);
  if (good) return FM_OK;
  return fm__fail(err, FM_ERR_FORMAT, "line %" PRId64 ": '%.*s', expected the header %s", line,
                  fm__fit(found, 60), found, expected);
}

/* The text, its byte order mark skipped. */
static fm_status load(fm__csv *t, fm__input *input, fm_error *err) {
  fm_status status = fm__input_load(t->context, input, 2, &t->data, &t->size, err);
  if (status) return status;
  if (t->size >= 3 && !memcmp(t->data, "\xEF\xBB\xBF", 3)) t->at = 3;
  bool wide = t->size >= 2 && (!memcmp(t->data, "\xFF\xFE", 2) || !memcmp(t->data, "\xFE\xFF", 2));
  if (wide || memchr(t->data, 0, t->size))
    return fm__fail(err, FM_ERR_FORMAT, "%s, expected text in UTF-8",
                    wide ? "is UTF-16" : "holds NUL bytes");
  return FM_OK;
}

fm_status fm__csv_open(const fm_context *context, fm__input *input, const char *const *columns,
                       fm__csv *out, fm_error *err) {
  fm__csv t = {.context = context, .columns = columns, .line = 1, .next_line = 1, .separator = ','};
  while (columns[t.column_count]) t.column_count++;
  fm_status status = load(&t, input, err);
  if (!status) status = check_header(&t, err);
  if (status)
    fm__csv_close(&t);
  else
    *out = t;
  return status;
}

/* A comment begins with #; six digits of a color may follow it, and then it is none. */
static bool is_comment(const fm__csv *t, const char *line) {
  if (*line != '#') return false;
  size_t digits = strspn(line + 1, "0123456789abcdefABCDEF");
  return digits != 6 || (line[7] != t->separator && line[7] != ' ');
}

/* To the next row that has something to say. */
static void skip_idle_lines(fm__csv *t) {
  while (t->at < t->size) {
    const char *line = t->data + t->at;
    while (*line == ' ' || *line == '\t') line++;
    if (*line && *line != '\r' && *line != '\n' && !is_comment(t, line)) return;
    skip_line(t);
  }
}

fm_status fm__csv_open_loose(const fm_context *context, fm__input *input, fm__csv *out,
                             fm_error *err) {
  fm__csv t = {.context = context, .line = 1, .next_line = 1, .loose = true, .separator = ','};
  fm_status status = load(&t, input, err);
  if (status) {
    fm__csv_close(&t);
    return status;
  }
  skip_idle_lines(&t);
  const char *first = t.data + t.at;
  if (!strncmp(first, "sep=", 4) && line_end(first) == 5) { /* for spreadsheets */
    t.separator = first[4];
    skip_line(&t);
    skip_idle_lines(&t);
  } else {
    const char *found = first + strcspn(first, ",;\t\r\n");
    if (*found == ';' || *found == '\t') t.separator = *found;
  }
  *out = t;
  return FM_OK;
}

fm_status fm__csv_next(fm__csv *t, bool *more, fm_error *err) {
  if (t->loose) skip_idle_lines(t);
  *more = t->at < t->size;
  return *more ? read_row(t, err) : FM_OK;
}

void fm__csv_close(fm__csv *t) {
  fm__free(t->context, t->data);
  t->data = NULL;
}

fm_status fm__csv_fail(const fm__csv *t, int column, fm_error *err, const char *format, ...) {
  char text[200];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return fm__fail(err, FM_ERR_FORMAT, "line %" PRId64 ", column %s: '%.*s', %s", t->line,
                  t->columns[column], fm__fit(t->fields[column], 60), t->fields[column], text);
}

fm_status fm__csv_whole(const fm__csv *t, int column, int64_t lowest, int64_t highest, int64_t *out,
                        fm_error *err) {
  int64_t number = 0;
  if (fm__whole_parse(t->fields[column], &number) && number >= lowest && number <= highest) {
    *out = number;
    return FM_OK;
  }
  return fm__csv_fail(t, column, err, "expected a whole number from %" PRId64 " to %" PRId64,
                      lowest, highest);
}

fm_status fm__csv_real(const fm__csv *t, int column, double *out, fm_error *err) {
  return fm__real_parse(t->fields[column], out)
             ? FM_OK
             : fm__csv_fail(t, column, err, "expected a finite number");
}

void fm__csv_put_header(fm__bytes *out, const char *const *columns) {
  for (int i = 0; columns[i]; i++) {
    if (i) fm__bytes_text(out, ",");
    fm__bytes_text(out, columns[i]);
  }
  fm__bytes_text(out, "\n");
}

/* Names that begin like a formula are quoted, too: programs that look at quotes then take them for
 * text, and they are read back as they were. Blanks at the ends would not survive a loose reader. */
static bool has_odd_ends(const char *field) {
  size_t length = strlen(field);
  return length && (strchr(" \t=+-@", field[0]) || strchr(" \t", field[length - 1]));
}

void fm__csv_put(fm__bytes *out, const char *field) {
  if (!strpbrk(field, ",\"\r\n") && !has_odd_ends(field)) {
    fm__bytes_text(out, field);
    return;
  }
  fm__bytes_text(out, "\"");
  for (const char *at = field; *at && !out->refused;) {
    size_t piece = strcspn(at, "\"");
    (void)fm__bytes_append(out, at, piece);
    at += piece;
    if (*at != '"') break;
    fm__bytes_text(out, "\"\"");
    at++;
  }
  fm__bytes_text(out, "\"");
}
