/* export/export_oasis.c - jobs for OASIS's test.py, which works like this: it reads the images and
 * masks of a validation set in its data set's layout, which have to be as many, of the same names
 * and sizes, and writes RESULTS_DIR/NAME/CKPT_ITER/image/<image's name>.png, 256x256 (Cityscapes
 * 512x256), one seed for all of a run. Of the image it reads the size alone, so the mask itself
 * stands in for it. Masks of 16 bits would be read wrongly. */
#include "export/export_runs.h"

enum { SIDE = 256 };

static const run_dataset known[] = {
    {"ade20k",
     "ade20k",
     "annotations/validation",
     "images/validation",
     "",
     ".jpg",
     ".png",
     {SIDE, SIDE},
     NULL},
    {"cocostuff164k-raw", "coco", "val_label", "val_img", "", ".jpg", ".png", {SIDE, SIDE}, NULL},
    {"cityscapes-ids",
     "cityscapes",
     "gtFine/val/all",
     "leftImg8bit/val/all",
     "_gtFine_labelIds",
     "_leftImg8bit.png",
     "_leftImg8bit.png",
     {2 * SIDE, SIDE},
     NULL},
    {0}};

static const char script[] =
    "#!/bin/sh\n"
    "# Generates with OASIS what data/ asks for. Written by freemask export. Run it in OASIS's\n"
    "# folder; its arguments go to test.py:\n"
    "#   sh PATH/generate.sh --name CHECKPOINT --gpu_ids 0 --batch_size 4\n"
    "# Then: freemask collect. What is missing after a crash, the next freemask export asks for.\n"
    "set -eu\n"
    "here=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd)\n"
    "run() {\n"
    "  seed=$1\n"
    "  shift\n"
    "  \"${PYTHON:-python}\" test.py --dataset_mode %s --seed \"$seed\" \\\n"
    "    --dataroot \"$here/data/seed_$seed\" --results_dir \"$here/raw_$seed\" \"$@\"\n"
    "  mkdir -p \"$here/seed_$seed\"\n"
    "  find \"$here/raw_$seed\" -type f -path '*/image/*' -exec mv -f {} \"$here/seed_$seed/\" "
    "\\;\n"
    "}\n";

static void add_head(const export_state *s, const run_dataset *dataset, text *head) {
  (void)s;
  text_add(head, script, dataset->name);
}

static int write_all(export_state *s, fault *f) {
  return runs_write(s, known, add_head, run_link_masks, f);
}

static const char *const files[] = {"jobs.jsonl", "generate.sh", "data/", NULL};

const export_format export_oasis = {"oasis", EXPORT_LABELS | EXPORT_GENERATES | EXPORT_NAMES_FOLDER,
                                    files, write_all};
