/* job/labels_file.c - a preset by name or a table in a CSV file. */
#include "job/labels_file.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/csv.h"
#include "base/path.h"
#include "base/text.h"

enum { LABELS = 65536, NOT_SET = -3 };

/* A table while it is read. */
typedef struct table {
  int32_t classes[LABELS]; /* by label, FM_CLASS_INVALID where there is no row */
  char *names[LABELS];     /* by class */
  bool seen[LABELS];       /* by class */
  int32_t label_count, class_count;
  int64_t ignore; /* what the filter writes, NOT_SET: none yet */
  bool minus_one; /* a row for label -1 */
} table;

static int read_class(const csv *rows, int64_t *out, fault *f) {
  const char *value = rows->fields[1];
  if (!strcmp(value, "ignore") || !strcmp(value, "-1")) {
    *out = FM_CLASS_IGNORE;
    return EXIT_FINE;
  }
  int code = csv_whole(rows, 1, 0, out, f);
  if (!code && *out < LABELS - 1) return EXIT_FINE;
  return fault_set(f, EXIT_DATA, "%s, line %zu: class '%.60s', expected 0 to %d or ignore",
                   rows->path, rows->line, value, LABELS - 2);
}

static int add_row(table *t, const csv *rows, fault *f) {
  int64_t label, class_index;
  int code = csv_whole(rows, 0, -1, &label, f);
  if (!code) code = read_class(rows, &class_index, f);
  if (code) return code;
  if (label >= LABELS || (label < 0 && class_index >= 0))
    return fault_set(f, EXIT_DATA, "%s, line %zu: label %lld, expected 0 to %d%s", rows->path,
                     rows->line, (long long)label, LABELS - 1,
                     label < 0 ? " (-1 can only be ignored)" : "");
  if (label < 0 ? t->minus_one : t->classes[label] != FM_CLASS_INVALID)
    return fault_set(f, EXIT_DATA, "%s, line %zu: label %lld is there twice", rows->path,
                     rows->line, (long long)label);
  if (class_index < 0 && t->ignore == NOT_SET) t->ignore = label;
  if (label < 0) {
    t->minus_one = true;
    return EXIT_FINE;
  }
  t->classes[label] = (int32_t)class_index;
  if (label >= t->label_count) t->label_count = (int32_t)label + 1;
  if (class_index < 0) return EXIT_FINE;
  t->seen[class_index] = true;
  if (class_index >= t->class_count) t->class_count = (int32_t)class_index + 1;
  if (!t->names[class_index] && *rows->fields[2])
    t->names[class_index] = alloc_text(rows->fields[2]);
  return EXIT_FINE;
}

static int check_table(table *t, const char *path, fault *f) {
  if (!t->class_count) return fault_set(f, EXIT_DATA, "%s: no class, expected at least one", path);
  if (t->ignore == NOT_SET)
    return fault_set(f, EXIT_DATA,
                     "%s: no label of class 'ignore', expected one for the filter to write", path);
  for (int32_t k = 0; k < t->class_count; k++) {
    if (!t->seen[k])
      return fault_set(f, EXIT_DATA,
                       "%s: no label of class %d, expected one for each class from 0 to %d", path,
                       (int)k, (int)t->class_count - 1);
    if (t->names[k]) continue;
    text name = {0};
    text_add(&name, "class %d", (int)k);
    t->names[k] = name.data;
  }
  return EXIT_FINE;
}

static int make(fm_context *context, const table *t, const char *path, fm_labels **out, fault *f) {
  fm_error err;
  const char *slash = strrchr(path, '/');
  char *name = path_stem(slash ? slash + 1 : path, "");
  fm_labels_options options = {.size = sizeof options, .name = name};
  options.class_count = t->class_count;
  options.label_count = t->label_count;
  options.ignore_label = t->ignore;
  options.classes = t->classes;
  options.class_names = (const char *const *)t->names;
  fm_status status = fm_labels_create(context, &options, out, &err);
  free(name);
  if (!status) return EXIT_FINE;
  fault_library(f, &err, path);
  if (f->exit_code == EXIT_USAGE) f->exit_code = EXIT_DATA; /* the file is to blame */
  return f->exit_code;
}

static int read_table(fm_context *context, const char *path, fm_labels **out, fault *f) {
  csv rows;
  int code = csv_open(path, "label,class,name", &rows, f);
  if (code) return code;
  table *t = alloc_zeroed(1, sizeof *t);
  bool more = true;
  t->ignore = NOT_SET;
  for (int32_t i = 0; i < LABELS; i++) t->classes[i] = FM_CLASS_INVALID;
  while (!(code = csv_next(&rows, &more, f)) && more)
    if ((code = add_row(t, &rows, f))) break;
  if (!code) code = check_table(t, path, f);
  if (!code) code = make(context, t, path, out, f);
  for (int32_t k = 0; k < t->class_count; k++) free(t->names[k]);
  free(t);
  csv_close(&rows);
  return code;
}

static int unknown(const char *name, fault *f) {
  text list = {0};
  for (size_t i = 0; fm_labels_preset_name(i); i++)
    text_add(&list, "%s%s", i ? ", " : "", fm_labels_preset_name(i));
  fault_set(f, EXIT_USAGE, "label space '%s' is no preset (%s) and no file", name, list.data);
  text_free(&list);
  return EXIT_USAGE;
}

bool labels_is_preset(const char *name) {
  for (size_t i = 0; fm_labels_preset_name(i); i++)
    if (!strcmp(fm_labels_preset_name(i), name)) return true;
  return false;
}

char *labels_to_store(const char *file, const char *name_or_file) {
  if (labels_is_preset(name_or_file)) return alloc_text(name_or_file);
  return path_to_store(file, name_or_file);
}

int labels_open(fm_context *context, const char *name_or_file, fm_labels **out, fault *f) {
  fm_error err;
  if (labels_is_preset(name_or_file)) {
    if (fm_labels_create_from_preset(context, name_or_file, out, &err))
      return fault_library(f, &err, NULL);
    return EXIT_FINE;
  }
  if (!path_exists(name_or_file)) return unknown(name_or_file, f);
  return read_table(context, name_or_file, out, f);
}
