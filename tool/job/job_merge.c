/* job/job_merge.c - exact merge of statistics, or of calibrations; merge_*.c join what else shards
 * write. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "job/inputs.h"
#include "job/jobs.h"
#include "job/merge.h"
#include "job/shards.h"
#include "job/stats_file.h"
#include "job/summary.h"
#include "job/workspace.h"

/* A file to be added; they are sorted by set and shard. */
typedef struct part {
  const char *path;
  stats_file file;
} part;

static bool same_model(const part *a, const part *b) {
  if (!a->file.provider || !b->file.provider) return a->file.provider == b->file.provider;
  return json_equal(a->file.provider, b->file.provider);
}

/* May `other` be added to `first`? */
static int check_alike(const part *first, const part *other, fault *f) {
  if (!first->file.calibration != !other->file.calibration)
    return fault_set(f, EXIT_DATA, "%s and %s: statistics and a calibration, expected one kind",
                     first->path, other->path);
  if (fm_labels_fingerprint(first->file.labels) != fm_labels_fingerprint(other->file.labels))
    return fault_set(f, EXIT_DATA, "%s: made with label space %s, but %s with %s", other->path,
                     fm_labels_name(other->file.labels), first->path,
                     fm_labels_name(first->file.labels));
  if (first->file.histogram != other->file.histogram)
    return fault_set(f, EXIT_DATA, "%s: made with --histogram %d, but %s with %d", other->path,
                     (int)other->file.histogram, first->path, (int)first->file.histogram);
  if (!first->file.calibration &&
      !fm_class_stats_ranks(first->file.stats) != !fm_class_stats_ranks(other->file.stats))
    return fault_set(f, EXIT_DATA,
                     "%s and %s: one holds losses, the other a score, of the second pass of "
                     "--policy strata or paired",
                     first->path, other->path);
  if (first->file.strata != other->file.strata)
    return fault_set(f, EXIT_DATA, "%s: has %d strata, but %s has %d", other->path,
                     (int)other->file.strata, first->path, (int)first->file.strata);
  if (first->file.boundary != other->file.boundary)
    return fault_set(f, EXIT_DATA, "%s and %s: the strata of only one are by the boundary",
                     first->path, other->path);
  if (!same_model(first, other))
    return fault_set(f, EXIT_DATA, "%s: its losses come from another provider than those of %s",
                     other->path, first->path);
  return EXIT_FINE;
}

static int by_set_and_shard(const void *a, const void *b) {
  const stats_file *left = &((const part *)a)->file, *right = &((const part *)b)->file;
  uint64_t l = left->sets->identity, r = right->sets->identity;
  if (l != r) return l < r ? -1 : 1;
  if (left->shard.count != right->shard.count)
    return left->shard.count < right->shard.count ? -1 : 1;
  return (left->shard.index > right->shard.index) - (left->shard.index < right->shard.index);
}

static int64_t *export_words(const stats_file *file, int64_t *count) {
  const fm_calibration *c = file->calibration;
  *count = c ? fm_calibration_word_count(c) : fm_class_stats_word_count(file->stats);
  int64_t *words = alloc_zeroed((size_t)*count, sizeof *words);
  if (c)
    (void)fm_calibration_export(c, words, *count, NULL);
  else
    (void)fm_class_stats_export(file->stats, words, *count, NULL);
  return words;
}

/* Are the numbers the same, to the last bit? */
static bool same_numbers(const part *a, const part *b) {
  int64_t count, other;
  int64_t *left = export_words(&a->file, &count), *right = export_words(&b->file, &other);
  bool same = count == other && !memcmp(left, right, (size_t)count * sizeof *left);
  free(left);
  free(right);
  return same;
}

/* With --distinct: complete parts of one name each. A file and its copy are still one set. */
static bool are_complete(const part *parts, size_t first, size_t end) {
  for (size_t i = first; i < end; i++)
    if (parts[i].file.shard.count > 1) return false;
  return true;
}

