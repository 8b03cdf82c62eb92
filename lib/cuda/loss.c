/* cuda/loss.c - losses from outputs on the device. */
#include "cuda/loss.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/fail.h"

/* ---- Making ------------------------------------------------------------------------------- */

static fm_status open_loss(fm_cuda_loss *loss, fm_cuda *cuda, const fm_network_loss *network_loss,
                           fm_error *err) {
  const fm_labels *labels = fm_network_loss_labels(network_loss);
  loss->options.size = sizeof loss->options;
  fm_status status = fm_network_loss_get_options(network_loss, &loss->options, err);
  if (status) return status;
  const int32_t *channels = loss->options.channels;
  size_t size = channels ? (size_t)fm_labels_class_count(labels) * sizeof *channels : 0;
  return fm__cu_space_open(&loss->space, cuda, labels, channels, size, err);
}

fm_status fm_cuda_loss_create(fm_cuda *cuda, const fm_network_loss *network_loss,
                              fm_cuda_loss **out, fm_error *err) {
  if (!cuda || !network_loss || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_loss_create: an argument is NULL");
  fm_cuda_loss *loss = calloc(1, sizeof *loss);
  if (!loss) return fm__fail_memory(err, sizeof *loss);
  fm_status status = open_loss(loss, cuda, network_loss, err);
  if (status)
    free(loss);
  else
    *out = loss;
  return status;
}

void fm_cuda_loss_destroy(fm_cuda_loss *loss) {
  if (!loss) return;
  fm__cu_space_close(&loss->space);
  free(loss);
}

/* ---- Queries ------------------------------------------------------------------------------ */

/* Rows of what the softmax gives begin at multiples of so many floats. */
enum { ROOM = 8, ALIGN = 256 };

static int64_t room_of(int64_t queries) { return (queries + ROOM - 1) / ROOM * ROOM; }

/* Of one image: two doubles and two floats for each query, and a float for each of its channels. */
static int64_t query_bytes(const fm_cuda_loss *loss, int64_t queries) {
  int64_t each = 2 * (int64_t)(sizeof(double) + sizeof(float));
  int64_t bytes = room_of(queries) * (each + loss->options.channel_count * (int64_t)sizeof(float));
  return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

size_t fm_cuda_queries_workspace(const fm_cuda_loss *network_loss, int32_t images,
                                 int64_t queries) {
  if (!network_loss || images < 1 || queries < 1 || queries > FM__CU_MOST_QUERIES) return 0;
  if (network_loss->options.kind != FM_OUTPUT_SCORES) return 0;
  return (size_t)images * (size_t)query_bytes(network_loss, queries);
}

static fm_status check_channels(const fm_cuda_loss *loss, const fm__cu_batch *values,
                                fm_error *err) {
  if (loss->options.compose_first)
    return fm__fail(
        err, FM_ERR_ARGUMENT,
        "output: has no class logits, but compose_first is set, which is about queries");
  if (values->volume.channels == loss->options.channel_count) return FM_OK;
  return fm__fail(err, FM_ERR_SHAPE, "output has %" PRId64 " channels, expected %d",
                  values->volume.channels, (int)loss->options.channel_count);
}

static fm_status read_queries(fm__cu_job *job, fm__cu_batch *values, const fm_cuda_loss *loss,
                              const fm_cuda_output *output, const fm__cu_batch *mask,
                              fm_error *err) {
  const fm_network_loss_options *o = &loss->options;
  if (!output->class_logits.data) return check_channels(loss, values, err);
  if (o->kind != FM_OUTPUT_SCORES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "class logits: the output is of queries, which make scores, but kind is not "
                    "FM_OUTPUT_SCORES");
  fm_status status = fm__cu_read_class_logits(job, values, &output->class_logits, mask, err);
  if (status) return status;
  job->query_room = (int32_t)room_of(job->query_count);
  job->query_bytes = query_bytes(loss, job->query_count);
  job->query_memory = output->workspace;
  job->compose_first = o->compose_first != 0;
  return fm__cu_check_workspace(output->workspace, output->workspace_size,
                                fm_cuda_queries_workspace(loss, job->images, job->query_count),
                                err);
}

/* ---- Reading -------------------------------------------------------------------------------- */

static fm_status read_output(fm__cu_job *job, fm__cu_batch *batch, const fm__cu_batch *mask,
                             const fm_cuda_loss *loss, const fm_cuda_output *output,
                             fm_error *err) {
  const fm_network_loss_options *o = &loss->options;
  fm_cuda_output known;
  fm_status status = fm__cu_read_values(job, output, &known, batch, mask, o->channel_count, err);
  if (!status) status = read_queries(job, batch, loss, &known, mask, err);
  if (status) return status;
  bool corners = o->align_corners != 0;
  job->fused = true;
  job->kind = o->kind;
  job->binary = o->binary;
  job->floor = o->floor;
  job->channel_of = o->channels ? (const int32_t *)(const void *)loss->space.extra : NULL;
  job->down = fm__axis_make(job->inner_height, job->height, corners);
  job->across = fm__axis_make(job->inner_width, job->width, corners);
  job->flat = job->inner_height == job->height && job->inner_width == job->width;
  /* Rows of a column then lie between the same rows of the output, or between few. */
  bool whole = !corners && job->height % job->inner_height == 0;
  job->row_shift = whole ? (int32_t)(job->height / job->inner_height / 2 % FM__CU_ROWS) : 0;
  return FM_OK;
}

fm_status fm__cu_read_source(fm__cu_job *job, fm__cu_batch *batch, const fm__cu_batch *mask,
                             const fm__cu_source *source, const fm__cu_space *space,
                             fm_error *err) {
  if (!source->network_loss)
    return fm__cu_read_like(&job->loss, batch, mask, source->map, FM__LOSS_TYPES, "loss map", err);
  if (source->network_loss->space.fingerprint != space->fingerprint)
    return fm__fail(err, FM_ERR_MISMATCH, "label spaces of the output and of the call differ");
  return read_output(job, batch, mask, source->network_loss, source->output, err);
}

/* ---- Planes of outputs -------------------------------------------------------------------------- */

/* One call: what is written, which has one type. */
typedef struct drawing {
  const fm_cuda_loss *network_loss;
  const fm_cuda_output *output;
  const fm_volume *mask, *out;
  fm_cuda_status *statuses;
} drawing;

static fm_status read_drawing(const drawing *d, fm__cu_job *job, fm_dtype dtype, const char *what,
                              fm_error *err) {
  fm__cu_batch masks, values, out;
  fm__cu_source source = {.network_loss = d->network_loss, .output = d->output};
  const fm__cu_space *space = &d->network_loss->space;
  job->strata_count = 1;
  job->status = d->statuses;
  fm__cu_space_use(space, job);
  fm_status status = fm__cu_read_mask(job, &masks, d->mask, err);
  if (!status) status = fm__cu_read_source(job, &values, &masks, &source, space, err);
  if (!status)
    status = fm__cu_read_like(&job->out, &out, &masks, d->out, FM__BIT(dtype), what, err);
  if (!status) status = fm__cu_check_output(&out, &masks, false, err);
  if (!status) status = fm__cu_check_output(&out, &values, false, err);
  return status ? status : fm__cu_check_memory(d->statuses, 8, "status", err);
}

fm_status fm_cuda_loss_map(const fm_cuda_loss *network_loss, const fm_cuda_output *output,
                           const fm_volume *mask, const fm_volume *loss, fm_cuda_status *statuses,
                           void *stream, fm_error *err) {
  if (!network_loss)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_loss_map: network_loss is NULL");
  fm__cu_call call = {.cuda = network_loss->space.cuda, .stream = stream, .err = err};
  drawing d = {network_loss, output, mask, loss, statuses};
  fm_status status = read_drawing(&d, &call.job, FM_F32, "loss map", err);
  if (!status) status = fm__cu_begin(&call);
  if (status) return status;
  call.job.sink = FM__CU_LOSSES;
  fm__cu_start(&call);
  fm__cu_prepare(&call);
  fm__cu_launch(&call, FM__CU_filter_output, fm__cu_columns(&call.job), call.job.images, 0);
  fm__cu_finish(&call);
  return fm__cu_end(&call);
}

fm_status fm_cuda_class_map(const fm_cuda_loss *network_loss, const fm_cuda_output *output,
                            const fm_volume *mask, const fm_volume *classes,
                            fm_cuda_status *statuses, void *stream, fm_error *err) {
  if (!network_loss)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_class_map: network_loss is NULL");
  fm__cu_call call = {.cuda = network_loss->space.cuda, .stream = stream, .err = err};
  fm__cu_job *job = &call.job;
  drawing d = {network_loss, output, mask, classes, statuses};
  fm_status status = read_drawing(&d, job, FM_I32, "class map", err);
  if (status) return status;
  if (job->queries.data)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_cuda_class_map: the output is of queries, whose class the device does not "
                    "find: use fm_network_class_map, on a copy in the host's memory");
  status = fm__cu_begin(&call);
  if (status) return status;
  /* What a bad image gets. */
  job->sink = FM__CU_LABELS;
  job->dropped = UINT64_MAX;
  int64_t blocks = (job->height * job->width + FM__CU_THREADS - 1) / FM__CU_THREADS;
  fm__cu_start(&call);
  fm__cu_launch(&call, FM__CU_shown, blocks, job->images, 0);
  fm__cu_finish(&call);
  return fm__cu_end(&call);
}
