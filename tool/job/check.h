/* job/check.h - the outcome of check. */
#ifndef FREEMASK_TOOL_CHECK_H
#define FREEMASK_TOOL_CHECK_H

#include <jansson.h>

#include "job/census.h"
#include "job/findings.h"
#include "job/jobs.h"

/* What the last notes count. */
typedef struct check_sums {
  char *losses, *what;   /* where the losses are, and what; NULL: there are none */
  int64_t below, maps;   /* losses a hair below 0, which count as 0; the maps that hold them */
  char *images;          /* where the images are; NULL: none were given */
  int64_t turned, found; /* images that are stored in another orientation; of so many */
} check_sums;

/* Large (half a megabyte): zero-initialize on the heap. */
typedef struct check_result {
  census census;
  size_t masks;
  findings findings;
  text convention; /* a sentence; empty if no mask could be read */
  bool fits;       /* the values look like the label space; else that is a finding as well */
  text presets;    /* those that have the values */
  check_sums sums;
  json_t *shard; /* of a shard: what merge needs to know (check_report.c); NULL: of all masks */
} check_result;

/* Checks everything and prints nothing. */
int check_job_look(const check_job *job, check_result *out, fault *f);

void check_result_free(check_result *result);

/* Finds what the values of all masks look like, and says so if they do not fit. `names`: of the masks in
 * which a number has two colors, of which `torn` is census_torn_index. */
void check_judge_values(check_result *r, fm_context *context, const fm_labels *labels, bool own,
                        int torn, const char *const names[2]);

/* Says what the sums count. */
void check_note_sums(const check_sums *sums);

/* What --json prints; new reference. */
json_t *check_as_json(const char *labels, const check_result *r);

/* The report of a shard, for merge. */
json_t *check_save_shard(const check_result *r, folder_shard shard, const folder *masks,
                         uint64_t identity, json_t *made_of);
int check_load_shard(const json_t *root, const char *path, folder_shard *shard, uint64_t *identity,
                     json_t **made_of, check_result *r, fault *f);

/* The name of mask number `mask` (from 1) in what a shard says of palettes, or NULL. Borrowed. */
const char *check_color_name(const json_t *root, int64_t mask);

#endif
