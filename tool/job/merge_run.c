/* job/merge_run.c - from the folders of run --shard to one that run --resume finishes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/disk.h"
#include "base/json_file.h"
#include "base/path.h"
#include "job/inputs.h"
#include "job/labels_file.h"
#include "job/made_of.h"
#include "job/merge.h"
#include "job/outdir.h"
#include "job/run_state.h"
#include "job/shards.h"
#include "job/summary.h"
#include "job/workspace.h"

/* A shard's folder. */
typedef struct part {
  const char *folder;
  json_t *root; /* of run.json */
  folder_shard shard;
} part;

typedef struct state {
  const merge_job *job;
  workspace ws;
  part *parts;     /* by shard */
  json_t *made_of; /* of the whole run */
  outdir out;
} state;

int merge_is_run(const char *path, bool *is, fault *f) {
  path_kind kind;
  char *manifest = path_join(path, "run.json");
  int code = path_look(manifest, &kind, f);
  *is = !code && kind != PATH_ABSENT;
  free(manifest);
  return code;
}

/* ---- Reading -------------------------------------------------------------------------- */

/* What a finished shard has. */
static const char *const needed[] = {"stats.json", "stats.record", "filter.json", "hardness.csv"};

static int check_finished(const char *at, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < sizeof needed / sizeof *needed && !code; i++) {
    path_kind kind;
    char *path = path_join(at, needed[i]);
    code = path_look(path, &kind, f);
    if (!code && kind == PATH_ABSENT)
      code = fault_set(f, EXIT_DATA,
                       "%s: has no %s; the command that began it finishes it with --resume and "
                       "--stats, the merged statistics of all shards",
                       at, needed[i]);
    free(path);
  }
  return code;
}

static int read_part(const char *at, part *out, fault *f) {
  char *path = path_join(at, "run.json");
  json_t *shard, *made_of;
  out->folder = at;
  int code = json_file_read(path, "freemask-run", 1, &out->root, f);
  if (!code && !json_object_get(out->root, "shard"))
    code = fault_set(f, EXIT_DATA, "%s: is a run of whole sets, expected run --shard", at);
  if (!code) code = json_member_object(out->root, path, "shard", &shard, f);
  if (!code) code = json_member_whole(shard, path, "count", 2, 1000000000, &out->shard.count, f);
  if (!code)
    code = json_member_whole(shard, path, "index", 0, out->shard.count - 1, &out->shard.index, f);
  if (!code) code = json_member_object(out->root, path, "made_of", &made_of, f);
  if (!code) code = check_finished(at, f);
  free(path);
  return code;
}

/* What shards have in common. */
static json_t *job_of(const part *p) {
  json_t *made_of = json_copy(json_object_get(p->root, "made_of"));
  json_object_del(made_of, RUN_OF_SHARD);
  return made_of;
}

static int by_index(const void *a, const void *b) {
  const folder_shard left = ((const part *)a)->shard, right = ((const part *)b)->shard;
  return (left.index > right.index) - (left.index < right.index);
}

static int read_parts(state *s, fault *f) {
  const size_t count = s->job->input_count;
  shard_part *list = alloc_zeroed(count, sizeof *list);
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) code = read_part(s->job->inputs[i], &s->parts[i], f);
  if (!code) {
    qsort(s->parts, count, sizeof *s->parts, by_index);
    s->made_of = job_of(&s->parts[0]);
  }
  for (size_t i = 0; i < count && !code; i++) {
    json_t *other = job_of(&s->parts[i]);
    code = made_of_same(s->made_of, other, s->parts[0].folder, s->parts[i].folder, f);
    json_decref(other);
    list[i] = (shard_part){s->parts[i].folder, s->parts[i].shard};
  }
  if (!code) code = shards_check(list, count, f);
  free(list);
  return code;
}

/* ---- Joining -------------------------------------------------------------------------- */

typedef int (*merge_files)(const merge_job *job, fault *f);

