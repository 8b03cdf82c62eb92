/* network/class_map.c - which class a network's output says that a pixel shows.
 *
 * Pixels of a row that are asked for are looked at together, class by class, so that memory is read
 * along the rows of a channel. */
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/view.h"
#include "dsp/tile.h"
#include "network/network_loss.h"

/* A pixel that is asked for: where it lies in the output, and the best class so far. */
typedef struct asked {
  int64_t x, low, high;
  double t, best;
  int32_t k;
} asked;

typedef struct search {
  fm__job *job;
  asked *pixels;  /* [count], of a strip of a row */
  float *parts;   /* of queries: [classes][queries], softmax(class logits) */
  double *shares; /* of queries: [queries], their sigmoids at a pixel; else NULL */
  size_t count;
  fm__span row;
} search;

/* ---- Channels ----------------------------------------------------------------------------------- */

static double value_at(const fm_volume *v, int64_t c, int64_t y, int64_t x) {
  float value;
  if (v->dtype != FM_F32) return (double)fm__voxel_value(v, c, y, x);
  memcpy(&value, fm__voxel(v, c, y, x), sizeof value);
  return (double)value;
}

static double number_at(const search *s, int64_t c, int64_t y, int64_t x) {
  const double value = value_at(&s->job->values, c, y, x);
  return s->job->model->options.compose_first ? fm__sigmoid(value) : value;
}

/* Pixels without a weight are not read: they need not be numbers. */
static double across(const search *s, int64_t c, int64_t y, const asked *p) {
  const double left = number_at(s, c, y, p->low);
  if (p->t == 0) return left;
  return left + p->t * (number_at(s, c, y, p->high) - left);
}

static double resized(const search *s, int64_t channel, const asked *p) {
  const double upper = across(s, channel, s->row.low, p);
  if (s->row.t == 0) return upper;
  return upper + s->row.t * (across(s, channel, s->row.high, p) - upper);
}

static void take(asked *p, int32_t k, double value) {
  if (!(value > p->best)) return;
  p->best = value;
  p->k = k;
}

/* Floats beside each other, as outputs mostly are: the same numbers as by `across`. */
static double across_floats(const char *row, const asked *p) {
  float left, right;
  memcpy(&left, row + p->low * (int64_t)sizeof left, sizeof left);
  if (p->t == 0) return (double)left;
  memcpy(&right, row + p->high * (int64_t)sizeof right, sizeof right);
  return (double)left + p->t * ((double)right - (double)left);
}

static void look_at_floats(const search *s, int32_t k, int32_t channel) {
  const char *low = fm__voxel(&s->job->values, channel, s->row.low, 0),
             *high = fm__voxel(&s->job->values, channel, s->row.high, 0);
  const double t = s->row.t;
  for (asked *p = s->pixels, *end = p + s->count; p < end; p++) {
    double value = across_floats(low, p);
    if (t != 0) value += t * (across_floats(high, p) - value);
    take(p, k, value);
  }
}

static void look_at_channels(const search *s) {
  const fm_network_loss *model = s->job->model;
  const fm_volume *v = &s->job->values;
  const bool floats =
      v->dtype == FM_F32 && v->col_stride == sizeof(float) && !model->options.compose_first;
  for (int32_t k = 0; k < model->labels->class_count; k++) {
    const int32_t channel = fm__channel_of(model, k);
    if (floats)
      look_at_floats(s, k, channel);
    else
      for (size_t i = 0; i < s->count; i++)
        take(&s->pixels[i], k, resized(s, channel, &s->pixels[i]));
  }
}

/* One channel for the last class; the other one has what is left. */
static void look_at_one(const search *s) {
  const fm_network_loss *model = s->job->model;
  const double even = model->options.kind == FM_OUTPUT_LOGITS ? 0 : 0.5;
  const int32_t positive = model->labels->class_count - 1;
  for (size_t i = 0; i < s->count; i++) {
    const double value = resized(s, 0, &s->pixels[i]);
    if (!isnan(value)) s->pixels[i].k = value > even ? positive : 0;
  }
}

/* ---- Queries ------------------------------------------------------------------------------------ */

/* Queries whose part of a pixel is so much smaller than the largest one's do not decide. */
static const double LITTLE = 1e-9;

static double largest(const double *values, size_t count) {
  double most = 0;
  for (size_t i = 0; i < count; i++) most = values[i] > most ? values[i] : most;
  return most;
}

static void look_at_query_parts(const search *s, asked *p) {
  const size_t queries = (size_t)s->job->values.channels;
  const double least = LITTLE * largest(s->shares, queries);
  for (int32_t k = 0; k < s->job->model->labels->class_count; k++) {
    const float *part = s->parts + (size_t)k * queries;
    double sum = 0;
    for (size_t q = 0; q < queries; q++)
      if (s->shares[q] > least) sum += s->shares[q] * (double)part[q];
    take(p, k, sum);
  }
}

