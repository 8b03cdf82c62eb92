/* cmd/cmd_labels.c - freemask labels. */
#include "cmd/commands.h"
#include "job/jobs.h"

int cmd_labels(int argc, char **argv) {
  labels_job job = {.masks = NULL};
  fault f;
  size_t operands = 0;
  const arg_option options[] = {
      {"labels", 'l', ARG_TEXT, &job.common.labels, "L",
       "label space: a preset's name or a CSV file (also without --labels)", false, false, 0, 0,
       NULL},
      {"masks", 0, ARG_TEXT, &job.masks, "DIR", "masks, of which a table is drafted", false, false,
       0, 0, NULL},
      {"list", 0, ARG_FLAG, &job.list, NULL, "list the presets", false, false, 0, 0, NULL},
      {"overwrite", 0, ARG_FLAG, &job.overwrite, NULL, "replace the file", false, false, 0, 0,
       NULL},
      {"output", 'o', ARG_TEXT, &job.output, "T.csv", "gets the table (default: standard output)",
       false, false, 0, 0, NULL},
      ARG_MASK_SUFFIX,
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "labels",
      "print a label space as a table, or draft one from masks",
      "[L]",
      "A table has the columns label,class,name,color: one row for each label, or a range such as\n"
      "0:127; class `ignore` for those without supervision, the first of which the filter writes.\n"
      "A draft has a row for each value or color that the masks hold, with guesses, which are\n"
      "marked as such, about what is ignored; comments and further columns may stay. Edit it, "
      "then\n"
      "give it to --labels.",
      options,
      0,
      1};
  int code = args_parse(&command, argc, argv, &operands, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code && operands && job.common.labels)
    code = fault_set(&f, EXIT_USAGE, "a label space is given twice, '%s' and --labels %s", argv[1],
                     job.common.labels);
  if (!code && operands) job.common.labels = argv[1];
  if (!code) code = labels_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
