/* freemask/job_stats.c - class-wise mean loss over a folder. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "bench.h"
#include "jobs.h"
#include "outdir.h"
#include "pool.h"
#include "stats_file.h"
#include "summary.h"

/* The job at work; workers read it. */
typedef struct state {
  bench bench;
  folder masks;
  loss_source *source;
  size_t *members; /* indices of the shard's masks */
  size_t member_count;
  stats_file file;
} state;

static int make_stats(const state *s, fm_class_stats **out, fault *f) {
  fm_class_stats_options options = {.size = sizeof options, .histogram = s->file.histogram};
  fm_error err;
  if (fm_class_stats_create(s->bench.labels, &options, out, &err))
    return fault_library(f, &err, NULL);
  return EXIT_FINE;
}

static int begin(void *shared, void **own, fault *f) {
  fm_class_stats *stats = NULL;
  int code = make_stats(shared, &stats, f);
  *own = stats;
  return code;
}

static int add_one(void *shared, void *own, size_t at, fault *f) {
  const state *s = shared;
  size_t index = s->members[at];
  fm_raster *raster = NULL;
  loss_map loss = {0};
  fm_error err;
  char *path;
  int code = bench_read_mask(&s->bench, &s->masks, index, &raster, &path, f);
  if (!code) {
    fm_plane mask = fm_raster_plane(raster);
    code = loss_source_get(s->source, index, &mask, &loss, f);
    if (!code && fm_class_stats_add(own, &mask, &loss.plane, &err))
      code = loss_source_blame(s->source, index, path, &err, f);
  }
  loss_map_free(&loss);
  fm_raster_destroy(raster);
  free(path);
  return code;
}

static int end(void *shared, void *own, bool good, fault *f) {
  state *s = shared;
  fm_error err;
  int code = EXIT_FINE;
  if (good && fm_class_stats_merge(s->file.stats, own, &err)) code = fault_library(f, &err, NULL);
  fm_class_stats_destroy(own);
  return code;
}

/* A provider is fitted on all masks, whatever the shard, so that all shards have one model;
 * files of losses need to be there for the shard only. */
static int open_source(state *s, const stats_job *job, fault *f) {
  if (!job->loss.provider && job->shard.count > 1) folder_keep_shard(&s->masks, job->shard);
  s->members = alloc_zeroed(s->masks.count, sizeof *s->members);
  for (size_t i = 0; i < s->masks.count; i++)
    if (job->shard.count <= 1 ||
        folder_shard_of(s->masks.files[i].stem, job->shard.count) == job->shard.index)
      s->members[s->member_count++] = i;
  int code =
      loss_source_open(s->bench.context, s->bench.labels, &job->loss, &s->masks, &s->source, f);
  if (!code && loss_source_needs_model(s->source)) {
    code = loss_source_fit(s->source, (int)job->common.threads, job->common.quiet, f);
    if (!code) s->file.provider = loss_source_model(s->source);
  }
  return code;
}

static int prepare(state *s, const stats_job *job, fault *f) {
  s->file.histogram = (int32_t)job->histogram;
  s->file.shard = job->shard.count ? job->shard : (arg_shard){0, 1};
  s->file.sets = alloc_zeroed(1, sizeof *s->file.sets);
  s->file.set_count = 1;
  int code = bench_open(job->common.labels, &s->bench, f);
  if (code) return code;
  stats_file_describe(&s->file, s->bench.labels);
  code = make_stats(s, &s->file.stats, f);
  if (!code)
    code = bench_masks(&s->bench, job->masks, (arg_shard){0, 1}, &s->masks, &s->file.sets->identity,
                       &s->file.sets->count, f);
  return code ? code : open_source(s, job, f);
}

int stats_job_run(const stats_job *job, fault *f) {
  state s = {0};
  if (job->histogram & (job->histogram - 1))
    return fault_set(f, EXIT_USAGE, "--histogram is '%" PRId64 "', expected 1, 2, 4, 8, 16 or 32",
                     job->histogram);
  int code = loss_options_check(&job->loss, f);
  if (!code) code = outdir_check_file(job->output, f);
  if (!code) code = prepare(&s, job, f);
  if (!code) {
    pool_job work = {.what = "stats", .count = s.member_count, .quiet = job->common.quiet};
    work.threads = (int)job->common.threads;
    work.shared = &s;
    work.begin = begin;
    work.work = add_one;
    work.end = end;
    code = pool_run(&work, f);
  }
  if (!code) code = stats_file_write(s.bench.context, &s.file, job->output, f);
  if (!code) summary_stats(&job->common, &s.file, job->output);
  loss_source_close(s.source);
  free(s.members);
  folder_free(&s.masks);
  stats_file_free(&s.file);
  bench_close(&s.bench);
  return code;
}
