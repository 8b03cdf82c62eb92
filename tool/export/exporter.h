/* export/exporter.h - what the formats of `export` share. */
#ifndef FREEMASK_TOOL_EXPORTER_H
#define FREEMASK_TOOL_EXPORTER_H

#include <jansson.h>

#include "base/folder_pair.h"
#include "base/text.h"
#include "export/export_stage.h"
#include "job/inputs.h"
#include "job/jobs.h"
#include "job/outdir.h"
#include "job/plan_file.h"
#include "job/synthetic.h"
#include "job/workspace.h"

/* An image that is listed, and its files where folders were given. */
typedef struct export_entry {
  char *stem;
  size_t row;   /* of the plan */
  int64_t seed; /* synthetic images only */
  const folder_file *image, *mask;
} export_entry;

/* The real images of the plan, or the synthetic ones. */
typedef struct export_set {
  const char *name;                       /* "real", "synthetic" */
  const char *mask_option, *image_option; /* the flags that name its folders */
  folder masks, images;                   /* empty if not given */
  folder_pairs pairs;                     /* of the images, if both are given */
  char *mask_base, *image_base;           /* those folders, as files name them */
  export_entry *entries;                  /* by stem and seed */
  size_t count;
} export_set;

typedef struct export_state {
  const export_job *job;
  workspace ws;
  fm_plan *plan;
  export_set real, synthetic;
  export_set validation;  /* empty without --val-masks and --val-images */
  int64_t asked, missing; /* images of the plan; those whose files are not there */
  int64_t times;          /* repeats of the real set */
  int64_t whole_repeats;  /* of a shard: as the whole plan has them; else 0 */
  inputs inputs;          /* what no file may replace */
  outdir out;
  export_stage *stage; /* where files are written until all are there */
  text summary;        /* what a format adds to the sentence at the end */
} export_state;

/* What a format needs, and how it behaves. */
enum {
  EXPORT_LABELS = 1,        /* --labels */
  EXPORT_FILES = 2,         /* masks and images of both sets */
  EXPORT_PLAIN = 4,         /* masks whose labels are the classes, 255 ignored */
  EXPORT_GENERATES = 8,     /* it lists what is not there yet */
  EXPORT_NPY = 16,          /* takes masks as NPY, too */
  EXPORT_STRIPS = 32,       /* readers of its lists strip blanks from names */
  EXPORT_NAMES_FOLDER = 64, /* its files name the folder that they are in */
  EXPORT_VALIDATES = 128,   /* its configuration names validation images, too */
  EXPORT_CONVERTS = 256,    /* it always converts the masks, as --train-ids does */
};

/* A format, in a file of its own; export_formats.c lists them. `files` are the names that it writes
 * into the folder, besides those that all write, ending in NULL. */
struct export_format {
  const char *name; /* --to NAME */
  int traits;
  const char *const *files;
  int (*write)(export_state *s, fault *f);
};

extern const export_format export_list, export_mmseg, export_detectron2, export_hf,
    export_webdataset, export_ultralytics, export_lightly, export_paddleseg, export_freestylenet,
    export_place, export_oasis, export_controlnet, export_cosmos, export_jsonl;

bool export_has(const export_state *s, int trait); /* of the state's format */

/* export_sets.c: which images, and where their files are. A format that generates lists, as
 * `synthetic`, what is not there yet. */
int export_open_sets(export_state *s, fault *f);
void export_close_sets(export_state *s);

/* The real set alone, all masks of its folder, as if a plan named them. */
int export_open_real(export_state *s, fault *f);

/* export_names.c: names that a format cannot express are refused. */
int export_check_names(const export_state *s, fault *f);

/* export_train_ids.c: masks whose labels are the classes, 255 where they are ignored; the sets'
 * masks are those from then on. */
int export_train_ids(export_state *s, fault *f);

/* Are the sets' masks converted, because that was asked for or because the format always does? */
bool export_converts(const export_state *s);

/* export_fit.c: would a trainer that takes label - offset for the class, and ignores `ignored` and,
 * with an offset, 0, read the masks right? If not, `why` gets the first thing that stands against
 * it, such as "label 255 is class 1 (building)". */
bool export_reads(const fm_labels *labels, int64_t offset, int64_t ignored, text *why);

/* Writes a text, or one that does not change, into the output folder. */
int export_write(export_state *s, const char *name, const text *t, fault *f);
int export_write_fixed(export_state *s, const char *name, const char *content, fault *f);

json_t *export_class_names(const export_state *s); /* new reference */

/* A folder or file as files in the output folder name it: absolute, or relative to that folder
 * (beginning with "./" or "../"). Caller frees. */
char *export_path(const export_state *s, const char *path);

/* An entry's files, likewise; NULL without a folder. Caller frees. */
char *export_image_path(const export_set *set, const export_entry *entry);
char *export_mask_path(const export_set *set, const export_entry *entry);

/* Makes the symbolic link `name` below the output folder; `target` is as export_path gives it. */
int export_link(export_state *s, const char *name, const char *target, fault *f);

/* Links of an entry's files: IMAGES/<name>.<type of the image> and MASKS/<name>.png, the name as
 * export_flat_name makes it. */
int export_link_pair(export_state *s, const export_set *set, const export_entry *entry,
                     const char *images, const char *masks, fault *f);

/* A stem as a name in one folder, in one line of any reader: slashes, line ends of Unicode and '%'
 * become %XX. Caller frees. */
char *export_flat_name(const char *stem);

#endif
