/* cuda/filter.c - the noise filter on the device: from loss maps and from outputs. */
#include <stdlib.h>

#include "core/fail.h"
#include "core/options.h"
#include "cuda/loss.h"
#include "cuda/score.h"

_Static_assert(FM__CU_TILE < 1 << 16, "a block's pixels fit half a counter (cuda/judge.h)");

struct fm_cuda_filter {
  fm__cu_space space; /* extra: the thresholds, then the ranks' tables */
  fm__cu_ranks ranks;
  int32_t strata_count;
  double least_share;          /* min_kept_share */
  int64_t ignored[FM_I64 + 1]; /* the label that masks of a type get */
  fm_filter *probe;            /* on the host: keeps losses up to 1.25 */
  int64_t probe_label;
};

/* ---- Making ------------------------------------------------------------------------------- */

/* What the filter's policy is about. */
static fm_status read_options(fm_cuda_filter *known, const fm_filter *filter, fm_error *err) {
  fm_filter_options o = {.size = sizeof o};
  fm_status status = fm_filter_get_options(filter, &o, err);
  if (status) return status;
  known->least_share = o.min_kept_share;
  if (o.policy == FM_FILTER_PAIRED)
    known->ranks.references = o.without_reference == FM_REFERENCE_OPTIONAL
                                  ? FM__CU_OPTIONAL_REFERENCE
                                  : FM__CU_REQUIRED_REFERENCE;
  return FM_OK;
}

/* All classes have a mean loss of 1. */
static fm_status make_probe(fm_cuda_filter *known, const fm_labels *labels, fm_error *err) {
  int32_t classes = fm_labels_class_count(labels);
  double *means = malloc((size_t)classes * sizeof *means);
  if (!means) return fm__fail_memory(err, (size_t)classes * sizeof *means);
  for (int32_t k = 0; k < classes; k++) means[k] = 1;
  fm_mean_table table = {.size = sizeof table, .class_count = classes, .mean_loss = means};
  fm_status status = fm_filter_create_from_means(labels, &table, NULL, &known->probe, err);
  known->probe_label = fm_labels_label_of(labels, 0);
  free(means);
  return status;
}

static fm_status add_thresholds(const fm_cuda_filter *known, fm__cu_tables *tables,
                                const fm_filter *filter, fm_error *err) {
  int64_t cells = (int64_t)fm_labels_class_count(fm_filter_labels(filter)) * known->strata_count;
  float *thresholds = fm__cu_tables_add(tables, (size_t)cells * sizeof *thresholds, err);
  return thresholds ? fm_filter_thresholds(filter, thresholds, cells, err) : FM_ERR_MEMORY;
}

static fm_status open_filter(fm_cuda_filter *known, fm_cuda *cuda, const fm_filter *filter,
                             fm_error *err) {
  const fm_labels *labels = fm_filter_labels(filter);
  known->strata_count = fm_filter_stratum_count(filter);
  for (int32_t type = FM_U8; type <= FM_I64; type++)
    known->ignored[type] = fm_labels_ignore_label_in(labels, type);
  fm__cu_tables tables = {NULL, 0};
  fm_status status = read_options(known, filter, err);
  if (!status) status = add_thresholds(known, &tables, filter, err);
  if (!status)
    status = fm__cu_ranks_make(&known->ranks, &tables, labels, fm_filter_ranks(filter), err);
  if (!status) status = make_probe(known, labels, err);
  if (!status)
    status = fm__cu_space_open(&known->space, cuda, labels, tables.data, tables.size, err);
  if (status) fm_filter_destroy(known->probe);
  fm__cu_tables_free(&tables);
  return status;
}

