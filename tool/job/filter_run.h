/* job/filter_run.h - a run of `filter`: what goes in, where it goes, what is left to do. */
#ifndef FREEMASK_TOOL_FILTER_RUN_H
#define FREEMASK_TOOL_FILTER_RUN_H

#include "base/text.h"
#include "job/bench.h"
#include "job/filter_file.h"
#include "job/jobs.h"
#include "job/journal.h"
#include "job/outdir.h"

typedef struct filter_run {
  bench bench;
  folder masks;      /* of the shard */
  uint64_t identity; /* of the whole folder */
  int64_t whole;
  loss_source *source;
  fm_filter *filter;
  filter_file file; /* the manifest, totals growing */
  filter_row *rows; /* of each mask; stems are borrowed from `masks` */
  bool *done;       /* by an earlier run */
  bool *outdated;   /* done by it, but of other inputs */
  size_t *pending;  /* masks left to do */
  size_t pending_count;
  text expected; /* a warning, known from the statistics already */
  outdir out;
  journal journal;
} filter_run;

/* Inputs, filter, manifest without totals. Nothing is written. */
int filter_run_prepare(filter_run *r, const filter_job *job, fault *f);

/* The output folder: empty, or an unfinished run's (--resume), or to be replaced (--overwrite).
 * `*finished` if an earlier run did everything: the manifest's totals are its. */
int filter_run_enter(filter_run *r, const filter_job *job, bool *finished, fault *f);

/* The filtered mask's name below the output folder. Caller frees. */
char *filter_run_name(const filter_run *r, size_t index);

void filter_run_free(filter_run *r);

#endif
