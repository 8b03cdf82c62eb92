/* job/job_calibrate.c - a calibration over a folder of held-out real images. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "job/inputs.h"
#include "job/jobs.h"
#include "job/mask_batch.h"
#include "job/stats_file.h"
#include "job/summary.h"
#include "job/workspace.h"

enum { FINEST = 32 }; /* bins per factor of two: thresholds are ends of bins */

/* The job at work; workers read it. */
typedef struct state {
  workspace ws;
  folder masks;
  strata_folder strata;
  loss_source *source;
  size_t *members; /* indices of all masks of the shard */
  stats_file file;
} state;

/* ---- Workers ---------------------------------------------------------------------------- */

static int begin(void *shared, void **own, fault *f) {
  const state *s = shared;
  fm_calibration *calibration = NULL;
  fm_error err;
  if (fm_calibration_create(stats_file_stats(&s->file), &calibration, &err))
    return fault_library(f, &err, NULL);
  *own = calibration;
  return EXIT_FINE;
}

static int add_some(void *shared, void *own, size_t first, size_t count, fault *f) {
  const state *s = shared;
  mask_batch batch;
  fm_error err;
  int code =
      mask_batch_open(&s->ws, &s->strata, s->source, &s->members[first], count, NULL, &batch, f);
  if (code) return code;
  for (size_t i = 0; i < count && !code; i++)
    if (fm_calibration_add(own, &batch.requests[i].mask, &batch.losses[i].plane,
                           mask_batch_extra(&batch, i, NULL), &err))
      code = mask_batch_blame(&batch, &s->strata, s->source, i, &err, f);
  mask_batch_close(&batch);
  return code;
}

static int end(void *shared, void *own, bool good, fault *f) {
  state *s = shared;
  fm_error err;
  int code = EXIT_FINE;
  if (good && fm_calibration_merge(s->file.calibration, own, &err))
    code = fault_library(f, &err, NULL);
  fm_calibration_destroy(own);
  return code;
}

static int add_all(state *s, const calibrate_job *job, fault *f) {
  pool_job work = {.what = "calibrate", .count = s->masks.count, .quiet = job->common.quiet};
  work.threads = (int)job->common.threads;
  work.shared = s;
  work.begin = begin;
  work.group = loss_source_batch(s->source);
  work.work_group = add_some;
  work.end = end;
  return pool_run(&work, f);
}

/* ---- Inputs ----------------------------------------------------------------------------- */

/* Of losses the statistics may have no histogram: others take their place. */
static int make_empty(state *s, const calibrate_job *job, const stats_file *stats, fault *f) {
  fm_class_stats_options options = {.size = sizeof options, .histogram = FINEST};
  fm_class_stats *losses = NULL;
  fm_error err;
  if (stats_file_policy(stats) != FM_FILTER_PAPER || stats_file_strata(stats) > 1) {
    if (fm_calibration_create(stats->stats, &s->file.calibration, &err))
      return fault_library(f, &err, job->stats);
    return EXIT_FINE;
  }
  int code = EXIT_FINE;
  if (fm_class_stats_create(s->ws.labels, &options, &losses, &err) ||
      fm_calibration_create(losses, &s->file.calibration, &err))
    code = fault_library(f, &err, job->stats);
  fm_class_stats_destroy(losses);
  return code;
}

static int open_source(state *s, const calibrate_job *job, const stats_file *stats, fault *f) {
  loss_options loss = job->set.loss;
  loss.quiet = job->common.quiet;
  s->members = alloc_zeroed(s->masks.count, sizeof *s->members);
  for (size_t i = 0; i < s->masks.count; i++) s->members[i] = i;
  int code = strata_open(s->ws.context, NULL, &s->masks, false, &s->strata, f);
  s->strata.boundary = s->file.boundary = stats->boundary;
  if (!code)
    code = loss_source_open(s->ws.context, s->ws.labels, &loss, &s->masks, false, &s->source, f);
  if (!code) code = loss_source_use_model(s->source, stats->provider, job->stats, f);
  s->file.provider = json_incref(stats->provider);
  return code;
}

static int prepare(state *s, const calibrate_job *job, fault *f) {
  stats_file stats = {0};
  s->file.shard = job->shard.count ? job->shard : (folder_shard){0, 1};
  s->file.sets = alloc_zeroed(1, sizeof *s->file.sets);
  s->file.set_count = 1;
  int code = workspace_open(job->common.labels, &s->ws, f);
  if (code) return code;
  s->file.labels = s->ws.labels;
  s->file.class_count = fm_labels_class_count(s->ws.labels);
  code = stats_file_read(s->ws.context, s->ws.labels, job->stats, &stats, f);
  if (!code) code = stats_file_whole(&stats, job->stats, f);
  if (!code) code = make_empty(s, job, &stats, f);
  if (!code)
    code = workspace_masks(&s->ws, job->set.masks, job->shard, &s->masks, &s->file.sets->identity,
                           &s->file.sets->count, f);
  if (!code) code = open_source(s, job, &stats, f);
  stats_file_free(&stats);
  return code;
}

static int check_flags(const calibrate_job *job, fault *f) {
  int code = loss_options_check(&job->set.loss, f);
  if (code) return code;
  inputs list = {0};
  inputs_add_labels(&list, job->common.labels);
  inputs_add_set(&list, &job->set);
  inputs_add(&list, job->stats);
  code = inputs_check_file(&list, job->output, f);
  inputs_free(&list);
  return code;
}

int calibrate_job_run(const calibrate_job *job, fault *f) {
  state s = {0};
  int code = check_flags(job, f);
  if (!code) code = prepare(&s, job, f);
  if (!code) code = add_all(&s, job, f);
  if (!code) code = stats_file_write(s.ws.context, &s.file, job->output, f);
  if (!code) summary_calibration(&job->common, &s.file, job->output);
  loss_source_close(s.source);
  strata_close(&s.strata);
  free(s.members);
  folder_free(&s.masks);
  stats_file_free(&s.file);
  workspace_close(&s.ws);
  return code;
}
