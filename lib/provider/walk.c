/* provider/walk.c - from the source through the provider to the loop, batch by batch. */
#include "provider/walk.h"

#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"

/* One sample of a batch. */
typedef struct walk_slot {
  fm_sample sample;
  fm_prediction prediction;
  fm_network_output output; /* for the provider to fill */
  float *buffer;            /* the loss map for the provider to fill */
  int64_t buffer_pixels;
} walk_slot;

typedef struct walk {
  fm_source *source;
  fm_provider *provider;
  fm_loop_options options;
  fm__consume_fn consume;
  void *state;
  walk_slot *slots;
  const fm_sample **samples; /* pointers to the slots' members, for the callback */
  fm_prediction **predictions;
  size_t batch;
  int64_t done, total;
} walk;

/* ---- One batch ------------------------------------------------------------------ */

static void release_samples(walk *w, size_t count) {
  const fm_source_options *o = &w->source->options;
  for (size_t i = 0; i < count && o->release; i++) o->release(&w->slots[i].sample, o->user);
}

static void release_predictions(walk *w, size_t count) {
  const fm_provider_options *o = &w->provider->options;
  for (size_t i = 0; i < count && o->release; i++) o->release(&w->slots[i].prediction, o->user);
}

static fm_status get_sample(walk *w, size_t i, int64_t index, fm_error *err) {
  fm_sample *sample = &w->slots[i].sample;
  memset(sample, 0, sizeof *sample);
  sample->size = sizeof *sample;
  const fm_source_options *o = &w->source->options;
  int stop = o->get(index, sample, o->user);
  if (stop)
    return fm__fail_host(err, FM_ERR_CALLBACK, stop,
                         "the source stopped at sample %" PRId64 " with %d", index, stop);
  fm_plane known;
  fm_status status = FM_OK;
  if (!sample->id)
    status = fm__fail(err, FM_ERR_ARGUMENT, "the source gave sample %" PRId64 " no id", index);
  else if ((status = fm__plane_read(&known, &sample->mask, FM__MASK_TYPES, "mask", err)))
    fm__fail_prefix(err, "sample %s", sample->id);
  if (status) {
    if (o->release) o->release(sample, o->user);
    return status;
  }
  sample->mask = known;
  return FM_OK;
}

/* A loss map of the mask's size, kept for the next batch. */
static fm_status reserve_losses(walk *w, walk_slot *slot, fm_error *err) {
  const fm_plane *mask = &slot->sample.mask;
  int64_t pixels = mask->height * mask->width;
  const fm_context *context = w->source->context;
  if (pixels > slot->buffer_pixels) {
    fm__free(context, slot->buffer);
    slot->buffer_pixels = 0;
    slot->buffer = fm__alloc_pixels(context, mask->height, mask->width, sizeof *slot->buffer);
    if (!slot->buffer) return fm__fail_pixels(err, mask->height, mask->width);
    slot->buffer_pixels = pixels;
  }
  /* All bits set are NaN: a pixel that the provider does not fill is refused and does not count as
   * the loss of the sample before. */
  memset(slot->buffer, 0xFF, (size_t)pixels * sizeof *slot->buffer);
  slot->prediction.loss = fm_plane_make(slot->buffer, FM_F32, mask->height, mask->width);
  return FM_OK;
}

static fm_status prepare_prediction(walk *w, walk_slot *slot, fm_error *err) {
  memset(&slot->prediction, 0, sizeof slot->prediction);
  memset(&slot->output, 0, sizeof slot->output);
  slot->prediction.size = sizeof slot->prediction;
  slot->prediction.output = &slot->output;
  slot->output.size = sizeof slot->output;
  return w->provider->network_loss ? FM_OK : reserve_losses(w, slot, err);
}

static fm_status predict(walk *w, size_t count, fm_error *err) {
  for (size_t i = 0; i < count; i++) {
    fm_status status = prepare_prediction(w, &w->slots[i], err);
    if (status) return status;
  }
  const fm_provider_options *o = &w->provider->options;
  int stop = o->predict(w->samples, w->predictions, (int64_t)count, o->user);
  if (stop)
    return fm__fail_host(err, FM_ERR_CALLBACK, stop, "the provider stopped at sample %s with %d",
                         w->slots[0].sample.id, stop);
  return FM_OK;
}

