/* cmd/cmd_filter.c - freemask filter. */
#include "cmd/commands.h"
#include "job/jobs.h"

static const char *const policies[] = {"paper", NULL};
static const char *const unseen[] = {"drop", "keep", "global-mean", NULL};

int cmd_filter(int argc, char **argv) {
  filter_job job = {.shard = {0, 1}};
  int policy = 0;
  fault f;
  const arg_option options[] = {
      ARG_STATS(&job.stats),
      ARG_LABELS(&job.common.labels),
      {"masks", 0, ARG_TEXT, &job.masks, "DIR", "masks of the synthetic images", true, false, 0, 0,
       NULL},
      ARG_LOSS_ROWS(&job.loss),
      ARG_PROVIDER_ROWS(&job.loss),
      {"tolerance", 0, ARG_REAL, &job.tolerance, "X",
       "drop a pixel whose loss is above X times its class's mean (default 1.25)", false, true, 0,
       1e30, NULL},
      {"policy", 0, ARG_CHOICE, &policy, "P", "what to drop", false, false, 0, 0, policies},
      {"unseen", 0, ARG_CHOICE, &job.unseen, "U", "classes without a real pixel (default drop)",
       false, false, 0, 0, unseen},
      {"min-kept", 0, ARG_REAL, &job.min_kept, "X",
       "keep at least this share of each class in each image (default 0)", false, false, 0, 1,
       NULL},
      {"shard", 0, ARG_SHARD, &job.shard, "i/n", "only the masks of shard i (from 0) of n", false,
       false, 0, 0, NULL},
      {"resume", 0, ARG_FLAG, &job.resume, NULL, "continue an interrupted run", false, false, 0, 0,
       NULL},
      {"overwrite", 0, ARG_FLAG, &job.overwrite, NULL, "replace an earlier run's output", false,
       false, 0, 0, NULL},
      ARG_OUTPUT(&job.output, "DIR", "gets masks/, filter.csv and filter.json"),
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "filter",
      "drop the synthetic pixels that are not to be trusted",
      NULL,
      "Filtered masks keep the names, sizes, bit depths and palettes of the originals, which are\n"
      "not touched. filter.csv has a row for each mask: stem,valid,dropped,kept_share.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = filter_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
