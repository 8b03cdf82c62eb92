/* io/csv.h - tables in files (RFC 4180). */
#ifndef FM_IO_CSV_H
#define FM_IO_CSV_H

#include "core/fail.h"
#include "io/bytes.h"
#include "io/input.h"

enum { FM__CSV_COLUMNS = 64 };

/* A table while it is read: a copy of the whole file, in which fields are unquoted in place. */
typedef struct fm__csv {
  const fm_context *context;
  const char *const *columns; /* their names, the header; NULL behind the last */
  int column_count;
  char *data;
  size_t size, at;
  int64_t line;      /* where the row that was read last begins, from 1 */
  int64_t next_line; /* where the next one begins */
  bool loose;        /* opened by fm__csv_open_loose */
  char separator;
  int field_count;               /* of that row */
  char *fields[FM__CSV_COLUMNS]; /* of that row: strings in `data`, which live until it is closed */
} fm__csv;

/* Reads the input and its first row, which has to be the names of the columns. Fields are quoted or
 * not; rows end in LF or CRLF; a UTF-8 byte order mark is skipped. What breaks these rules, or has
 * another number of fields, is FM_ERR_FORMAT. */
fm_status fm__csv_open(const fm_context *context, fm__input *input, const char *const *columns,
                       fm__csv *out, fm_error *err);
/* Reads a table as people and their programs write it, whose columns the caller finds out: fields
 * are separated by whichever of , ; and tab comes first in the first row (or by what a line sep=;
 * before it says), blanks around them do not count, a carriage return ends a line, and rows that are
 * empty or begin with # are skipped. `columns` is NULL, and so is what fm__csv_fail may be used
 * for; `fields` has `field_count` of the row's fields. */
fm_status fm__csv_open_loose(const fm_context *context, fm__input *input, fm__csv *out,
                             fm_error *err);
/* Reads the next row into `fields`; `*more` is false at the end. */
fm_status fm__csv_next(fm__csv *table, bool *more, fm_error *err);
void fm__csv_close(fm__csv *table);

/* FM_ERR_FORMAT that names line, column and the field's text: "line 3, column class: 'x', ..." */
FM__PRINTF(4, 5)
fm_status fm__csv_fail(const fm__csv *table, int column, fm_error *err, const char *format, ...);
/* The whole field as a number. */
fm_status fm__csv_whole(const fm__csv *table, int column, int64_t lowest, int64_t highest,
                        int64_t *out, fm_error *err);
fm_status fm__csv_real(const fm__csv *table, int column, double *out, fm_error *err);

/* Writes the header; writes a field, quoted if it has to be or begins like a formula. */
void fm__csv_put_header(fm__bytes *out, const char *const *columns);
void fm__csv_put(fm__bytes *out, const char *field);

#endif
