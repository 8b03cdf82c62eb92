/* cmd/cmd_plan.c - freemask plan. */
#include "cmd/commands.h"
#include "job/jobs.h"

int cmd_plan(int argc, char **argv) {
  plan_job job = {0};
  fault f;
  const arg_option options[] = {
      {"hardness", 0, ARG_TEXT, &job.hardness, "H.csv", "table of freemask hardness", true, false,
       0, 0, NULL},
      ARG_PLAN_ROWS(&job.flags, "policy"),
      {"masks", 0, ARG_TEXT, &job.masks, "DIR",
       "masks of the real images, for repeat-factor, rare-class and --yield", false, false, 0, 0,
       NULL},
      {"yield", 0, ARG_TEXT, &job.yield, "filter.json",
       "share --budget out by what filtering an earlier batch kept of each class", false, false, 0,
       0, NULL},
      {"labels", 'l', ARG_TEXT, &job.common.labels, "L", "their label space", false, false, 0, 0,
       NULL},
      {"grow", 0, ARG_TEXT, &job.grow, "OLD.csv", "an earlier plan, of which nothing is withdrawn",
       false, false, 0, 0, NULL},
      ARG_MASK_SUFFIX,
      ARG_OUTPUT(&job.output, "P.csv", "where to write the plan"),
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "plan",
      "how many synthetic images each mask gets, and which",
      NULL,
      "Columns: mask,hardness,rank,count,seeds; rank 1 is the easiest, seeds have blanks between,\n"
      "sorted by mask. The seeds of a mask depend on --seed and its name alone.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = plan_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
