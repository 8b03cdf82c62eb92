/* network/queries.c - losses from outputs of queries, without composing their scores.
 *
 * With p[q][c] = softmax(class_logits[q])[c], "no object" last, and s[q] the sigmoid of
 * the query's resized mask logit at a pixel, the scores are sum_q p[q][c] s[q]. The loss
 * needs the label's score and the sum of all, which is sum_q (1 - p[q][no object]) s[q]:
 * two dot products per pixel, whatever the number of classes. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "dsp/tile.h"
#include "network/log_sum.h"
#include "network/network_loss.h"

/* Rows of p that are kept, at the channel modulo their number: an image has few classes. */
enum { ROW_BYTES = 192 << 10 };

/* p[q][c] = exp(class logit - top - log_sum + log_weight). Differences of logits come first: they are
 * exact however large these are. */
typedef struct queries {
  size_t count, padded;
  double *log_sums;    /* [count]: log of the sum of exp(class logit - top), likewise */
  double *log_weights; /* [count]: log(1 - p[q][no object]) */
  float *tops;         /* [padded]: the largest class logit, "no object" apart */
  float *weights;      /* [padded]: 1 - p[q][no object] */
  float *rows;         /* [slots][padded]: p[.][c] */
  int32_t *tags;       /* [slots]: which c; -1: none */
  size_t slots;
} queries;

static size_t padded_of(const fm__job *job) {
  size_t count = (size_t)job->values.channels;
  return (count + FM__STAGE_ALIGN - 1) / FM__STAGE_ALIGN * FM__STAGE_ALIGN;
}

/* At least as many rows as a block has pixels, since they are used together. */
static size_t slots_of(const fm__job *job) {
  size_t channels = (size_t)job->model->options.channel_count;
  size_t slots = ROW_BYTES / (padded_of(job) * sizeof(float));
  if (slots < FM__BLOCK_PIXELS) slots = FM__BLOCK_PIXELS;
  return slots < channels ? slots : channels;
}

size_t fm__queries_size(const fm__job *job) {
  size_t padded = padded_of(job), slots = slots_of(job);
  return sizeof(queries) + 2 * padded * (sizeof(double) + sizeof(float)) +
         slots * (padded * sizeof(float) + sizeof(int32_t));
}

static double class_logit(const fm__job *job, size_t q, int64_t c) {
  return (double)fm__loss_at(&job->class_logits, (int64_t)q, c);
}

/* The largest class logit of a query, "no object" apart; fails on a value that is not finite. */
static fm_status largest_logit(const fm__job *job, size_t q, double *top, fm_error *err) {
  *top = -INFINITY;
  for (int64_t c = 0; c < job->class_logits.width; c++) {
    double z = class_logit(job, q, c);
    if (!isfinite(z))
      return fm__fail(err, FM_ERR_LOSS,
                      "class logits: %g at query %zu, class %" PRId64 ", expected a finite number",
                      z, q, c);
    if (z > *top && c < job->class_logits.width - 1) *top = z;
  }
  return FM_OK;
}

/* A query's weight, as a sum and not as a difference of 1. */
static fm_status prepare_query(const fm__job *job, queries *qs, size_t q, fm_error *err) {
  double top, sum = 0;
  fm_status status = largest_logit(job, q, &top, err);
  if (status) return status;
  int64_t none = job->class_logits.width - 1;
  for (int64_t c = 0; c < none; c++) sum += exp(class_logit(job, q, c) - top);
  double log_weight = -fm__softplus(class_logit(job, q, none) - top - log(sum));
  qs->tops[q] = (float)top;
  qs->log_weights[q] = log_weight;
  qs->log_sums[q] = log(sum);
  qs->weights[q] = (float)exp(log_weight);
  return FM_OK;
}

