/* job/filter_run.h - a run of `filter`: its inputs, its output, and what is left to do. */
#ifndef FREEMASK_TOOL_FILTER_RUN_H
#define FREEMASK_TOOL_FILTER_RUN_H

#include <stdatomic.h>

#include "base/text.h"
#include "job/agreement.h"
#include "job/filter_file.h"
#include "job/jobs.h"
#include "job/journal.h"
#include "job/loss_table.h"
#include "job/mask_batch.h"
#include "job/outdir.h"
#include "job/references.h"
#include "job/siblings.h"
#include "job/stats_file.h"
#include "job/strata.h"
#include "job/workspace.h"

/* What is in the output folder. */
typedef struct filter_found {
  char *table, *record, *manifest, *journal, *masks, *weights; /* paths */
  bool finished, unfinished;                                   /* an earlier run's */
} filter_found;

/* What is counted beside the masks. */
typedef struct filter_counts {
  loss_table losses, kept; /* the latter only without a stop that is the run's own */
  confusion confused;      /* no classes: the source does not tell */
  agreement alike;         /* no classes: there are no references */
} filter_counts;

typedef struct filter_run {
  const filter_job *job;
  outdir out;
  filter_found found;
  workspace ws;
  folder masks;      /* of the shard */
  uint64_t identity; /* of the whole folder */
  int64_t whole;
  strata_folder strata;
  loss_source *source;
  references real; /* of --policy paired */
  siblings others; /* of --siblings */
  fm_filter *filter;
  filter_file file; /* the manifest, totals growing */
  filter_row *rows; /* of each mask; stems are borrowed from `masks` */
  bool *done;       /* by an earlier run */
  bool *outdated;   /* its line no longer counts */
  char **renewed;   /* lines of inputs that hold the same, but are other files; or NULL */
  size_t *pending;  /* masks left to do */
  size_t pending_count;
  atomic_bool written; /* a mask and its line, by this command */
  loss_stops stops;
  int own_stop;    /* which of them is this run's; -1: none is */
  int64_t counted; /* masks of an earlier command that are in these: */
  filter_counts counts;
  agreement_ranks ranks; /* that references are compared by; none without references */
  text expected;         /* a warning, known from the statistics already */
  journal journal;
} filter_run;

/* Locks the output folder, which must be empty, or an unfinished run's (--resume), or to be
 * replaced (--overwrite). Changes nothing in it. */
int filter_run_lock(filter_run *r, fault *f);

/* Inputs, filter, manifest without totals. Nothing is written. */
int filter_run_prepare(filter_run *r, fault *f);

/* Which policy, by the flags and the statistics: EXIT_USAGE and EXIT_DATA if these are not for it. */
int filter_run_policy(const filter_run *r, const stats_file *stats, int *policy, fault *f);

/* Makes `filter`, of the policy's thresholds or of a calibration's. */
int filter_run_make_filter(filter_run *r, const stats_file *stats, int policy, fault *f);

/* Then `stops`, and opens the tables of losses. What other values would drop can be counted where a pixel
 * is compared by its loss alone. */
int filter_run_make_stops(filter_run *r, const stats_file *stats, int policy, fault *f);

/* Takes over what an earlier run left, or clears it, and opens the journal. `*finished` if an
 * earlier run did everything: the manifest's totals are its. */
int filter_run_enter(filter_run *r, bool *finished, fault *f);

/* Of a run that finished: `*finished` if all that it made is there, made of what the inputs are now; the
 * manifest's totals are its. EXIT_USAGE if an input has changed. */
int filter_run_accept_finished(filter_run *r, bool *finished, fault *f);

/* Inputs slower than this to become a mask may be read once more by the next --resume. */
enum { FILTER_RUN_SLACK = 8 /* seconds */ };

/* Where the inputs of masks are. */
part_places filter_run_places(const filter_run *r);

/* Is the file of a mask's weights there, if it is wanted, and as its line says: by its size, or looked into?
 * Weights are written before the mask whose line tells of both. */
bool filter_run_has_weights(const filter_run *r, size_t index, const input_seen *wanted,
                            bool looked_into);

/* The last line of each mask, or NULL. They live as long as `lines`; caller frees the array. */
const char **filter_run_latest(const filter_run *r, const journal_lines *lines);

/* Empty counts like the run's own, for a worker; then adds them to the run's, and frees them. */
void filter_run_counts_open(const filter_run *r, filter_counts *out);
void filter_run_counts_close(filter_run *r, filter_counts *counts);

/* Counts a mask before it is filtered, perhaps in place, and after. The first returns what the second wants
 * and frees; may be NULL. */
int32_t *filter_run_count(const filter_run *r, const fm_plane *mask, const loss_map *loss,
                          const mask_others *others, filter_counts *counts);
void filter_run_count_filtered(const filter_run *r, int32_t *before, const fm_plane *filtered,
                               const loss_map *loss, filter_counts *counts);

/* Counts a mask that an earlier command filtered, `path`, as this one would have. */
int filter_run_recount(const filter_run *r, size_t index, const char *path,
                       reference_cache *reference, filter_counts *counts, fault *f);

/* The filtered mask's name below the output folder. Caller frees. */
char *filter_run_name(const filter_run *r, size_t index);

char *filter_run_weights_name(const filter_run *r, size_t index);

/* How weights are made, if any are. */
fm_weight_options filter_run_weights(const filter_run *r);

void filter_run_free(filter_run *r, outdir_end end);

#endif
