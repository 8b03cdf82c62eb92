/* network/job.c - one call: checks the inputs, divides memory, walks over strips and rows. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "dsp/tile.h"
#include "network/network_loss.h"

/* ---- Inputs --------------------------------------------------------------------- */

/* Finds the first pixel that is not in the label space, before anything is computed. */
static fm_status check_labels(const fm_labels *labels, const fm_plane *mask, fm_error *err) {
  fm__lookup lookup = fm__labels_lookup(labels);
  int32_t classes[FM__TILE];
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x += FM__TILE) {
      int64_t left = mask->width - x;
      size_t n = left < FM__TILE ? (size_t)left : FM__TILE;
      fm__tile_classes(mask, &lookup, y, x, n, classes);
      int32_t least = 0;
      for (size_t i = 0; i < n; i++) least = classes[i] < least ? classes[i] : least;
      if (least >= FM_CLASS_IGNORE) continue;
      size_t i = 0;
      while (classes[i] >= FM_CLASS_IGNORE) i++;
      return fm__labels_fail(labels, mask, y, x + (int64_t)i, err);
    }
  return FM_OK;
}

static fm_status check_queries(const fm__job *job, fm_error *err) {
  const fm_network_loss_options *o = &job->model->options;
  if (o->kind != FM_OUTPUT_SCORES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "class logits: the output is of queries, which make scores, but kind is not "
                    "FM_OUTPUT_SCORES");
  if (job->class_logits.height != job->values.channels)
    return fm__fail(err, FM_ERR_SHAPE,
                    "class logits have %" PRId64 " queries, mask logits %" PRId64
                    ": they have to be equal",
                    job->class_logits.height, job->values.channels);
  if (job->class_logits.width != (int64_t)o->channel_count + 1)
    return fm__fail(err, FM_ERR_SHAPE,
                    "class logits have %" PRId64
                    " columns, expected %d classes and 1 for no "
                    "object",
                    job->class_logits.width, (int)o->channel_count);
  return fm__guard_queries(job, err);
}

static fm_status check_channels(const fm__job *job, fm_error *err) {
  const fm_network_loss_options *o = &job->model->options;
  if (o->compose_first)
    return fm__fail(
        err, FM_ERR_ARGUMENT,
        "output: has no class logits, but compose_first is set, which is about queries");
  if (job->values.channels != o->channel_count)
    return fm__fail(err, FM_ERR_SHAPE, "output has %" PRId64 " channels, expected %d",
                    job->values.channels, (int)o->channel_count);
  return fm__guard_output(job, err);
}

static fm_status read_output(fm__job *job, const fm_network_output *output, fm_error *err) {
  if (!output) return fm__fail(err, FM_ERR_ARGUMENT, "output: is NULL");
  fm_network_output known;
  fm_status status = FM__OPTIONS_READ(&known, output, fm_network_output, class_logits, err);
  if (status) return status;
  bool queries = known.class_logits.data != NULL;
  status = fm__volume_read(&job->values, &known.values, FM__OUTPUT_TYPES,
                           queries ? "mask logits" : "output", err);
  if (!status && queries)
    status = fm__plane_read(&job->class_logits, &known.class_logits, FM__OUTPUT_TYPES,
                            "class logits", err);
  return status;
}

