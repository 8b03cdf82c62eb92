/* freemask/exporter.h - what the formats of `export` share. */
#ifndef FREEMASK_TOOL_EXPORTER_H
#define FREEMASK_TOOL_EXPORTER_H

#include "bench.h"
#include "jobs.h"
#include "outdir.h"
#include "plan_file.h"
#include "text.h"

typedef struct export_state {
  const export_job *job;
  bench bench;
  plan_row *rows;
  size_t row_count;
  char **synthetic; /* stems that are listed, in the order of rows and seeds */
  size_t synthetic_count;
  int64_t asked, missing; /* images of the plan; those whose files are not there */
  int64_t times;          /* repeats of the real set */
  folder real_masks, real_images, masks, images; /* empty if not given */
  outdir out;
} export_state;

int export_list(export_state *s, fault *f);
int export_mmseg(export_state *s, fault *f);

/* Writes a text into the output folder. */
int export_write(export_state *s, const char *name, const text *t, fault *f);

#endif
