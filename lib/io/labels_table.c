/* io/labels_table.c - label spaces as people and their tools write them down. */
#include "io/labels_table.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/csv.h"
#include "io/number.h"
#include "labels/labels.h"

enum { LABEL, CLASS, NAME, COLOR, RED, GREEN, BLUE, COLUMNS };

/* How the columns may be called, in any case; the first name is the one in messages. */
static const char *const names_of[COLUMNS][8] = {
    [LABEL] = {"label", "id", "value", "label_id", "pixel_value", "png_value", "index"},
    [CLASS] = {"class", "train_id", "trainid", "class_id", "class_index"},
    [NAME] = {"name", "class_name", "label_name", "names"},
    [COLOR] = {"color", "colour", "rgb", "hex", "color_rgb"},
    [RED] = {"r", "red"},
    [GREEN] = {"g", "green"},
    [BLUE] = {"b", "blue"},
};

/* A table while it is read. */
typedef struct table {
  fm__csv rows;
  int at[COLUMNS];           /* the field of each column, or -1 */
  int field_count;           /* of the header */
  bool numbers;              /* rows are numbered: labels and classes are not written down */
  int64_t row;               /* of those */
  int32_t table[FM__LABELS]; /* by label from FM__FIRST_LABEL on; FM_CLASS_INVALID: no row */
  int32_t *classes;          /* within it: classes[label] */
  const char *names[FM__MOST_CLASSES]; /* by class; NULL: no row of the class has one yet */
  bool seen[FM__MOST_CLASSES];         /* by class */
  int64_t ignored[FM__LABELS];         /* in the order of their rows */
  int32_t ignored_count;
  int32_t label_count, class_count;
  fm_label_color colors[FM__LABELS];
  int32_t color_count;
} table;

static bool equal_in_any_case(const char *a, const char *b) {
  for (; *a && *b; a++, b++)
    if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) return false;
  return *a == *b;
}

/* ---- The header ----------------------------------------------------------------- */

static int column_of(char *name) {
  for (char *c = name; *c; c++)
    if (*c == ' ' || *c == '-') *c = '_';
  for (int column = 0; column < COLUMNS; column++)
    for (int i = 0; names_of[column][i]; i++)
      if (equal_in_any_case(name, names_of[column][i])) return column;
  return -1;
}

static fm_status fail_header(const char *found, const char *why, int64_t line, fm_error *err) {
  return fm__fail(err, FM_ERR_FORMAT,
                  "line %" PRId64
                  ": '%.*s', expected the header label,class,name, with a column "
                  "color if masks hold colors%s",
                  line, fm__fit(found, 60), found, why);
}

/* Other columns are allowed, and not looked at. */
static fm_status read_header(table *t, fm_error *err) {
  char found[80], why[80] = "";
  bool more = false;
  snprintf(found, sizeof found, "%.*s", (int)strcspn(t->rows.data + t->rows.at, "\r\n"),
           t->rows.data + t->rows.at);
  fm_status status = fm__csv_next(&t->rows, &more, err);
  if (status) return status;
  for (int i = 0; i < COLUMNS; i++) t->at[i] = -1;
  t->field_count = more ? t->rows.field_count : 0;
  for (int i = t->field_count - 1; i >= 0; i--) {
    int column = column_of(t->rows.fields[i]);
    if (column >= 0 && t->at[column] >= 0)
      snprintf(why, sizeof why, ": column %s is there twice", names_of[column][0]);
    if (column >= 0) t->at[column] = i;
  }
  bool mixed = t->at[RED] >= 0 && t->at[GREEN] >= 0 && t->at[BLUE] >= 0;
  if (!mixed) t->at[RED] = -1; /* a column called r or b by chance */
  bool colors = mixed || t->at[COLOR] >= 0;
  t->numbers = t->at[LABEL] < 0 && t->at[CLASS] < 0 && colors;
  for (int i = LABEL; i <= CLASS && more && !t->numbers && !*why; i++)
    if (t->at[i] < 0 && t->at[1 - i] >= 0)
      snprintf(why, sizeof why, ": column %s is missing", names_of[i][0]);
  bool good = t->numbers || (t->at[LABEL] >= 0 && t->at[CLASS] >= 0);
  return good && !*why ? FM_OK : fail_header(found, why, more ? t->rows.line : 1, err);
}

/* ---- A row ---------------------------------------------------------------------- */

/* A field of the row; "" if the row or the table lacks it. */
static const char *field(const table *t, int column) {
  int at = t->at[column];
  return at >= 0 && at < t->rows.field_count ? t->rows.fields[at] : "";
}

