/* job/plan_file.c - the tables of hardness and plan. */
#include "job/plan_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/csv.h"
#include "base/text.h"

static const char hardness_header[] = "mask,hardness,valid_pixels";
static const char plan_header[] = "mask,hardness,rank,count,seeds";

/* Masks of a table by name, to find two of the same. */
static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What no file below a folder is called: such a name would lead elsewhere, or break a list. */
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
  if (!count) return fault_set(f, EXIT_DATA, "%s: no masks in it", path);
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    const char *wrong = fault_of_name(names[i]);
    if (wrong) return fault_set(f, EXIT_DATA, "%s: a mask has %s: '%.80s'", path, wrong, names[i]);
    if (i && !strcmp(names[i - 1], names[i]))
      return fault_set(f, EXIT_DATA, "%s: mask '%s' is there twice", path, names[i]);
  }
  return EXIT_FINE;
}

/* Rows of either table begin with the mask's name. */
static int check_rows(const char *rows, size_t count, size_t row_size, const char *path, fault *f) {
  const char **names = alloc_zeroed(count, sizeof *names);
  for (size_t i = 0; i < count; i++) memcpy(&names[i], rows + i * row_size, sizeof names[i]);
  int code = check_names(names, count, path, f);
  free(names);
  return code;
}

/* How a table is read: its header, and a row from its fields (nothing to free on failure). */
typedef struct row_kind {
  const char *header;
  size_t row_size;
  int (*read)(csv *table, void *row, fault *f);
} row_kind;

/* `*rows` and `*count` are to be freed on failure, too. */
static int read_rows(const row_kind *kind, const char *path, char **rows, size_t *count, fault *f) {
  csv table;
  size_t capacity = 0;
  bool more;
  int code = csv_open(path, kind->header, &table, f);
  if (code) return code;
  while (!(code = csv_next(&table, &more, f)) && more) {
    *rows = alloc_grow(*rows, *count, &capacity, kind->row_size);
    if ((code = kind->read(&table, *rows + *count * kind->row_size, f))) break;
    ++*count;
  }
  csv_close(&table);
  return code ? code : check_rows(*rows, *count, kind->row_size, path, f);
}

static int read_hardness(csv *table, void *to, fault *f) {
  hardness_row *row = to;
  int code = csv_real(table, 1, &row->hardness, f);
  if (!code) code = csv_whole(table, 2, 0, &row->valid_pixels, f);
  if (!code && row->hardness < 0)
    code = fault_set(f, EXIT_DATA, "%s, line %zu: hardness %s, expected 0 or more", table->path,
                     table->line, table->fields[1]);
  row->mask = code ? NULL : alloc_text(table->fields[0]);
  return code;
}

int hardness_rows_read(const char *path, hardness_row **rows, size_t *count, fault *f) {
  static const row_kind kind = {hardness_header, sizeof(hardness_row), read_hardness};
  char *list = NULL;
  size_t used = 0;
  int code = read_rows(&kind, path, &list, &used, f);
  hardness_row *typed = (void *)list;
  if (code) {
    hardness_rows_free(typed, used);
    return code;
  }
  *rows = typed;
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

/* Exactly `row->count` ascending numbers, one blank between two. */
static int read_seeds(const csv *table, plan_row *row, fault *f) {
  const char *at = table->fields[4];
  size_t digits = strlen(at);
  bool good = row->count ? row->count <= (int64_t)(digits + 1) / 2 : !digits;
  row->seeds = alloc_zeroed(good ? (size_t)row->count : 1, sizeof *row->seeds);
  for (int64_t i = 0; i < row->count && good; i++) {
    char *end;
    errno = 0;
    long long seed = strtoll(at, &end, 10);
    good = strchr("-0123456789", *at) && end > at && !errno && (!i || row->seeds[i - 1] < seed) &&
           *end == (i + 1 < row->count ? ' ' : '\0');
    row->seeds[i] = seed;
    at = good && *end ? end + 1 : end;
  }
  if (good) return EXIT_FINE;
  free(row->seeds);
  return fault_set(f, EXIT_DATA,
                   "%s, line %zu: seeds '%.60s', expected %" PRId64
                   " ascending whole numbers with a blank between",
                   table->path, table->line, table->fields[4], row->count);
}

static int read_plan(csv *table, void *to, fault *f) {
  plan_row *row = to;
  int code = csv_real(table, 1, &row->hardness, f);
  if (!code) code = csv_whole(table, 2, 1, &row->rank, f);
  if (!code) code = csv_whole(table, 3, 0, &row->count, f);
  if (!code) code = read_seeds(table, row, f);
  if (!code) row->mask = alloc_text(table->fields[0]);
  return code;
}

int plan_rows_read(const char *path, plan_row **rows, size_t *count, fault *f) {
  static const row_kind kind = {plan_header, sizeof(plan_row), read_plan};
  char *list = NULL;
  size_t used = 0;
  int code = read_rows(&kind, path, &list, &used, f);
  plan_row *typed = (void *)list;
  if (code) {
    plan_rows_free(typed, used);
    return code;
  }
  *rows = typed;
  *count = used;
  return EXIT_FINE;
}

void plan_rows_free(plan_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free(rows[i].mask);
    free(rows[i].seeds);
  }
  free(rows);
}

int plan_write(fm_context *context, const fm_plan *plan, const char *path, fault *f) {
  text t = {0};
  fm_error err;
  text_add(&t, "%s\n", plan_header);
  for (int64_t i = 0; i < fm_plan_mask_count(plan); i++) {
    fm_plan_entry entry = {.size = sizeof entry};
    if (fm_plan_get(plan, i, &entry, &err)) {
      text_free(&t);
      return fault_library(f, &err, NULL);
    }
    text_add_csv(&t, entry.mask_id);
    text_add(&t, ",%.17g,%" PRId64 ",%" PRId64 ",", entry.hardness, entry.rank, entry.count);
    for (int64_t s = 0; s < entry.count; s++) {
      if (s) text_add_bytes(&t, " ", 1);
      text_add_whole(&t, entry.seeds[s]);
    }
    text_add_bytes(&t, "\n", 1);
  }
  int code = text_write(&t, context, path, f);
  text_free(&t);
  return code;
}
