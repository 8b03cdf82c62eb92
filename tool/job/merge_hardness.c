/* job/merge_hardness.c - from shards' tables of hardness to the whole set's. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "job/made_of.h"
#include "job/merge.h"
#include "job/plan_file.h"
#include "job/summary.h"
#include "job/workspace.h"

typedef struct part {
  const char *path;
  shard_mark mark;
  hardness_row *rows;
  size_t count;
} part;

int merge_is_hardness(const char *path, bool *is, fault *f) {
  int code = merge_begins(path, "# freemask-shard ", is, f);
  return code || *is ? code : merge_begins(path, "mask,hardness,", is, f);
}

static int by_index(const void *a, const void *b) {
  const folder_shard left = ((const part *)a)->mark.shard, right = ((const part *)b)->mark.shard;
  return (left.index > right.index) - (left.index < right.index);
}

static int by_mask(const void *a, const void *b) {
  return strcmp(((const hardness_row *)a)->mask, ((const hardness_row *)b)->mask);
}

static int check_parts(const part *parts, size_t count, fault *f) {
  shard_part *list = alloc_zeroed(count, sizeof *list);
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) {
    if (!parts[i].mark.made_of)
      code =
          fault_set(f, EXIT_DATA, "%s: is of a whole set, expected a shard of one", parts[i].path);
    else if (parts[i].mark.identity != parts[0].mark.identity ||
             parts[i].mark.count != parts[0].mark.count)
      code = fault_set(f, EXIT_DATA,
                       "%s and %s are shards of different sets: of %" PRId64 " and %" PRId64
                       " masks, whose names differ",
                       parts[0].path, parts[i].path, parts[0].mark.count, parts[i].mark.count);
    else
      code = made_of_same(parts[0].mark.made_of, parts[i].mark.made_of, parts[0].path,
                          parts[i].path, f);
    list[i] = (shard_part){parts[i].path, parts[i].mark.shard};
  }
  if (!code) code = shards_check(list, count, f);
  free(list);
  return code;
}

/* The names of all rows are those of the set that the shards are of. */
static int check_rows(const part *any, const hardness_row *rows, size_t count, fault *f) {
  uint64_t identity = 0;
  for (size_t i = 0; i < count; i++) identity += folder_stem_identity(rows[i].mask);
  for (size_t i = 1; i < count; i++)
    if (!strcmp(rows[i - 1].mask, rows[i].mask))
      return fault_set(f, EXIT_DATA, "%s and the other shards: mask '%s' occurs twice", any->path,
                       rows[i].mask);
  if ((int64_t)count == any->mark.count && identity == any->mark.identity) return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   "%s and the other shards hold %zu masks, expected the %" PRId64
                   " of the set that they are of: were rows added, removed or renamed?",
                   any->path, count, any->mark.count);
}

/* Rows move from the parts into one table. */
static hardness_row *join(part *parts, size_t count, size_t *total) {
  *total = 0;
  for (size_t i = 0; i < count; i++) *total += parts[i].count;
  hardness_row *rows = alloc_zeroed(*total, sizeof *rows);
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    if (parts[i].count) memcpy(rows + at, parts[i].rows, parts[i].count * sizeof *rows);
    at += parts[i].count;
    free(parts[i].rows);
    parts[i].rows = NULL;
    parts[i].count = 0;
  }
  qsort(rows, *total, sizeof *rows, by_mask);
  return rows;
}

static void summarize(const merge_job *job, size_t masks) {
  text t = {0};
  if (summary_as_json(&job->common))
    summary_print_json(json_pack("{s:s, s:I, s:I}", "output", job->output, "shards",
                                 (json_int_t)job->input_count, "masks", (json_int_t)masks));
  else if (summary_as_text(&job->common))
    text_add(&t, "%zu masks of %zu shards; written to %s\n", masks, job->input_count, job->output);
  summary_print(&t);
}

int merge_hardness(const merge_job *job, fault *f) {
  workspace ws;
  int code = workspace_open(NULL, &ws, f);
  if (code) return code;
  part *parts = alloc_zeroed(job->input_count, sizeof *parts);
  hardness_row *rows = NULL;
  size_t total = 0;
  for (size_t i = 0; i < job->input_count && !code; i++) {
    parts[i].path = job->inputs[i];
    code = hardness_rows_read(ws.context, job->inputs[i], &parts[i].mark, &parts[i].rows,
                              &parts[i].count, f);
  }
  if (!code) qsort(parts, job->input_count, sizeof *parts, by_index);
  if (!code) code = check_parts(parts, job->input_count, f);
  if (!code) rows = join(parts, job->input_count, &total);
  if (!code) code = check_rows(&parts[0], rows, total, f);
  if (!code) code = hardness_rows_write(ws.context, NULL, rows, total, job->output, f);
  if (!code) summarize(job, total);
  for (size_t i = 0; i < job->input_count; i++) {
    shard_mark_free(&parts[i].mark);
    hardness_rows_free(parts[i].rows, parts[i].count);
  }
  hardness_rows_free(rows, total);
  free(parts);
  workspace_close(&ws);
  return code;
}
