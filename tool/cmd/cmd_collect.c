/* cmd/cmd_collect.c - freemask collect. */
#include "cmd/commands.h"
#include "job/jobs.h"

static const char *const ways[] = {"copy", "link", "move", NULL};
static const char *const sizes[] = {"own", "asked", NULL};

int cmd_collect(int argc, char **argv) {
  collect_job job = {.shard = {0, 1}};
  fault f;
  const arg_option options[] = {
      {"jobs", 0, ARG_TEXT, &job.jobs, "DIR",
       "jobs.jsonl of freemask export, or the folder that holds it", true, false, 0, 0, NULL},
      {"by", 0, ARG_CHOICE, &job.by, "WAY", "copy (default), link (hard) or move", false, false, 0,
       0, ways},
      {"sizes", 0, ARG_CHOICE, &job.sizes, "HOW",
       "where a job asks for no size: the image's own (default), or asked: that of its mask", false,
       false, 0, 0, sizes},
      {"shard", 0, ARG_SHARD, &job.shard, "i/n", "only the images of shard i (from 0) of n", false,
       false, 0, 0, NULL},
      ARG_EXIF,
      ARG_OUTPUT(&job.output, "DIR", "gets images/<stem>_seed_<n> and masks/<stem>_seed_<n>"),
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "collect",
      "what a generator made becomes a synthetic set",
      NULL,
      "Each image is read to its end and compared with the size that was asked for, if one was; "
      "its\n"
      "mask is the real one in the image's size. What is missing, broken, of another size, or "
      "would replace\n"
      "another image is listed, the rest is collected. Exit code 1 if there are any. The same\n"
      "command continues.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = collect_job_run(&job, &f);
  return code > EXIT_FINDINGS ? fault_print(&f) : code;
}