FM__PRINTF(4, 5)
static fm_status fail_field(const table *t, int column, fm_error *err, const char *format, ...) {
  char text[200];
  const char *found = field(t, column);
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return fm__fail(err, FM_ERR_FORMAT, "line %" PRId64 ", column %s: '%.*s', %s", t->rows.line,
                  names_of[column][0], fm__fit(found, 60), found, text);
}

/* A whole number; spreadsheets and data frames make 3.0 of 3. */
static bool parse_whole(const char *text, int64_t *out) {
  char digits[FM__NUMBER_TEXT];
  size_t length = strlen(text);
  while (length > 1 && text[length - 1] == '0') length--;
  bool pointed = length > 1 && text[length - 1] == '.';
  if (!pointed || length > sizeof digits) return fm__whole_parse(text, out);
  memcpy(digits, text, length - 1);
  digits[length - 1] = '\0';
  return fm__whole_parse(digits, out);
}

/* "7", or "0:127" with both ends; "0..127" and "0-127" are the same. */
static bool parse_labels(const char *text, int64_t *first, int64_t *last) {
  static const char *const between[] = {":", "..", "-"};
  if (parse_whole(text, first)) {
    *last = *first;
    return true;
  }
  for (int i = 0; i < 3; i++) {
    char left[FM__NUMBER_TEXT];
    const char *sign = *text ? strstr(text + 1, between[i]) : NULL; /* a minus may come first */
    size_t length = sign ? (size_t)(sign - text) : 0;
    if (!length || length >= sizeof left) continue;
    while (length > 1 && text[length - 1] == ' ') length--;
    memcpy(left, text, length);
    left[length] = '\0';
    sign += strlen(between[i]);
    if (fm__whole_parse(left, first) && fm__whole_parse(sign + strspn(sign, " "), last))
      return true;
  }
  return false;
}

static fm_status read_labels(const table *t, int64_t *first, int64_t *last, fm_error *err) {
  const char *text = field(t, LABEL);
  int32_t color;
  if (*text == '#' && fm__color_parse(text, &color))
    return fail_field(t, LABEL, err,
                      "which is a color: expected a whole number here, and the color in a column "
                      "color, for freemask convert");
  if (!parse_labels(text, first, last) || *first < FM__FIRST_LABEL || *last > FM__LAST_LABEL)
    return fail_field(t, LABEL, err,
                      "expected a whole number from %d to %d, or a range such as 0:127",
                      FM__FIRST_LABEL, FM__LAST_LABEL);
  if (*first > *last)
    return fail_field(t, LABEL, err, "expected a range that ascends, such as 0:127");
  return FM_OK;
}

static fm_status read_class(const table *t, int64_t first, int64_t *out, fm_error *err) {
  const char *text = field(t, CLASS);
  if (equal_in_any_case(text, "ignore") || equal_in_any_case(text, "ignored") ||
      !strcmp(text, "-1")) {
    *out = FM_CLASS_IGNORE;
    return FM_OK;
  }
  if (first < 0)
    return fail_field(t, CLASS, err, "expected 'ignore': labels below 0 can only be ignored");
  if (parse_whole(text, out) && *out >= 0 && *out < FM__MOST_CLASSES) return FM_OK;
  return fail_field(t, CLASS, err, "expected 0 to %d, or 'ignore'", FM__MOST_CLASSES - 1);
}

/* *out is -1 without one. */
static fm_status read_color(const table *t, int32_t *out, fm_error *err) {
  char text[64];
  const char *found = field(t, COLOR);
  *out = -1;
  if (t->at[COLOR] < 0 && t->at[RED] >= 0) {
    found = text;
    snprintf(text, sizeof text, "%.15s,%.15s,%.15s", field(t, RED), field(t, GREEN),
             field(t, BLUE));
    if (!strcmp(text, ",,")) return FM_OK;
  }
  if (!*found || fm__color_parse(found, out)) return FM_OK;
  return fail_field(t, t->at[COLOR] >= 0 ? COLOR : RED, err,
                    "expected a color as #rrggbb or as three numbers from 0 to 255");
}

