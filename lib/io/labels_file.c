/* io/labels_file.c - label spaces as tables: label,class,name. */
#include <freemask/files.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/csv.h"
#include "io/deliver.h"
#include "io/stats_file.h"

static const char *const COLUMNS[] = {"label", "class", "name", NULL};
enum { LABEL, CLASS, NAME };

/* A table while it is read. */
typedef struct table {
  int32_t table[FM__LABELS]; /* by label from FM__FIRST_LABEL on; FM_CLASS_INVALID: no row */
  int32_t *classes;          /* within it: classes[label] */
  const char *names[FM__MOST_CLASSES]; /* by class; NULL: no row of the class has one yet */
  bool seen[FM__MOST_CLASSES];         /* by class */
  int64_t ignored[FM__LABELS];         /* in the order of their rows */
  int32_t ignored_count;
  int32_t label_count, class_count;
} table;

/* A call: the space's name, and where it goes. */
typedef struct job {
  const char *name;
  fm_labels **out;
} job;

static fm_status read_class(const fm__csv *rows, int64_t label, int64_t *out, fm_error *err) {
  const char *text = rows->fields[CLASS];
  if (!strcmp(text, "ignore") || !strcmp(text, "-1")) {
    *out = FM_CLASS_IGNORE;
    return FM_OK;
  }
  if (label < 0)
    return fm__csv_fail(rows, CLASS, err, "expected 'ignore': labels below 0 can only be ignored");
  if (!fm__csv_whole(rows, CLASS, 0, FM__MOST_CLASSES - 1, out, NULL)) return FM_OK;
  return fm__csv_fail(rows, CLASS, err, "expected 0 to %d, or 'ignore'", FM__MOST_CLASSES - 1);
}

static fm_status add_row(table *t, const fm__csv *rows, fm_error *err) {
  int64_t label = 0, class_index = 0;
  fm_status status = fm__csv_whole(rows, LABEL, FM__FIRST_LABEL, FM__LAST_LABEL, &label, err);
  if (!status) status = read_class(rows, label, &class_index, err);
  if (status) return status;
  if (t->classes[label] != FM_CLASS_INVALID)
    return fm__csv_fail(rows, LABEL, err, "expected one row for each label, this is the second");
  t->classes[label] = (int32_t)class_index;
  if (label >= t->label_count) t->label_count = (int32_t)label + 1;
  if (class_index < 0) {
    t->ignored[t->ignored_count++] = label;
    return FM_OK;
  }
  t->seen[class_index] = true;
  if (class_index >= t->class_count) t->class_count = (int32_t)class_index + 1;
  if (!t->names[class_index] && *rows->fields[NAME]) t->names[class_index] = rows->fields[NAME];
  return FM_OK;
}

static fm_status check_table(const table *t, fm_error *err) {
  if (!t->class_count) return fm__fail(err, FM_ERR_FORMAT, "has no class, expected at least one");
  if (!t->ignored_count)
    return fm__fail(err, FM_ERR_FORMAT,
                    "has no label of class 'ignore', expected one for the filter to write");
  for (int32_t k = 0; k < t->class_count; k++)
    if (!t->seen[k])
      return fm__fail(err, FM_ERR_FORMAT,
                      "has no label of class %d, expected one for each class from 0 to %d", (int)k,
                      (int)t->class_count - 1);
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
  status = fm_labels_create(context, &options, out, err);
  fm__free(context, names);
  return status;
}

static fm_status read_table(const fm_context *context, fm__input *input, const job *j,
                            fm_error *err) {
  fm__csv rows;
  fm_status status = fm__csv_open(context, input, COLUMNS, &rows, err);
  if (status) return status;
  table *t = fm__alloc_zeroed(context, 1, sizeof *t);
  bool more = true;
  if (!t) status = fm__fail_memory(err, sizeof *t);
  if (t) t->classes = t->table - FM__FIRST_LABEL;
  for (int32_t i = 0; i < FM__LABELS && t; i++) t->table[i] = FM_CLASS_INVALID;
  while (!status && !(status = fm__csv_next(&rows, &more, err)) && more)
    status = add_row(t, &rows, err);
  if (!status) status = make(context, t, j->name, j->out, err);
  fm__free(context, t);
  fm__csv_close(&rows);
  return status;
}

