/* job/merge_check.c - from the reports of check --shard to that of the whole set. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/note.h"
#include "job/check.h"
#include "job/labels_file.h"
#include "job/made_of.h"
#include "job/merge.h"
#include "job/shards.h"
#include "job/summary.h"
#include "job/workspace.h"

typedef struct part {
  const char *path;
  json_t *root, *made_of; /* the latter is borrowed */
  folder_shard shard;
  uint64_t identity;
  check_result *result; /* its census and sums */
} part;

int merge_is_check(const char *path, bool *is, fault *f) {
  return merge_begins(path, "{\"format\": \"freemask-check\"", is, f);
}

static int by_index(const void *a, const void *b) {
  const folder_shard left = ((const part *)a)->shard, right = ((const part *)b)->shard;
  return (left.index > right.index) - (left.index < right.index);
}

static int read_part(const char *path, part *out, fault *f) {
  out->path = path;
  out->result = alloc_zeroed(1, sizeof *out->result);
  int code = json_file_read(path, "freemask-check", 1, &out->root, f);
  json_t *unused;
  if (!code)
    code = check_load_shard(out->root, path, &out->shard, &out->identity, &out->made_of,
                            out->result, f);
  if (!code) code = json_member_array(out->root, path, "findings", &unused, f);
  if (!code) code = json_member_array(out->root, path, "notes", &unused, f);
  return code;
}

static int check_parts(const part *parts, size_t count, fault *f) {
  shard_part *list = alloc_zeroed(count, sizeof *list);
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) {
    code = made_of_same(parts[0].made_of, parts[i].made_of, parts[0].path, parts[i].path, f);
    list[i] = (shard_part){parts[i].path, parts[i].shard};
  }
  if (!code) code = shards_check(list, count, f);
  free(list);
  return code;
}

static char *copy_or_null(const char *string) { return string ? alloc_text(string) : NULL; }

static void add_up(const part *parts, size_t count, check_result *all) {
  for (size_t i = 0; i < count; i++) {
    const check_sums *more = &parts[i].result->sums;
    census_merge(&all->census, &parts[i].result->census);
    all->masks += (size_t)json_integer_value(json_object_get(parts[i].root, "masks"));
    all->sums.below += more->below;
    all->sums.maps += more->maps;
    all->sums.turned += more->turned;
  }
  all->sums.losses = copy_or_null(parts[0].result->sums.losses);
  all->sums.what = copy_or_null(parts[0].result->sums.what);
  all->sums.images = copy_or_null(parts[0].result->sums.images);
  all->sums.found = parts[0].result->sums.found;
}

static const char *name_of(const part *parts, size_t count, int64_t mask) {
  const char *name = NULL;
  for (size_t i = 0; i < count && !name; i++) name = check_color_name(parts[i].root, mask);
  return name ? name : "a mask";
}

/* ---- Findings ------------------------------------------------------------------------------- */

typedef struct told {
  const char *kind, *stem, *sentence;
  size_t order; /* in which they were read */
} told;

static int by_stem(const void *a, const void *b) {
  const told *left = a, *right = b;
  int order = strcmp(left->stem, right->stem);
  return order ? order : (left->order > right->order) - (left->order < right->order);
}

static void add_told(check_result *all, const told *one) {
  for (int kind = 0; kind <= FINDING_COLORS; kind++)
    if (!strcmp(one->kind, finding_name((finding_kind)kind)))
      findings_add(&all->findings, (finding_kind)kind, one->stem, one->sentence);
}

/* Findings of single masks, in the order of the masks; then files that are missing, which every shard has
 * looked for in the whole set. What is about all values is found anew. */
