/* job/plan_file.c - the tables of hardness and plan. */
#include "job/plan_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/csv.h"
#include "base/text.h"

static const char hardness_header[] = "mask,hardness,valid_pixels";

/* Masks of a table by name, to find duplicates. */
static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that no file below a folder can have: they would lead elsewhere, or break a list. */
static const char *fault_of_name(const char *name) {
  if (!*name) return "no name";
  if (strlen(name) > 4095) return "too long a name";
  for (const char *c = name; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7F) return "a name with a control character";
  for (const char *part = name; part; part = strchr(part, '/')) {
    part += *part == '/' && part > name;
    if (*part == '/' || (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/')))
      return "a name that leads out of its folder";
  }
  return NULL;
}

static int check_names(const char **names, size_t count, const char *path, fault *f) {
  if (!count) return fault_set(f, EXIT_DATA, "%s: it has no masks", path);
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    const char *wrong = fault_of_name(names[i]);
    if (wrong) return fault_set(f, EXIT_DATA, "%s: a mask has %s: '%.80s'", path, wrong, names[i]);
    if (i && !strcmp(names[i - 1], names[i]))
      return fault_set(f, EXIT_DATA, "%s: mask '%s' occurs twice", path, names[i]);
  }
  return EXIT_FINE;
}

static int read_row(const csv *table, hardness_row *row, fault *f) {
  int code = csv_real(table, 1, &row->hardness, f);
  if (!code) code = csv_whole(table, 2, 0, &row->valid_pixels, f);
  if (!code && row->hardness < 0)
    code = fault_set(f, EXIT_DATA, "%s, line %zu: hardness %s, expected 0 or more", table->path,
                     table->line, table->fields[1]);
  row->mask = code ? NULL : alloc_text(table->fields[0]);
  return code;
}

static int read_rows(const char *path, hardness_row **rows, size_t *count, fault *f) {
  csv table;
  size_t capacity = 0;
  bool more;
  int code = csv_open(path, hardness_header, &table, f);
  if (code) return code;
  while (!(code = csv_next(&table, &more, f)) && more) {
    *rows = alloc_grow(*rows, *count, &capacity, sizeof **rows);
    if ((code = read_row(&table, &(*rows)[*count], f))) break;
    ++*count;
  }
  csv_close(&table);
  return code;
}

int hardness_rows_read(const char *path, hardness_row **rows, size_t *count, fault *f) {
  hardness_row *list = NULL;
  size_t used = 0;
  int code = read_rows(path, &list, &used, f);
  const char **names = alloc_zeroed(used, sizeof *names);
  for (size_t i = 0; i < used; i++) names[i] = list[i].mask;
  if (!code) code = check_names(names, used, path, f);
  free(names);
  if (code) {
    hardness_rows_free(list, used);
    return code;
  }
  *rows = list;
  *count = used;
  return EXIT_FINE;
}

int hardness_rows_write(fm_context *context, const hardness_row *rows, size_t count,
                        const char *path, fault *f) {
  text t = {0};
  text_add(&t, "%s\n", hardness_header);
  for (size_t i = 0; i < count; i++) {
    text_add_csv(&t, rows[i].mask);
    text_add(&t, ",%.17g,%" PRId64 "\n", rows[i].hardness, rows[i].valid_pixels);
  }
  int code = text_write(&t, context, path, f);
  text_free(&t);
  return code;
}

void hardness_rows_free(hardness_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) free(rows[i].mask);
  free(rows);
}

/* ---- Plans ---------------------------------------------------------------------------- */

fm_plan_entry plan_entry(const fm_plan *plan, size_t index) {
  fm_plan_entry entry = {.size = sizeof entry};
  fm_plan_get(plan, (int64_t)index, &entry, NULL); /* the index is in range */
  return entry;
}

int plan_file_read(fm_context *context, const char *path, fm_plan **out, fault *f) {
  fm_error err;
  if (fm_plan_read(context, path, out, &err)) return fault_file(f, &err, path);
  size_t count = (size_t)fm_plan_mask_count(*out);
  const char **names = alloc_zeroed(count, sizeof *names);
  for (size_t i = 0; i < count; i++) names[i] = plan_entry(*out, i).mask_id;
  int code = check_names(names, count, path, f);
  free(names);
  if (code) {
    fm_plan_destroy(*out);
    *out = NULL;
  }
  return code;
}

int plan_file_write(const fm_plan *plan, const char *path, fault *f) {
  fm_error err;
  return fm_plan_write(plan, path, &err) ? fault_library(f, &err, path) : EXIT_FINE;
}