static fm_status read_inputs(fm__job *job, const fm_network_output *output, const fm_plane *mask,
                             fm_error *err) {
  fm_status status = read_output(job, output, err);
  if (!status) status = fm__plane_read(&job->mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = job->class_logits.data ? check_queries(job, err) : check_channels(job, err);
  return status ? status : check_labels(job->model->labels, &job->mask, err);
}

fm_status fm__job_check_output(const fm__job *job, const fm_plane *out, const char *out_name,
                               bool in_place, fm_error *err) {
  bool queries = job->class_logits.data != NULL;
  fm_status status = fm__same_size(&job->mask, "mask", out, out_name, err);
  if (!status) status = fm__check_output(out, out_name, &job->mask, "mask", in_place, err);
  if (!status)
    status = fm__check_output_volume(out, out_name, &job->values,
                                     queries ? "mask logits" : "output", err);
  if (!status && queries)
    status = fm__check_output(out, out_name, &job->class_logits, "class logits", false, err);
  return status;
}

static fm__strip_fn *strip_of(const fm__job *job) {
  const fm_network_loss_options *o = &job->model->options;
  if (job->class_logits.data) return fm__strip_queries;
  if (o->binary && o->kind == FM_OUTPUT_LOGITS) return fm__strip_binary;
  if (o->binary) return fm__strip_probs;
  if (o->kind == FM_OUTPUT_PROBS) return fm__strip_probs;
  if (o->kind == FM_OUTPUT_SCORES) return fm__strip_scores;
  bool full = job->values.height == job->mask.height && job->values.width == job->mask.width;
  return full ? fm__strip_logits_full : fm__strip_logits;
}

/* ---- Memory --------------------------------------------------------------------- */

/* Divides a block of memory. With NULL it only measures: the same calls, the same sum. */
typedef struct arena {
  char *memory;
  size_t used;
} arena;

static void *take(arena *a, size_t count, size_t size) {
  void *at = a->memory ? a->memory + a->used : NULL;
  a->used += (count * size + 63) / 64 * 64;
  return at;
}

static bool needs_stage(const fm__job *job) {
  return job->strip == fm__strip_logits || job->strip == fm__strip_scores ||
         job->strip == fm__strip_queries;
}

/* Sums of scores are one double per column, staged pixels `padded` floats. */
static size_t column_bytes(const fm__job *job) {
  return job->strip == fm__strip_scores ? sizeof(double) : job->stage.padded * sizeof(float);
}

static void size_stage(fm__job *job) {
  fm__stage *s = &job->stage;
  size_t channels = (size_t)job->values.channels;
  s->padded = (channels + FM__STAGE_ALIGN - 1) / FM__STAGE_ALIGN * FM__STAGE_ALIGN;
  int64_t fit = (int64_t)(FM__STAGE_BYTES / 2 / column_bytes(job));
  if (fit > FM__STRIP) fit = FM__STRIP;
  if (fit < 2) fit = 2;
  s->capacity = fit < job->values.width ? fit : job->values.width;
}

static void divide(fm__job *job, arena *a) {
  fm__stage *s = &job->stage;
  /* Where sizes are equal, a block has one row. */
  size_t rows = job->strip == fm__strip_logits_full ? 1 : FM__BLOCK, room = rows * FM__STRIP_ROOM;
  job->base = take(a, room, sizeof *job->base);
  job->classes = take(a, room, sizeof *job->classes);
  job->sums = take(a, room, sizeof *job->sums);
  job->losses = take(a, room, sizeof *job->losses);
  size_t scratch = 4 * s->padded > FM__STRIP_ROOM ? 4 * s->padded : FM__STRIP_ROOM;
  job->scratch = take(a, scratch, sizeof *job->scratch);
  if (job->strip != fm__strip_logits_full) job->columns = take(a, FM__STRIP, sizeof *job->columns);
  if (!needs_stage(job)) return;
  for (int i = 0; i < 2; i++) {
    s->rows[i] = take(a, (size_t)s->capacity, column_bytes(job));
    s->tops[i] = take(a, (size_t)s->capacity, sizeof *s->tops[i]);
    s->state[i] = take(a, (size_t)s->capacity, sizeof *s->state[i]);
  }
}

fm_status fm__job_open(fm__job *job, const fm_network_loss *model, const fm_network_output *output,
                       const fm_plane *mask, fm_error *err) {
  memset(job, 0, sizeof *job);
  job->model = model;
  job->kernels = model->kernels;
  fm_status status = read_inputs(job, output, mask, err);
  if (status) return status;
  bool corners = model->options.align_corners != 0;
  job->down = fm__axis_make(job->values.height, job->mask.height, corners);
  job->across = fm__axis_make(job->values.width, job->mask.width, corners);
  job->strip = strip_of(job);
  size_stage(job);
  arena a = {NULL, 0};
  divide(job, &a);
  bool of_queries = job->class_logits.data != NULL;
  size_t queries = of_queries ? fm__queries_size(job) : 0;
  job->memory_size = a.used + queries;
  job->memory = fm__alloc(model->labels->context, job->memory_size);
  if (!job->memory) return fm__fail_memory(err, job->memory_size);
  a.memory = job->memory;
  a.used = 0;
  divide(job, &a);
  if (of_queries) status = fm__queries_prepare(job, a.memory + a.used, err);
  if (status) fm__job_close(job);
  return status;
}

void fm__job_close(fm__job *job) {
  fm__free(job->model->labels->context, job->memory);
  job->memory = NULL;
}

/* ---- Strips --------------------------------------------------------------------- */

static bool walks_flat(const fm__job *job) {
  return job->strip == fm__strip_logits_full && fm__is_flat(job);
}

int64_t fm__job_strip(fm__job *job, int64_t x) {
  int64_t widest = walks_flat(job) ? FM__FLAT_STRIP : FM__STRIP;
  int64_t end = x + widest < job->mask.width ? x + widest : job->mask.width;
  if (!job->columns) return end;
  fm__stage *s = &job->stage;
  s->first = fm__axis_span(&job->across, x, x + 1).low;
  if (s->rows[0]) end = fm__axis_reach(&job->across, x, s->first + s->capacity - 1, end);
  s->columns = fm__axis_span(&job->across, end - 1, end).high - s->first + 1;
  s->tags[0] = s->tags[1] = -1;
  fm__span *span = job->columns;
  for (int64_t i = x; i < end; i += span->count, span++)
    *span = fm__axis_span(&job->across, i, end);
  return end;
}

int64_t fm__job_cut(const fm__job *job, int64_t first, int64_t most) {
  int64_t height = job->mask.height, end = first;
  if (most >= height - first) return height;
  for (;;) {
    int count = fm__axis_span(&job->down, end, height).count;
    if (end + count > first + most) return end;
    end += count;
  }
}

static void write_row(const fm_plane *loss, int64_t y, int64_t x, const float *losses, size_t n) {
  char *to = fm__pixel(loss, y, x);
  if (loss->col_stride == (int64_t)sizeof *losses) {
    memcpy(to, losses, n * sizeof *losses);
    return;
  }
  for (size_t i = 0; i < n; i++, to += loss->col_stride) memcpy(to, &losses[i], sizeof *losses);
}

/* Pixels of one row, of those numbered at to end - 1 through all rows. */
typedef struct piece {
  int64_t y, x;
  size_t n;
} piece;

static piece piece_of(const fm__job *job, int64_t at, int64_t end) {
  int64_t width = job->mask.width, x = at % width, left = width - x;
  piece p = {at / width, x, (size_t)(left < end - at ? left : end - at)};
  return p;
}

/* The end of the pixels from `at` that are worked on together; the next ones begin a cache line. */
static int64_t run_end(const fm_volume *v, int64_t at, int64_t last) {
  enum { LINE = 64 };
  if (last - at <= FM__STRIP) return last;
  int64_t element = (int64_t)fm_dtype_size((fm_dtype)v->dtype), end = at + FM__STRIP;
  int64_t behind = (int64_t)((uintptr_t)fm__voxel(v, 0, 0, end) % LINE);
  return v->col_stride == element && behind % element == 0 ? end - behind / element : end;
}

/* Pixels at to stop - 1, numbered through all rows; the first pixel of `loss` is (y, x). In long
 * runs, so that memory is read by the page and not by the row, and only the first run begins inside
 * a cache line. */
static fm_status flat_pixels(fm__job *job, int64_t at, int64_t stop, int64_t y, int64_t x,
                             const fm_plane *loss, fm_error *err) {
  fm__lookup lookup = fm__labels_lookup(job->model->labels);
  piece p;
  for (int64_t end; at < stop; at = end) {
    end = run_end(&job->values, at, stop);
    for (int64_t i = at; i < end; i += (int64_t)p.n) {
      p = piece_of(job, i, end);
      fm__tile_classes(&job->mask, &lookup, p.y, p.x, p.n, job->classes + (i - at));
    }
    fm_status status = job->strip(job, 0, 1, at, end, job->losses, err);
    if (status) return status;
    for (int64_t i = at; loss->data && i < end; i += (int64_t)p.n) {
      p = piece_of(job, i, end);
      write_row(loss, p.y - y, p.x - x, job->losses + (i - at), p.n);
    }
  }
  return FM_OK;
}

static fm_status flat_rows(fm__job *job, int64_t x, int64_t stop, int64_t first, int64_t end,
                           const fm_plane *loss, fm_error *err) {
  int64_t width = job->mask.width;
  if (x == 0 && stop == width)
    return flat_pixels(job, first * width, end * width, first, x, loss, err);
  fm_status status = FM_OK;
  for (int64_t y = first; y < end && !status; y++)
    status = flat_pixels(job, y * width + x, y * width + stop, first, x, loss, err);
  return status;
}

fm_status fm__job_losses(fm__job *job, int64_t x, int64_t stop, int64_t first, int64_t end,
                         const fm_plane *loss, fm_error *err) {
  if (walks_flat(job)) return flat_rows(job, x, stop, first, end, loss, err);
  fm__lookup lookup = fm__labels_lookup(job->model->labels);
  size_t n = (size_t)(stop - x);
  for (int64_t y = first; y < end;) {
    int count = fm__axis_span(&job->down, y, end).count;
    for (int j = 0; j < count; j++)
      fm__tile_classes(&job->mask, &lookup, y + j, x, n, job->classes + j * FM__STRIP_ROOM);
    fm_status status = job->strip(job, y, count, x, stop, job->losses, err);
    if (status) return status;
    for (int j = 0; loss->data && j < count; j++)
      write_row(loss, y + j - first, 0, job->losses + j * FM__STRIP_ROOM, n);
    y += count;
  }
  return FM_OK;
}

fm_status fm__job_rows(fm__job *job, int64_t first, int64_t end, const fm_plane *loss,
                       fm_error *err) {
  fm_status status = FM_OK;
  fm_plane part = *loss;
  for (int64_t x = 0, stop; x < job->mask.width && !status; x = stop) {
    stop = fm__job_strip(job, x);
    if (loss->data) part.data = fm__pixel(loss, 0, x);
    status = fm__job_losses(job, x, stop, first, end, &part, err);
  }
  return status;
}