static void join_findings(const part *parts, size_t count, check_result *all) {
  size_t total = 0, at = 0;
  for (size_t i = 0; i < count; i++)
    total += json_array_size(json_object_get(parts[i].root, "findings"));
  told *of_masks = alloc_zeroed(total, sizeof *of_masks),
       *missing = alloc_zeroed(total, sizeof *missing);
  size_t missing_count = 0, k;
  json_t *row;
  for (size_t i = 0; i < count; i++)
    json_array_foreach(json_object_get(parts[i].root, "findings"), k, row) {
      told one = {.order = at};
      if (json_unpack(row, "{s:s, s:s, s:s}", "kind", &one.kind, "mask", &one.stem, "sentence",
                      &one.sentence))
        continue; /* of all masks: the mask is null */
      if (!strcmp(one.kind, finding_name(FINDING_MISSING))) {
        if (!i) missing[missing_count++] = one;
      } else {
        of_masks[at++] = one;
      }
    }
  qsort(of_masks, at, sizeof *of_masks, by_stem);
  for (size_t i = 0; i < at; i++) add_told(all, &of_masks[i]);
  for (size_t i = 0; i < missing_count; i++) add_told(all, &missing[i]);
  free(of_masks);
  free(missing);
}

/* A shard's own sums stand at the end of its notes. */
static void join_notes(const part *parts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const json_t *notes = json_object_get(parts[i].root, "notes");
    const check_sums *sums = &parts[i].result->sums;
    const size_t own = (sums->below > 0) + (size_t)(sums->turned > 0),
                 size = json_array_size(notes);
    for (size_t k = 0; k + own < size; k++) {
      const char *note = json_string_value(json_array_get(notes, k));
      if (note) note_say("%s", note);
    }
  }
}

/* ---- The whole ------------------------------------------------------------------------------- */

static int write_report(const merge_job *job, const part *parts, check_result *all, fault *f) {
  const char *labels = json_string_value(json_object_get(parts[0].root, "labels"));
  workspace ws;
  int code = workspace_open(labels, &ws, f);
  if (code) return code;
  add_up(parts, job->input_count, all);
  const int torn = census_torn_index(&all->census);
  const char *names[2] = {NULL, NULL};
  for (int i = 0; i < 2 && torn >= 0; i++)
    names[i] = name_of(parts, job->input_count, all->census.palette[torn].mask[i]);
  check_judge_values(all, ws.context, ws.labels, !labels_is_preset(labels), torn, names);
  join_findings(parts, job->input_count, all);
  join_notes(parts, job->input_count);
  check_note_sums(&all->sums);
  text t = {0};
  fm_error err;
  json_add_line(check_as_json(labels, all), &t);
  if (fm_file_write(ws.context, job->output, t.data, t.length, &err))
    code = fault_library(f, &err, job->output);
  text_free(&t);
  workspace_close(&ws);
  return code;
}

static void summarize(const merge_job *job, const check_result *all) {
  text t = {0};
  if (summary_as_json(&job->common))
    summary_print_json(json_pack("{s:o, s:I, s:I, s:I}", "output", json_text(job->output), "shards",
                                 (json_int_t)job->input_count, "masks", (json_int_t)all->masks,
                                 "findings", (json_int_t)all->findings.count));
  else if (summary_as_text(&job->common))
    text_add(&t, "%zu masks of %zu shards, findings: %zu; written to %s\n", all->masks,
             job->input_count, all->findings.count, job->output);
  summary_print(&t);
}

int merge_check(const merge_job *job, fault *f) {
  part *parts = alloc_zeroed(job->input_count, sizeof *parts);
  check_result *all = alloc_zeroed(1, sizeof *all);
  int code = EXIT_FINE;
  size_t opened = 0;
  for (; opened < job->input_count && !code; opened++)
    code = read_part(job->inputs[opened], &parts[opened], f);
  if (!code) qsort(parts, job->input_count, sizeof *parts, by_index);
  if (!code) code = check_parts(parts, job->input_count, f);
  if (!code) code = write_report(job, parts, all, f);
  if (!code) summarize(job, all);
  for (size_t i = 0; i < opened; i++) {
    json_decref(parts[i].root);
    check_result_free(parts[i].result);
    free(parts[i].result);
  }
  check_result_free(all);
  free(all);
  free(parts);
  return code;
}
