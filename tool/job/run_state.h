/* job/run_state.h - a run of everything: its folder and what determines its results. */
#ifndef FREEMASK_TOOL_RUN_STATE_H
#define FREEMASK_TOOL_RUN_STATE_H

#include <stdint.h>

#include "job/jobs.h"
#include "job/outdir.h"

/* Files of a run, below its folder; run.json is the first one. */
extern const char *const run_outputs[];
enum { RUN_OUTPUTS = 7 };

typedef struct run_state {
  const run_job *job;
  job_common common; /* of the stages: they print text, or nothing */
  uint64_t fingerprint;
  outdir out;
  plugin_host **kept;                               /* the plug-in, once one stage has opened it */
  char *stats, *hardness, *plan, *lists, *manifest; /* paths */
} run_state;

/* One number for all that determines the results. */
int run_find_fingerprint(run_state *s, fault *f);

/* Opens the folder: an empty one, or one of this very run (--resume), or one to be replaced
 * (--overwrite); writes run.json. */
int run_enter(run_state *s, fault *f);

#endif