/* A color in the last column whose commas nobody quoted; nothing else may be beyond the header. */
static fm_status check_length(table *t, fm_error *err) {
  int more = t->rows.field_count - t->field_count;
  if (more == 2 && t->at[COLOR] == t->field_count - 1 && *t->rows.fields[t->field_count]) {
    char **parts = &t->rows.fields[t->at[COLOR]];
    char *end = parts[0] + strlen(parts[0]); /* each begins behind the separator of the last */
    for (int i = 1; i < 3; end = parts[i] + strlen(parts[i]), i++)
      for (; end < parts[i]; end++) *end = ',';
    return FM_OK;
  }
  for (int i = t->field_count; i < t->rows.field_count; i++)
    if (*t->rows.fields[i])
      return fm__fail(err, FM_ERR_FORMAT,
                      "line %" PRId64
                      ": has %d fields, the header %d: expected quotes around a "
                      "name that holds a '%c'",
                      t->rows.line, t->rows.field_count, t->field_count, t->rows.separator);
  return FM_OK;
}

/* ---- Collecting ----------------------------------------------------------------- */

static void add_label(table *t, int64_t label, int64_t class_index, int32_t color) {
  t->classes[label] = (int32_t)class_index;
  if (label >= t->label_count) t->label_count = (int32_t)label + 1;
  if (class_index < 0) t->ignored[t->ignored_count++] = label;
  if (color >= 0) t->colors[t->color_count++] = (fm_label_color){(int32_t)label, color};
}

static void add_class(table *t, int64_t class_index, const char *name) {
  if (class_index < 0) return;
  t->seen[class_index] = true;
  if (class_index >= t->class_count) t->class_count = (int32_t)class_index + 1;
  if (!t->names[class_index] && *name) t->names[class_index] = name;
}

/* The next row of a list without numbers. */
static fm_status add_next(table *t, const char *name, int32_t color, fm_error *err) {
  if (t->row >= FM__MOST_CLASSES)
    return fm__fail(err, FM_ERR_FORMAT, "line %" PRId64 ": expected at most %d classes",
                    t->rows.line, FM__MOST_CLASSES);
  add_label(t, t->row, t->row, color);
  add_class(t, t->row++, name);
  return FM_OK;
}

static fm_status add_numbered(table *t, fm_error *err) {
  int32_t color;
  fm_status status = read_color(t, &color, err);
  return status ? status : add_next(t, field(t, NAME), color, err);
}

static fm_status add_row(table *t, fm_error *err) {
  int64_t first = 0, last = 0, class_index = 0;
  int32_t color = -1;
  fm_status status = check_length(t, err);
  if (status || t->numbers) return status ? status : add_numbered(t, err);
  status = read_labels(t, &first, &last, err);
  if (!status) status = read_class(t, first, &class_index, err);
  if (!status) status = read_color(t, &color, err);
  for (int64_t label = first; label <= last && !status; label++) {
    if (t->classes[label] == FM_CLASS_INVALID)
      add_label(t, label, class_index, color);
    else
      status = fail_field(
          t, LABEL, err, "expected one row for each label, this is the second for %" PRId64, label);
  }
  if (!status) add_class(t, class_index, field(t, NAME));
  return status;
}

/* CVAT's labelmap.txt, a line NAME:R,G,B:PARTS:ACTIONS for each class. */
static fm_status add_map_line(table *t, char *line, fm_error *err) {
  char *color = strchr(line, ':'), *end = color ? strchr(color + 1, ':') : NULL;
  int32_t number = -1;
  if (end) *end = '\0';
  if (color) *color++ = '\0';
  if (!color || (*color && !fm__color_parse(color, &number)))
    return fm__fail(err, FM_ERR_FORMAT,
                    "line %" PRId64 ": '%.*s', expected NAME:R,G,B:: as CVAT writes labelmap.txt",
                    t->rows.line, fm__fit(line, 60), line);
  return add_next(t, line, number, err);
}

/* The map's lines, in place. Those with # are comments. */
static fm_status read_map(table *t, fm_error *err) {
  fm_status status = FM_OK;
  char *line = t->rows.data + t->rows.at;
  for (t->rows.line = t->rows.next_line; *line && !status; t->rows.line++) {
    char *end = line + strcspn(line, "\r\n"), *next = end;
    if (next[0] == '\r' && next[1] == '\n') next++;
    if (*next) next++;
    *end = '\0';
    if (*line && *line != '#') status = add_map_line(t, line, err);
    line = next;
  }
  return status;
}

static bool is_map(const fm__csv *rows) {
  const char *line = rows->data + rows->at;
  size_t length = strcspn(line, "\r\n");
  const char *colon = memchr(line, ':', length);
  if (!colon) return false;
  const char *rest = colon + 1 + strspn(colon + 1, "0123456789, ");
  return *rest == ':' && strcspn(line, ";\t\"") >= length;
}

