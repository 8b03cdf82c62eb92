/* job/job_hardness.c - the hardness of each real mask. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/pool.h"
#include "job/inputs.h"
#include "job/jobs.h"
#include "job/made_of.h"
#include "job/plan_file.h"
#include "job/stats_file.h"
#include "job/summary.h"
#include "job/workspace.h"
#include "losses/loss_source.h"

/* How ragged the classes of a mask are, of those that are in it. */
typedef struct ragged {
  int32_t *classes;
  int64_t *complexity;
  size_t count;
} ragged;

typedef struct state {
  workspace ws;
  folder masks;
  fm_hardness *hardness;
  loss_source *source; /* NULL: by class means */
  hardness_row *rows;
  bool shape;
  ragged *shapes; /* with `shape`: of each mask */
  shard_mark mark;
} state;

/* By the image's own losses. */
static int measure_loss(const state *s, size_t index, const fm_plane *mask, const char *path,
                        fault *f) {
  hardness_row *row = &s->rows[index];
  const loss_request request = {index, *mask, NULL};
  loss_map loss = {0};
  fm_error err;
  int code = loss_source_get(s->source, &request, 1, &loss, f);
  if (!code && fm_hardness_measure_loss(s->hardness, mask, &loss.plane, &row->hardness,
                                        &row->valid_pixels, &err))
    code = loss_source_blame(s->source, index, path, &err, f);
  loss_map_free(&loss);
  return code;
}

/* ---- By shape ----------------------------------------------------------------------------- */

static int64_t count_valid(const fm_labels *labels, const fm_plane *mask, int64_t *pixels) {
  int64_t valid = 0;
  const int32_t classes = fm_labels_class_count(labels);
  if (fm_labels_count(labels, mask, pixels, NULL, NULL)) return 0;
  for (int32_t k = 0; k < classes; k++) valid += pixels[k];
  return valid;
}

static int measure_shape(const state *s, size_t index, const fm_plane *mask, const char *path,
                         fault *f) {
  const int32_t classes = fm_labels_class_count(s->ws.labels);
  int64_t *all = alloc_zeroed(2 * (size_t)classes, sizeof *all);
  ragged *out = &s->shapes[index];
  fm_error err;
  int code = EXIT_FINE;
  if (fm_shape_measure(s->ws.labels, mask, all, classes, &err)) code = fault_library(f, &err, path);
  for (int32_t k = 0; k < classes && !code; k++) out->count += all[k] > 0;
  out->classes = alloc_zeroed(out->count, sizeof *out->classes);
  out->complexity = alloc_zeroed(out->count, sizeof *out->complexity);
  size_t n = 0;
  for (int32_t k = 0; k < classes && !code; k++) {
    if (!all[k]) continue;
    out->classes[n] = k;
    out->complexity[n++] = all[k];
  }
  if (!code) s->rows[index].valid_pixels = count_valid(s->ws.labels, mask, all + classes);
  free(all);
  return code;
}

/* Totals first, in whole numbers. */
static void balance_shapes(const state *s) {
  const size_t classes = (size_t)fm_labels_class_count(s->ws.labels);
  int64_t *totals = alloc_zeroed(2 * classes, sizeof *totals), *row = totals + classes;
  for (size_t i = 0; i < s->masks.count; i++)
    for (size_t n = 0; n < s->shapes[i].count; n++)
      totals[s->shapes[i].classes[n]] += s->shapes[i].complexity[n];
  for (size_t i = 0; i < s->masks.count; i++) {
    const ragged *shape = &s->shapes[i];
    for (size_t n = 0; n < shape->count; n++) row[shape->classes[n]] = shape->complexity[n];
    s->rows[i].hardness = fm_shape_hardness(row, totals, (int32_t)classes);
    for (size_t n = 0; n < shape->count; n++) row[shape->classes[n]] = 0;
  }
  free(totals);
}

static void free_shapes(const state *s) {
  for (size_t i = 0; s->shapes && i < s->masks.count; i++) {
    free(s->shapes[i].classes);
    free(s->shapes[i].complexity);
  }
  free(s->shapes);
}

/* ---- Each mask ---------------------------------------------------------------------------- */

static int measure(void *shared, void *own, size_t index, fault *f) {
  state *s = shared;
  hardness_row *row = &s->rows[index];
  fm_raster *raster = NULL;
  fm_error err;
  char *path;
  (void)own;
  int code = workspace_read_mask(&s->ws, &s->masks, index, NULL, &raster, &path, f);
  if (!code) {
    fm_plane mask = fm_raster_plane(raster);
    if (s->shape)
      code = measure_shape(s, index, &mask, path, f);
    else if (s->source)
      code = measure_loss(s, index, &mask, path, f);
    else if (fm_hardness_measure(s->hardness, &mask, &row->hardness, &row->valid_pixels, &err))
      code = fault_library(f, &err, path);
  }
  fm_raster_destroy(raster);
  free(path);
  return code;
}

static bool by_losses(const hardness_job *job) {
  return loss_options_which(&job->set.loss) < LOSS_FOLDERS;
}

/* What shards have in common that are merged. */
static void mark_shard(state *s, const hardness_job *job, const fm_class_stats *stats) {
  json_t *made_of = s->mark.made_of = made_of_new();
  const size_t size = fm_class_stats_blob_size(stats);
  void *blob = alloc_zeroed(size, 1);
  (void)fm_class_stats_save(stats, blob, size, NULL);
  made_of_add(made_of, "labels", "%016" PRIx64, fm_labels_fingerprint(s->ws.labels));
  made_of_add_hash(made_of, "statistics", blob, size);
  free(blob);
  made_of_add(made_of, "--resize", "%dx%d", (int)job->resize.width, (int)job->resize.height);
  made_of_add(made_of, "--measure", "%d", job->measure);
  made_of_add(made_of, "--share", "%.17g", job->share);
  made_of_add(made_of, "--losses", "%s", by_losses(job) ? "given" : "none");
  made_of_add_json(made_of, "flags of names", folder_names_save());
}

