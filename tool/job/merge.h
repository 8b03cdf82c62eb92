/* job/merge.h - what merge joins besides statistics. */
#ifndef FREEMASK_TOOL_MERGE_H
#define FREEMASK_TOOL_MERGE_H

#include "job/jobs.h"
#include "job/journal.h"
#include "job/outdir.h"

/* Statistics, or calibrations. */
int merge_statistics(const merge_job *job, fault *f);

/* Does the file begin so? */
int merge_begins(const char *path, const char *begin, bool *is, fault *f);

/* Is it a report of check? */
int merge_is_check(const char *path, bool *is, fault *f);

/* Reports of check --shard --json: that of the whole set. */
int merge_check(const merge_job *job, fault *f);

/* Is the file a table of hardness, by how it begins? */
int merge_is_hardness(const char *path, bool *is, fault *f);

/* Shards of a table of hardness: the whole set's, byte for byte. */
int merge_hardness(const merge_job *job, fault *f);

/* The folder of a run, of which the filter's results are a part: open, and with room for them. */
typedef struct merge_run_folder {
  const char *stats; /* the path of the statistics, which filter.json names */
  outdir *out;
} merge_run_folder;

/* Output folders of filter: one that holds what filter without --shard writes. `run`: may be NULL. */
int merge_filter(const merge_job *job, const merge_run_folder *run, fault *f);

/* Is it the folder of a run? */
int merge_is_run(const char *folder, bool *is, fault *f);

/* Folders of run --shard: one of which run --resume without --shard has only to make plan, lists and
 * report. */
int merge_run(const merge_job *job, fault *f);

/* The lines of several records, which are changed, by stem. */
void merge_lines(const journal_lines *records, size_t count, int32_t class_count, text *t);

#endif
