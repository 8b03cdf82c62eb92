/* job/merge_filter.c - from the output folders of filter --shard to that of the whole set. */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/disk.h"
#include "base/interrupt.h"
#include "base/path.h"
#include "job/filter_file.h"
#include "job/inputs.h"
#include "job/journal.h"
#include "job/loss_record.h"
#include "job/made_of.h"
#include "job/merge.h"
#include "job/outdir.h"
#include "job/shards.h"
#include "job/summary.h"
#include "job/workspace.h"

/* A shard's folder. */
typedef struct part {
  const char *folder;
  filter_file file;
  filter_row *rows;
  size_t count;
  journal_lines lines; /* of filter.record */
} part;

typedef struct state {
  const merge_job *job;
  const merge_run_folder *run; /* NULL: the folder is the filter's alone */
  workspace ws;
  part *parts;
  outdir own, *out;                          /* a run's, if there is one */
  char *manifest, *table, *record, *journal; /* paths */
} state;

static int by_index(const void *a, const void *b) {
  const folder_shard left = ((const part *)a)->file.shard, right = ((const part *)b)->file.shard;
  return (left.index > right.index) - (left.index < right.index);
}

/* ---- Reading -------------------------------------------------------------------------- */

static const char *const of_shard[] = {"--shard", "masks without a real one"};

/* What the shards have in common: without the shard and what it counts of its own masks. */
static json_t *job_of(const filter_file *file) {
  json_t *made_of = json_copy(file->made_of);
  for (size_t i = 0; i < sizeof of_shard / sizeof *of_shard; i++)
    json_object_del(made_of, of_shard[i]);
  return made_of;
}

static int read_part(fm_context *context, const char *at, part *out, fault *f) {
  char *manifest = path_join(at, "filter.json"), *table = path_join(at, "filter.csv");
  char *record = path_join(at, "filter.record"), *unfinished = path_join(at, "filter.journal");
  out->folder = at;
  path_kind kind, begun = PATH_ABSENT, finished = PATH_ABSENT;
  int code = path_look(at, &kind, f);
  if (!code) code = path_look(unfinished, &begun, f);
  if (!code) code = path_look(manifest, &finished, f);
  if (!code && kind != PATH_FOLDER)
    code = fault_set(f, EXIT_DATA,
                     "%s: is no folder, expected the output folders of filter --shard", at);
  if (!code && begun != PATH_ABSENT)
    code = fault_set(f, EXIT_DATA,
                     "%s: holds an unfinished run of filter; the same command with --resume "
                     "finishes it",
                     at);
  if (!code && finished == PATH_ABSENT)
    code = fault_set(f, EXIT_DATA,
                     "%s: holds no filter.json, expected the output of filter --shard", at);
  if (!code) code = filter_file_read(manifest, &out->file, f);
  if (!code) code = filter_rows_read(context, table, &out->rows, &out->count, f);
  if (!code) code = journal_load(record, at, "finished", out->file.made_of, &out->lines, f);
  if (!code && (int64_t)out->count != out->file.count)
    code = fault_set(f, EXIT_DATA, "%s: has %zu rows, expected the %" PRId64 " of %s", table,
                     out->count, out->file.count, manifest);
  free(manifest);
  free(table);
  free(record);
  free(unfinished);
  return code;
}

static int check_parts(part *parts, size_t count, fault *f) {
  shard_part *list = alloc_zeroed(count, sizeof *list);
  json_t *first = job_of(&parts[0].file);
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) {
    json_t *other = job_of(&parts[i].file);
    if (parts[i].file.shard.count == 1)
      code = fault_set(f, EXIT_DATA, "%s: is of a whole set, expected a shard of one",
                       parts[i].folder);
    else
      code = made_of_same(first, other, parts[0].folder, parts[i].folder, f);
    if (!code && parts[i].file.class_count != parts[0].file.class_count)
      code = fault_set(f, EXIT_DATA, "%s and %s have different numbers of classes", parts[0].folder,
                       parts[i].folder);
    json_decref(other);
    list[i] = (shard_part){parts[i].folder, parts[i].file.shard};
  }
  json_decref(first);
  if (!code) code = shards_check(list, count, f);
  free(list);
  return code;
}

