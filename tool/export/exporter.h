/* export/exporter.h - what the formats of `export` share. */
#ifndef FREEMASK_TOOL_EXPORTER_H
#define FREEMASK_TOOL_EXPORTER_H

#include "base/text.h"
#include "job/bench.h"
#include "job/jobs.h"
#include "job/outdir.h"
#include "job/plan_file.h"

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
  char *mask_base, *image_base;           /* those folders, as files name them */
  export_entry *entries;                  /* by stem and seed */
  size_t count;
} export_set;

typedef struct export_state {
  const export_job *job;
  bench bench;
  plan_row *rows; /* by mask */
  size_t row_count;
  export_set real, synthetic;
  int64_t asked, missing; /* images of the plan; those whose files are not there */
  int64_t times;          /* repeats of the real set */
  outdir out;
  text summary; /* what a format adds to the sentence at the end */
} export_state;

/* The formats: each writes its files into the folder of the state. */
int export_list(export_state *s, fault *f);
int export_mmseg(export_state *s, fault *f);
int export_detectron2(export_state *s, fault *f);
int export_hf(export_state *s, fault *f);
int export_webdataset(export_state *s, fault *f);
int export_paddleseg(export_state *s, fault *f);
int export_freestylenet(export_state *s, fault *f);
int export_jsonl(export_state *s, fault *f);

/* export_sets.c: which images, and where their files are. A format that generates lists, as
 * `synthetic`, what is not there yet. */
int export_open_sets(export_state *s, bool generates, fault *f);
void export_close_sets(export_state *s);

/* export_names.c: what a format cannot say about names is refused. */
int export_check_names(const export_state *s, fault *f);

/* export_train_ids.c: masks whose labels are the classes, 255 where they are ignored; the sets'
 * masks are those from then on. */
int export_train_ids(export_state *s, fault *f);

/* Are the labels of the sets' masks the classes, and 255 the only one that is ignored? */
bool export_is_train_ids(const export_state *s);

/* Writes a text, or one that does not change, into the output folder. */
int export_write(export_state *s, const char *name, const text *t, fault *f);
int export_write_fixed(export_state *s, const char *name, const char *content, fault *f);

/* A folder or file as files in the output folder name it: absolute, or relative to that folder
 * (beginning with "./" or "../"). Caller frees. */
char *export_path(const export_state *s, const char *path);

/* An entry's files, likewise; NULL without a folder. Caller frees. */
char *export_image_path(const export_set *set, const export_entry *entry);
char *export_mask_path(const export_set *set, const export_entry *entry);

#endif
