/* job/run_state.h - a run of everything: its folder and what determines its results. */
#ifndef FREEMASK_TOOL_RUN_STATE_H
#define FREEMASK_TOOL_RUN_STATE_H

#include <stdint.h>

#include "job/jobs.h"
#include "job/outdir.h"
#include "job/synthetic.h"

/* Files of a run, below its folder; run.json is the first one. */
extern const char *const run_outputs[];
enum { RUN_OUTPUTS = 7 };

/* The member of "made_of" that says which shard a run is of; a run of all has none. */
#define RUN_OF_SHARD "--shard"

typedef struct run_state {
  const run_job *job;
  job_common common;          /* of the stages: they print text, or nothing */
  folder_shard shard;         /* {0, 1}: all */
  json_t *made_of;            /* all that determines the results */
  json_t *left_out;           /* formats that the lists are not in, and why */
  struct export_stage *stage; /* of the lists */
  outdir out, lists;          /* the folder, and that of the lists in it */
  const folder_lock *lock;    /* of the folder */
  bool to_filter; /* by the statistics that a shard is given; false: its own are made of them */
  bool measured;  /* the statistics that there are are what they are to be */
  bool filtered;  /* the filter's stage is done */
  folder real, synthetic; /* the masks of both sets */
  synthetic_set there;    /* which synthetic one is of which real one */
  plugin_host **kept;     /* the plug-in, once one stage has opened it */
  char *stats, *record, *hardness, *plan, *masks, *export, *manifest; /* paths */
} run_state;

/* Locks the folder and that of the lists, which must be empty, or hold a run to be continued
 * (--resume) or replaced (--overwrite). Changes nothing. */
int run_lock(run_state *s, fault *f);

/* Finds all that determines the results. */
int run_find_made_of(run_state *s, fault *f);

/* A set's losses: with files of them, images only illustrate. */
job_set run_set(const run_state *s, const job_set *set);

/* Takes over the earlier run of the same job, or clears it; writes run.json. */
int run_enter(run_state *s, fault *f);

/* Puts into run.json that the lists are not in this format, and why. */
int run_leave_out(const run_state *s, const char *format, const char *why, fault *f);

/* Does the policy judge by a score, whose statistics are made in a second pass over all shards? */
bool run_has_two_passes(const run_state *s);

/* Looks at the statistics that a shard is given: EXIT_DATA unless they are of the whole real set, and for the
 * policy. Sets `to_filter` and `measured`. */
int run_take_stats(run_state *s, fault *f);

/* At the end: EXIT_IO if the real set is not what the statistics were made of. */
int run_check_stayed(const run_state *s, fault *f);

#endif
