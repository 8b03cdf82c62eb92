/* cmd/cmd_merge.c - freemask merge. */
#include "cmd/commands.h"
#include "job/jobs.h"

int cmd_merge(int argc, char **argv) {
  merge_job job = {.output = NULL};
  fault f;
  const arg_option options[] = {
      {"distinct", 0, ARG_FLAG, &job.distinct, NULL, "masks of the same names are different sets",
       false, false, 0, 0, NULL},
      {"link", 0, ARG_FLAG, &job.link, NULL, "of folders: hard links to the masks, no copies",
       false, false, 0, 0, NULL},
      {"overwrite", 0, ARG_FLAG, &job.overwrite, NULL,
       "of folders: replace an earlier run in the output folder", false, false, 0, 0, NULL},
      ARG_OUTPUT(&job.output, "OUT", "where to write what is joined"),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "merge",
      "joins shards: statistics, calibrations, hardness, reports of check, folders of filter, run",
      "A B ...",
      "All shards of a set have to be there, each once, of one job; what comes out is, byte for\n"
      "byte, what the command writes without --shard. Inputs are files of stats or calibrate, of\n"
      "hardness or of check --json, or output folders of filter or run (which run --resume then\n"
      "finishes). Of statistics and calibrations several complete sets may be joined. Sets are "
      "told\n"
      "apart by the names of their masks; with --distinct two complete sets may have the same.",
      options,
      1,
      (size_t)argc};
  int code = args_parse(&command, argc, argv, &job.input_count, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  job.inputs = (const char *const *)(argv + 1);
  if (!code) code = merge_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
