/* network/probs.c - probabilities, scores, and one channel of logits.
 *
 * Resizing probabilities and scores commutes with summing over channels, so the sums are taken at the
 * output's own resolution, and only they and the label's channel are resized. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "dsp/tile.h"
#include "network/network_loss.h"

static bool is_score(float value) { return value >= 0 && isfinite(value); }

/* The resized value of one channel; fails on a part that is neither a probability nor a score. */
static fm_status score_at(const fm__job *job, const fm__taps *taps, int32_t channel, double *score,
                          fm_error *err) {
  *score = 0;
  for (int i = 0; i < taps->count; i++) {
    const fm__tap *tap = &taps->at[i];
    float value = fm__voxel_value(&job->values, channel, tap->y, tap->x);
    if (!is_score(value)) return fm__value_fail(job, channel, tap->y, tap->x, err);
    *score += tap->weight * (double)value;
  }
  return FM_OK;
}

/* ---- Walking over pixels ---------------------------------------------------------- */

/* The values of one channel at the corners of a cell. */
typedef struct quad {
  double z[4]; /* upper left, upper right, lower left, lower right */
} quad;

/* Pixels of one row between the same columns of the output. */
typedef struct stretch {
  const fm__span *row, *columns;
  int64_t y, x;
  size_t at; /* in the strip */
} stretch;

static float load_one(const fm_volume *v, int64_t c, int64_t y, int64_t x) {
  float value;
  if (v->dtype != FM_F32) return fm__voxel_value(v, c, y, x);
  memcpy(&value, fm__voxel(v, c, y, x), sizeof value);
  return value;
}

static bool read_quad(const fm__job *job, const stretch *s, int32_t channel, quad *q) {
  const fm_volume *v = &job->values;
  const int64_t rows[2] = {s->row->low, s->row->high};
  const int64_t columns[2] = {s->columns->low, s->columns->high};
  bool any_sign = job->model->options.kind == FM_OUTPUT_LOGITS, good = true;
  for (int i = 0; i < 4; i++) {
    float value = load_one(v, channel, rows[i / 2], columns[i % 2]);
    good &= any_sign ? (bool)isfinite(value) : is_score(value);
    q->z[i] = (double)value;
  }
  return good;
}

/* At pixel number i of a stretch. */
static double bilinear(const quad *q, const stretch *s, int i) {
  double t = s->columns->t + i * s->columns->step, u = s->row->t;
  double left = q->z[0] + u * (q->z[2] - q->z[0]);
  double right = q->z[1] + u * (q->z[3] - q->z[1]);
  return left + t * (right - left);
}

/* Fills in job->base for the pixels of a stretch. */
typedef fm_status stretch_fn(fm__job *job, const stretch *s, fm_error *err);

/* Each stretch of row y. */
static fm_status each_stretch(fm__job *job, int64_t y, size_t at, int64_t x, int64_t end,
                              stretch_fn *use, fm_error *err) {
  fm__span row = fm__axis_span(&job->down, y, y + 1);
  stretch s = {&row, job->columns, y, x, at};
  while (s.x < end) {
    fm_status status = use(job, &s, err);
    if (status) return status;
    s.x += s.columns->count;
    s.at += (size_t)s.columns->count;
    s.columns++;
  }
  return FM_OK;
}

void fm__finish_scores(fm__job *job, size_t at, size_t n, float *out) {
  double floor = job->model->options.floor;
  const double *scores = job->base + at;
  const int32_t *classes = job->classes + at;
  float *sums = job->sums + at, least = 1;
  size_t lanes = job->kernels->lanes, padded = (n + lanes - 1) / lanes * lanes;
  for (size_t i = 0; i < n; i++) {
    double score = scores[i] > floor ? scores[i] : floor;
    sums[i] = classes[i] < 0 ? 1 : (float)score;
    least = sums[i] < least ? sums[i] : least;
  }
  for (size_t i = n; i < padded; i++) sums[i] = 1;
  job->kernels->logarithms(sums, padded);
  for (size_t i = 0; i < n; i++) out[i] = sums[i] < 0 ? -sums[i] : 0;
  if (least > FLT_MIN) return;
  for (size_t i = 0; i < n; i++) /* below the smallest normal float */
    if (classes[i] >= 0 && !(scores[i] > (double)FLT_MIN))
      out[i] = (float)-log(scores[i] > floor ? scores[i] : floor);
}

/* ---- Probabilities -------------------------------------------------------------- */

