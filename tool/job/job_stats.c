/* job/job_stats.c - class-wise mean loss over a folder. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/disk.h"
#include "base/pool.h"
#include "job/filter_file.h"
#include "job/inputs.h"
#include "job/jobs.h"
#include "job/journal.h"
#include "job/known_set.h"
#include "job/mask_batch.h"
#include "job/reference_codes.h"
#include "job/stats_file.h"
#include "job/summary.h"
#include "job/workspace.h"

enum { FINEST = 32 }; /* bins per factor of two, which ranks and quantiles want */

/* The job at work; workers read it. */
typedef struct state {
  workspace ws;
  folder masks;
  strata_folder strata;
  loss_source *source;
  size_t *members; /* indices of the shard's masks */
  size_t member_count;
  fm_class_stats
      *ranks; /* in the second pass: of the losses, or what holds them; NULL in the first */
  stats_file file;
  outdir codes;      /* that gets the references, in the second pass; path NULL: none */
  input_parts *seen; /* of each member; NULL: not asked for */
} state;

static int make_stats(const state *s, fm_class_stats **out, fault *f) {
  fm_class_stats_options options = {
      .size = sizeof options, .strata = s->file.strata, .histogram = s->file.histogram};
  if (s->ranks) {
    options.score = FM_SCORE_RANK;
    options.ranks = fm_class_stats_ranks(s->ranks);
    if (!options.ranks) options.ranks = s->ranks;
  }
  fm_error err;
  if (fm_class_stats_create(s->ws.labels, &options, out, &err)) return fault_library(f, &err, NULL);
  return EXIT_FINE;
}

static int begin(void *shared, void **own, fault *f) {
  fm_class_stats *stats = NULL;
  int code = make_stats(shared, &stats, f);
  *own = stats;
  return code;
}

static fm_status add(fm_class_stats *stats, const mask_batch *batch, size_t at, fm_error *err) {
  const fm_plane *mask = &batch->requests[at].mask, *loss = &batch->losses[at].plane;
  fm_extra_planes extra = {.size = sizeof extra};
  if (batch->strata[at].data) extra.strata = &batch->strata[at];
  return fm_class_stats_add(stats, mask, loss, &extra, err);
}

/* What a real image loses, for its synthetic ones. */
static int keep_reference(state *s, const fm_class_stats *stats, const mask_batch *batch, size_t at,
                          fault *f) {
  fm_error err;
  if (!s->codes.path) return EXIT_FINE;
  return reference_codes_write(s->ws.context, &s->codes, stats,
                               s->masks.files[batch->indices[at]].stem, &batch->requests[at].mask,
                               &batch->losses[at].plane, &err, f);
}

