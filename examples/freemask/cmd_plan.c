/* freemask/cmd_plan.c - freemask plan. */
#include "commands.h"
#include "jobs.h"

int cmd_plan(int argc, char **argv) {
  plan_job job = {.n_max = 20};
  fault f;
  const arg_option options[] = {
      {"hardness", 0, ARG_TEXT, &job.hardness, "H.csv", "table of freemask hardness", true, false,
       0, 0, NULL},
      {"policy", 0, ARG_TEXT, &job.policy, "P",
       "rank (default), uniform, proportional, repeat-factor, rare-class, blend:NAME=X,NAME=X...",
       false, false, 0, 0, NULL},
      {"n-max", 0, ARG_WHOLE, &job.n_max, "N", "the most images a mask gets (default 20)", false,
       false, 1, 1048576, NULL},
      {"n-min", 0, ARG_WHOLE, &job.n_min, "N", "the least images a mask gets (default 0)", false,
       false, 0, 1048576, NULL},
      {"budget", 0, ARG_WHOLE, &job.budget, "N",
       "images of the whole plan, exactly (default: what rank gives)", false, false, 1, 1e15, NULL},
      {"gamma", 0, ARG_REAL, &job.gamma, "X",
       "proportional: images as hardness to the power X (default 1)", false, true, 0, 64, NULL},
      {"threshold", 0, ARG_REAL, &job.threshold, "T",
       "repeat-factor: classes in a smaller share of the masks are rare (default 0.001)", false,
       true, 0, 1, NULL},
      {"temperature", 0, ARG_REAL, &job.temperature, "T",
       "rare-class: the lower, the rarer (default 0.01)", false, true, 0, 1e9, NULL},
      {"min-pixels", 0, ARG_WHOLE, &job.min_pixels, "N",
       "a mask has a class from so many pixels on (default 1)", false, false, 1, 1e15, NULL},
      {"masks", 0, ARG_TEXT, &job.masks, "DIR",
       "masks of the real images, for repeat-factor and rare-class", false, false, 0, 0, NULL},
      {"labels", 'l', ARG_TEXT, &job.common.labels, "L", "their label space", false, false, 0, 0,
       NULL},
      {"grow", 0, ARG_TEXT, &job.grow, "OLD.csv", "an earlier plan, of which nothing is withdrawn",
       false, false, 0, 0, NULL},
      {"seeds", 0, ARG_TEXT, &job.seeds, "A:B",
       "generator seeds to choose from, A to B - 1, or a comma list (default 42:62)", false, false,
       0, 0, NULL},
      {"seed", 0, ARG_SEED, &job.seed, "N", "chooses among the seeds (default 0)", false, false, 0,
       0, NULL},
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
