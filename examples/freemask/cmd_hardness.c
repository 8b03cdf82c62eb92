/* freemask/cmd_hardness.c - freemask hardness. */
#include "commands.h"
#include "jobs.h"

int cmd_hardness(int argc, char **argv) {
  hardness_job job = {.output = NULL};
  fault f;
  const arg_option options[] = {
      ARG_STATS(&job.stats),
      ARG_LABELS(&job.common.labels),
      {"masks", 0, ARG_TEXT, &job.masks, "DIR", "masks of the real images", true, false, 0, 0,
       NULL},
      {"resize", 0, ARG_SIZE, &job.resize, "WxH",
       "measure as if resized to this, or none (default 512x512)", false, false, 0, 0, NULL},
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
