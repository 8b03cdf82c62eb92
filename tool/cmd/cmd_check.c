/* cmd/cmd_check.c - freemask check. */
#include "cmd/commands.h"
#include "job/jobs.h"

int cmd_check(int argc, char **argv) {
  check_job job = {.shard = {0, 1}};
  fault f;
  const arg_option options[] = {
      ARG_LABELS(&job.common.labels),
      {"masks", 0, ARG_TEXT, &job.set.masks, "DIR", "masks", true, false, 0, 0, NULL},
      {"images", 0, ARG_TEXT, &job.images, "DIR", "their images", false, false, 0, 0, NULL},
      ARG_LOSS_ROWS(&job.set.loss),
      {"strata", 0, ARG_TEXT, &job.set.strata, "DIR",
       "strata of the pixels, <stem>.png: like is compared with like", false, false, 0, 0, NULL},
      {"shard", 0, ARG_SHARD, &job.shard, "i/n", "only read the masks of shard i (from 0) of n",
       false, false, 0, 0, NULL},
      ARG_MASK_SUFFIX,
      ARG_IMAGE_SUFFIX,
      ARG_LOSS_SUFFIX,
      ARG_ARRAY,
      ARG_EXIF,
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "check",
      "read everything, name the label convention, list misfits",
      NULL,
      "Finds files that cannot be read, labels outside the space, sizes that differ, missing\n"
      "partners, bad losses, masks without a valid pixel, and one palette index in two colors. A\n"
      "table of your own that has all values is right; else guesses are asked as questions. Exit\n"
      "code 1 if there are any findings.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = check_job_run(&job, &f);
  return code > EXIT_FINDINGS ? fault_print(&f) : code;
}