static int check_distinct(const part *parts, size_t first, size_t end, fault *f) {
  for (size_t i = first; i < end; i++)
    for (size_t k = i + 1; k < end; k++)
      if (same_numbers(&parts[i], &parts[k]))
        return fault_set(f, EXIT_DATA, "%s and %s hold the same numbers, they are not distinct",
                         parts[i].path, parts[k].path);
  return EXIT_FINE;
}

/* Inputs `first` .. `end - 1` hold shards of one set: each must occur once. */
static int check_shards(const part *parts, size_t first, size_t end, fault *f) {
  if (end - first > 1 && parts[first + 1].file.shard.count == 1)
    return fault_set(f, EXIT_DATA,
                     "%s and %s are statistics of the same masks, or of masks with the same "
                     "names: --distinct takes them for different sets",
                     parts[first].path, parts[first + 1].path);
  shard_part *list = alloc_zeroed(end - first, sizeof *list);
  for (size_t i = first; i < end; i++)
    list[i - first] = (shard_part){parts[i].path, parts[i].file.shard};
  int code = shards_check(list, end - first, f);
  free(list);
  return code;
}

static int check_group(const part *parts, size_t first, size_t end, bool distinct, fault *f) {
  int64_t images = 0;
  if (distinct && are_complete(parts, first, end)) return check_distinct(parts, first, end, f);
  int code = check_shards(parts, first, end, f);
  for (size_t i = first; i < end; i++) images += stats_file_images(&parts[i].file);
  if (!code && parts[first].file.shard.count > 1 && images != parts[first].file.sets->count)
    code =
        fault_set(f, EXIT_DATA,
                  "%s and the other shards of its set hold %" PRId64 " images, expected %" PRId64,
                  parts[first].path, images, parts[first].file.sets->count);
  return code;
}

/* The index of the identity among the sets, or where it belongs. */
static size_t find_set(const stats_file *out, uint64_t identity, bool *there) {
  size_t at = out->set_count;
  while (at && out->sets[at - 1].identity >= identity) at--;
  *there = at < out->set_count && out->sets[at].identity == identity;
  return at;
}

/* Two complete parts must have no set in common; with `distinct`, each further one with the same
 * names gets the next free number. */
static int join_sets(const part *parts, size_t count, bool distinct, stats_file *out, fault *f) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += parts[i].file.set_count;
  out->sets = alloc_zeroed(total, sizeof *out->sets);
  for (size_t i = 0; i < count; i++) {
    for (size_t s = 0; s < parts[i].file.set_count; s++) {
      stats_set set = parts[i].file.sets[s];
      bool there;
      size_t at = find_set(out, set.identity, &there);
      if (there && parts[i].file.shard.index > 0) continue; /* came with shard 0 */
      while (there && distinct) at = find_set(out, ++set.identity, &there);
      if (there)
        return fault_set(f, EXIT_DATA,
                         "%s: its set of %" PRId64
                         " masks, or one with the same names, is also in another input",
                         parts[i].path, set.count);
      memmove(out->sets + at + 1, out->sets + at, (out->set_count - at) * sizeof *out->sets);
      out->sets[at] = set;
      out->set_count++;
    }
  }
  return EXIT_FINE;
}

/* Shards of a set are adjacent after sorting; files of several sets are complete. */
static int check_all(part *parts, size_t count, bool distinct, stats_file *out, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 1; i < count && !code; i++) code = check_alike(&parts[0], &parts[i], f);
  if (code) return code;
  qsort(parts, count, sizeof *parts, by_set_and_shard);
  for (size_t first = 0, end; first < count && !code; first = end) {
    uint64_t identity = parts[first].file.sets->identity;
    for (end = first; end < count && parts[end].file.sets->identity == identity;) end++;
    code = check_group(parts, first, end, distinct, f);
  }
  return code ? code : join_sets(parts, count, distinct, out, f);
}

static int add_up(const part *parts, size_t count, stats_file *out, fault *f) {
  fm_error err;
  for (size_t i = 0; i < count; i++)
    if (out->calibration ? fm_calibration_merge(out->calibration, parts[i].file.calibration, &err)
                         : fm_class_stats_merge(out->stats, parts[i].file.stats, &err))
      return fault_library(f, &err, parts[i].path);
  return EXIT_FINE;
}