/* As with channels, what is not a number does not count. */
static void look_at_queries(const search *s) {
  const bool composed = s->job->model->options.compose_first;
  for (size_t i = 0; i < s->count; i++) {
    for (int64_t q = 0; q < s->job->values.channels; q++) {
      const double value = resized(s, q, &s->pixels[i]);
      s->shares[q] = composed ? value : fm__sigmoid(value);
    }
    look_at_query_parts(s, &s->pixels[i]);
  }
}

static void fill_parts(const search *s) {
  const size_t queries = (size_t)s->job->values.channels;
  const fm_network_loss *model = s->job->model;
  for (int32_t k = 0; k < model->labels->class_count; k++)
    for (size_t q = 0; q < queries; q++)
      s->parts[(size_t)k * queries + q] = fm__query_part(s->job, q, fm__channel_of(model, k));
}

/* ---- Rows --------------------------------------------------------------------------------------- */

static void ask(search *s, int64_t y, int64_t x, size_t n) {
  s->count = 0;
  fm__lookup lookup = fm__labels_lookup(s->job->model->labels);
  fm__tile_classes(&s->job->mask, &lookup, y, x, n, s->job->classes);
  for (size_t i = 0; i < n; i++) {
    if (s->job->classes[i] < 0) continue;
    const fm__span at = fm__axis_span(&s->job->across, x + (int64_t)i, x + (int64_t)i + 1);
    s->pixels[s->count++] = (asked){x + (int64_t)i, at.low, at.high, at.t, -INFINITY, -1};
  }
}

static void write(const search *s, const fm_plane *classes, int64_t y, int64_t x, size_t n) {
  const int32_t none = -1;
  for (size_t i = 0; i < n; i++) memcpy(fm__pixel(classes, y, x + (int64_t)i), &none, sizeof none);
  for (size_t i = 0; i < s->count; i++)
    memcpy(fm__pixel(classes, y, s->pixels[i].x), &s->pixels[i].k, sizeof none);
}

static void look_at_row(search *s, int64_t y, const fm_plane *classes) {
  const fm__job *job = s->job;
  s->row = fm__axis_span(&job->down, y, y + 1);
  for (int64_t x = 0; x < job->mask.width; x += FM__STRIP) {
    const int64_t left = job->mask.width - x;
    const size_t n = left < FM__STRIP ? (size_t)left : FM__STRIP;
    ask(s, y, x, n);
    if (s->shares)
      look_at_queries(s);
    else if (job->model->options.binary)
      look_at_one(s);
    else
      look_at_channels(s);
    write(s, classes, y, x, n);
  }
}

/* ---- The call ----------------------------------------------------------------------------------- */

static void search_close(search *s) {
  const fm_context *context = s->job->model->labels->context;
  fm__free(context, s->pixels);
  fm__free(context, s->parts);
  fm__free(context, s->shares);
}

static fm_status search_open(search *s, fm__job *job, fm_error *err) {
  const fm_context *context = job->model->labels->context;
  const size_t queries = job->class_logits.data ? (size_t)job->values.channels : 0;
  const size_t classes = (size_t)job->model->labels->class_count;
  *s = (search){.job = job};
  s->pixels = fm__alloc_array(context, FM__STRIP, sizeof *s->pixels);
  if (!s->pixels) return fm__fail_memory(err, FM__STRIP * sizeof *s->pixels);
  if (!queries) return FM_OK;
  s->shares = fm__alloc_array(context, queries, sizeof *s->shares);
  if (s->shares) s->parts = fm__alloc_array(context, queries * classes, sizeof *s->parts);
  if (s->parts) {
    fill_parts(s);
    return FM_OK;
  }
  search_close(s);
  return fm__fail_memory(err, queries * (sizeof *s->shares + classes * sizeof *s->parts));
}

fm_status fm_network_class_map(const fm_network_loss *network_loss, const fm_network_output *output,
                               const fm_plane *mask, const fm_plane *classes, fm_error *err) {
  if (!network_loss)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_network_class_map: network_loss is NULL");
  fm_plane known;
  fm_status status = fm__output_read(&known, classes, FM__BIT(FM_I32), "class map", err);
  fm__job job;
  if (!status) status = fm__job_open(&job, network_loss, output, mask, err);
  if (status) return status;
  status = fm__job_check_output(&job, &known, "class map", false, err);
  search s;
  if (!status) status = search_open(&s, &job, err);
  if (!status) {
    for (int64_t y = 0; y < job.mask.height; y++) look_at_row(&s, y, &known);
    search_close(&s);
  }
  fm__job_close(&job);
  return status;
}
