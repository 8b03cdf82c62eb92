/* cmd/cmd_merge.c - freemask merge. */
#include "cmd/commands.h"
#include "job/jobs.h"

int cmd_merge(int argc, char **argv) {
  merge_job job = {.output = NULL};
  fault f;
  const arg_option options[] = {
      {"distinct", 0, ARG_FLAG, &job.distinct, NULL, "masks of the same names are different sets",
       false, false, 0, 0, NULL},
      ARG_OUTPUT(&job.output, "S.json", "where to write the sum"),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "merge",
      "exact sum of statistics, or of calibrations",
      "A.json B.json ...",
      "All shards of a set have to be there, each once; several complete sets may be joined. Sets\n"
      "are told apart by the names of their masks; with --distinct two complete sets may have the\n"
      "same. The sum of all shards is, byte for byte, what stats writes without --shard.",
      options,
      1,
      (size_t)argc};
  int code = args_parse(&command, argc, argv, &job.input_count, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  job.inputs = (const char *const *)(argv + 1);
  if (!code) code = merge_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
