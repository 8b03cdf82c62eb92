/* freemask/cmd_plan.c - freemask plan. */
#include "commands.h"
#include "jobs.h"

static const char *const policies[] = {"rank", NULL};

int cmd_plan(int argc, char **argv) {
  plan_job job = {.n_max = 20};
  int policy = 0;
  fault f;
  const arg_option options[] = {
      {"hardness", 0, ARG_TEXT, &job.hardness, "H.csv", "table of freemask hardness", true, false,
       0, 0, NULL},
      {"n-max", 0, ARG_WHOLE, &job.n_max, "N", "the most images a mask gets (default 20)", false,
       false, 1, 1048576, NULL},
      {"seeds", 0, ARG_TEXT, &job.seeds, "A:B",
       "generator seeds to choose from, A to B - 1, or a comma list (default 42:62)", false, false,
       0, 0, NULL},
      {"seed", 0, ARG_SEED, &job.seed, "N", "chooses among the seeds (default 0)", false, false, 0,
       0, NULL},
      {"policy", 0, ARG_CHOICE, &policy, "P", "how counts follow from hardness", false, false, 0, 0,
       policies},
      ARG_OUTPUT(&job.output, "P.csv", "where to write the plan"),
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
