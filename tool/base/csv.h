/* base/csv.h - tables in files (RFC 4180). text_add_csv writes fields. */
#ifndef FREEMASK_TOOL_CSV_H
#define FREEMASK_TOOL_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* A whole file in memory. Fields are quoted or not, lines end in LF or CRLF. */
typedef struct csv {
  char *path;
  char *data;
  size_t length, at;
  size_t line;   /* line of the row that was read last, from 1 */
  char **fields; /* of that row; NUL-terminated, in `data` */
  size_t field_count, field_capacity;
} csv;

/* Reads the file and its header line, which must be `header` ("mask,hardness,valid_pixels"). */
int csv_open(const char *path, const char *header, csv *out, fault *f);

/* Reads the next row into `fields`; `*more` false at the end. A row whose number of fields differs
 * from the header's, a stray quote or a NUL byte is EXIT_DATA. */
int csv_next(csv *table, bool *more, fault *f);

/* Field as a number, all of it. EXIT_DATA names file, line, column and text. */
int csv_whole(const csv *table, size_t field, int64_t lowest, int64_t *out, fault *f);
int csv_real(const csv *table, size_t field, double *out, fault *f); /* finite */

void csv_close(csv *table);

#endif
