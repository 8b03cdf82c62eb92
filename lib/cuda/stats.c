/* cuda/stats.c - exact statistics on the device: each image's words in the workspace, then those of the good
 * ones into the state. */
#include <stdlib.h>

#include "core/fail.h"
#include "cuda/loss.h"
#include "cuda/score.h"
#include "dsp/dsp.h"

struct fm_cuda_stats {
  fm__cu_space space; /* extra: the ranks' tables */
  fm__cu_ranks ranks;
  int32_t strata_count, bin_shift;
  int64_t word_count, cell_words;
};

/* ---- Making ------------------------------------------------------------------------------- */

static fm_status open_stats(fm_cuda_stats *known, fm_cuda *cuda, const fm_class_stats *like,
                            fm_error *err) {
  fm_class_stats_options o = {.size = sizeof o};
  fm_status status = fm_class_stats_get_options(like, &o, err);
  if (status) return status;
  known->strata_count = o.strata;
  known->bin_shift = fm__cu_bin_shift(o.histogram);
  const fm_labels *labels = fm_class_stats_labels(like);
  int64_t cells = (int64_t)fm_labels_class_count(labels) * o.strata;
  known->word_count = fm_class_stats_word_count(like);
  known->cell_words = (known->word_count - 1) / cells;
  if (o.ranks) known->ranks.references = FM__CU_OPTIONAL_REFERENCE;
  fm__cu_tables tables = {NULL, 0};
  status = fm__cu_ranks_make(&known->ranks, &tables, labels, o.ranks, err);
  if (!status)
    status = fm__cu_space_open(&known->space, cuda, labels, tables.data, tables.size, err);
  fm__cu_tables_free(&tables);
  return status;
}