static fm_status consume(walk *w, size_t count, fm_error *err) {
  for (size_t i = 0; i < count; i++) {
    walk_slot *slot = &w->slots[i];
    fm_status status =
        w->consume(&slot->sample, w->provider ? &slot->prediction : NULL, w->state, err);
    if (status) {
      fm__fail_prefix(err, "sample %s", slot->sample.id);
      return status;
    }
    w->done++;
    if (!w->options.progress) continue;
    int stop = w->options.progress(w->done, w->total, w->options.progress_user);
    if (stop)
      return fm__fail_host(err, FM_ERR_CALLBACK, stop,
                           "stopped by the progress callback with %d after %" PRId64 " of %" PRId64
                           " samples",
                           stop, w->done, w->total);
  }
  return FM_OK;
}

static fm_status walk_batch(walk *w, int64_t first, size_t count, fm_error *err) {
  fm_status status = FM_OK;
  size_t got = 0;
  for (; got < count && !status; got += !status)
    status = get_sample(w, got, first + (int64_t)got * w->options.shard_count, err);
  if (!status && w->provider) {
    status = predict(w, count, err);
    if (!status) {
      status = consume(w, count, err);
      release_predictions(w, count);
    }
  } else if (!status) {
    status = consume(w, count, err);
  }
  release_samples(w, got);
  return status;
}

/* ---- The whole ------------------------------------------------------------------ */

static fm_status read_options(walk *w, const fm_loop_options *options, bool filters,
                              fm_error *err) {
  fm_loop_options *o = &w->options;
  fm_status status = FM__OPTIONS_READ(o, options, fm_loop_options, filtered_dtype, err);
  if (status) return status;
  if (!o->shard_count) o->shard_count = 1;
  if (o->shard_count < 1 || o->shard_index < 0 || o->shard_index >= o->shard_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_loop_options: shard %" PRId64 " of %" PRId64 " does not exist",
                    o->shard_index, o->shard_count);
  if (o->progress_user && !o->progress)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_loop_options: progress_user is set, but progress is NULL");
  if (o->filtered_dtype && !filters)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_loop_options: filtered_dtype is set, which is about fm_source_filter");
  int64_t behind = w->source->options.count - o->shard_index;
  w->total = behind > 0 ? (behind - 1) / o->shard_count + 1 : 0;
  if (!w->source->options.count) return fm__fail(err, FM_ERR_EMPTY, "the source has no sample");
  return FM_OK;
}

static fm_status allocate(walk *w, fm_error *err) {
  const fm_context *context = w->source->context;
  w->batch = w->provider ? (size_t)w->provider->options.batch : 1;
  w->slots = fm__alloc_zeroed(context, w->batch, sizeof *w->slots);
  w->samples = fm__alloc_array(context, w->batch, sizeof *w->samples);
  w->predictions = fm__alloc_array(context, w->batch, sizeof *w->predictions);
  if (!w->slots || !w->samples || !w->predictions)
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for a batch of %zu samples", w->batch);
  for (size_t i = 0; i < w->batch; i++) {
    w->samples[i] = &w->slots[i].sample;
    w->predictions[i] = &w->slots[i].prediction;
  }
  return FM_OK;
}

static void deallocate(walk *w) {
  const fm_context *context = w->source->context;
  for (size_t i = 0; w->slots && i < w->batch; i++) fm__free(context, w->slots[i].buffer);
  fm__free(context, w->predictions);
  fm__free(context, w->samples);
  fm__free(context, w->slots);
}

fm_status fm__walk(fm_source *source, fm_provider *provider, const fm_loop_options *options,
                   bool filters, fm__consume_fn consume_sample, void *state, fm_error *err) {
  walk w = {.source = source, .provider = provider, .consume = consume_sample, .state = state};
  fm_status status = read_options(&w, options, filters, err);
  if (!status) status = allocate(&w, err);
  while (!status && w.done < w.total) {
    int64_t left = w.total - w.done;
    size_t count = left < (int64_t)w.batch ? (size_t)left : w.batch;
    int64_t first = w.options.shard_index + w.done * w.options.shard_count;
    status = walk_batch(&w, first, count, err);
  }
  deallocate(&w);
  return status;
}
