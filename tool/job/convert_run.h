/* job/convert_run.h - a run of `convert`: what was decided before the first mask, and what became of masks. */
#ifndef FREEMASK_TOOL_CONVERT_RUN_H
#define FREEMASK_TOOL_CONVERT_RUN_H

#include "base/color_set.h"
#include "convert/convert.h"
#include "job/jobs.h"
#include "job/outdir.h"
#include "job/workspace.h"

enum { CONVERT_TRAIN_IDS_IGNORED = 255 };

/* What became of masks and pixels. */
typedef struct convert_tally {
  int64_t written, there;           /* masks */
  int64_t pixels, nearest, unknown; /* the last two: by --nearest, by --unknown */
  int64_t *classes;                 /* pixels of each */
  int64_t ignored;
  color_set strange; /* colors that have no place */
} convert_tally;

typedef struct convert_run {
  const convert_job *job;
  workspace ws;
  convert_from from;
  bool made_labels; /* the space comes from files */
  fm_labels *to;    /* NULL: none, or train ids */
  bool train_ids;
  int32_t unknown;    /* a label; -1: none was given */
  color_rules rules;  /* of the space */
  panoptic *panoptic; /* NULL: other masks */
  folder masks;
  fm_dtype middle, result; /* of labels in the space, and as they are written */
  outdir out;
  convert_tally all;
} convert_run;

/* Flags and inputs, before anything is opened. */
int convert_check(const convert_job *job, fault *f);

/* Opens label spaces and rules, finds the masks and decides what they hold. */
int convert_prepare(convert_run *s, fault *f);

/* The file that a mask becomes, in the output folder; caller frees. */
char *convert_output_name(const convert_run *s, size_t index);

/* Converts all masks on the pool's threads and counts. */
int convert_masks(convert_run *s, fault *f);

#endif
