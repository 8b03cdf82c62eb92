/* export/export_generate.h - what the formats for generators share. */
#ifndef FREEMASK_TOOL_EXPORT_GENERATE_H
#define FREEMASK_TOOL_EXPORT_GENERATE_H

#include "export/exporter.h"

/* Where the generator is to put the image of an entry, below the output folder. Caller frees. */
typedef char *result_name(const export_state *s, const export_entry *entry, const void *user);

/* results/<stem>.jpg */
result_name generate_result;

/* A real mask as pictures (export_controls.h). */
typedef struct control {
  arg_size size; /* of its pictures; zero: no job needs them */
  char *prompt;  /* the names of its classes, the largest first, with commas between them */
} control;

/* What the lines of jobs.jsonl say. */
typedef struct job_style {
  result_name *name_of;
  const void *user;        /* for name_of */
  arg_size size;           /* of all images; zero: as large as their masks */
  const control *controls; /* of the real set's entries, or NULL: size and pictures of each */
} job_style;

int generate_write_jobs(export_state *s, const job_style *style, fault *f);

#endif