static int add_some(void *shared, void *own, size_t first, size_t count, fault *f) {
  state *s = shared;
  mask_batch batch;
  fm_error err;
  input_parts *seen = s->seen ? &s->seen[first] : NULL;
  int code =
      mask_batch_open(&s->ws, &s->strata, s->source, &s->members[first], count, seen, &batch, f);
  if (code) return code;
  for (size_t i = 0; i < count && !code; i++)
    if (add(own, &batch, i, &err))
      code = mask_batch_blame(&batch, &s->strata, s->source, i, &err, f);
    else
      code = keep_reference(s, own, &batch, i, f);
  mask_batch_close(&batch);
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

/* A model is fitted on all masks, for any shard, so that all shards have the same one; partners of
 * other kinds need to exist for the shard only. */
static int open_source(state *s, const stats_job *job, fault *f) {
  loss_options loss = job->set.loss;
  loss.quiet = job->common.quiet;
  if (!loss_options_need_all(&loss) && job->shard.count > 1)
    folder_keep_shard(&s->masks, job->shard);
  s->members = alloc_zeroed(s->masks.count, sizeof *s->members);
  for (size_t i = 0; i < s->masks.count; i++)
    if (folder_in_shard(s->masks.files[i].stem, job->shard)) s->members[s->member_count++] = i;
  int code = strata_open(s->ws.context, job->set.strata, &s->masks, false, &s->strata, f);
  s->strata.boundary = s->file.boundary;
  if (!code)
    code = loss_source_open(s->ws.context, s->ws.labels, &loss, &s->masks, false, &s->source, f);
  if (!code && loss_source_needs_model(s->source))
    code = loss_source_fit(s->source, (int)job->common.threads, job->common.quiet, f);
  if (!code) s->file.provider = loss_source_model(s->source);
  return code;
}

static int prepare(state *s, const stats_job *job, fault *f) {
  s->file.histogram = (int32_t)job->histogram;
  if (!job->histogram && job->policy != FM_FILTER_PAPER) s->file.histogram = FINEST;
  s->file.strata = job->strata_count ? (int32_t)job->strata_count : 1;
  s->file.boundary = job->policy == FM_FILTER_STRATA;
  if (s->file.boundary) s->file.strata = BOUNDARY_STRATA;
  s->file.shard = job->shard.count ? job->shard : (folder_shard){0, 1};
  s->file.sets = alloc_zeroed(1, sizeof *s->file.sets);
  s->file.set_count = 1;
  int code = workspace_open(job->common.labels, &s->ws, f);
  if (code) return code;
  s->file.labels = s->ws.labels;
  s->file.class_count = fm_labels_class_count(s->ws.labels);
  code = make_stats(s, &s->file.stats, f);
  if (!code)
    code = workspace_masks(&s->ws, job->set.masks, (folder_shard){0, 1}, &s->masks,
                           &s->file.sets->identity, &s->file.sets->count, f);
  return code ? code : open_source(s, job, f);
}

/* ---- Passes ----------------------------------------------------------------------------- */

static int add_all(state *s, const stats_job *job, fault *f) {
  pool_job work = {.what = s->ranks ? "stats of the score" : "stats", .count = s->member_count};
  work.quiet = job->common.quiet;
  work.threads = (int)job->common.threads;
  work.shared = s;
  work.begin = begin;
  work.group = loss_source_batch(s->source);
  work.work_group = add_some;
  work.end = end;
  return pool_run(&work, f);
}

/* The ranks that the user gave: of the whole set's losses, and made as those of this policy are. */
static int read_ranks(state *s, const stats_job *job, fault *f) {
  stats_file ranks;
  int code = stats_file_read(s->ws.context, s->ws.labels, job->ranks, &ranks, f);
  if (code) return code;
  code = stats_file_whole(&ranks, job->ranks, f);
  if (!code && !job->ranks_of_score && fm_class_stats_ranks(ranks.stats))
    code =
        fault_set(f, EXIT_DATA, "%s: holds statistics of a score, expected of losses", job->ranks);
  if (!code && (!ranks.histogram || stats_file_strata(&ranks) != s->file.strata ||
                ranks.boundary != s->file.boundary))
    code = fault_set(f, EXIT_DATA,
                     "%s: was not made for this policy, expected the merged shards of freemask "
                     "stats --policy %s",
                     job->ranks, filter_policies[job->policy]);
  if (!code) {
    s->ranks = ranks.stats;
    ranks.stats = NULL;
  }
  stats_file_free(&ranks);
  return code;
}

/* Whether the score's statistics can be made, which takes those of all losses. */
static bool has_second_pass(const stats_job *job) {
  if (job->policy != FM_FILTER_STRATA && job->policy != FM_FILTER_PAIRED) return false;
  return job->ranks || job->shard.count <= 1;
}

/* The statistics become those of the score, which is made of them. */
static int add_scores(state *s, const stats_job *job, fault *f) {
  if (!job->ranks) {
    s->ranks = s->file.stats;
    s->file.stats = NULL;
  }
  s->file.strata = 1;
  fm_class_stats_destroy(s->file.stats);
  s->file.stats = NULL;
  int code = make_stats(s, &s->file.stats, f);
  if (!code && job->references)
    code = reference_codes_open(s->ws.context, job->references, s->file.stats, job->shard,
                                &s->codes, f);
  if (!code) code = add_all(s, job, f);
  return code || !job->references ? code : disk_flush(s->codes.path, f);
}

static int add_both(state *s, const stats_job *job, fault *f) {
  int code = job->ranks ? read_ranks(s, job, f) : add_all(s, job, f);
  if (!code && has_second_pass(job)) return add_scores(s, job, f);
  const bool alone = !job->record; /* run says itself what comes next */
  if (!code && job->policy > FM_FILTER_QUANTILE && alone && summary_as_text(&job->common))
    printf(
        "These are a shard's losses: merge all shards, then give the result to freemask stats "
        "--policy %s --ranks for each shard.\n",
        filter_policies[job->policy]);
  return code;
}

static int check_policy(const stats_job *job, fault *f) {
  if (job->ranks && job->policy <= FM_FILTER_QUANTILE)
    return fault_set(f, EXIT_USAGE, "--ranks goes with --policy strata or paired");
  if (job->references && (job->policy != FM_FILTER_PAIRED || !has_second_pass(job)))
    return fault_set(
        f, EXIT_USAGE, "--references goes with --policy paired%s",
        job->policy == FM_FILTER_PAIRED ? ", of a shard in the second pass, with --ranks" : "");
  if (job->policy == FM_FILTER_STRATA && job->set.strata)
    return fault_set(f, EXIT_USAGE,
                     "--strata is given, but --policy strata makes strata of its own, by the "
                     "distance to the boundary");
  return EXIT_FINE;
}

static int check_flags(const stats_job *job, fault *f) {
  static const char *const written[] = {"references.json", NULL};
  if (job->histogram & (job->histogram - 1))
    return fault_set(f, EXIT_USAGE, "--histogram is '%" PRId64 "', expected 1, 2, 4, 8, 16 or 32",
                     job->histogram);
  int code = loss_options_check(&job->set.loss, f);
  if (!code) code = check_policy(job, f);
  if (!code && !job->set.strata != !job->strata_count)
    code = fault_set(f, EXIT_USAGE, "--strata and --strata-count go together");
  if (code) return code;
  inputs list = {0};
  inputs_add_labels(&list, job->common.labels);
  inputs_add_set(&list, &job->set);
  inputs_add(&list, job->ranks);
  code = inputs_check_file(&list, job->output, f);
  if (!code && job->references) {
    code = inputs_spare_folder(&list, job->references, written, f);
    if (code == EXIT_USAGE) /* which says -o */
      fault_set(f, code,
                "--references %s is an input folder, or lies in one, expected a separate folder",
                job->references);
  }
  inputs_free(&list);
  return code;
}

/* Before the statistics, which stand for it. */
static int write_record(const state *s, const stats_job *job, fault *f) {
  journal_entry entry = {0};
  text lines = {0};
  if (!job->record) return EXIT_FINE;
  for (size_t i = 0; i < s->member_count; i++) {
    entry.stem = s->masks.files[s->members[i]].stem;
    entry.parts = s->seen[i];
    for (int part = 0; part < PARTS; part++) entry.parts.of[part].identity = 0;
    journal_format(&entry, 0, &lines);
  }
  int code = journal_save(job->record, job->made_of, &lines, s->ws.context, f);
  if (!code) known_set_keep(job->record, s->seen, s->member_count);
  text_free(&lines);
  return code;
}

int stats_job_run(const stats_job *job, fault *f) {
  state s = {0};
  int code = check_flags(job, f);
  if (!code) code = prepare(&s, job, f);
  if (!code && job->record) s.seen = alloc_zeroed(s.member_count, sizeof *s.seen);
  if (!code) code = add_both(&s, job, f);
  if (!code) code = write_record(&s, job, f);
  if (!code) code = stats_file_write(s.ws.context, &s.file, job->output, f);
  if (!code) summary_stats(&job->common, &s.file, job->output);
  outdir_close(&s.codes, code ? OUTDIR_UNDO : OUTDIR_KEEP);
  fm_class_stats_destroy(s.ranks);
  loss_source_close(s.source);
  strata_close(&s.strata);
  free(s.members);
  free(s.seen);
  folder_free(&s.masks);
  stats_file_free(&s.file);
  workspace_close(&s.ws);
  return code;
}