/* ---- Tables --------------------------------------------------------------------------- */

static int by_stem(const void *a, const void *b) {
  return strcmp(((const filter_row *)a)->stem, ((const filter_row *)b)->stem);
}

/* Rows of all parts, sorted; their stems stay the parts'. */
static filter_row *join_rows(const state *s, size_t *total) {
  *total = 0;
  for (size_t i = 0; i < s->job->input_count; i++) *total += s->parts[i].count;
  filter_row *rows = alloc_zeroed(*total, sizeof *rows);
  size_t at = 0;
  for (size_t i = 0; i < s->job->input_count; i++)
    for (size_t k = 0; k < s->parts[i].count; k++) rows[at++] = s->parts[i].rows[k];
  qsort(rows, *total, sizeof *rows, by_stem);
  return rows;
}

/* "2345 named <identity>", of made_of_add_masks. */
static int check_rows(const state *s, const filter_row *rows, size_t count, fault *f) {
  const char *of = json_string_value(json_object_get(s->parts[0].file.made_of, "masks"));
  uint64_t identity = 0;
  char found[64];
  for (size_t i = 0; i < count; i++) identity += folder_stem_identity(rows[i].stem);
  snprintf(found, sizeof found, "%zu named %016" PRIx64, count, identity);
  for (size_t i = 1; i < count; i++)
    if (!strcmp(rows[i - 1].stem, rows[i].stem))
      return fault_set(f, EXIT_DATA, "%s and the other shards: mask '%s' occurs twice",
                       s->parts[0].folder, rows[i].stem);
  if (of && !strcmp(of, found)) return EXIT_FINE;
  return fault_set(
      f, EXIT_DATA,
      "%s and the other shards hold %zu masks, which are not the %.20s of the set that "
      "they are of: were rows of filter.csv added, removed or renamed?",
      s->parts[0].folder, count, of ? of : "masks");
}

/* The totals of the first part become those of all, and it is of the whole set. */
static void add_up(state *s) {
  filter_file *all = &s->parts[0].file;
  for (size_t i = 1; i < s->job->input_count; i++) {
    const filter_file *more = &s->parts[i].file;
    all->count += more->count;
    all->valid += more->valid;
    all->dropped += more->dropped;
    all->emptied += more->emptied;
    all->unpaired += more->unpaired;
    all->siblings += more->siblings;
    for (int32_t k = 0; k < all->class_count; k++) {
      all->classes[k].valid += more->classes[k].valid;
      all->classes[k].dropped += more->classes[k].dropped;
    }
    loss_record_add(&all->losses, &more->losses);
    confusion_merge(&all->confused, &more->confused);
    agreement_merge(&all->alike, &more->alike);
  }
  all->shard = (folder_shard){0, 1};
  if (s->run) {
    free(all->stats);
    all->stats = alloc_text(s->run->stats);
  }
  json_t *made_of = json_deep_copy(all->made_of);
  made_of_add(made_of, of_shard[0], "%" PRId64 "/%" PRId64, all->shard.index, all->shard.count);
  if (json_object_get(made_of, of_shard[1]))
    made_of_add(made_of, of_shard[1], "%" PRId64, all->unpaired);
  json_decref(all->made_of);
  all->made_of = made_of;
  all->fingerprint = made_of_hash(made_of);
}