fm_status fm_cuda_stats_create(fm_cuda *cuda, const fm_class_stats *like, fm_cuda_stats **out,
                               fm_error *err) {
  if (!cuda || !like || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_stats_create: an argument is NULL");
  fm_cuda_stats *known = calloc(1, sizeof *known);
  if (!known) return fm__fail_memory(err, sizeof *known);
  fm_status status = open_stats(known, cuda, like, err);
  if (status)
    free(known);
  else
    *out = known;
  return status;
}

void fm_cuda_stats_destroy(fm_cuda_stats *stats) {
  if (!stats) return;
  fm__cu_space_close(&stats->space);
  free(stats);
}

/* The words come first. */
static fm__cu_rooms rooms_of(const fm_cuda_stats *stats, const fm__cu_masks *masks) {
  const size_t words = (size_t)masks->images * (size_t)(stats->word_count - 1) * sizeof(int64_t);
  return fm__cu_rooms_of(&stats->ranks, stats->space.class_count, masks, words, false);
}

static size_t workspace_of(const fm_cuda_stats *stats, const fm__cu_masks *masks) {
  return stats && fm__cu_is_batch(masks) ? rooms_of(stats, masks).end : 0;
}

size_t fm_cuda_stats_workspace(const fm_cuda_stats *stats, int32_t images, int64_t height,
                               int64_t width) {
  return workspace_of(stats, &(fm__cu_masks){images, height, width, false});
}

size_t fm_cuda_stats_output_workspace(const fm_cuda_stats *stats, int32_t images, int64_t height,
                                      int64_t width) {
  return workspace_of(stats, &(fm__cu_masks){images, height, width, true});
}

/* ---- Adding ---------------------------------------------------------------------------------- */

typedef struct addition {
  const fm_cuda_stats *stats;
  fm__cu_source source;
  const fm_volume *mask;
  const fm_cuda_extra *extra;
  int64_t *words;
  fm_cuda_status *statuses;
  void *workspace;
  size_t workspace_size;
} addition;

static fm_status read_planes(const addition *a, fm__cu_job *job, fm_error *err) {
  fm__cu_batch mask, source;
  fm__cu_extra extra;
  fm_status status = fm__cu_read_mask(job, &mask, a->mask, err);
  if (!status) status = fm__cu_read_source(job, &source, &mask, &a->source, &a->stats->space, err);
  if (!status) status = fm__cu_read_extra(job, &extra, &mask, a->extra, &a->stats->ranks, err);
  if (!status) status = fm__cu_check_memory(a->words, 8, "words", err);
  if (!status) status = fm__cu_check_memory(a->statuses, 8, "status", err);
  if (status) return status;
  const fm__cu_masks masks = fm__cu_masks_of(job);
  return fm__cu_check_workspace(a->workspace, a->workspace_size, workspace_of(a->stats, &masks),
                                err);
}

/* Adds up the job's losses, or scores. */
static void sum(fm__cu_call *call) {
  fm__cu_job *job = &call->job;
  int64_t cells = (int64_t)job->class_count * job->strata_count;
  job->own_counters = cells <= FM__CU_OWN_CELLS;
  job->plain = fm__cu_is_plain(job);
  size_t own = job->own_counters ? (size_t)cells * FM__CU_SUM_COUNTERS * sizeof(uint32_t) : 0;
  if (job->plain) own += FM__CU_TABLE_BYTES;
  if (!job->loss.data)
    fm__cu_launch(call, FM__CU_sum_output, fm__cu_columns(job), job->images, own);
  else
    fm__cu_launch(call, FM__CU_sum, fm__cu_tiles(job), job->images, own);
  fm__cu_launch(call, FM__CU_sum_end, cells, 1,
                FM__CU_THREADS * (FM__CELL_WORDS + 1) * sizeof(int64_t));
}

static void launch(fm__cu_call *call, const addition *a) {
  fm__cu_job *job = &call->job;
  fm__cu_start(call);
  fm__cu_prepare(call);
  const fm__cu_planes loss = job->loss, strata = job->strata;
  if (job->score_strata) {
    const fm__cu_masks masks = fm__cu_masks_of(job);
    const fm__cu_rooms r = rooms_of(a->stats, &masks);
    if (job->fused) fm__cu_losses(call, (char *)a->workspace + r.losses);
    fm__cu_scores(call, (char *)a->workspace + r.scores);
  }
  sum(call);
  job->loss = loss; /* what statuses speak of */
  job->strata = strata;
  fm__cu_finish(call);
}

static fm_status add(const addition *a, const char *function, void *stream, fm_error *err) {
  if (!a->stats) return fm__fail(err, FM_ERR_ARGUMENT, "%s: stats is NULL", function);
  fm__cu_call call = {.cuda = a->stats->space.cuda, .stream = stream, .err = err};
  fm__cu_job *job = &call.job;
  fm__cu_space_use(&a->stats->space, job);
  fm__cu_ranks_use(&a->stats->ranks, &a->stats->space, job);
  job->strata_count = a->stats->strata_count;
  fm_status status = read_planes(a, job, err);
  if (status) return status;
  job->status = a->statuses;
  job->words = a->words;
  job->cell_words = a->stats->cell_words;
  job->bin_shift = a->stats->bin_shift;
  job->zeros = job->pending = a->workspace;
  job->zero_count = (a->stats->word_count - 1) * job->images;
  status = fm__cu_begin(&call);
  if (status) return status;
  launch(&call, a);
  return fm__cu_end(&call);
}

fm_status fm_cuda_stats_add(const fm_cuda_stats *stats, const fm_volume *mask,
                            const fm_volume *loss, const fm_cuda_extra *extra, int64_t *words,
                            fm_cuda_status *status, void *workspace, size_t workspace_size,
                            void *stream, fm_error *err) {
  addition a = {stats, {.map = loss}, mask, extra, words, status, workspace, workspace_size};
  return add(&a, "fm_cuda_stats_add", stream, err);
}

fm_status fm_cuda_stats_add_output(const fm_cuda_stats *stats, const fm_cuda_loss *network_loss,
                                   const fm_cuda_output *output, const fm_volume *mask,
                                   const fm_cuda_extra *extra, int64_t *words,
                                   fm_cuda_status *status, void *workspace, size_t workspace_size,
                                   void *stream, fm_error *err) {
  if (!network_loss)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_stats_add_output: network_loss is NULL");
  addition a = {stats,     {.network_loss = network_loss, .output = output},
                mask,      extra,
                words,     status,
                workspace, workspace_size};
  return add(&a, "fm_cuda_stats_add_output", stream, err);
}
