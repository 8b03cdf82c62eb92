/* cmd/cmd_calibrate.c - freemask calibrate. */
#include "cmd/commands.h"
#include "job/jobs.h"

int cmd_calibrate(int argc, char **argv) {
  calibrate_job job = {.shard = {0, 1}};
  fault f;
  const arg_option options[] = {
      ARG_STATS(&job.stats),
      ARG_LABELS(&job.common.labels),
      {"masks", 0, ARG_TEXT, &job.set.masks, "DIR", "masks of held-out real images", true, false, 0,
       0, NULL},
      ARG_LOSS_ROWS(&job.set.loss),
      ARG_PROVIDER_ROWS(&job.set.loss),
      {"shard", 0, ARG_SHARD, &job.shard, "i/n", "only the masks of shard i (from 0) of n", false,
       false, 0, 0, NULL},
      ARG_MASK_SUFFIX,
      ARG_IMAGE_SUFFIX,
      ARG_LOSS_SUFFIX,
      ARG_ARRAY,
      ARG_EXIF,
      ARG_OUTPUT(&job.output, "C.json", "where to write the calibration"),
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "calibrate",
      "thresholds that keep a promise about held-out real images",
      NULL,
      "The images must be held out: the segmenter has not seen them in training, nor are they "
      "those\n"
      "of --stats. Their losses come from the same segmenter. filter and run take the file as\n"
      "--calibration, with --lose 0.05: an image like these loses on average at most 5 % of its\n"
      "pixels of a class. What is compared is what --stats were made for: losses, or the score of\n"
      "strata and paired. Images are what counts: 5 % takes 19 images of a class, and with\n"
      "--confidence more; of a class with fewer everything is kept. Shards are joined by freemask\n"
      "merge.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = calibrate_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
