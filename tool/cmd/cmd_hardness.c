/* cmd/cmd_hardness.c - freemask hardness. */
#include "cmd/commands.h"
#include "job/jobs.h"

static const char *const measures[] = {"mean", "worst-class", "top-share", NULL};

int cmd_hardness(int argc, char **argv) {
  hardness_job job = {.shard = {0, 1}};
  fault f;
  const arg_option options[] = {
      {"stats", 's', ARG_TEXT, &job.stats, "S.json", "statistics of the real set, unless --shape",
       false, false, 0, 0, NULL},
      {"shape", 0, ARG_FLAG, &job.shape, NULL,
       "by the shapes of the masks' classes, before there are losses", false, false, 0, 0, NULL},
      ARG_LABELS(&job.common.labels),
      {"masks", 0, ARG_TEXT, &job.set.masks, "DIR", "masks of the real images", true, false, 0, 0,
       NULL},
      {"resize", 0, ARG_SIZE, &job.resize, "WxH",
       "measure as if resized to this, or none (default 512x512)", false, false, 0, 0, NULL},
      {"measure", 0, ARG_CHOICE, &job.measure, "M",
       "mean (default), worst-class, or top-share: of the hardest pixels", false, false, 0, 0,
       measures},
      {"share", 0, ARG_REAL, &job.share, "X",
       "top-share: of this share of the pixels (default 0.1); worst-class: of classes with at "
       "least it",
       false, true, 0, 1, NULL},
      {"losses", 0, ARG_TEXT, &job.set.loss.folders[LOSS_MAPS], "DIR",
       "measure by each image's own losses, <stem>.npy, not by its classes' means", false, false, 0,
       0, NULL},
      {"shard", 0, ARG_SHARD, &job.shard, "i/n", "only the masks of shard i (from 0) of n", false,
       false, 0, 0, NULL},
      ARG_MASK_SUFFIX,
      ARG_LOSS_SUFFIX,
      ARG_ARRAY,
      ARG_OUTPUT(&job.output, "H.csv", "where to write the table"),
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {"hardness", "how hard each real mask is to learn",
                               NULL,       "Columns: mask,hardness,valid_pixels; sorted by mask.",
                               options,    0,
                               0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = hardness_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
