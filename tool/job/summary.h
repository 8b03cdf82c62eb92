/* job/summary.h - what jobs print on stdout when they are done. */
#ifndef FREEMASK_TOOL_SUMMARY_H
#define FREEMASK_TOOL_SUMMARY_H

#include "base/text.h"
#include "job/filter_file.h"
#include "job/jobs.h"
#include "job/stats_file.h"

/* Each prints text, or one JSON object with --json, or nothing (quiet, silent). */
void summary_stats(const job_common *common, const stats_file *file, const char *output);
void summary_calibration(const job_common *common, const stats_file *file, const char *output);
void summary_filter(const job_common *common, const filter_file *file, const char *output);

/* Should text be printed? JSON? With --json, quiet does not silence. */
bool summary_as_text(const job_common *common);
bool summary_as_json(const job_common *common);

/* Prints a text, which may be empty, and frees it; or a value in one line, and releases it. */
void summary_print(text *t);
void summary_print_json(json_t *value);

#endif
