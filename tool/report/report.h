/* report/report.h - the parts of `freemask report`: one HTML page about a run's folder. */
#ifndef FREEMASK_TOOL_REPORT_H
#define FREEMASK_TOOL_REPORT_H

#include <jansson.h>

#include "base/text.h"
#include "job/filter_file.h"
#include "job/gap.h"
#include "job/jobs.h"
#include "job/plan_file.h"
#include "job/stats_file.h"

/* What was found in the folder; what was not is empty. */
typedef struct report {
  fm_context *context;
  const report_job *job;
  bool has_filter, has_stats;
  filter_file filter;
  filter_row *rows; /* of filter.csv, by stem */
  size_t row_count;
  stats_file stats;
  char *stats_path;
  hardness_row *hardness;
  size_t hardness_count;
  fm_plan *plan; /* or NULL */
  json_t *run;   /* run.json, or NULL */
  json_t *score; /* score.json of a demo, or NULL */
  gap gap;       /* with a filter */
} report;

/* Reads the files that exist. EXIT_DATA if there are none, or if one is broken. */
int report_read(const report_job *job, report *out, fault *f);
void report_free(report *r);

/* A text of run.json, or NULL: `set` is "real" or "synthetic" or NULL for the root. */
const char *report_run_text(const report *r, const char *set, const char *key);

/* Sections of the page. Each adds nothing where its numbers are missing. */
void report_begin(text *t, const char *title, const char *of); /* up to <main> */
void report_head(const report *r, text *t);
void report_verdict(const report *r, text *t);
void report_numbers(const report *r, text *t);
void report_warnings(const report *r, text *t);
void report_score(const report *r, text *t);
struct report_crops;
struct report_images;
void report_classes(const report *r, const struct report_crops *crops, text *t); /* or NULL */
void report_confusions(const report *r, text *t);
void report_charts(const report *r, text *t);
int report_gallery(const struct report_images *set, size_t room, text *t, fault *f);
void report_origin(const report *r, text *t);
void report_tail(text *t);

/* A picture with its caption. */
struct picture;
int report_panel(const report *r, const struct picture *p, bool photograph, const char *caption,
                 const char *stem, text *t, fault *f);

/* Pictures are optional: if inputs have moved meanwhile, the page says so in their place. A machine that
 * fails is no reason for a page without them: then `f` has it. */
int report_no_pictures(const fault *reason, text *pictures, fault *f);

extern const char *const report_style[];  /* pieces; NULL after the last */
extern const char *const report_script[]; /* the same */

/* "12,345,678" and "81.3 %". */
void report_add_count(text *t, int64_t value);
void report_add_percent(text *t, double share);

#endif