/* Names, options and empty statistics, from the first input. */
static int begin_output(fm_context *context, const part *first, stats_file *out, fault *f) {
  int code = stats_file_read_either(context, NULL, first->path, out, f);
  if (code) return code;
  free(out->sets);
  out->sets = NULL;
  out->set_count = 0;
  out->shard = (folder_shard){0, 1};
  fm_class_stats_clear(out->stats);
  fm_calibration_clear(out->calibration);
  return EXIT_FINE;
}

static int check_output(const merge_job *job, fault *f) {
  inputs list = {0};
  for (size_t i = 0; i < job->input_count; i++) inputs_add(&list, job->inputs[i]);
  int code = inputs_check_file(&list, job->output, f);
  inputs_free(&list);
  return code;
}

int merge_statistics(const merge_job *job, fault *f) {
  workspace ws;
  stats_file out = {0};
  size_t opened = 0;
  int code = workspace_open(NULL, &ws, f);
  if (code) return code;
  part *parts = alloc_zeroed(job->input_count, sizeof *parts);
  code = check_output(job, f);
  for (; opened < job->input_count && !code; opened += !code) {
    parts[opened].path = job->inputs[opened];
    code = stats_file_read_either(ws.context, NULL, job->inputs[opened], &parts[opened].file, f);
  }
  if (!code) code = begin_output(ws.context, &parts[0], &out, f);
  if (!code) code = check_all(parts, job->input_count, job->distinct, &out, f);
  if (!code) code = add_up(parts, job->input_count, &out, f);
  if (!code) code = stats_file_write(ws.context, &out, job->output, f);
  if (!code && out.calibration) summary_calibration(&job->common, &out, job->output);
  if (!code && !out.calibration) summary_stats(&job->common, &out, job->output);
  for (size_t i = 0; i < opened; i++) stats_file_free(&parts[i].file);
  free(parts);
  stats_file_free(&out);
  workspace_close(&ws);
  return code;
}

int merge_begins(const char *path, const char *begin, bool *is, fault *f) {
  char found[64] = "";
  *is = false;
  FILE *file = fopen(path, "rb");
  if (!file) return fault_system(f, errno, "open", path);
  (void)!fread(found, 1, sizeof found - 1, file);
  int code = ferror(file) ? fault_system(f, errno, "read", path) : EXIT_FINE;
  fclose(file);
  *is = !code && !strncmp(found, begin, strlen(begin));
  return code;
}

/* What the first input is, all have to be: the rest is read as such. */
int merge_job_run(const merge_job *job, fault *f) {
  path_kind kind;
  bool tables = false, runs = false, reports = false;
  int code = path_look(job->inputs[0], &kind, f);
  const bool folders = !code && kind == PATH_FOLDER;
  if (!code && folders) code = merge_is_run(job->inputs[0], &runs, f);
  if (!code && !folders) code = merge_is_hardness(job->inputs[0], &tables, f);
  if (!code && !folders && !tables) code = merge_is_check(job->inputs[0], &reports, f);
  if (code) return code;
  if (job->distinct && (folders || tables || reports))
    return fault_set(f, EXIT_USAGE, "--distinct is for statistics and calibrations, but %s is %s",
                     job->inputs[0],
                     folders  ? "a folder"
                     : tables ? "a table of hardness"
                              : "a report of check");
  if ((job->link || job->overwrite) && !folders)
    return fault_set(f, EXIT_USAGE, "--%s is for folders of filter and run, but %s is none",
                     job->link ? "link" : "overwrite", job->inputs[0]);
  if (runs) return merge_run(job, f);
  if (folders) return merge_filter(job, NULL, f);
  if (!tables && !reports) return merge_statistics(job, f);
  code = check_output(job, f);
  if (code) return code;
  return tables ? merge_hardness(job, f) : merge_check(job, f);
}
