/* collect/jobs_file.c - writing jobs.jsonl, and reading it without trusting it. */
#include "collect/jobs_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"

/* What masks that are read may have: a line that claims more costs no memory. */
enum { MOST_PIXELS = 1 << 28 };

void job_row_add(text *t, const job_row *row) {
  json_t *object =
      json_pack("{s:o, s:I, s:o, s:o, s:o}", "mask", json_text(row->mask), "seed",
                (json_int_t)row->seed, "output", json_text(row->output), "name",
                json_text(row->name), "synthetic_mask", json_text(row->synthetic_mask));
  if (row->width) {
    json_object_set_new(object, "width", json_integer((json_int_t)row->width));
    json_object_set_new(object, "height", json_integer((json_int_t)row->height));
  }
  if (row->control) json_object_set_new(object, "control", json_text(row->control));
  if (row->edges) json_object_set_new(object, "edges", json_text(row->edges));
  if (row->prompt) json_object_set_new(object, "prompt", json_text(row->prompt));
  json_add_line(object, t);
}

static void free_row(job_row *row) {
  free(row->mask);
  free(row->output);
  free(row->name);
  free(row->synthetic_mask);
}

/* Below its folder: no way up, no control characters. */
static bool stays_below(const char *name) {
  for (const char *c = name; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7F) return false;
  for (const char *part = name;; part++) {
    size_t length = strcspn(part, "/");
    if (!length || *part == '.') return false; /* empty, ".", "..", hidden */
    part += length;
    if (!*part) return true;
  }
}

static int read_size(const json_t *object, const char *where, job_row *row, fault *f) {
  if (!json_object_get(object, "width") && !json_object_get(object, "height")) return EXIT_FINE;
  int code = json_member_whole(object, where, "width", 1, MOST_PIXELS, &row->width, f);
  if (!code) code = json_member_whole(object, where, "height", 1, MOST_PIXELS, &row->height, f);
  if (!code && row->width > MOST_PIXELS / row->height)
    code =
        fault_set(f, EXIT_DATA, "%s: %" PRId64 "x%" PRId64 " pixels are more than a mask has, %d",
                  where, row->width, row->height, (int)MOST_PIXELS);
  return code;
}

static void make_absolute(char **path, const char *folder) {
  if (path_root(*path)) return;
  char *joined = path_join(folder, *path);
  free(*path);
  *path = joined;
}

static int read_members(const json_t *object, const char *where, const char *folder, job_row *row,
                        fault *f) {
  int code = json_member_text(object, where, "mask", &row->mask, f);
  if (!code) code = json_member_whole(object, where, "seed", INT64_MIN, INT64_MAX, &row->seed, f);
  if (!code) code = json_member_text(object, where, "output", &row->output, f);
  if (!code) code = json_member_text(object, where, "name", &row->name, f);
  if (!code) code = json_member_text(object, where, "synthetic_mask", &row->synthetic_mask, f);
  if (!code) code = read_size(object, where, row, f);
  if (!code && (!stays_below(row->name) || !stays_below(row->synthetic_mask)))
    code = fault_set(f, EXIT_DATA,
                     "%s: \"name\" or \"synthetic_mask\" is not a path below a folder", where);
  if (!code && !path_ends_with(row->synthetic_mask, ".png"))
    code = fault_set(f, EXIT_DATA, "%s: \"synthetic_mask\" does not end in .png", where);
  if (!code && (!*row->mask || !*row->output))
    code = fault_set(f, EXIT_DATA, "%s: \"mask\" or \"output\" is empty", where);
  if (code) return code;
  make_absolute(&row->mask, folder);
  make_absolute(&row->output, folder);
  return EXIT_FINE;
}

static int read_line(const char *line, size_t length, const char *where, const char *folder,
                     job_row *row, fault *f) {
  json_error_t error;
  json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
  if (!json_is_object(object)) {
    json_decref(object);
    return fault_set(f, EXIT_DATA, "%s: not a JSON object: %s", where, object ? "" : error.text);
  }
  int code = read_members(object, where, folder, row, f);
  json_decref(object);
  return code;
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(const job_row *const *)a)->name, (*(const job_row *const *)b)->name);
}

static int by_mask(const void *a, const void *b) {
  return strcmp((*(const job_row *const *)a)->synthetic_mask,
                (*(const job_row *const *)b)->synthetic_mask);
}

/* Two jobs with one name would be one image, with one mask both would write it. */
static int check_names(const char *path, const job_row *rows, size_t count, fault *f) {
  const job_row **sorted = alloc_zeroed(count, sizeof *sorted);
  int code = EXIT_FINE;
  for (size_t i = 0; i < count; i++) sorted[i] = &rows[i];
  qsort(sorted, count, sizeof *sorted, by_name);
  for (size_t i = 1; i < count && !code; i++)
    if (!by_name(&sorted[i - 1], &sorted[i]))
      code = fault_set(f, EXIT_DATA, "%s: '%s' occurs twice", path, sorted[i]->name);
  qsort(sorted, count, sizeof *sorted, by_mask);
  for (size_t i = 1; i < count && !code; i++)
    if (!by_mask(&sorted[i - 1], &sorted[i]))
      code = fault_set(f, EXIT_DATA,
                       "%s: '%s' and '%s' have the same \"synthetic_mask\", %s, expected one each",
                       path, sorted[i - 1]->name, sorted[i]->name, sorted[i]->synthetic_mask);
  free(sorted);
  return code;
}

static int read_lines(const char *path, const char *folder, const char *data, job_row **rows,
                      size_t *count, fault *f) {
  size_t capacity = 0, number = 0;
  int code = EXIT_FINE;
  while (*data && !code) {
    size_t length = strcspn(data, "\n");
    text where = {0};
    text_add(&where, "%s, line %zu", path, ++number);
    *rows = alloc_grow(*rows, *count, &capacity, sizeof **rows);
    (*rows)[*count] = (job_row){0};
    if (length) code = read_line(data, length, where.data, folder, &(*rows)[(*count)++], f);
    text_free(&where);
    data += length + (data[length] == '\n');
  }
  return code ? code : check_names(path, *rows, *count, f);
}

int job_rows_read(const char *path, job_row **rows, size_t *count, fault *f) {
  char *data, *folder = path_real(path);
  size_t length;
  int code = path_read(path, UINT64_C(1) << 34, &data, &length, f);
  *strrchr(folder, '/') = '\0';
  *rows = NULL;
  *count = 0;
  if (!code) {
    if (strlen(data) < length) code = fault_set(f, EXIT_DATA, "%s holds a NUL byte", path);
    if (!code) code = read_lines(path, *folder ? folder : "/", data, rows, count, f);
    free(data);
  }
  free(folder);
  if (code) {
    job_rows_free(*rows, *count);
    *rows = NULL;
  }
  return code;
}

void job_rows_free(job_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) free_row(&rows[i]);
  free(rows);
}
