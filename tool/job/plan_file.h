/* job/plan_file.h - hardness.csv and plan.csv. */
#ifndef FREEMASK_TOOL_PLAN_FILE_H
#define FREEMASK_TOOL_PLAN_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* A row of hardness.csv: mask,hardness,valid_pixels. */
typedef struct hardness_row {
  char *mask;
  double hardness;
  int64_t valid_pixels;
} hardness_row;

int hardness_rows_read(const char *path, hardness_row **rows, size_t *count, fault *f);
int hardness_rows_write(fm_context *context, const hardness_row *rows, size_t count,
                        const char *path, fault *f);
void hardness_rows_free(hardness_row *rows, size_t count);

/* A row of plan.csv: mask,hardness,rank,count,seeds. */
typedef struct plan_row {
  char *mask;
  double hardness;
  int64_t rank, count;
  int64_t *seeds; /* `count` of them, ascending */
} plan_row;

int plan_rows_read(const char *path, plan_row **rows, size_t *count, fault *f);
void plan_rows_free(plan_row *rows, size_t count);
int plan_write(fm_context *context, const fm_plan *plan, const char *path, fault *f);

#endif
