/* freemask/cmd_export.c - freemask export. */
#include "commands.h"
#include "jobs.h"

static const char *const formats[] = {"list", "mmseg", NULL};

int cmd_export(int argc, char **argv) {
  export_job job = {.plan = NULL};
  fault f;
  const arg_option options[] = {
      {"plan", 0, ARG_TEXT, &job.plan, "P.csv", "table of freemask plan", true, false, 0, 0, NULL},
      {"to", 0, ARG_CHOICE, &job.format, "FORMAT", "what for", true, false, 0, 0, formats},
      {"labels", 'l', ARG_TEXT, &job.common.labels, "L",
       "label space; mmseg needs it, and names with suffixes do", false, false, 0, 0, NULL},
      {"synthetic", 0, ARG_TEXT, &job.synthetic, "DIR", "filtered masks of the synthetic images",
       false, false, 0, 0, NULL},
      {"images", 0, ARG_TEXT, &job.images, "DIR", "synthetic images", false, false, 0, 0, NULL},
      {"real-masks", 0, ARG_TEXT, &job.real_masks, "DIR", "masks of the real images", false, false,
       0, 0, NULL},
      {"real-images", 0, ARG_TEXT, &job.real_images, "DIR", "real images", false, false, 0, 0,
       NULL},
      {"allow-missing", 0, ARG_FLAG, &job.allow_missing, NULL,
       "leave out planned images whose files are not there", false, false, 0, 0, NULL},
      ARG_OUTPUT(&job.output, "DIR", "gets real.txt, synthetic.txt and what the format needs"),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {"export",
                               "lists and configuration for a trainer",
                               NULL,
                               "real.txt has the stems of the real images, synthetic.txt "
                               "<stem>_seed_<n> of each image that\n"
                               "the plan asks for. list adds plan.json, mmseg freemask_mmseg.py.",
                               options,
                               0,
                               0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = export_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
