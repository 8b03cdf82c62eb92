/* cmd/cmd_stats.c - freemask stats. */
#include "cmd/commands.h"
#include "cmd/criterion_flags.h"
#include "job/jobs.h"

int cmd_stats(int argc, char **argv) {
  stats_job job = {.shard = {0, 1}};
  fault f;
  const arg_option options[] = {
      ARG_LABELS(&job.common.labels),
      {"masks", 0, ARG_TEXT, &job.set.masks, "DIR", "masks of the real images", true, false, 0, 0,
       NULL},
      ARG_LOSS_ROWS(&job.set.loss),
      ARG_PROVIDER_ROWS(&job.set.loss),
      {"strata", 0, ARG_TEXT, &job.set.strata, "DIR",
       "strata of the pixels, <stem>.png: like is compared with like", false, false, 0, 0, NULL},
      {"strata-count", 0, ARG_WHOLE, &job.strata_count, "N", "how many strata there are, 2 to 255",
       false, false, 2, 255, NULL},
      ARG_POLICY(&job.policy),
      {"ranks", 0, ARG_TEXT, &job.ranks, "S.json",
       "statistics of the whole set's losses, for a shard of strata or paired", false, false, 0, 0,
       NULL},
      {"references", 0, ARG_TEXT, &job.references, "DIR",
       "gets what each image loses, a byte a pixel, for filter --references: of paired", false,
       false, 0, 0, NULL},
      {"histogram", 0, ARG_WHOLE, &job.histogram, "B",
       "also count losses, B bins per factor of two (1, 2, 4, 8, 16, 32)", false, false, 0, 32,
       NULL},
      {"shard", 0, ARG_SHARD, &job.shard, "i/n", "only the masks of shard i (from 0) of n", false,
       false, 0, 0, NULL},
      ARG_MASK_SUFFIX,
      ARG_IMAGE_SUFFIX,
      ARG_LOSS_SUFFIX,
      ARG_ARRAY,
      ARG_EXIF,
      ARG_OUTPUT(&job.output, "S.json", "where to write the statistics"),
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "stats",
      "class-wise mean loss over the real set",
      NULL,
      "Losses come from --losses, or are made of a network's outputs (--logits, --queries), or of\n"
      "--images: by --provider baseline, a small classifier that is fitted on the whole real set,\n"
      "or by a plug-in. Shards are joined by freemask merge.\n"
      "\n" POLICY_NOTES
      "\n"
      "Statistics for strata and paired take two passes over the set; of shards the first pass is\n"
      "merged and given to the second as --ranks.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = stats_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