fm_status fm__queries_prepare(fm__job *job, void *memory, fm_error *err) {
  queries *qs = memory;
  qs->count = (size_t)job->values.channels;
  qs->padded = padded_of(job);
  qs->slots = slots_of(job);
  qs->log_sums = (double *)(void *)(qs + 1);
  qs->log_weights = qs->log_sums + qs->padded;
  qs->tops = (float *)(qs->log_weights + qs->padded);
  qs->weights = qs->tops + qs->padded;
  qs->rows = qs->weights + qs->padded;
  qs->tags = (int32_t *)(void *)(qs->rows + qs->slots * qs->padded);
  for (size_t i = 0; i < qs->slots; i++) qs->tags[i] = -1;
  memset(qs->weights, 0, qs->padded * sizeof *qs->weights);
  for (size_t q = 0; q < qs->count; q++) {
    fm_status status = prepare_query(job, qs, q, err);
    if (status) return status;
  }
  job->queries = qs;
  return FM_OK;
}

/* Of a query's weight. */
static double log_share(const fm__job *job, size_t q, int32_t channel) {
  const queries *qs = job->queries;
  return class_logit(job, q, channel) - (double)qs->tops[q] - qs->log_sums[q];
}

float fm__query_part(const fm__job *job, size_t q, int32_t channel) {
  return (float)exp(log_share(job, q, channel) + ((const queries *)job->queries)->log_weights[q]);
}

/* p[.][channel]. Valid until a row of another channel takes its slot. */
static const float *row_of(fm__job *job, int32_t channel) {
  queries *qs = job->queries;
  size_t slot = (size_t)channel % qs->slots;
  float *row = qs->rows + slot * qs->padded;
  if (qs->tags[slot] == channel) return row;
  qs->tags[slot] = channel;
  for (size_t q = 0; q < qs->count; q++) row[q] = fm__query_part(job, q, channel);
  for (size_t q = qs->count; q < qs->padded; q++) row[q] = 0;
  return row;
}

/* ---- One pixel, exactly --------------------------------------------------------- */

/* Floats and their sums from here on may lack terms that were rounded to nothing. */
static const double LEAST_SUM = 1e-30;

/* Whether a score and a total of floats tell the score's share: either because they lack nothing, or
 * because it is below the floor anyway. */
static bool is_known(const fm__job *job, double own, double all) {
  if (!(all > LEAST_SUM)) return false;
  return own > LEAST_SUM || (own + LEAST_SUM) / all < job->model->options.floor;
}

/* A mask logit that lies where sigmoids change must not be what is left of large ones. Far below, all
 * of them are rounded alike. */
static fm_status check_logit(double z, double size, int64_t y, int64_t x, fm_error *err) {
  double doubt = size * FM__BLEND_ERROR;
  if (doubt <= FM__DOUBT || fabs(z) - doubt > FM__UNSEEN) return FM_OK;
  return fm__check_doubt(doubt, fabs(z), y, x, err);
}

static fm_status query_sigmoid(const fm__job *job, const fm__taps *taps, size_t q, int64_t y,
                               int64_t x, double *s, fm_error *err) {
  bool first = job->model->options.compose_first;
  double sum = 0, size = 0;
  for (int i = 0; i < taps->count; i++) {
    const fm__tap *tap = &taps->at[i];
    double z = (double)fm__voxel_value(&job->values, (int64_t)q, tap->y, tap->x);
    if (!isfinite(z)) return fm__value_fail(job, (int64_t)q, tap->y, tap->x, err);
    sum += tap->weight * (first ? fm__sigmoid(z) : z);
    size += fabs(z);
  }
  *s = first ? sum : fm__sigmoid(sum);
  return first || taps->count == 1 ? FM_OK : check_logit(sum, size, y, x, err);
}

/* A logarithm as a sum: what may be large, and what is small. The difference of two is exact enough
 * even where they are far below 0. */
typedef struct log_pair {
  double large, small;
} log_pair;

static log_pair log_sigmoid(double z) { return (log_pair){z < 0 ? z : 0, -log1p(exp(-fabs(z)))}; }

static log_pair log_weight(const fm__job *job, size_t q) {
  const queries *qs = job->queries;
  double none = class_logit(job, q, job->class_logits.width - 1) - (double)qs->tops[q];
  if (none > 2 * FM__UNSEEN) return (log_pair){-none, qs->log_sums[q]};
  return (log_pair){0, qs->log_weights[q]};
}

static double tap_value(const fm__job *job, const fm__tap *tap, size_t q) {
  return (double)fm__voxel_value(&job->values, (int64_t)q, tap->y, tap->x);
}