fm_status fm_cuda_filter_create(fm_cuda *cuda, const fm_filter *filter, fm_cuda_filter **out,
                                fm_error *err) {
  if (!cuda || !filter || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_filter_create: an argument is NULL");
  fm_cuda_filter *known = calloc(1, sizeof *known);
  if (!known) return fm__fail_memory(err, sizeof *known);
  fm_status status = open_filter(known, cuda, filter, err);
  if (status)
    free(known);
  else
    *out = known;
  return status;
}

void fm_cuda_filter_destroy(fm_cuda_filter *filter) {
  if (!filter) return;
  fm__cu_space_close(&filter->space);
  fm_filter_destroy(filter->probe);
  free(filter);
}

/* The floor comes first. */
static fm__cu_rooms rooms_of(const fm_cuda_filter *filter, const fm__cu_masks *masks) {
  const bool has_floor = filter->least_share > 0;
  const int32_t classes = filter->space.class_count;
  const size_t floor =
      has_floor ? fm__cu_floor_size(classes, filter->strata_count, masks->images) : 0;
  return fm__cu_rooms_of(&filter->ranks, classes, masks, floor, has_floor);
}

static size_t workspace_of(const fm_cuda_filter *filter, const fm__cu_masks *masks) {
  return filter && fm__cu_is_batch(masks) ? rooms_of(filter, masks).end : 0;
}

size_t fm_cuda_filter_workspace(const fm_cuda_filter *filter, int32_t images, int64_t height,
                                int64_t width) {
  return workspace_of(filter, &(fm__cu_masks){images, height, width, false});
}

size_t fm_cuda_filter_output_workspace(const fm_cuda_filter *filter, int32_t images, int64_t height,
                                       int64_t width) {
  return workspace_of(filter, &(fm__cu_masks){images, height, width, true});
}

/* ---- What is written ------------------------------------------------------------------------ */

static fm_status aim_labels(const fm_cuda_filter *filter, fm__cu_job *job, fm_error *err) {
  fm__range range = fm__integer_range(job->out.dtype);
  int64_t ignored = filter->ignored[job->out.dtype];
  if (!fm__fits(ignored, range))
    return fm__fail(err, FM_ERR_LIMIT,
                    "filtered mask: the ignore label %lld does not fit its type %s",
                    (long long)ignored, fm__dtype_name(job->out.dtype));
  job->sink = FM__CU_LABELS;
  job->dropped = (uint64_t)ignored;
  job->narrows = !fm__range_fits(job->mask.dtype, range);
  job->least = range.least;
  job->most = range.most;
  return FM_OK;
}

/* The weight of a pixel with such a loss, as the CPU's call writes it: so options, types and rounding are
 * the same. */
static fm_status ask_weight(const fm_cuda_filter *filter, const fm_weight_options *options,
                            float loss, int32_t dtype, uint64_t *bits, fm_error *err) {
  union {
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
  } weight = {.eight = 0};
  fm_plane mask = fm_plane_make(&filter->probe_label, FM_I64, 1, 1),
           map = fm_plane_make(&loss, FM_F32, 1, 1),
           out = fm_plane_make(&weight, (fm_dtype)dtype, 1, 1);
  fm_status status = fm_filter_weigh(filter->probe, &mask, &map, NULL, options, &out, NULL, err);
  size_t size = fm_dtype_size((fm_dtype)dtype);
  *bits = size == 1 ? weight.one : size == 2 ? weight.two : size == 4 ? weight.four : weight.eight;
  return status;
}

static fm_status aim_weights(const fm_cuda_filter *filter, const fm_weight_options *options,
                             fm__cu_job *job, fm_error *err) {
  fm_status status = ask_weight(filter, options, 0, job->out.dtype, &job->kept, err);
  if (!status) status = ask_weight(filter, options, 2, job->out.dtype, &job->dropped, err);
  if (status) return status;
  fm_weight_options known;
  status = FM__OPTIONS_READ(&known, options, fm_weight_options, gamma, err);
  if (status) return status;
  job->soft = known.kind != FM_WEIGHT_STEP;
  job->weigh = fm__weight_rule_of(&known);
  job->sink = FM__CU_WEIGHTS;
  return FM_OK;
}

/* ---- One call ----------------------------------------------------------------------------------- */

typedef struct application {
  const fm_cuda_filter *filter;
  fm__cu_source source;
  const fm_volume *mask, *out;
  const fm_cuda_extra *extra;
  bool weighs; /* weights are written instead of labels */
  const fm_weight_options *options;
  int64_t *counts;
  fm_cuda_status *statuses;
  void *workspace;
  size_t workspace_size;
} application;

static fm_status read_workspace(const application *a, const fm__cu_job *job, fm_error *err) {
  const fm__cu_masks masks = fm__cu_masks_of(job);
  return fm__cu_check_workspace(a->workspace, a->workspace_size, workspace_of(a->filter, &masks),
                                err);
}

static fm_status read_planes(const application *a, fm__cu_job *job, fm_error *err) {
  const char *what = a->weighs ? "weights" : "filtered mask";
  unsigned types = a->weighs ? FM__BIT(FM_U8) | FM__LOSS_TYPES : FM__MASK_TYPES;
  fm__cu_batch mask, source, out;
  fm__cu_extra extra;
  fm_status status = fm__cu_read_mask(job, &mask, a->mask, err);
  if (!status) status = fm__cu_read_source(job, &source, &mask, &a->source, &a->filter->space, err);
  if (!status) status = fm__cu_read_extra(job, &extra, &mask, a->extra, &a->filter->ranks, err);
  if (!status) status = fm__cu_read_like(&job->out, &out, &mask, a->out, types, what, err);
  if (!status) status = fm__cu_check_output(&out, &mask, !a->weighs, err);
  if (!status) status = fm__cu_check_output(&out, &source, false, err);
  if (!status) status = fm__cu_check_output_extra(&out, &extra, err);
  if (!status && a->counts) status = fm__cu_check_memory(a->counts, 8, "counts", err);
  if (!status) status = read_workspace(a, job, err);
  if (!status) status = fm__cu_check_memory(a->statuses, 8, "status", err);
  if (status) return status;
  return a->weighs ? aim_weights(a->filter, a->options, job, err) : aim_labels(a->filter, job, err);
}

/* Nothing, or bytes, for which no label is too large. */
static bool is_plain_output(const fm__cu_job *job) {
  if (job->sink == FM__CU_NO_SINK) return !job->narrows;
  return job->sink == FM__CU_LABELS && job->out.element == 1 && job->out.dense && !job->narrows;
}

/* Judges all pixels of losses; `counts` are those that the job has. */
static void judge(fm__cu_call *call) {
  fm__cu_job *job = &call->job;
  int64_t cells = (int64_t)job->class_count * job->strata_count;
  job->own_counters = job->counts && cells <= FM__CU_OWN_CELLS;
  job->plain = fm__cu_is_plain(job) && is_plain_output(job) && (job->own_counters || !job->counts);
  size_t own = job->own_counters ? (size_t)cells * sizeof(uint32_t) : 0;
  if (job->plain) own += FM__CU_TABLE_BYTES;
  if (job->loss.data)
    fm__cu_launch(call, FM__CU_filter, fm__cu_tiles(job), job->images, own);
  else
    fm__cu_launch(call, FM__CU_filter_output, fm__cu_columns(job), job->images, own);
}

/* Raises thresholds: counts what they keep without writing anything, and then looks for losses. */
static void raise_thresholds(fm__cu_call *call, void *workspace) {
  fm__cu_job *job = &call->job;
  fm__cu_job saved = *job;
  int64_t cells = (int64_t)job->class_count * job->strata_count;
  fm__cu_clear(call, workspace,
               fm__cu_floor_size(job->class_count, job->strata_count, job->images));
  fm__cu_floor_use(job, workspace);
  job->sink = FM__CU_NO_SINK;
  job->out.data = NULL;
  judge(call);
  int64_t blocks = (cells + FM__CU_THREADS - 1) / FM__CU_THREADS;
  fm__cu_launch(call, FM__CU_floor_begin, blocks, job->images, 0);
  for (job->floor_shift = 32 - FM__CU_DIGIT_BITS; job->floor_shift >= 0;
       job->floor_shift -= FM__CU_DIGIT_BITS) {
    fm__cu_launch(call, FM__CU_floor_count, fm__cu_tiles(job), job->images, 0);
    fm__cu_launch(call, FM__CU_floor_take, blocks, job->images, 0);
  }
  saved.thresholds = job->floor_limits;
  saved.limit_step = cells;
  *job = saved;
}

/* Losses of outputs are judged as they come, unless they are looked at several times. */
static void launch(fm__cu_call *call, const application *a) {
  fm__cu_job *job = &call->job;
  const fm__cu_planes loss = job->loss, strata = job->strata;
  const fm__cu_masks masks = fm__cu_masks_of(job);
  const fm__cu_rooms r = rooms_of(a->filter, &masks);
  char *workspace = a->workspace;
  fm__cu_start(call);
  fm__cu_prepare(call);
  if (job->fused && (job->least_share > 0 || job->score_strata))
    fm__cu_losses(call, workspace + r.losses);
  if (job->score_strata) fm__cu_scores(call, workspace + r.scores);
  if (job->least_share > 0) raise_thresholds(call, workspace);
  judge(call);
  job->loss = loss; /* what statuses speak of */
  job->strata = strata;
  fm__cu_finish(call);
}

static fm_status apply(const application *a, const char *function, void *stream, fm_error *err) {
  if (!a->filter) return fm__fail(err, FM_ERR_ARGUMENT, "%s: filter is NULL", function);
  fm__cu_call call = {.cuda = a->filter->space.cuda, .stream = stream, .err = err};
  fm__cu_job *job = &call.job;
  fm__cu_space_use(&a->filter->space, job);
  fm__cu_ranks_use(&a->filter->ranks, &a->filter->space, job);
  job->strata_count = a->filter->strata_count;
  job->thresholds = (const float *)(const void *)a->filter->space.extra;
  job->least_share = a->filter->least_share;
  fm_status status = read_planes(a, job, err);
  if (status) return status;
  job->status = a->statuses;
  job->zeros = job->counts = a->counts;
  job->zero_count = a->counts ? (int64_t)2 * job->class_count * job->strata_count * job->images : 0;
  status = fm__cu_begin(&call);
  if (status) return status;
  launch(&call, a);
  return fm__cu_end(&call);
}

/* ---- The public calls ------------------------------------------------------------------------------- */

fm_status fm_cuda_filter_apply(const fm_cuda_filter *filter, const fm_volume *mask,
                               const fm_volume *loss, const fm_cuda_extra *extra,
                               const fm_volume *filtered, int64_t *counts, fm_cuda_status *status,
                               void *workspace, size_t workspace_size, void *stream,
                               fm_error *err) {
  application a = {.filter = filter,
                   .source = {.map = loss},
                   .workspace = workspace,
                   .workspace_size = workspace_size,
                   .mask = mask,
                   .extra = extra,
                   .out = filtered,
                   .counts = counts,
                   .statuses = status};
  return apply(&a, "fm_cuda_filter_apply", stream, err);
}

fm_status fm_cuda_filter_weigh(const fm_cuda_filter *filter, const fm_volume *mask,
                               const fm_volume *loss, const fm_cuda_extra *extra,
                               const fm_weight_options *options, const fm_volume *weights,
                               int64_t *counts, fm_cuda_status *status, void *workspace,
                               size_t workspace_size, void *stream, fm_error *err) {
  application a = {.filter = filter,
                   .source = {.map = loss},
                   .workspace = workspace,
                   .workspace_size = workspace_size,
                   .mask = mask,
                   .extra = extra,
                   .out = weights,
                   .weighs = true,
                   .options = options,
                   .counts = counts,
                   .statuses = status};
  return apply(&a, "fm_cuda_filter_weigh", stream, err);
}

static fm_status apply_output(application *a, const fm_cuda_loss *network_loss,
                              const fm_cuda_output *output, const char *function, void *stream,
                              fm_error *err) {
  if (!network_loss) return fm__fail(err, FM_ERR_ARGUMENT, "%s: network_loss is NULL", function);
  a->source = (fm__cu_source){.network_loss = network_loss, .output = output};
  return apply(a, function, stream, err);
}

fm_status fm_cuda_filter_apply_output(const fm_cuda_filter *filter,
                                      const fm_cuda_loss *network_loss,
                                      const fm_cuda_output *output, const fm_volume *mask,
                                      const fm_cuda_extra *extra, const fm_volume *filtered,
                                      int64_t *counts, fm_cuda_status *status, void *workspace,
                                      size_t workspace_size, void *stream, fm_error *err) {
  application a = {.filter = filter,
                   .workspace = workspace,
                   .workspace_size = workspace_size,
                   .mask = mask,
                   .extra = extra,
                   .out = filtered,
                   .counts = counts,
                   .statuses = status};
  return apply_output(&a, network_loss, output, "fm_cuda_filter_apply_output", stream, err);
}

fm_status fm_cuda_filter_weigh_output(const fm_cuda_filter *filter,
                                      const fm_cuda_loss *network_loss,
                                      const fm_cuda_output *output, const fm_volume *mask,
                                      const fm_cuda_extra *extra, const fm_weight_options *options,
                                      const fm_volume *weights, int64_t *counts,
                                      fm_cuda_status *status, void *workspace,
                                      size_t workspace_size, void *stream, fm_error *err) {
  application a = {.filter = filter,
                   .workspace = workspace,
                   .workspace_size = workspace_size,
                   .mask = mask,
                   .extra = extra,
                   .out = weights,
                   .weighs = true,
                   .options = options,
                   .counts = counts,
                   .statuses = status};
  return apply_output(&a, network_loss, output, "fm_cuda_filter_weigh_output", stream, err);
}