/* Neighbors mostly have the same label, whose channel is read once. `last`: the channel of `q`. */
static fm_status own_score(fm__job *job, const stretch *s, int i, int32_t *last, quad *q,
                           double *score, fm_error *err) {
  int32_t k = job->classes[s->at + (size_t)i];
  int32_t channel = job->model->options.binary ? 0 : fm__channel_of(job->model, k);
  if (channel != *last) *last = read_quad(job, s, channel, q) ? channel : -1;
  if (channel == *last) {
    *score = bilinear(q, s, i);
    return FM_OK;
  }
  fm__taps taps = fm__taps_of(job, s->y, s->x + i);
  return score_at(job, &taps, channel, score, err);
}

static fm_status probs_stretch(fm__job *job, const stretch *s, fm_error *err) {
  bool binary = job->model->options.binary;
  int32_t last = -1, positive = job->model->labels->class_count - 1;
  quad q = {{0}};
  for (int i = 0; i < s->columns->count; i++) {
    size_t at = s->at + (size_t)i;
    if (job->classes[at] < 0) continue;
    double score;
    fm_status status = own_score(job, s, i, &last, &q, &score, err);
    if (status) return status;
    job->base[at] = binary && job->classes[at] != positive ? 1 - score : score;
  }
  return FM_OK;
}

fm_status fm__strip_probs(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                          fm_error *err) {
  for (int j = 0; j < ny; j++) {
    size_t at = (size_t)j * FM__STRIP_ROOM;
    fm_status status = each_stretch(job, y + j, at, x, end, probs_stretch, err);
    if (status) return status;
    fm__finish_scores(job, at, (size_t)(end - x), out + at);
  }
  return FM_OK;
}

/* ---- One channel of logits ------------------------------------------------------ */

double fm__softplus(double z) { return (z > 0 ? z : 0) + log1p(exp(-fabs(z))); }

/* Values that are not large are resized well enough by doubles. */
static bool is_moderate(const quad *q) {
  bool moderate = true;
  for (int i = 0; i < 4; i++) moderate &= fabs(q->z[i]) * FM__BLEND_ERROR * 4 <= FM__DOUBT;
  return moderate;
}

/* The resized value where not all corners are valid, or some are large, and by how much rounding may
 * have moved it. */
static fm_status exact_logit(const fm__job *job, int64_t y, int64_t x, double *z, double *doubt,
                             fm_error *err) {
  fm__taps taps = fm__taps_of(job, y, x);
  double size = 0;
  *z = 0;
  for (int i = 0; i < taps.count; i++) {
    double value = (double)fm__voxel_value(&job->values, 0, taps.at[i].y, taps.at[i].x);
    if (!isfinite(value)) return fm__value_fail(job, 0, taps.at[i].y, taps.at[i].x, err);
    *z += taps.at[i].weight * value;
    size += fabs(value);
  }
  *doubt = taps.count > 1 ? size * FM__BLEND_ERROR : 0;
  return FM_OK;
}

/* The loss where z may be in doubt: far below 0 it is 0 all the same. */
static fm_status exact_binary(const fm__job *job, int64_t y, int64_t x, bool positive, double *loss,
                              fm_error *err) {
  double z = 0, doubt = 0;
  fm_status status = exact_logit(job, y, x, &z, &doubt, err);
  if (status) return status;
  z = positive ? -z : z;
  *loss = fm__softplus(z);
  return z + doubt < -FM__UNSEEN ? FM_OK : fm__check_doubt(doubt, *loss, y, x, err);
}

static fm_status binary_stretch(fm__job *job, const stretch *s, fm_error *err) {
  int32_t positive = job->model->labels->class_count - 1;
  quad q = {{0}};
  bool good = read_quad(job, s, 0, &q) && is_moderate(&q);
  for (int i = 0; i < s->columns->count; i++) {
    size_t at = s->at + (size_t)i;
    int32_t k = job->classes[at];
    if (k < 0) continue;
    if (good) {
      double z = bilinear(&q, s, i);
      job->base[at] = fm__softplus(k == positive ? -z : z);
      continue;
    }
    fm_status status = exact_binary(job, s->y, s->x + i, k == positive, &job->base[at], err);
    if (status) return status;
  }
  return FM_OK;
}

fm_status fm__strip_binary(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                           fm_error *err) {
  for (int j = 0; j < ny; j++) {
    size_t at = (size_t)j * FM__STRIP_ROOM;
    fm_status status = each_stretch(job, y + j, at, x, end, binary_stretch, err);
    if (status) return status;
    for (size_t i = at; i < at + (size_t)(end - x); i++)
      out[i] = job->classes[i] < 0 ? 0 : (float)job->base[i];
  }
  return FM_OK;
}