static int write_tables(state *s, const filter_row *rows, size_t count, fault *f) {
  text t = {0};
  journal_lines *lines = alloc_zeroed(s->job->input_count, sizeof *lines);
  for (size_t i = 0; i < s->job->input_count; i++) lines[i] = s->parts[i].lines;
  merge_lines(lines, s->job->input_count, s->parts[0].file.class_count, &t);
  free(lines);
  int code = journal_save(s->record, s->parts[0].file.made_of, &t, s->ws.context, f);
  if (!code) outdir_made(s->out, s->record);
  text_free(&t);
  if (!code) code = filter_rows_write(s->ws.context, rows, count, s->table, f);
  if (!code) outdir_made(s->out, s->table);
  if (!code) code = filter_file_write(s->ws.context, &s->parts[0].file, s->manifest, f);
  if (!code) outdir_made(s->out, s->manifest);
  return code;
}

/* ---- Masks and weights ---------------------------------------------------------------- */

static int copy(const state *s, const char *from, const char *to, fault *f) {
  char *data;
  size_t length;
  fm_error err;
  int code = path_read(from, UINT64_MAX, &data, &length, f);
  if (code) return code;
  if (fm_file_write(s->ws.context, to, data, length, &err)) code = fault_library(f, &err, to);
  free(data);
  return code;
}

/* Nothing is moved: a merge that was killed could not be done again. */
static int bring(const state *s, const char *from, const char *to, fault *f) {
  if (!s->job->link) return copy(s, from, to, f);
  return link(from, to) ? fault_system(f, errno, "make link", to) : EXIT_FINE;
}

static int bring_all(state *s, const char *root, const char *below, size_t *count, fault *f);

static int bring_entry(state *s, const char *root, const char *below, const char *entry,
                       size_t *count, fault *f) {
  char *name = path_join(below, entry), *from = path_join(root, name), *to = NULL;
  int code = interrupt_seen() ? EXIT_STOPPED : EXIT_FINE;
  if (!code && path_is_folder(from)) {
    code = bring_all(s, root, name, count, f);
  } else if (!code) {
    code = outdir_path(s->out, name, &to, f);
    if (!code) code = bring(s, from, to, f);
    if (!code) outdir_made(s->out, to);
    *count += !code;
  }
  free(to);
  free(from);
  free(name);
  return code;
}

/* All files below `root`/`below`, which may be missing. */
static int bring_all(state *s, const char *root, const char *below, size_t *count, fault *f) {
  char *at = path_join(root, below);
  DIR *open = opendir(at);
  int code = EXIT_FINE;
  if (!open && errno != ENOENT) code = fault_system(f, errno, "open folder", at);
  while (open && !code) {
    errno = 0;
    const struct dirent *entry = readdir(open);
    if (!entry) {
      if (errno) code = fault_system(f, errno, "list folder", at);
      break;
    }
    if (entry->d_name[0] == '.' || path_ends_with(entry->d_name, ".fm-part")) continue;
    code = bring_entry(s, root, below, entry->d_name, count, f);
  }
  if (open) closedir(open);
  free(at);
  return code;
}

/* As many files as the shard has rows. */
static int bring_folder(state *s, const part *p, const char *below, fault *f) {
  size_t count = 0;
  int code = bring_all(s, p->folder, below, &count, f);
  if (!code && count != p->count)
    code = fault_set(f, EXIT_DATA,
                     "%s/%s: holds %zu files, expected one for each of the %zu rows of "
                     "its filter.csv",
                     p->folder, below, count, p->count);
  return code;
}

static int bring_files(state *s, fault *f) {
  char *masks;
  int code = outdir_path(s->out, "masks/", &masks, f);
  if (!code) free(masks);
  for (size_t i = 0; i < s->job->input_count && !code; i++) {
    code = bring_folder(s, &s->parts[i], "masks", f);
    if (!code && s->parts[i].file.weights) code = bring_folder(s, &s->parts[i], "weights", f);
  }
  if (code == EXIT_STOPPED)
    fault_set(f, code, "interrupted; the same command with --overwrite begins again");
  return code;
}

/* ---- The output folder ---------------------------------------------------------------- */

