/* cmd/cmd_convert.c - freemask convert. */
#include "cmd/commands.h"
#include "cmd/criterion_flags.h"
#include "job/jobs.h"

int cmd_convert(int argc, char **argv) {
  convert_job job = {.masks = NULL};
  fault f;
  const arg_option options[] = {
      {"labels", 'l', ARG_TEXT, &job.common.labels, "L",
       "label space: a preset's name, a CSV file, or CVAT's labelmap.txt", false, false, 0, 0,
       NULL},
      {"masks", 0, ARG_TEXT, &job.masks, "DIR", "masks to convert", true, false, 0, 0, NULL},
      {"from", 0, ARG_CHOICE, &job.from, "KIND", "what the masks hold", false, false, 0, 0,
       convert_kinds},
      {"panoptic", 0, ARG_TEXT, &job.panoptic, "P.json", "COCO's file about panoptic masks", false,
       false, 0, 0, NULL},
      {"to", 0, ARG_TEXT, &job.to, "L2",
       "write the labels of this space, or train-ids: classes, 255 ignored", false, false, 0, 0,
       NULL},
      {"nearest", 0, ARG_REAL, &job.nearest, "D",
       "unknown colors become the nearest one, up to distance D (RGB, 442 is all)", false, true, 0,
       1e6, NULL},
      {"unknown", 0, ARG_TEXT, &job.unknown, "V",
       "unknown colors become this label, or are ignored: 'ignore'", false, false, 0, 0, NULL},
      {"voc-colors", 0, ARG_FLAG, &job.voc_colors, NULL,
       "labels have Pascal VOC's colors, whatever the table says", false, false, 0, 0, NULL},
      ARG_RESUME_ROWS(&job.output),
      ARG_OUTPUT(&job.output.folder, "DIR", "gets a mask of labels for each mask, NAME.png"),
      ARG_MASK_SUFFIX,
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "convert",
      "colors, or labels in other numbers, become labels",
      NULL,
      "Masks in color become masks of labels by the column color of the table. Colors that it "
      "does\n"
      "not have are named and stop the conversion, unless --nearest or --unknown says where they\n"
      "go. Isaac Sim Replicator's masks are read by the JSON file next to each, COCO's panoptic\n"
      "ones by --panoptic; both tell their classes: without --labels the space that they make is\n"
      "written, too, as labels.csv. Where a file is already there, --resume compares it.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code) code = convert_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
