/* io/plan_file.c - plans as tables: mask,hardness,rank,count,seeds. */
#include <freemask/files.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/csv.h"
#include "io/deliver.h"
#include "io/number.h"
#include "plan/plan.h"
#include "plan/policy.h"

static const char *const COLUMNS[] = {"mask", "hardness", "rank", "count", "seeds", NULL};
enum { MASK, HARDNESS, RANK, COUNT, SEEDS, COLUMN_COUNT };

/* The columns while they are read, as fm_plan_create takes them. */
typedef struct table {
  fm__bytes columns[COLUMN_COUNT]; /* of char *, double and int64_t */
  int64_t rows;
} table;

/* `count` whole numbers, one blank between two. */
static fm_status read_seeds(const fm__csv *rows, int64_t count, fm__bytes *out, fm_error *err) {
  char *at = rows->fields[SEEDS];
  int64_t found = 0, seed = 0;
  bool good = true;
  while (good && *at) {
    char *end = at + strcspn(at, " "), behind = *end;
    *end = '\0';
    good = fm__whole_parse(at, &seed) && (!behind || end[1]);
    *end = behind;
    at = behind ? end + 1 : end;
    if (good && !fm__bytes_append(out, &seed, sizeof seed))
      return fm__fail_memory(err, out->refused);
    found += good;
  }
  if (good && found == count) return FM_OK;
  return fm__csv_fail(rows, SEEDS, err,
                      "expected as many whole numbers as its count, %lld, with a blank between",
                      (long long)count);
}

static fm_status add_row(table *t, const fm__csv *rows, fm_error *err) {
  double hardness = 0;
  int64_t rank = 0, count = 0;
  const char *id = rows->fields[MASK];
  if (!*id || strlen(id) > FM__LONGEST_ID)
    return fm__csv_fail(rows, MASK, err, "expected a name of 1 to %d bytes", FM__LONGEST_ID);
  fm_status status = fm__csv_real(rows, HARDNESS, &hardness, err);
  if (!status) status = fm__csv_whole(rows, RANK, 1, INT32_MAX, &rank, err);
  if (!status) status = fm__csv_whole(rows, COUNT, 0, FM__MOST_IMAGES_OF_MASK, &count, err);
  if (!status) status = read_seeds(rows, count, &t->columns[SEEDS], err);
  if (status) return status;
  (void)fm__bytes_append(&t->columns[MASK], &id, sizeof id);
  (void)fm__bytes_append(&t->columns[HARDNESS], &hardness, sizeof hardness);
  (void)fm__bytes_append(&t->columns[RANK], &rank, sizeof rank);
  (void)fm__bytes_append(&t->columns[COUNT], &count, sizeof count);
  for (int i = 0; i < COLUMN_COUNT; i++)
    if (t->columns[i].refused) return fm__fail_memory(err, t->columns[i].refused);
  t->rows++;
  return FM_OK;
}

static fm_status make(const fm_context *context, const table *t, fm_plan **out, fm_error *err) {
  if (!t->rows) return fm__fail(err, FM_ERR_FORMAT, "has no row, expected at least one mask");
  fm_plan_rows rows = {.size = sizeof rows, .row_count = t->rows};
  rows.mask_ids = (const void *)t->columns[MASK].data;
  rows.hardness = (const void *)t->columns[HARDNESS].data;
  rows.ranks = (const void *)t->columns[RANK].data;
  rows.counts = (const void *)t->columns[COUNT].data;
  rows.seeds = (const void *)t->columns[SEEDS].data;
  rows.seed_count = (int64_t)(t->columns[SEEDS].size / sizeof *rows.seeds);
  fm_status status = fm_plan_create(context, &rows, out, err);
  return status ? fm__blame_file(status, err) : FM_OK;
}

static fm_status read_table(const fm_context *context, fm__input *input, void *out, fm_error *err) {
  fm__csv rows;
  fm_status status = fm__csv_open(context, input, COLUMNS, &rows, err);
  if (status) return status;
  table t = {.rows = 0};
  for (int i = 0; i < COLUMN_COUNT; i++) t.columns[i].context = context;
  bool more = true;
  while (!(status = fm__csv_next(&rows, &more, err)) && more)
    if ((status = add_row(&t, &rows, err))) break;
  if (!status) status = make(context, &t, out, err);
  for (int i = 0; i < COLUMN_COUNT; i++) fm__bytes_free(&t.columns[i]);
  fm__csv_close(&rows);
  return status;
}

fm_status fm_plan_read(const fm_context *context, const char *path, fm_plan **out, fm_error *err) {
  const char *missing = !context ? "context" : !path ? "path" : !out ? "out" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_plan_read: %s is NULL", missing);
  return fm__parse_file(context, path, FM__LARGEST_TEXT, read_table, out, err);
}

fm_status fm_plan_decode(const fm_context *context, const void *data, size_t size, fm_plan **out,
                         fm_error *err) {
  const char *missing = !context ? "context" : !data && size ? "data" : !out ? "out" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_plan_decode: %s is NULL", missing);
  return fm__parse_memory(context, data, size, FM__LARGEST_TEXT, read_table, out, err);
}

/* ---- Writing -------------------------------------------------------------------- */

static void put_row(fm__bytes *bytes, const fm_plan_entry *row) {
  fm__csv_put(bytes, row->mask_id);
  fm__bytes_text(bytes, ",");
  fm__bytes_real(bytes, row->hardness);
  fm__bytes_text(bytes, ",");
  fm__bytes_whole(bytes, row->rank);
  fm__bytes_text(bytes, ",");
  fm__bytes_whole(bytes, row->count);
  for (int64_t i = 0; i < row->count; i++) {
    fm__bytes_text(bytes, i ? " " : ",");
    fm__bytes_whole(bytes, row->seeds[i]);
  }
  fm__bytes_text(bytes, row->count ? "\n" : ",\n");
}

static fm_status put(const char *call, const fm_plan *plan, const fm__target *to, fm_error *err) {
  fm_status status = fm__target_check(call, plan, "plan", to, err);
  if (status) return status;
  fm__bytes bytes = {.context = plan->context};
  fm__csv_put_header(&bytes, COLUMNS);
  for (int64_t i = 0; i < fm_plan_mask_count(plan) && !status && !bytes.refused; i++) {
    fm_plan_entry row = {.size = sizeof row};
    status = fm_plan_get(plan, i, &row, err);
    if (!status) put_row(&bytes, &row);
  }
  return fm__deliver(&bytes, to, status, err);
}

fm_status fm_plan_write(const fm_plan *plan, const char *path, fm_error *err) {
  fm__target to = {.to_file = true, .path = path, .flush = true};
  return put("fm_plan_write", plan, &to, err);
}

fm_status fm_plan_encode(const fm_plan *plan, fm_write_fn write, void *user, fm_error *err) {
  fm__target to = {.write = write, .user = user};
  return put("fm_plan_encode", plan, &to, err);
}
