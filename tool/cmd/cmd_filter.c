/* cmd/cmd_filter.c - freemask filter. */
#include "cmd/commands.h"
#include "cmd/criterion_flags.h"
#include "job/jobs.h"

int cmd_filter(int argc, char **argv) {
  filter_job job = {.shard = {0, 1},
                    .criterion = {.policy = POLICY_OF_STATS, .weights = NO_WEIGHTS}};
  fault f;
  const arg_option options[] = {
      ARG_STATS(&job.stats),
      ARG_LABELS(&job.common.labels),
      {"masks", 0, ARG_TEXT, &job.set.masks, "DIR", "masks of the synthetic images", true, false, 0,
       0, NULL},
      ARG_LOSS_ROWS(&job.set.loss),
      ARG_PROVIDER_ROWS(&job.set.loss),
      {"strata", 0, ARG_TEXT, &job.set.strata, "DIR",
       "strata of the pixels, <stem>.png: like is compared with like", false, false, 0, 0, NULL},
      ARG_FOLDER_ROW("real-masks", &job.real.masks, "masks of the real images, for paired"),
      ARG_SET_ROWS(&job.real.loss, real),
      {"references", 0, ARG_TEXT, &job.references, "DIR",
       "instead of these: what stats --references wrote", false, false, 0, 0, NULL},
      ARG_CRITERION_ROWS(&job.criterion),
      ARG_CALIBRATION_ROWS(&job.criterion),
      ARG_WEIGHT_ROWS(&job.criterion),
      {"shard", 0, ARG_SHARD, &job.shard, "i/n", "only the masks of shard i (from 0) of n", false,
       false, 0, 0, NULL},
      ARG_RESUME_ROWS(&job.output),
      ARG_MASK_SUFFIX,
      ARG_IMAGE_SUFFIX,
      ARG_LOSS_SUFFIX,
      ARG_ARRAY,
      ARG_EXIF,
      ARG_SYNTHETIC_NAME,
      ARG_OUTPUT(&job.output.folder, "DIR", "gets masks/, filter.csv and filter.json"),
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "filter",
      "drop the synthetic pixels that are not to be trusted",
      NULL,
      "Filtered masks keep the names, sizes, bit depths and palettes of the originals, which are\n"
      "not touched. filter.csv has a row for each mask: stem,valid,dropped,kept_share.\n"
      "\n" POLICY_NOTES
      "\n"
      "The default is the policy that the statistics were made for. Paired needs --real-masks and\n"
      "their losses, or --references; a mask's real one has its name, or the {stem} of\n"
      "--synthetic-name. Siblings, of other seeds, are never compared without the real one.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  job.real.loss.network = job.set.loss.network;
  if (job.real.loss.folders[LOSS_IMAGES]) job.real.loss.provider = job.set.loss.provider;
  if (!code) code = filter_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