/* One file of each folder. */
static int merge_one(state *s, const char *name, merge_files merge, fault *f) {
  merge_job job = *s->job;
  char **files = alloc_zeroed(job.input_count, sizeof *files);
  char *output = path_join(s->job->output, name);
  for (size_t i = 0; i < job.input_count; i++) files[i] = path_join(s->parts[i].folder, name);
  job.inputs = (const char *const *)files;
  job.output = output;
  job.common.silent = true;
  job.common.json = false;
  int code = merge(&job, f);
  if (!code) outdir_made(&s->out, output);
  for (size_t i = 0; i < job.input_count; i++) free(files[i]);
  free(files);
  free(output);
  return code;
}

/* What the statistics are made of. */
static int merge_record(state *s, fault *f) {
  const size_t count = s->job->input_count;
  journal_lines *records = alloc_zeroed(count, sizeof *records);
  char *output = path_join(s->job->output, "stats.record");
  text t = {0};
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) {
    char *path = path_join(s->parts[i].folder, "stats.record");
    code = journal_load(path, s->parts[i].folder, "started",
                        json_object_get(s->parts[i].root, "made_of"), &records[i], f);
    free(path);
  }
  if (!code) merge_lines(records, count, 0, &t);
  if (!code) code = journal_save(output, s->made_of, &t, s->ws.context, f);
  if (!code) outdir_made(&s->out, output);
  for (size_t i = 0; i < count; i++) journal_lines_free(&records[i]);
  free(records);
  free(output);
  text_free(&t);
  return code;
}

static int merge_masks(state *s, fault *f) {
  merge_job job = *s->job;
  char *stats = path_join(s->job->output, "stats.json");
  const char **folders = alloc_zeroed(job.input_count, sizeof *folders);
  for (size_t i = 0; i < job.input_count; i++) folders[i] = s->parts[i].folder;
  job.inputs = folders;
  job.common.silent = true;
  job.common.json = false;
  const merge_run_folder run = {stats, &s->out};
  int code = merge_filter(&job, &run, f);
  free(folders);
  free(stats);
  return code;
}

/* ---- run.json ------------------------------------------------------------------------- */

/* A path that is stored for one folder, for another one. */
static void move_path(json_t *object, const char *key, const char *from, const char *to) {
  char *path = path_from_store(from, json_string_value(json_object_get(object, key)));
  if (path) json_object_set_new(object, key, json_stored_path(to, path));
  free(path);
}

static void move_paths(json_t *set, const char *from, const char *to) {
  const char *key;
  json_t *value;
  void *next;
  json_object_foreach_safe(set, next, key, value) move_path(set, key, from, to);
}

static int write_manifest(state *s, fault *f) {
  char *from = path_join(s->parts[0].folder, "run.json");
  char *to = path_join(s->job->output, "run.json");
  json_t *root = json_deep_copy(s->parts[0].root);
  char *labels = path_from_store(from, json_string_value(json_object_get(root, "labels")));
  char *stored = labels_to_store(to, labels);
  json_object_set_new(root, "labels", json_text(stored));
  move_paths(json_object_get(root, "real"), from, to);
  move_paths(json_object_get(root, "synthetic"), from, to);
  move_path(root, "references", from, to);
  json_object_del(root, "shard");
  json_object_set(root, "made_of", s->made_of);
  json_object_set_new(root, "fingerprint", json_hex(made_of_hash(s->made_of)));
  int code = json_file_write(s->ws.context, root, to, f);
  if (!code) outdir_made(&s->out, to);
  free(stored);
  free(labels);
  free(from);
  free(to);
  return code;
}

/* ---- The output folder ---------------------------------------------------------------- */

/* Results of an earlier run, what depends on others before them. */
static const char *const results[] = {"run.json",     "report.html", "plan.csv",
                                      "hardness.csv", "stats.json",  "stats.record"};
enum { RESULTS = sizeof results / sizeof *results };

