/* collect/collect.h - the parts of `collect`. */
#ifndef FREEMASK_TOOL_COLLECT_H
#define FREEMASK_TOOL_COLLECT_H

#include <stdbool.h>

#include "collect/jobs_file.h"
#include "job/findings.h"
#include "job/jobs.h"
#include "job/outdir.h"

/* What became of a file. */
typedef enum collected {
  COLLECTED_NOT = 0, /* see the findings */
  COLLECTED_NEW,     /* brought there */
  COLLECTED_THERE    /* was there, with the same content */
} collected;

/* An image of a generator in memory. */
typedef struct result_file {
  char *path;
  char *bytes; /* NULL: not there */
  size_t length;
  int64_t width, height; /* if it was looked at */
} result_file;

/* Reads a result or what was collected of it, under its name or with another image type. With
 * `look` it is decoded, and a file that is not a whole image is a finding (`bytes` NULL then).
 * EXIT_IO only if reading fails although the file exists. */
int collect_read(fm_context *context, const char *without_type, const char *type, const char *name,
                 bool look, result_file *out, findings *list, fault *f);
void collect_free(result_file *file);

/* Removes what was brought to its place. */
int collect_drop(const result_file *file, fault *f);

/* Brings an image to `target`, which does not exist: a copy, a hard link or the file itself.
 * Never half a file, and never replaces one. */
int collect_bring(fm_context *context, int by, const result_file *file, const char *target,
                  fault *f);

/* Writes the row's mask in the size of its image to `target`, or finds the same mask there; a
 * different one is a finding. Without a size of its own the row gets the mask's. */
int collect_mask(fm_context *context, const char *target, const fm_raster *mask, const job_row *row,
                 collected *what, findings *list, fault *f);

#endif