static double resized(const fm__job *job, const fm__taps *taps, size_t q) {
  double sum = 0;
  for (int i = 0; i < taps->count; i++) sum += taps->at[i].weight * tap_value(job, &taps->at[i], q);
  return sum;
}

/* Of sigmoids that are resized. */
static log_pair log_resized(const fm__job *job, const fm__taps *taps, size_t q) {
  log_pair sum = {-INFINITY, 0};
  for (int i = 0; i < taps->count; i++)
    sum.large = fmax(sum.large, log_sigmoid(tap_value(job, &taps->at[i], q)).large);
  for (int i = 0; i < taps->count; i++) {
    log_pair s = log_sigmoid(tap_value(job, &taps->at[i], q));
    sum.small += taps->at[i].weight * exp(s.large - sum.large + s.small);
  }
  sum.small = log(sum.small);
  return sum;
}

static log_pair log_of_query(const fm__job *job, const fm__taps *taps, size_t q) {
  return job->model->options.compose_first ? log_resized(job, taps, q)
                                           : log_sigmoid(resized(job, taps, q));
}

/* log(weight times sigmoid) of a query, less that of query `than`. */
static double log_part(const fm__job *job, const fm__taps *taps, size_t q, size_t than,
                       double *doubt) {
  log_pair s = log_of_query(job, taps, q), s0 = log_of_query(job, taps, than);
  log_pair w = log_weight(job, q), w0 = log_weight(job, than);
  double large = s.large - s0.large, size = fabs(large) + fabs(w.large - w0.large);
  if (!job->model->options.compose_first && s.large < 0 && s0.large < 0) {
    large = size = 0; /* both are resized logits: their differences are resized */
    for (int i = 0; i < taps->count; i++) {
      const fm__tap *tap = &taps->at[i];
      double difference = tap_value(job, tap, q) - tap_value(job, tap, than);
      large += tap->weight * difference;
      size += fabs(difference);
    }
    size += fabs(w.large - w0.large);
  }
  *doubt = size * FM__BLEND_ERROR;
  return large + (w.large - w0.large) + (s.small - s0.small) + (w.small - w0.small);
}

/* About the query with the largest weight times sigmoid. */
static size_t largest_part(const fm__job *job, const fm__taps *taps) {
  const queries *qs = job->queries;
  size_t best = 0;
  double most = -INFINITY;
  for (size_t q = 0; q < qs->count; q++) {
    log_pair s = log_of_query(job, taps, q);
    double part = s.large + s.small + qs->log_weights[q];
    if (part > most) best = q;
    if (part > most) most = part;
  }
  return best;
}

/* The same share by logarithms, where scores are too small for numbers. */
static fm_status tiny_share(const fm__job *job, int64_t y, int64_t x, int32_t channel,
                            double *share, fm_error *err) {
  const queries *qs = job->queries;
  fm__taps taps = fm__taps_of(job, y, x);
  fm__log_sum own = {-INFINITY, 0}, all = {-INFINITY, 0};
  size_t best = largest_part(job, &taps);
  double most = 0, unseen = log(job->model->options.floor) - FM__UNSEEN;
  for (size_t q = 0; q < qs->count; q++) {
    double doubt, part = log_part(job, &taps, q, best, &doubt);
    fm__log_sum_add(&own, part + log_share(job, q, channel));
    fm__log_sum_add(&all, part);
    if (part + doubt > unseen && doubt > most) most = doubt;
  }
  *share = exp(own.top - all.top) * own.sum / all.sum;
  return fm__check_doubt(most, -log(*share), y, x, err);
}

/* The label's score over the sum of all. */
static fm_status exact_score(fm__job *job, int64_t y, int64_t x, int32_t channel, double *score,
                             fm_error *err) {
  const queries *qs = job->queries;
  fm__taps taps = fm__taps_of(job, y, x);
  const float *row = row_of(job, channel);
  double own = 0, all = 0;
  for (size_t q = 0; q < qs->count; q++) {
    double s = 0;
    fm_status status = query_sigmoid(job, &taps, q, y, x, &s, err);
    if (status) return status;
    own += s * (double)row[q];
    all += s * (double)qs->weights[q];
  }
  if (!is_known(job, own, all)) return tiny_share(job, y, x, channel, score, err);
  *score = own / all;
  return FM_OK;
}