/* ---- The space ------------------------------------------------------------------ */

/* Lists of names and colors know no ignored label: it is 255, or what 16 bits have last. */
static void add_usual_ignored(table *t) {
  int64_t label = t->row <= 255 ? 255 : FM__LAST_LABEL;
  add_label(t, label, FM_CLASS_IGNORE, -1);
}

static fm_status check_table(const table *t, fm_error *err) {
  if (!t->class_count) return fm__fail(err, FM_ERR_FORMAT, "has no class, expected at least one");
  for (int32_t k = 0; k < t->class_count; k++)
    if (!t->seen[k])
      return fm__fail(err, FM_ERR_FORMAT,
                      "has no label of class %d, expected one for each class from 0 to %d (labels "
                      "without supervision have the class 'ignore')",
                      (int)k, (int)t->class_count - 1);
  if (!t->ignored_count) {
    int64_t free = 255; /* in 8 bits, if there is room */
    while (free > 0 && t->classes[free] != FM_CLASS_INVALID) free--;
    if (t->classes[free] != FM_CLASS_INVALID) free = FM__LAST_LABEL;
    return fm__fail(err, FM_ERR_FORMAT,
                    "has no label of class 'ignore', expected one for the filter to write, such as "
                    "a line %" PRId64 ",ignore",
                    free);
  }
  return FM_OK;
}

/* "class 7" for each class that has no name, in one block; NULL if memory is refused. */
static char *name_classes(const fm_context *context, table *t) {
  enum { ROOM = sizeof "class 65534" };
  char *names = fm__alloc_array(context, (size_t)t->class_count, ROOM);
  for (int32_t k = 0; k < t->class_count && names; k++) {
    char *name = names + (size_t)k * ROOM;
    if (t->names[k]) continue;
    snprintf(name, ROOM, "class %d", (int)k);
    t->names[k] = name;
  }
  return names;
}

static fm_status make(const fm_context *context, table *t, const char *name, fm_labels **out,
                      fm_error *err) {
  fm_status status = check_table(t, err);
  if (status) return status;
  char *names = name_classes(context, t);
  if (!names) return fm__fail_memory(err, (size_t)t->class_count);
  fm_labels_options options = {.size = sizeof options, .name = name};
  options.class_count = t->class_count;
  options.label_count = t->label_count;
  options.ignored_labels = t->ignored;
  options.ignored_count = t->ignored_count;
  options.classes = t->classes;
  options.class_names = t->names;
  options.colors = t->colors;
  options.color_count = t->color_count;
  status = fm_labels_create(context, &options, out, err);
  fm__free(context, names);
  return status;
}

/* Names go into JSON and into other programs: those of old spreadsheets are told by their line. */
static fm_status check_utf8(const fm__csv *rows, fm_error *err) {
  int64_t line = rows->next_line;
  for (size_t at = rows->at, length; at < rows->size; at += length) {
    const unsigned char *text = (const unsigned char *)rows->data + at;
    length = fm__utf8_at(text, rows->size - at);
    if (!length)
      return fm__fail(err, FM_ERR_FORMAT,
                      "line %" PRId64
                      ": is not UTF-8 (byte 0x%02x), expected a table that was saved "
                      "as UTF-8",
                      line, (unsigned)*text);
    line += *text == '\n';
  }
  return FM_OK;
}

static fm_status read_rows(table *t, fm_error *err) {
  bool more = true;
  fm_status status = check_utf8(&t->rows, err);
  if (status) return status;
  if (is_map(&t->rows)) {
    t->numbers = true;
    return read_map(t, err);
  }
  status = read_header(t, err);
  while (!status && !(status = fm__csv_next(&t->rows, &more, err)) && more)
    status = add_row(t, err);
  return status;
}

fm_status fm__labels_table_read(const fm_context *context, fm__input *input, const char *name,
                                fm_labels **out, fm_error *err) {
  table *t = fm__alloc_zeroed(context, 1, sizeof *t);
  if (!t) return fm__fail_memory(err, sizeof *t);
  fm_status status = fm__csv_open_loose(context, input, &t->rows, err);
  t->classes = t->table - FM__FIRST_LABEL;
  for (int32_t i = 0; i < FM__LABELS; i++) t->table[i] = FM_CLASS_INVALID;
  if (!status) {
    status = read_rows(t, err);
    if (!status && t->numbers) add_usual_ignored(t);
    if (!status) status = make(context, t, name, out, err);
    fm__csv_close(&t->rows);
  }
  fm__free(context, t);
  return status;
}
