/* export/export_freestylenet.c - jobs for FreestyleNet's scripts/LIS.py, which works like this:
 * --txt_file has a line for each image, of which the last part without its last four characters
 * is the name; the mask is read from DATA_ROOT/annotations/validation/NAME.png (ADE20K) or
 * DATA_ROOT/stuffthingmaps_trainval2017/val2017/NAME.png (COCO); the image goes to
 * OUTDIR/NAME.jpg, 512x512, one seed for all of a run. Its batches have to be full: a shorter
 * last one stops it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "export/export_runs.h"

enum { SIDE = 512, BATCH = 8 };

static const run_dataset known[] = {{"ade20k",
                                     "ADE20K",
                                     "annotations/validation",
                                     NULL,
                                     "",
                                     NULL,
                                     ".jpg",
                                     {SIDE, SIDE},
                                     "v1-finetune_ADE20K.yaml"},
                                    {"cocostuff164k-raw",
                                     "COCO",
                                     "stuffthingmaps_trainval2017/val2017",
                                     NULL,
                                     "",
                                     NULL,
                                     ".jpg",
                                     {SIDE, SIDE},
                                     "v1-finetune_COCO.yaml"},
                                    {0}};

static int64_t batch_of(const export_state *s) {
  return s->job->batch_size ? s->job->batch_size : BATCH;
}

/* The masks, and the list of a seed. Its last line is repeated until the last batch is full. */
static int write_list(export_state *s, const run_dataset *dataset, const run *r, fault *f) {
  size_t batch = (size_t)batch_of(s), lines = (r->count + batch - 1) / batch * batch;
  int code = EXIT_FINE;
  text t = {0}, list = {0};
  for (size_t i = 0; i < lines && !code; i++) {
    const export_entry *entry = r->entries[i < r->count ? i : r->count - 1];
    char *name = run_name(s, entry);
    if (i < r->count) code = run_link_mask(s, dataset, "data", entry, f);
    text_add(&t, "%s.jpg\n", name);
    free(name);
  }
  text_add(&list, "seed_%" PRId64 ".txt", r->seed);
  if (!code) code = export_write(s, list.data, &t, f);
  text_free(&t);
  text_free(&list);
  return code;
}

static const char script[] =
    "#!/bin/sh\n"
    "# Generates with FreestyleNet what the lists in this folder ask for. Written by freemask\n"
    "# export. Run it in FreestyleNet's folder; its arguments go to "
    "scripts/LIS.py:\n"
    "#   sh PATH/generate.sh --ckpt CHECKPOINT --plms\n"
    "# Then: freemask collect. What is missing after a crash, the next freemask export asks for.\n"
    "set -eu\n"
    "here=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd)\n"
    "run() {\n"
    "  seed=$1\n"
    "  shift\n"
    "  \"${PYTHON:-python}\" scripts/LIS.py --dataset %s --config configs/stable-diffusion/%s \\\n"
    "    --batch_size %" PRId64
    " --seed \"$seed\" --txt_file \"$here/seed_$seed.txt\" \\\n"
    "    --data_root \"$here/data\" --outdir \"$here/seed_$seed\" \"$@\"\n"
    "}\n";

static void add_head(const export_state *s, const run_dataset *dataset, text *head) {
  text_add(head, script, dataset->name, dataset->config, batch_of(s));
}

static int write_all(export_state *s, fault *f) {
  return runs_write(s, known, add_head, write_list, f);
}

static const char *const files[] = {"jobs.jsonl", "generate.sh", "data/", NULL};

const export_format export_freestylenet = {
    "freestylenet", EXPORT_LABELS | EXPORT_GENERATES | EXPORT_NAMES_FOLDER, files, write_all};
