/* job/plan_file.h - hardness.csv and plan.csv. */
#ifndef FREEMASK_TOOL_PLAN_FILE_H
#define FREEMASK_TOOL_PLAN_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "job/shards.h"

/* A row of hardness.csv: mask,hardness,valid_pixels. */
typedef struct hardness_row {
  char *mask;
  double hardness;
  int64_t valid_pixels;
} hardness_row;

/* Of a whole set. With `mark` a shard's as well, which may have no rows; the caller frees the mark. */
int hardness_rows_read(fm_context *context, const char *path, shard_mark *mark, hardness_row **rows,
                       size_t *count, fault *f);

/* `mark`: whose shard they are; NULL: rows of a whole set. */
int hardness_rows_write(fm_context *context, const shard_mark *mark, const hardness_row *rows,
                        size_t count, const char *path, fault *f);
void hardness_rows_free(hardness_row *rows, size_t count);

/* plan.csv, by fm_plan_read; also refuses names that cannot be those of files below a folder. */
int plan_file_read(fm_context *context, const char *path, fm_plan **out, fault *f);
int plan_file_write(const fm_plan *plan, const char *path, fault *f);

/* A row: 0 to fm_plan_mask_count - 1. */
fm_plan_entry plan_entry(const fm_plan *plan, size_t index);

#endif