static int prepare(state *s, const hardness_job *job, fault *f) {
  stats_file stats = {0};
  fm_error err;
  fm_hardness_options options = {.size = sizeof options};
  options.resize_width = job->resize.width;
  options.resize_height = job->resize.height;
  options.measure = job->measure;
  options.share = job->share;
  int code = workspace_open(job->common.labels, &s->ws, f);
  s->shape = job->shape;
  if (!code && !s->shape)
    code = stats_file_read(s->ws.context, s->ws.labels, job->stats, &stats, f);
  if (!code && !s->shape) code = stats_file_whole(&stats, job->stats, f);
  if (!code && !s->shape && fm_hardness_create(stats.stats, &options, &s->hardness, &err))
    code = fault_library(f, &err, job->stats);
  s->mark.shard = job->shard.count ? job->shard : (folder_shard){0, 1};
  if (!code && s->mark.shard.count > 1) mark_shard(s, job, stats.stats);
  stats_file_free(&stats);
  if (!code)
    code = workspace_masks(&s->ws, job->set.masks, s->mark.shard, &s->masks, &s->mark.identity,
                           &s->mark.count, f);
  if (!code && by_losses(job))
    code = loss_source_open(s->ws.context, s->ws.labels, &job->set.loss, &s->masks, false,
                            &s->source, f);
  return code;
}

static int check_flags(const hardness_job *job, fault *f) {
  if (!job->shape && !job->stats)
    return fault_set(f, EXIT_USAGE,
                     "--stats is missing, expected statistics of the real set, or --shape to "
                     "measure without");
  if (job->shape && (job->stats || by_losses(job) || job->measure || job->resize.width))
    return fault_set(f, EXIT_USAGE,
                     "--shape and --%s exclude each other: shapes are measured without losses, on "
                     "masks as they are",
                     job->stats       ? "stats"
                     : by_losses(job) ? "losses"
                     : job->measure   ? "measure"
                                      : "resize");
  if (job->shape && job->shard.count > 1)
    return fault_set(
        f, EXIT_USAGE,
        "--shape and --shard exclude each other: a shape is compared with those of the "
        "whole set");
  if (job->share > 0 && job->measure == FM_MEASURE_MEAN)
    return fault_set(f, EXIT_USAGE, "--share is for --measure worst-class and top-share");
  if (by_losses(job) && job->resize.width)
    return fault_set(f, EXIT_USAGE,
                     "--resize and --losses exclude each other: losses are taken as "
                     "they are");
  inputs list = {0};
  inputs_add_labels(&list, job->common.labels);
  inputs_add(&list, job->stats);
  inputs_add_set(&list, &job->set);
  int code = inputs_check_file(&list, job->output, f);
  inputs_free(&list);
  return code;
}

static json_t *row_as_json(const hardness_row *row) {
  return json_pack("{s:o, s:f}", "mask", json_text(row->mask), "hardness", row->hardness);
}

static void summarize(const hardness_job *job, const hardness_row *rows, size_t count) {
  const hardness_row *easy = rows, *hard = rows;
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += rows[i].hardness;
    if (rows[i].hardness < easy->hardness) easy = &rows[i];
    if (rows[i].hardness > hard->hardness) hard = &rows[i];
  }
  text t = {0};
  if (!count) { /* of a small shard */
    if (summary_as_json(&job->common))
      summary_print_json(json_pack("{s:o, s:i}", "output", json_text(job->output), "masks", 0));
    else if (summary_as_text(&job->common))
      text_add(&t, "the shard has no masks; written to %s\n", job->output);
  } else if (summary_as_json(&job->common)) {
    summary_print_json(json_pack("{s:o, s:I, s:f, s:o, s:o}", "output", json_text(job->output),
                                 "masks", (json_int_t)count, "mean", sum / (double)count, "easiest",
                                 row_as_json(easy), "hardest", row_as_json(hard)));
  } else if (summary_as_text(&job->common)) {
    text_add(&t,
             "%zu masks, mean hardness %.5f; easiest %s (%.5f), hardest %s (%.5f); written to %s\n",
             count, sum / (double)count, easy->mask, easy->hardness, hard->mask, hard->hardness,
             job->output);
  }
  summary_print(&t);
}

int hardness_job_run(const hardness_job *job, fault *f) {
  state s = {0};
  int code = check_flags(job, f);
  if (!code) code = prepare(&s, job, f);
  if (!code) {
    s.rows = alloc_zeroed(s.masks.count, sizeof *s.rows);
    if (s.shape) s.shapes = alloc_zeroed(s.masks.count, sizeof *s.shapes);
    for (size_t i = 0; i < s.masks.count; i++) s.rows[i].mask = s.masks.files[i].stem;
    pool_job work = {.what = "hardness", .count = s.masks.count, .quiet = job->common.quiet};
    work.threads = (int)job->common.threads;
    work.shared = &s;
    work.work = measure;
    code = pool_run(&work, f);
  }
  if (!code && s.shape) balance_shapes(&s);
  if (!code)
    code = hardness_rows_write(s.ws.context, &s.mark, s.rows, s.masks.count, job->output, f);
  if (!code) summarize(job, s.rows, s.masks.count);
  free_shapes(&s);
  shard_mark_free(&s.mark);
  free(s.rows);
  loss_source_close(s.source);
  fm_hardness_destroy(s.hardness);
  folder_free(&s.masks);
  workspace_close(&s.ws);
  return code;
}