static int check_inputs(const merge_job *job, fault *f) {
  static const char *const written[] = {
      "masks/", "weights/", "filter.csv", "filter.json", "filter.record", "filter.journal", NULL};
  inputs list = {0};
  for (size_t i = 0; i < job->input_count; i++) inputs_add_apart(&list, job->inputs[i]);
  int code = inputs_spare_folder(&list, job->output, written, f);
  inputs_free(&list);
  return code;
}

/* An earlier run's results go; the empty journal that begins says that what follows is unfinished. */
static int enter(state *s, fault *f) {
  const char *const files[] = {s->manifest, s->table, s->record};
  path_kind finished = PATH_ABSENT, begun = PATH_ABSENT;
  int code = s->run ? EXIT_FINE : outdir_open(s->job->output, NULL, s->out, f);
  if (!code) code = path_look(s->manifest, &finished, f);
  if (!code) code = path_look(s->journal, &begun, f);
  const bool there = finished != PATH_ABSENT || begun != PATH_ABSENT;
  if (!code && !s->run && there && !s->job->overwrite)
    return fault_set(f, EXIT_USAGE,
                     "%s holds a run of filter, expected --overwrite or another folder",
                     s->job->output);
  bool empty = true;
  if (!code) outdir_sweep_top(s->out->path);
  if (!code && !s->run && !there) code = outdir_is_empty(s->out->path, &empty, f);
  if (!code && !empty)
    return fault_set(f, EXIT_USAGE, "%s is not empty, expected an empty folder, or a new one",
                     s->job->output);
  char *masks = path_join(s->job->output, "masks"), *weights = path_join(s->job->output, "weights");
  if (!code && there) {
    outdir_sweep(masks);
    outdir_sweep(weights);
  }
  if (!code) {
    if (!there) outdir_made(s->out, s->journal); /* also if it does not fit the disk */
    code = journal_clear(s->journal, f);
  }
  for (size_t i = 0; i < 3 && !code; i++) code = disk_remove(files[i], f);
  if (!code && there) code = outdir_clear_masks(masks, f);
  if (!code && there) code = outdir_clear_weights(weights, f);
  free(masks);
  free(weights);
  return code;
}

static int join(state *s, fault *f) {
  size_t total;
  filter_row *rows = join_rows(s, &total);
  int code = check_rows(s, rows, total, f);
  if (!code) add_up(s);
  if (!code) code = enter(s, f);
  if (!code) code = bring_files(s, f);
  if (!code) code = disk_flush(s->out->path, f);
  if (!code) code = write_tables(s, rows, total, f);
  if (!code) code = disk_remove(s->journal, f);
  free(rows);
  return code;
}

static void free_part(part *p) {
  filter_rows_free(p->rows, p->count);
  journal_lines_free(&p->lines);
  filter_file_free(&p->file);
}

int merge_filter(const merge_job *job, const merge_run_folder *run, fault *f) {
  state s = {.job = job, .run = run, .parts = alloc_zeroed(job->input_count, sizeof *s.parts)};
  s.out = run ? run->out : &s.own;
  s.manifest = path_join(job->output, "filter.json");
  s.table = path_join(job->output, "filter.csv");
  s.record = path_join(job->output, "filter.record");
  s.journal = path_join(job->output, "filter.journal");
  int code = check_inputs(job, f);
  if (!code) code = workspace_open(NULL, &s.ws, f);
  for (size_t i = 0; i < job->input_count && !code; i++)
    code = read_part(s.ws.context, job->inputs[i], &s.parts[i], f);
  if (!code) qsort(s.parts, job->input_count, sizeof *s.parts, by_index);
  if (!code) code = check_parts(s.parts, job->input_count, f);
  if (!code) code = join(&s, f);
  if (!code) summary_filter(&job->common, &s.parts[0].file, job->output);
  outdir_close(&s.own, code ? OUTDIR_UNDO : OUTDIR_KEEP);
  for (size_t i = 0; i < job->input_count; i++) free_part(&s.parts[i]);
  free(s.parts);
  free(s.manifest);
  free(s.table);
  free(s.record);
  free(s.journal);
  workspace_close(&s.ws);
  return code;
}