/* ---- Scores --------------------------------------------------------------------- */

/* Adds a channel's values to the sums; a value that is not a score makes its sum NaN. */
static void add_channel(const float *values, double *sums, size_t n) {
  for (size_t i = 0; i < n; i++) sums[i] += is_score(values[i]) ? (double)values[i] : (double)NAN;
}

/* Channels between a read and what is fetched meanwhile. */
enum { AHEAD = 4 };

/* Fetches a row of a channel, which is too far from the last one for the hardware to foresee. */
static void fetch_row(const fm_volume *v, int64_t c, int64_t row, int64_t first, size_t n) {
#if defined(__GNUC__)
  enum { LINE = 64 };
  int64_t element = (int64_t)fm_dtype_size((fm_dtype)v->dtype), bytes = (int64_t)n * element;
  if (c >= v->channels || v->col_stride != element) return;
  const char *at = fm__voxel(v, c, row, first);
  for (int64_t i = 0; i < bytes; i += LINE) __builtin_prefetch(at + i);
#else
  (void)v;
  (void)c;
  (void)row;
  (void)first;
  (void)n;
#endif
}

/* Puts the sums over all channels of an output row into the stage. */
static void sum_row(fm__job *job, int64_t row, int64_t keep) {
  fm__stage *s = &job->stage;
  int slot = s->tags[0] == row ? 0 : s->tags[1] == row ? 1 : s->tags[0] == keep ? 1 : 0;
  double *sums = (double *)(void *)s->rows[slot];
  if (s->tags[slot] == row) return;
  s->tags[slot] = row;
  const fm_volume *v = &job->values;
  size_t n = (size_t)s->columns;
  for (size_t i = 0; i < n; i++) sums[i] = 0;
  for (int64_t c = 0; c < v->channels; c++) {
    fetch_row(v, c + AHEAD, row, s->first, n);
    add_channel(fm__floats(job, fm__voxel(v, c, row, s->first), n), sums, n);
  }
}

/* The sum at a pixel whose staged sums hold a NaN: names the value, or leaves out the taps that
 * have no weight. */
static fm_status exact_sum(const fm__job *job, const fm__taps *taps, double *sum, fm_error *err) {
  *sum = 0;
  for (int32_t c = 0; c < job->values.channels; c++) {
    double score;
    fm_status status = score_at(job, taps, c, &score, err);
    if (status) return status;
    *sum += score;
  }
  return FM_OK;
}

/* The sums over all channels of the stage's two rows around a stretch. */
static bool sum_quad(const fm__job *job, const stretch *s, quad *q) {
  const fm__stage *stage = &job->stage;
  const int64_t rows[2] = {s->row->low, s->row->high};
  bool good = true;
  for (int i = 0; i < 4; i++) {
    int slot = stage->tags[0] == rows[i / 2] ? 0 : 1;
    int64_t column = (i % 2 ? s->columns->high : s->columns->low) - stage->first;
    q->z[i] = ((const double *)(const void *)stage->rows[slot])[column];
    good &= !isnan(q->z[i]);
  }
  return good;
}

static fm_status scores_stretch(fm__job *job, const stretch *s, fm_error *err) {
  quad sums, q = {{0}};
  bool good = sum_quad(job, s, &sums);
  int32_t last = -1;
  for (int i = 0; i < s->columns->count; i++) {
    size_t at = s->at + (size_t)i;
    if (job->classes[at] < 0) continue;
    double score, sum = good ? bilinear(&sums, s, i) : 0;
    fm_status status = FM_OK;
    if (!good) {
      fm__taps taps = fm__taps_of(job, s->y, s->x + i);
      status = exact_sum(job, &taps, &sum, err);
    }
    if (!status) status = own_score(job, s, i, &last, &q, &score, err);
    if (status) return status;
    job->base[at] = sum > 0 ? score / sum : 0;
  }
  return FM_OK;
}

fm_status fm__strip_scores(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                           fm_error *err) {
  for (int j = 0; j < ny; j++) {
    size_t at = (size_t)j * FM__STRIP_ROOM;
    fm__span row = fm__axis_span(&job->down, y + j, y + j + 1);
    sum_row(job, row.low, row.high);
    sum_row(job, row.high, row.low);
    fm_status status = each_stretch(job, y + j, at, x, end, scores_stretch, err);
    if (status) return status;
    fm__finish_scores(job, at, (size_t)(end - x), out + at);
  }
  return FM_OK;
}
