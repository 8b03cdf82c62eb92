/* io/labels_file.c - label spaces as tables: label,class,name,color. */
#include <freemask/files.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/csv.h"
#include "io/deliver.h"
#include "io/labels_table.h"
#include "io/path.h"
#include "io/stats_file.h"
#include "labels/labels.h"

/* A call: the space's name, and where it goes. */
typedef struct job {
  const char *name;
  fm_labels **out;
} job;

/* Statistics in JSON know their label space. No table begins with a brace. */
static fm_status read_labels(const fm_context *context, fm__input *input, void *user,
                             fm_error *err) {
  const job *j = user;
  char *data = NULL;
  size_t size = 0;
  if (!fm__input_fill(input) || *input->next != '{')
    return fm__labels_table_read(context, input, j->name, j->out, err);
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
  char *stem = fm__copy_string(context, fm__path_name(path));
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

/* Labels of one class and color that follow each other. */
typedef struct run {
  int64_t first, last;
  int32_t class_index, color;
} run;

static void put_color(fm__bytes *bytes, int32_t color) {
  char text[16] = "";
  if (color >= 0) snprintf(text, sizeof text, "#%06x", (unsigned)color);
  fm__bytes_text(bytes, ",");
  fm__bytes_text(bytes, text);
}

/* Shorter runs are written label by label: so every program can read them. */
enum { LEAST_RUN = 32 };

static void put_rows(fm__bytes *bytes, const fm_labels *labels, const run *r) {
  fm__bytes_whole(bytes, r->first);
  if (r->last > r->first) {
    fm__bytes_text(bytes, ":");
    fm__bytes_whole(bytes, r->last);
  }
  fm__bytes_text(bytes, ",");
  if (r->class_index < 0)
    fm__bytes_text(bytes, "ignore");
  else
    fm__bytes_whole(bytes, r->class_index);
  fm__bytes_text(bytes, ",");
  if (r->class_index >= 0) fm__csv_put(bytes, fm_labels_class_name(labels, r->class_index));
  if (labels->color_count) put_color(bytes, r->color);
  fm__bytes_text(bytes, "\n");
}

static void put_run(fm__bytes *bytes, const fm_labels *labels, const run *r) {
  if (r->last - r->first >= LEAST_RUN - 1) {
    put_rows(bytes, labels, r);
    return;
  }
  for (run one = *r; one.first <= r->last; one.first++) {
    one.last = one.first;
    put_rows(bytes, labels, &one);
  }
}

/* Takes the label into the run, or writes the run and begins another. */
static void put_label(fm__bytes *bytes, const fm_labels *labels, run *r, int64_t label) {
  int32_t k = fm_labels_class_of(labels, label), color = fm_labels_color_of(labels, label);
  bool open = r->first <= r->last;
  if (open && label == r->last + 1 && k == r->class_index && color == r->color) {
    r->last = label;
    return;
  }
  if (open) put_run(bytes, labels, r);
  *r = (run){label, label, k, color};
}

/* The ignored labels come first, the one that the filter writes before the others. */
static fm_status put_table(fm__bytes *bytes, const fm_labels *labels, fm_error *err) {
  run r = {.first = 0, .last = -1};
  for (int32_t k = 0; k < fm_labels_class_count(labels); k++)
    if (!*fm_labels_class_name(labels, k))
      return fm__fail(err, FM_ERR_UNSUPPORTED,
                      "class %d has an empty name, which a table of labels cannot hold", (int)k);
  fm__bytes_text(bytes, "label,class,name");
  fm__bytes_text(bytes, labels->color_count ? ",color\n" : "\n");
  for (int32_t i = 0; i < labels->ignored_count; i++)
    put_label(bytes, labels, &r, labels->ignored[i]);
  for (int64_t label = 0; label <= FM__LAST_LABEL; label++)
    if (fm_labels_class_of(labels, label) >= 0) put_label(bytes, labels, &r, label);
  if (r.first <= r.last) put_run(bytes, labels, &r);
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
