/* job/check.h - the outcome of check. */
#ifndef FREEMASK_TOOL_CHECK_H
#define FREEMASK_TOOL_CHECK_H

#include "job/census.h"
#include "job/findings.h"
#include "job/jobs.h"

/* Large (half a megabyte): zero-initialize on the heap. */
typedef struct check_result {
  census census;
  size_t masks;
  findings findings;
  text convention; /* a sentence; empty if no mask could be read */
  bool fits;       /* the values look like the label space; else that is a finding as well */
  text presets;    /* those that have the values */
} check_result;

/* Checks everything and prints nothing. */
int check_job_look(const check_job *job, check_result *out, fault *f);

void check_result_free(check_result *result);

#endif
