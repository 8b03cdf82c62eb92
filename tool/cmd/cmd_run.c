/* cmd/cmd_run.c - freemask run. */
#include "cmd/commands.h"
#include "job/jobs.h"

static const char *const unseen[] = {"drop", "keep", "global-mean", NULL};

#define FOLDER_ROW(name, target, help, required) \
  { name, 0, ARG_TEXT, target, "DIR", help, required, false, 0, 0, NULL }

int cmd_run(int argc, char **argv) {
  run_job job = {0};
  fault f;
  const arg_option options[] = {
      ARG_LABELS(&job.common.labels),
      FOLDER_ROW("real-masks", &job.real_masks, "masks of the real images", true),
      FOLDER_ROW("real-losses", &job.real.losses, "their loss maps", false),
      FOLDER_ROW("real-logits", &job.real.logits, "or a network's outputs for them", false),
      FOLDER_ROW("real-queries", &job.real.queries, "or those of Mask2Former and the like", false),
      FOLDER_ROW("real-images", &job.real.images, "the real images", false),
      FOLDER_ROW("synthetic-masks", &job.synthetic_masks, "masks of the synthetic images", true),
      FOLDER_ROW("synthetic-losses", &job.synthetic.losses, "their loss maps", false),
      FOLDER_ROW("synthetic-logits", &job.synthetic.logits, "or a network's outputs for them",
                 false),
      FOLDER_ROW("synthetic-queries", &job.synthetic.queries,
                 "or those of Mask2Former and the like", false),
      FOLDER_ROW("synthetic-images", &job.synthetic.images, "the synthetic images", false),
      ARG_NETWORK_ROWS(&job.network),
      {"provider", 0, ARG_TEXT, &job.provider, "P",
       "makes losses from images: baseline, or plugin:FILE.so,key=value", false, false, 0, 0, NULL},
      {"tolerance", 0, ARG_REAL, &job.tolerance, "X",
       "drop a pixel whose loss is above X times its class's mean (default 1.25)", false, true, 0,
       1e30, NULL},
      {"unseen", 0, ARG_CHOICE, &job.unseen, "U", "classes without a real pixel (default drop)",
       false, false, 0, 0, unseen},
      {"min-kept", 0, ARG_REAL, &job.min_kept, "X",
       "keep at least this share of each class in each image (default 0)", false, false, 0, 1,
       NULL},
      {"resize", 0, ARG_SIZE, &job.resize, "WxH",
       "measure hardness as if resized to this, or none (default 512x512)", false, false, 0, 0,
       NULL},
      ARG_PLAN_ROWS(&job.plan),
      {"resume", 0, ARG_FLAG, &job.resume, NULL, "continue an interrupted run", false, false, 0, 0,
       NULL},
      {"overwrite", 0, ARG_FLAG, &job.overwrite, NULL, "replace an earlier run's output", false,
       false, 0, 0, NULL},
      ARG_OUTPUT(&job.output, "DIR", "gets everything"),
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
      "--provider. With losses or outputs, images are optional: the report shows them.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = run_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
