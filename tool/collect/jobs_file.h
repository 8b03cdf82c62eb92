/* collect/jobs_file.h - jobs.jsonl: images that a generator is asked for. */
#ifndef FREEMASK_TOOL_JOBS_FILE_H
#define FREEMASK_TOOL_JOBS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/text.h"

/* One image. Paths are absolute or begin at the file's folder. */
typedef struct job_row {
  char *mask;            /* the real mask */
  int64_t seed;          /* the generator's */
  char *output;          /* where the generator is to put the image; .jpg, .jpeg or .png */
  char *name;            /* what it is called when collected, without a type: "sub/a_seed_42" */
  char *synthetic_mask;  /* and its mask: "sub/a_seed_42_labelTrainIds.png" */
  int64_t width, height; /* of the image; 0: the mask's */
  bool any_size;         /* nobody asked for a size: the image's own is fine */
  char *control, *edges; /* the mask as pictures; NULL: there are none. Not read back */
  char *prompt;          /* likewise */
} job_row;

/* Adds a line. */
void job_row_add(text *t, const job_row *row);

/* Reads a file of jobs and makes its paths absolute. EXIT_DATA names the line: what is not JSON, a
 * missing member, a name that leads out of its folder, two jobs with one name or one mask. */
int job_rows_read(const char *path, job_row **rows, size_t *count, fault *f);
void job_rows_free(job_row *rows, size_t count);

#endif
