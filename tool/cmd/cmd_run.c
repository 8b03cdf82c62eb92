/* cmd/cmd_run.c - freemask run. */
#include "cmd/commands.h"
#include "cmd/criterion_flags.h"
#include "job/jobs.h"

int cmd_run(int argc, char **argv) {
  run_job job = {.criterion = {.weights = NO_WEIGHTS}};
  fault f;
  const arg_option options[] = {
      ARG_LABELS(&job.common.labels),
      {"real-masks", 0, ARG_TEXT, &job.real.masks, "DIR", "masks of the real images", true, false,
       0, 0, NULL},
      ARG_SET_ROWS(&job.real.loss, real),
      {"synthetic-masks", 0, ARG_TEXT, &job.synthetic.masks, "DIR", "masks of the synthetic images",
       true, false, 0, 0, NULL},
      ARG_SET_ROWS(&job.synthetic.loss, synthetic),
      ARG_NETWORK_ROWS(&job.network),
      {"provider", 0, ARG_TEXT, &job.provider, "P",
       "makes losses from images: baseline, or plugin:FILE.so,key=value", false, false, 0, 0, NULL},
      ARG_FOLDER_ROW("real-strata", &job.real.strata, "strata of the real pixels"),
      ARG_FOLDER_ROW("synthetic-strata", &job.synthetic.strata, "strata of the synthetic pixels"),
      {"strata-count", 0, ARG_WHOLE, &job.strata_count, "N", "how many strata there are, 2 to 255",
       false, false, 2, 255, NULL},
      ARG_CRITERION_ROWS(&job.criterion),
      ARG_CALIBRATION_ROWS(&job.criterion),
      ARG_WEIGHT_ROWS(&job.criterion),
      {"references", 0, ARG_TEXT, &job.references, "DIR",
       "paired: gets what each real image loses, a byte a pixel; losses are made once", false,
       false, 0, 0, NULL},
      {"resize", 0, ARG_SIZE, &job.resize, "WxH",
       "measure hardness as if resized to this, or none (default 512x512)", false, false, 0, 0,
       NULL},
      {"shape", 0, ARG_FLAG, &job.shape, NULL,
       "hardness by the shapes of the masks' classes, without losses", false, false, 0, 0, NULL},
      ARG_PLAN_ROWS(&job.plan, "plan-policy"),
      {"shard", 0, ARG_SHARD, &job.shard, "i/n", "only shard i (from 0) of n of both sets", false,
       false, 0, 0, NULL},
      {"stats", 's', ARG_TEXT, &job.stats, "FILE",
       "with --shard: what merge made of all shards' statistics", false, false, 0, 0, NULL},
      ARG_RESUME_ROWS(&job.output),
      ARG_MASK_SUFFIX,
      ARG_IMAGE_SUFFIX,
      ARG_LOSS_SUFFIX,
      ARG_ARRAY,
      ARG_EXIF,
      ARG_SYNTHETIC_NAME,
      ARG_OUTPUT(&job.output.folder, "DIR", "gets everything"),
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "run",
      "check, stats, filter, hardness, plan, export and report in one go",
      NULL,
      "Losses come from --real-losses and --synthetic-losses, or are made of a network's outputs\n"
      "(--real-logits, --real-queries and those of the synthetic set) or of the images, with\n"
      "--provider. With losses or outputs, images are optional: the report shows them.\n"
      "With --shard it makes the statistics of a shard; with --stats and --resume then its "
      "filtered\n"
      "masks and hardness; merge joins the folders, and run --resume adds plan, lists and report.\n"
      "Policies strata and paired have two such passes: statistics of losses, then of the score.\n"
      "\n" POLICY_NOTES,
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = run_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