/* Statistics in JSON know their label space. No table begins with a brace. */
static fm_status read_labels(const fm_context *context, fm__input *input, void *user,
                             fm_error *err) {
  const job *j = user;
  char *data = NULL;
  size_t size = 0;
  if (!fm__input_fill(input) || *input->next != '{') return read_table(context, input, j, err);
  if (input->size > FM__LARGEST_JSON)
    return fm__fail(err, FM_ERR_LIMIT, "is JSON of %lld bytes, more than the limit of 2^28",
                    (long long)input->size);
  fm_status status = fm__input_load(context, input, 0, &data, &size, err);
  if (status) return status;
  status = fm__stats_parse_labels(context, data, size, j->out, err);
  fm__free(context, data);
  return status;
}

/* The file's name without folders and extension; NULL if memory is refused. */
static char *stem_of(const fm_context *context, const char *path) {
  const char *slash = strrchr(path, '/');
  char *stem = fm__copy_string(context, slash ? slash + 1 : path);
  char *dot = stem ? strrchr(stem, '.') : NULL;
  if (dot && dot != stem) *dot = '\0';
  return stem;
}

fm_status fm_labels_read(const fm_context *context, const char *path, fm_labels **out,
                         fm_error *err) {
  const char *missing = !context ? "context" : !path ? "path" : !out ? "out" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_read: %s is NULL", missing);
  char *name = stem_of(context, path);
  if (!name) return fm__fail_memory(err, strlen(path) + 1);
  job j = {name, out};
  fm_status status = fm__parse_file(context, path, FM__LARGEST_TEXT, read_labels, &j, err);
  fm__free(context, name);
  return status;
}

fm_status fm_labels_decode(const fm_context *context, const void *data, size_t size,
                           const char *name, fm_labels **out, fm_error *err) {
  const char *missing = !context ? "context" : !data && size ? "data" : !out ? "out" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_decode: %s is NULL", missing);
  job j = {name, out};
  return fm__parse_memory(context, data, size, FM__LARGEST_TEXT, read_labels, &j, err);
}

/* ---- Writing -------------------------------------------------------------------- */

static void put_row(fm__bytes *bytes, const fm_labels *labels, int64_t label) {
  int32_t k = fm_labels_class_of(labels, label);
  fm__bytes_whole(bytes, label);
  fm__bytes_text(bytes, ",");
  if (k < 0)
    fm__bytes_text(bytes, "ignore");
  else
    fm__bytes_whole(bytes, k);
  fm__bytes_text(bytes, ",");
  if (k >= 0) fm__csv_put(bytes, fm_labels_class_name(labels, k));
  fm__bytes_text(bytes, "\n");
}

/* The ignored labels come first, the one that the filter writes before the others. */
static fm_status put_table(fm__bytes *bytes, const fm_labels *labels, fm_error *err) {
  for (int32_t k = 0; k < fm_labels_class_count(labels); k++)
    if (!*fm_labels_class_name(labels, k))
      return fm__fail(err, FM_ERR_UNSUPPORTED,
                      "class %d has an empty name, which a table of labels cannot hold", (int)k);
  fm__csv_put_header(bytes, COLUMNS);
  for (int32_t i = 0; i < labels->ignored_count; i++) put_row(bytes, labels, labels->ignored[i]);
  for (int64_t label = 0; label <= FM__LAST_LABEL; label++)
    if (fm_labels_class_of(labels, label) >= 0) put_row(bytes, labels, label);
  return FM_OK;
}

static fm_status put(const char *call, const fm_labels *labels, const fm__target *to,
                     fm_error *err) {
  fm_status status = fm__target_check(call, labels, "labels", to, err);
  if (status) return status;
  fm__bytes bytes = {.context = labels->context};
  status = put_table(&bytes, labels, err);
  return fm__deliver(&bytes, to, status, err);
}

fm_status fm_labels_write(const fm_labels *labels, const char *path, fm_error *err) {
  fm__target to = {.to_file = true, .path = path, .flush = true};
  return put("fm_labels_write", labels, &to, err);
}

fm_status fm_labels_encode(const fm_labels *labels, fm_write_fn write, void *user, fm_error *err) {
  fm__target to = {.write = write, .user = user};
  return put("fm_labels_encode", labels, &to, err);
}
