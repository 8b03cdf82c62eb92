/* cmd/cmd_export.c - freemask export. */
#include "cmd/commands.h"
#include "export/exporter.h"

enum { MOST_FORMATS = 32 };

static const char *const paths[] = {"absolute", "relative", NULL};

int cmd_export(int argc, char **argv) {
  export_job job = {.plan = NULL};
  const char *names[MOST_FORMATS] = {NULL};
  int format = 0, relative = 0;
  fault f;
  for (size_t i = 0; export_formats[i] && i + 1 < MOST_FORMATS; i++)
    names[i] = export_formats[i]->name;
  const arg_option options[] = {
      {"plan", 0, ARG_TEXT, &job.plan, "P.csv", "table of freemask plan", true, false, 0, 0, NULL},
      {"to", 0, ARG_CHOICE, &format, "FORMAT", "what for", true, false, 0, 0, names},
      {"labels", 'l', ARG_TEXT, &job.common.labels, "L",
       "label space; most formats need it, and names with suffixes do", false, false, 0, 0, NULL},
      {"synthetic", 0, ARG_TEXT, &job.synthetic, "DIR", "filtered masks of the synthetic images",
       false, false, 0, 0, NULL},
      {"images", 0, ARG_TEXT, &job.images, "DIR", "synthetic images", false, false, 0, 0, NULL},
      {"real-masks", 0, ARG_TEXT, &job.real_masks, "DIR", "masks of the real images", false, false,
       0, 0, NULL},
      {"real-images", 0, ARG_TEXT, &job.real_images, "DIR", "real images", false, false, 0, 0,
       NULL},
      {"val-masks", 0, ARG_TEXT, &job.val_masks, "DIR",
       "ultralytics, lightly: masks of validation images (default: the real set)", false, false, 0,
       0, NULL},
      {"val-images", 0, ARG_TEXT, &job.val_images, "DIR", "their images", false, false, 0, 0, NULL},
      {"allow-missing", 0, ARG_FLAG, &job.allow_missing, NULL,
       "leave out planned images whose files are not there", false, false, 0, 0, NULL},
      {"train-ids", 0, ARG_FLAG, &job.train_ids, NULL,
       "convert the masks: labels are the classes, 255 is ignored", false, false, 0, 0, NULL},
      {"paths", 0, ARG_CHOICE, &relative, "HOW", "absolute (default), or relative to the output",
       false, false, 0, 0, paths},
      {"shard", 0, ARG_SHARD, &job.shard, "i/n",
       "only the masks of shard i (from 0) of n, and their images", false, false, 0, 0, NULL},
      {"shard-size", 0, ARG_WHOLE, &job.shard_size, "N", "webdataset: samples of a shard (1000)",
       false, false, 1, 1000000000, NULL},
      {"seed", 0, ARG_SEED, &job.seed, "N", "webdataset: another order (default 0)", false, false,
       0, 0, NULL},
      {"batch-size", 0, ARG_WHOLE, &job.batch_size, "N", "freestylenet: images at once (8)", false,
       false, 1, 65536, NULL},
      {"size", 0, ARG_SIZE, &job.size, "WxH",
       "controlnet, cosmos, jsonl: of the images (default as their masks)", false, false, 0, 0,
       NULL},
      ARG_MASK_SUFFIX,
      ARG_IMAGE_SUFFIX,
      ARG_SYNTHETIC_NAME,
      ARG_OUTPUT(&job.output.folder, "DIR", "gets the lists and what the format needs"),
      ARG_THREADS(&job.common.threads),
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {
      "export",
      "lists and configuration for a trainer, jobs for a generator",
      NULL,
      "For trainers: list (stems and a table), mmseg, detectron2, hf (Hugging Face datasets),\n"
      "webdataset, ultralytics, lightly (lightly-train), paddleseg; with real.txt and\n"
      "synthetic.txt, the stems that the plan asks for.\n"
      "For generators: freestylenet, place, oasis, controlnet (diffusers), cosmos\n"
      "(Cosmos-Transfer2.5), or jsonl for any other; they ask for the images of the plan that are\n"
      "not in --images. Then: freemask collect.",
      options,
      0,
      0};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  job.format = export_formats[format];
  job.relative = relative != 0;
  if (!code) code = export_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
