/* io/csv_file.c - tables of a host's own: all fields of a CSV file. */
#include <freemask/files.h>
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/csv.h"

struct fm_csv {
  fm_context *context;
  char *path;           /* for messages; NULL: from memory */
  const char **columns; /* [column_count + 1], with the strings in the same block */
  fm__csv rows;         /* holds the fields' text */
  fm__bytes fields;     /* of char *: [row_count][column_count] */
  fm__bytes lines;      /* of int64_t: [row_count] */
  int64_t row_count;
};

/* A copy of the names, NULL behind the last. */
static const char **copy_columns(const fm_context *context, const char *const *columns,
                                 int32_t count) {
  size_t size = ((size_t)count + 1) * sizeof *columns, text = 0;
  for (int32_t i = 0; i < count; i++) text += strlen(columns[i]) + 1;
  const char **copy = fm__alloc(context, size + text);
  char *at = copy ? (char *)copy + size : NULL;
  for (int32_t i = 0; i < count && copy; i++) {
    size_t length = strlen(columns[i]) + 1;
    copy[i] = memcpy(at, columns[i], length);
    at += length;
  }
  if (copy) copy[count] = NULL;
  return copy;
}

static fm_status read_rows(fm_csv *csv, fm_error *err) {
  const size_t size = (size_t)csv->rows.column_count * sizeof *csv->rows.fields;
  bool more = true;
  fm_status status;
  while (!(status = fm__csv_next(&csv->rows, &more, err)) && more) {
    if (!fm__bytes_append(&csv->fields, csv->rows.fields, size))
      return fm__fail_memory(err, csv->fields.refused);
    if (!fm__bytes_append(&csv->lines, &csv->rows.line, sizeof csv->rows.line))
      return fm__fail_memory(err, csv->lines.refused);
    csv->row_count++;
  }
  return status;
}

static fm_status read_table(const fm_context *context, fm__input *input, void *user,
                            fm_error *err) {
  (void)context;
  fm_csv *csv = user;
  fm_status status = fm__csv_open(csv->context, input, csv->columns, &csv->rows, err);
  return status ? status : read_rows(csv, err);
}

static fm_status check(const char *call, const void *context, const char *source_name,
                       const void *source, const char *const *columns, int32_t column_count,
                       const void *out, fm_error *err) {
  const char *missing = !context   ? "context"
                        : !source  ? source_name
                        : !columns ? "columns"
                        : !out     ? "out"
                                   : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "%s: %s is NULL", call, missing);
  if (column_count < 1 || column_count > FM__CSV_COLUMNS)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: column_count is %d, expected 1 to %d", call,
                    (int)column_count, FM__CSV_COLUMNS);
  for (int32_t i = 0; i < column_count; i++)
    if (!columns[i]) return fm__fail(err, FM_ERR_ARGUMENT, "%s: columns[%d] is NULL", call, (int)i);
  return FM_OK;
}

/* An empty table, before anything is read. */
static fm_status make(const fm_context *context, const char *path, const char *const *columns,
                      int32_t column_count, fm_csv **out, fm_error *err) {
  fm_csv *csv = fm__alloc_zeroed(context, 1, sizeof *csv);
  if (!csv) return fm__fail_memory(err, sizeof *csv);
  csv->context = fm__context_hold(context);
  csv->fields.context = csv->lines.context = csv->rows.context = context;
  csv->columns = copy_columns(context, columns, column_count);
  csv->path = path ? fm__copy_string(context, path) : NULL;
  if (csv->columns && (csv->path || !path)) {
    *out = csv;
    return FM_OK;
  }
  fm_csv_destroy(csv);
  return fm__fail(err, FM_ERR_MEMORY, "out of memory for the names of %d columns",
                  (int)column_count);
}

static fm_status finish(fm_csv *csv, fm_status status, fm_csv **out) {
  if (status)
    fm_csv_destroy(csv);
  else
    *out = csv;
  return status;
}

fm_status fm_csv_read(const fm_context *context, const char *path, const char *const *columns,
                      int32_t column_count, fm_csv **out, fm_error *err) {
  fm_csv *csv = NULL;
  fm_status status = check("fm_csv_read", context, "path", path, columns, column_count, out, err);
  if (!status) status = make(context, path, columns, column_count, &csv, err);
  if (status) return status;
  return finish(csv, fm__parse_file(context, path, FM__LARGEST_TEXT, read_table, csv, err), out);
}

fm_status fm_csv_decode(const fm_context *context, const void *data, size_t size,
                        const char *const *columns, int32_t column_count, fm_csv **out,
                        fm_error *err) {
  fm_csv *csv = NULL;
  fm_status status =
      check("fm_csv_decode", context, "data", size ? data : "", columns, column_count, out, err);
  if (!status) status = make(context, NULL, columns, column_count, &csv, err);
  if (status) return status;
  return finish(csv, fm__parse_memory(context, data, size, FM__LARGEST_TEXT, read_table, csv, err),
                out);
}

void fm_csv_destroy(fm_csv *csv) {
  if (!csv) return;
  fm_context *context = csv->context;
  fm__csv_close(&csv->rows);
  fm__bytes_free(&csv->fields);
  fm__bytes_free(&csv->lines);
  fm__free(context, csv->columns);
  fm__free(context, csv->path);
  fm__free(context, csv);
  fm__context_drop(context);
}

int64_t fm_csv_row_count(const fm_csv *csv) { return csv ? csv->row_count : 0; }

const char *fm_csv_text(const fm_csv *csv, int64_t row, int32_t column) {
  if (!csv || row < 0 || row >= csv->row_count || column < 0 || column >= csv->rows.column_count)
    return "";
  const char *const *fields = (const void *)csv->fields.data;
  return fields[row * csv->rows.column_count + column];
}

int64_t fm_csv_line(const fm_csv *csv, int64_t row) {
  if (!csv || row < 0 || row >= csv->row_count) return 0;
  const int64_t *lines = (const void *)csv->lines.data;
  return lines[row];
}

/* The table as if the row had just been read: what the numbers' readers look at. */
static fm_status go_to(const char *call, const fm_csv *csv, int64_t row, int32_t column,
                       const void *out, fm__csv *at, fm_error *err) {
  if (!csv || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: %s is NULL", call, csv ? "out" : "csv");
  if (row < 0 || row >= csv->row_count || column < 0 || column >= csv->rows.column_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "%s: row %" PRId64 ", column %d of a table of %" PRId64 " rows and %d columns",
                    call, row, (int)column, csv->row_count, csv->rows.column_count);
  char *const *fields = (const void *)csv->fields.data;
  *at = csv->rows;
  at->line = fm_csv_line(csv, row);
  at->fields[column] = fields[row * csv->rows.column_count + column];
  return FM_OK;
}

static fm_status name_file(const fm_csv *csv, fm_status status, fm_error *err) {
  if (status && csv->path) fm__fail_prefix(err, "%s", csv->path);
  return status;
}

fm_status fm_csv_whole(const fm_csv *csv, int64_t row, int32_t column, int64_t lowest,
                       int64_t highest, int64_t *out, fm_error *err) {
  fm__csv at;
  fm_status status = go_to("fm_csv_whole", csv, row, column, out, &at, err);
  if (status) return status;
  return name_file(csv, fm__csv_whole(&at, column, lowest, highest, out, err), err);
}

fm_status fm_csv_real(const fm_csv *csv, int64_t row, int32_t column, double *out, fm_error *err) {
  fm__csv at;
  fm_status status = go_to("fm_csv_real", csv, row, column, out, &at, err);
  if (status) return status;
  return name_file(csv, fm__csv_real(&at, column, out, err), err);
}