/* ---- Blocks --------------------------------------------------------------------- */

/* The pixels of a block: the first one is (y, x), number `at` of the strip. */
typedef struct cell {
  int64_t y, x;
  size_t at;
  int nx, ny;
} cell;

static fm_status exact_cell(fm__job *job, const cell *p, fm_error *err) {
  for (int j = 0; j < p->ny; j++)
    for (int i = 0; i < p->nx; i++) {
      size_t at = p->at + (size_t)j * FM__STRIP_ROOM + (size_t)i;
      int32_t k = job->classes[at];
      double score = 1;
      fm_status status =
          k < 0 ? FM_OK
                : exact_score(job, p->y + j, p->x + i, fm__channel_of(job->model, k), &score, err);
      if (status) return status;
      job->base[at] = score;
    }
  return FM_OK;
}

/* Finds the rows of p for the pixels of a block; false if two of its classes need the same slot. */
static bool rows_of(fm__job *job, const cell *p, const float **rows) {
  const queries *qs = job->queries;
  for (int i = 0; i < FM__BLOCK_PIXELS; i++) rows[i] = qs->weights;
  int32_t channels[FM__BLOCK_PIXELS];
  int count = 0;
  for (int j = 0; j < p->ny; j++)
    for (int i = 0; i < p->nx; i++) {
      int32_t k = job->classes[p->at + (size_t)j * FM__STRIP_ROOM + (size_t)i];
      if (k < 0) continue;
      channels[count] = fm__channel_of(job->model, k);
      rows[FM__BLOCK * j + i] = row_of(job, channels[count]);
      count++;
    }
  for (int i = 0; i < count; i++)
    if (qs->tags[(size_t)channels[i] % qs->slots] != channels[i]) return false;
  return true;
}

static bool fast_cell(fm__job *job, const fm__block *block, const cell *p) {
  const queries *qs = job->queries;
  const float *rows[FM__BLOCK_PIXELS];
  float scores[FM__BLOCK_PIXELS], totals[FM__BLOCK_PIXELS];
  if (!rows_of(job, p, rows)) return false;
  job->kernels->queries(block, p->nx, p->ny, qs->padded, rows, qs->weights, job->scratch, scores,
                        totals);
  for (int j = 0; j < p->ny; j++)
    for (int i = 0; i < p->nx; i++) {
      int from = FM__BLOCK * j + i;
      double own = (double)scores[from], all = (double)totals[from];
      size_t at = p->at + (size_t)j * FM__STRIP_ROOM + (size_t)i;
      if (job->classes[at] >= 0 && !is_known(job, own, all)) return false;
      job->base[at] = own / all;
    }
  return true;
}

static bool any_valid(const fm__job *job, const cell *p) {
  for (int j = 0; j < p->ny; j++)
    for (int i = 0; i < p->nx; i++)
      if (job->classes[p->at + (size_t)j * FM__STRIP_ROOM + (size_t)i] >= 0) return true;
  return false;
}

fm_status fm__strip_queries(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                            fm_error *err) {
  fm__span rows = fm__axis_span(&job->down, y, y + ny);
  fm__stage *s = &job->stage;
  int slots[2];
  slots[0] = fm__stage_row(job, rows.low, rows.high, true);
  slots[1] = fm__stage_row(job, rows.high, rows.low, true);
  const fm__span *columns = job->columns;
  for (int64_t i = x; i < end; i += columns->count, columns++) {
    int64_t left = columns->low - s->first, right = columns->high - s->first;
    fm__block block = fm__stage_block(s, slots, &rows, columns);
    bool good = fm__stage_state(s, slots, left, right) == FM__STAGE_GOOD &&
                !job->model->options.compose_first;
    cell p = {y, i, (size_t)(i - x), columns->count, ny};
    if (any_valid(job, &p) && !(good && fast_cell(job, &block, &p))) {
      fm_status status = exact_cell(job, &p, err);
      if (status) return status;
    }
  }
  for (int j = 0; j < ny; j++) {
    size_t at = (size_t)j * FM__STRIP_ROOM;
    fm__finish_scores(job, at, (size_t)(end - x), out + at);
  }
  return FM_OK;
}