static int check_inputs(const merge_job *job, fault *f) {
  static const char *const filtered[] = {"masks/",        "weights/",    "export/",
                                         "filter.csv",    "filter.json", "filter.record",
                                         "filter.journal"};
  enum { FILTERED = sizeof filtered / sizeof *filtered };
  const char *written[RESULTS + FILTERED + 1] = {0};
  inputs list = {0};
  for (size_t i = 0; i < RESULTS; i++) written[i] = results[i];
  for (size_t i = 0; i < FILTERED; i++) written[RESULTS + i] = filtered[i];
  for (size_t i = 0; i < job->input_count; i++) inputs_add_apart(&list, job->inputs[i]);
  int code = inputs_spare_folder(&list, job->output, written, f);
  inputs_free(&list);
  return code;
}

/* Those of the filter, which merge_filter replaces, say so as well. */
static int find_results(const state *s, bool *there, fault *f) {
  static const char *const more[] = {"filter.json", "filter.journal"};
  int code = EXIT_FINE;
  *there = false;
  for (size_t i = 0; i < RESULTS + 2 && !code && !*there; i++) {
    path_kind kind;
    char *path = path_join(s->job->output, i < RESULTS ? results[i] : more[i - RESULTS]);
    code = path_look(path, &kind, f);
    *there = !code && kind != PATH_ABSENT;
    free(path);
  }
  return code;
}

/* A run that is replaced goes first: run --resume refuses the folder until it has a run.json again. */
static int enter(state *s, fault *f) {
  bool there = false, empty = true;
  int code = outdir_open(s->job->output, NULL, &s->out, f);
  if (!code) code = outdir_check_real(&s->out, "masks", f);
  if (!code) code = find_results(s, &there, f);
  if (!code && there && !s->job->overwrite)
    return fault_set(f, EXIT_USAGE, "%s holds a run, expected --overwrite or another folder",
                     s->job->output);
  if (!code) outdir_sweep_top(s->out.path);
  if (!code && !there) code = outdir_is_empty(s->out.path, &empty, f);
  if (!code && !empty)
    return fault_set(f, EXIT_USAGE, "%s is not empty, expected an empty folder, or a new one",
                     s->job->output);
  for (size_t i = 0; i < RESULTS && !code && there; i++) {
    char *path = path_join(s->job->output, results[i]);
    code = disk_remove(path, f);
    free(path);
  }
  return code ? code : disk_flush_names(s->job->output, f);
}

static void summarize(const merge_job *job) {
  text t = {0};
  if (summary_as_json(&job->common))
    summary_print_json(json_pack("{s:o, s:I}", "output", json_text(job->output), "shards",
                                 (json_int_t)job->input_count));
  else if (summary_as_text(&job->common))
    text_add(&t,
             "%zu shards are joined in %s. Next: the command that made them, without --shard and "
             "--stats, with --resume -o %s: it makes plan, lists and report.\n",
             job->input_count, job->output, job->output);
  summary_print(&t);
}

int merge_run(const merge_job *job, fault *f) {
  state s = {.job = job, .parts = alloc_zeroed(job->input_count, sizeof *s.parts)};
  int code = check_inputs(job, f);
  if (!code) code = workspace_open(NULL, &s.ws, f);
  if (!code) code = read_parts(&s, f);
  if (!code) code = enter(&s, f);
  if (!code) code = merge_one(&s, "stats.json", merge_statistics, f);
  if (!code) code = merge_record(&s, f);
  if (!code) code = merge_one(&s, "hardness.csv", merge_hardness, f);
  if (!code) code = merge_masks(&s, f);
  if (!code) code = write_manifest(&s, f);
  if (!code) summarize(job);
  outdir_close(&s.out, code ? OUTDIR_UNDO : OUTDIR_KEEP);
  for (size_t i = 0; i < job->input_count; i++) json_decref(s.parts[i].root);
  free(s.parts);
  json_decref(s.made_of);
  workspace_close(&s.ws);
  return code;
}
