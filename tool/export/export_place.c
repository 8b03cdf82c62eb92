/* export/export_place.c - jobs for PLACE's inference.py, which works like this: for each file of
 * DATA_ROOT/images/validation (ADE20K) or DATA_ROOT/val2017 (COCO) it reads the mask of the same
 * name from annotations/validation or stuffthingmaps_trainval2017/val2017, and writes
 * OUTDIR/NAME.jpg, 512x512, one seed for all of a run. Of the image it reads the size alone, so the
 * mask itself stands in for it. DATA_ROOT has to end in a slash, OUTDIR's folder has to be there. */
#include "export/export_runs.h"

enum { SIDE = 512 };

static const run_dataset known[] = {{"ade20k",
                                     "ADE20K",
                                     "annotations/validation",
                                     "images/validation",
                                     "",
                                     ".jpg",
                                     ".jpg",
                                     {SIDE, SIDE},
                                     NULL},
                                    {"cocostuff164k-raw",
                                     "COCO",
                                     "stuffthingmaps_trainval2017/val2017",
                                     "val2017",
                                     "",
                                     ".jpg",
                                     ".jpg",
                                     {SIDE, SIDE},
                                     NULL},
                                    {0}};

static const char script[] =
    "#!/bin/sh\n"
    "# Generates with PLACE what data/ asks for. Written by freemask export. Run it in PLACE's\n"
    "# folder; its arguments go to inference.py:\n"
    "#   sh PATH/generate.sh --config configs/stable-diffusion/PLACE.yaml --ckpt CHECKPOINT\n"
    "# Then: freemask collect. What is missing after a crash, the next freemask export asks for.\n"
    "set -eu\n"
    "here=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd)\n"
    "run() {\n"
    "  seed=$1\n"
    "  shift\n"
    "  \"${PYTHON:-python}\" inference.py --dataset %s --seed \"$seed\" \\\n"
    "    --data_root \"$here/data/seed_$seed/\" --outdir \"$here/seed_$seed\" \"$@\"\n"
    "}\n";

static void add_head(const export_state *s, const run_dataset *dataset, text *head) {
  (void)s;
  text_add(head, script, dataset->name);
}

static int write_all(export_state *s, fault *f) {
  return runs_write(s, known, add_head, run_link_masks, f);
}

static const char *const files[] = {"jobs.jsonl", "generate.sh", "data/", NULL};

const export_format export_place = {"place", EXPORT_LABELS | EXPORT_GENERATES | EXPORT_NAMES_FOLDER,
                                    files, write_all};
