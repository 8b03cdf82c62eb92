/* cuda/stats.c - exact statistics on the device: each image's words in the workspace, then those of the good
 * ones into the state. */
#include <stdlib.h>

#include "core/fail.h"
#include "cuda/loss.h"
#include "dsp/dsp.h"

struct fm_cuda_stats {
  fm__cu_space space;
  int32_t strata_count, bin_shift;
  int64_t word_count, cell_words;
};

/* ---- Making ------------------------------------------------------------------------------- */

static fm_status open_stats(fm_cuda_stats *known, fm_cuda *cuda, const fm_class_stats *like,
                            fm_error *err) {
  fm_class_stats_options o = {.size = sizeof o};
  fm_status status = fm_class_stats_get_options(like, &o, err);
  if (status) return status;
  if (o.score != FM_SCORE_LOSS)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_cuda_stats_create: statistics of FM_SCORE_RANK, which the device does not "
                    "compute: use fm_class_stats_add, on copies in the host's memory");
  known->strata_count = o.strata;
  known->bin_shift = -1;
  for (int32_t bins = o.histogram; bins; bins /= 2) known->bin_shift++;
  const fm_labels *labels = fm_class_stats_labels(like);
  int64_t cells = (int64_t)fm_labels_class_count(labels) * o.strata;
  known->word_count = fm_class_stats_word_count(like);
  known->cell_words = (known->word_count - 1) / cells;
  return fm__cu_space_open(&known->space, cuda, labels, NULL, 0, err);
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

size_t fm_cuda_stats_workspace(const fm_cuda_stats *stats, int32_t images) {
  if (!stats || images < 1) return 0;
  return (size_t)images * (size_t)(stats->word_count - 1) * sizeof(int64_t);
}

/* ---- Adding ---------------------------------------------------------------------------------- */

typedef struct addition {
  const fm_cuda_stats *stats;
  fm__cu_source source;
  const fm_volume *mask, *strata;
  int64_t *words;
  fm_cuda_status *statuses;
  void *workspace;
  size_t workspace_size;
} addition;

static fm_status read_planes(const addition *a, fm__cu_job *job, fm_error *err) {
  fm__cu_batch mask, source, strata;
  fm_status status = fm__cu_read_mask(job, &mask, a->mask, err);
  if (!status) status = fm__cu_read_source(job, &source, &mask, &a->source, &a->stats->space, err);
  if (!status) status = fm__cu_read_strata(job, &strata, &mask, a->strata, err);
  if (!status) status = fm__cu_check_memory(a->words, 8, "words", err);
  if (!status) status = fm__cu_check_memory(a->statuses, 8, "status", err);
  if (status) return status;
  return fm__cu_check_workspace(a->workspace, a->workspace_size,
                                fm_cuda_stats_workspace(a->stats, job->images), err);
}

static void launch(fm__cu_call *call) {
  fm__cu_job *job = &call->job;
  int64_t cells = (int64_t)job->class_count * job->strata_count;
  job->own_counters = cells <= FM__CU_OWN_CELLS;
  job->plain = fm__cu_is_plain(job);
  size_t own = job->own_counters ? (size_t)cells * FM__CU_SUM_COUNTERS * sizeof(uint32_t) : 0;
  if (job->plain) own += FM__CU_TABLE_BYTES;
  fm__cu_start(call);
  fm__cu_prepare(call);
  if (job->fused)
    fm__cu_launch(call, FM__CU_sum_output, fm__cu_columns(job), job->images, own);
  else
    fm__cu_launch(call, FM__CU_sum, fm__cu_tiles(job), job->images, own);
  fm__cu_launch(call, FM__CU_sum_end, cells, 1,
                FM__CU_THREADS * (FM__CELL_WORDS + 1) * sizeof(int64_t));
  fm__cu_finish(call);
}

static fm_status add(const addition *a, const char *function, void *stream, fm_error *err) {
  if (!a->stats) return fm__fail(err, FM_ERR_ARGUMENT, "%s: stats is NULL", function);
  fm__cu_call call = {.cuda = a->stats->space.cuda, .stream = stream, .err = err};
  fm__cu_job *job = &call.job;
  fm__cu_space_use(&a->stats->space, job);
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
  launch(&call);
  return fm__cu_end(&call);
}

fm_status fm_cuda_stats_add(const fm_cuda_stats *stats, const fm_volume *mask,
                            const fm_volume *loss, const fm_volume *strata, int64_t *words,
                            fm_cuda_status *status, void *workspace, size_t workspace_size,
                            void *stream, fm_error *err) {
  addition a = {stats, {.map = loss}, mask, strata, words, status, workspace, workspace_size};
  return add(&a, "fm_cuda_stats_add", stream, err);
}

fm_status fm_cuda_stats_add_output(const fm_cuda_stats *stats, const fm_cuda_loss *network_loss,
                                   const fm_cuda_output *output, const fm_volume *mask,
                                   const fm_volume *strata, int64_t *words, fm_cuda_status *status,
                                   void *workspace, size_t workspace_size, void *stream,
                                   fm_error *err) {
  if (!network_loss)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_stats_add_output: network_loss is NULL");
  addition a = {stats,     {.network_loss = network_loss, .output = output},
                mask,      strata,
                words,     status,
                workspace, workspace_size};
  return add(&a, "fm_cuda_stats_add_output", stream, err);
}
