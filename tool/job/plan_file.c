/* job/plan_file.c - the tables of hardness and plan. */
#include "job/plan_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "job/table_names.h"

enum { MASK, HARDNESS, VALID, COLUMNS };
static const char *const columns[COLUMNS] = {"mask", "hardness", "valid_pixels"};

static int read_row(const fm_csv *table, int64_t at, const char *path, hardness_row *row,
                    fault *f) {
  fm_error err;
  if (fm_csv_real(table, at, HARDNESS, &row->hardness, &err) ||
      fm_csv_whole(table, at, VALID, 0, INT64_MAX, &row->valid_pixels, &err))
    return fault_file(f, &err, path);
  if (row->hardness < 0)
    return fault_set(f, EXIT_DATA, "%s, line %" PRId64 ": hardness %s, expected 0 or more", path,
                     fm_csv_line(table, at), fm_csv_text(table, at, HARDNESS));
  row->mask = alloc_text(fm_csv_text(table, at, MASK));
  return EXIT_FINE;
}

static int check_masks(const hardness_row *rows, size_t count, const char *path, fault *f) {
  if (!count) return fault_set(f, EXIT_DATA, "%s: it has no masks", path);
  const char **names = alloc_zeroed(count, sizeof *names);
  for (size_t i = 0; i < count; i++) names[i] = rows[i].mask;
  int code = table_check_names(names, count, path, f);
  free(names);
  return code;
}

static int read_rows(fm_context *context, const char *path, bool may_be_empty, hardness_row **rows,
                     size_t *count, fault *f) {
  fm_csv *table = NULL;
  fm_error err;
  if (fm_csv_read(context, path, columns, COLUMNS, &table, &err)) return fault_file(f, &err, path);
  size_t all = (size_t)fm_csv_row_count(table);
  hardness_row *list = alloc_zeroed(all, sizeof *list);
  int code = EXIT_FINE;
  for (size_t i = 0; i < all && !code; i++) code = read_row(table, (int64_t)i, path, &list[i], f);
  if (!code && (all || !may_be_empty)) code = check_masks(list, all, path, f);
  fm_csv_destroy(table);
  if (code) {
    hardness_rows_free(list, all);
    return code;
  }
  *rows = list;
  *count = all;
  return EXIT_FINE;
}

int hardness_rows_read(fm_context *context, const char *path, shard_mark *mark, hardness_row **rows,
                       size_t *count, fault *f) {
  shard_mark own;
  int code = shard_mark_read(path, &own, f);
  if (!code && !mark) code = shards_whole(own.shard, path, f);
  if (!code) code = read_rows(context, path, own.shard.count > 1, rows, count, f);
  if (!code && mark)
    *mark = own;
  else
    shard_mark_free(&own);
  return code;
}

int hardness_rows_write(fm_context *context, const shard_mark *mark, const hardness_row *rows,
                        size_t count, const char *path, fault *f) {
  text t = {0};
  if (mark) shard_mark_add(&t, mark);
  text_add(&t, "%s,%s,%s\n", columns[MASK], columns[HARDNESS], columns[VALID]);
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
  int code = table_check_names(names, count, path, f);
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
