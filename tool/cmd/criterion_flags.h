/* cmd/criterion_flags.h - the flags about what the filter drops, of `filter` and of `run`. */
#ifndef FREEMASK_TOOL_CRITERION_FLAGS_H
#define FREEMASK_TOOL_CRITERION_FLAGS_H

#include "cmd/args.h"
#include "job/filter_file.h"

/* `criterion` points to a job_criterion. */
/* clang-format off */
#define ARG_CRITERION_ROWS(criterion)                                                            \
  {"tolerance", 0, ARG_REAL, &(criterion)->tolerance, "X",                                       \
   "drop a pixel whose loss is above X times its class's mean (default 1.25)", false, true, 0,   \
   1e30, NULL},                                                                                  \
  {"unseen", 0, ARG_CHOICE, &(criterion)->unseen, "U",                                           \
   "classes without a real pixel (default drop)", false, false, 0, 0, filter_unseen},             \
  {"min-kept", 0, ARG_REAL, &(criterion)->min_kept, "X",                                         \
   "keep at least this share of each class in each image (default 0)", false, false, 0, 1, NULL}

/* `output` points to a job_output. */
#define ARG_RESUME_ROWS(output)                                                                  \
  {"resume", 0, ARG_FLAG, &(output)->resume, NULL, "continue an interrupted run", false, false,  \
   0, 0, NULL},                                                                                  \
  {"overwrite", 0, ARG_FLAG, &(output)->overwrite, NULL, "replace an earlier run's output",      \
   false, false, 0, 0, NULL}
/* clang-format on */

#endif
