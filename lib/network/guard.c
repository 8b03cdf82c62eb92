/* network/guard.c - refuses values that belong to another kind than the declared one.
 *
 * A filter that gets the cross-entropy of scores or probabilities silently drops nothing. So this
 * looks at a few pixels, and at all of them if these are suspicious: logits rarely all lie in
 * [0, 1.5]. */
#include <math.h>

#include "core/fail.h"
#include "dsp/tile.h"
#include "network/network_loss.h"

/* Pixels of the first look, in each direction; values that suffice for a judgment. */
enum { GRID = 8, EVIDENCE = 32 };

static const int64_t ALL = INT64_MAX;

/* Above the scores of networks, half precision included. */
static const double LARGEST_SCORE = 1.5;

typedef struct sample {
  int64_t values, pixels;
  double least, largest;
  double largest_gap;   /* of a pixel's sum to 1 */
  int64_t unnormalized; /* pixels whose sum is far from 1 */
  bool irregular;       /* a value is not finite: reported elsewhere */
} sample;

static void look_at(sample *s, double value) {
  s->values++;
  if (!isfinite(value)) s->irregular = true;
  if (value < s->least) s->least = value;
  if (value > s->largest) s->largest = value;
}

static bool within(const sample *s, double least, double largest) {
  return s->least >= least && s->largest <= largest;
}

/* Sums of probabilities after rounding and resizing lie closer to 1. */
static const double FAR_FROM_1 = 0.05;

/* At most `grid` times `grid` pixels. */
static sample take_sample(const fm_volume *v, int64_t grid) {
  sample s = {.least = INFINITY, .largest = -INFINITY};
  int64_t ny = v->height < grid ? v->height : grid, nx = v->width < grid ? v->width : grid;
  for (int64_t j = 0; j < ny; j++)
    for (int64_t i = 0; i < nx; i++) {
      int64_t y = (2 * j + 1) * v->height / (2 * ny), x = (2 * i + 1) * v->width / (2 * nx);
      double sum = 0;
      for (int64_t c = 0; c < v->channels; c++) {
        double value = (double)fm__voxel_value(v, c, y, x);
        look_at(&s, value);
        sum += value;
      }
      double gap = fabs(sum - 1);
      if (gap > s.largest_gap) s.largest_gap = gap;
      s.unnormalized += !(gap <= FAR_FROM_1);
      s.pixels++;
      if (s.irregular || !within(&s, -1e-3, LARGEST_SCORE))
        return s; /* logits: seen at the first pixel */
    }
  return s;
}

/* By how much rounding of its values may change a sum. */
static double sum_slack(const fm_volume *v) {
  double unit = v->dtype == FM_F32 ? 1e-6 : v->dtype == FM_F16 ? 1e-3 : 1e-2;
  return 1e-3 + unit;
}

static fm_status refuse(fm_error *err, const char *declared, const char *seen, const char *pass) {
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "output: declared %s, but %s: pass %s (or set trust_kind if it is "
                  "right)",
                  declared, seen, pass);
}

typedef enum look { LIKE_LOGITS, LIKE_SIGMOID, LIKE_SOFTMAX, LIKE_SCORES } look;

/* What a sample of logits looks like. */
static look look_of(const fm_volume *v, const sample *s) {
  if (s->irregular || !(s->largest > 0) || !within(s, -1e-3, LARGEST_SCORE)) return LIKE_LOGITS;
  if (v->channels == 1)
    return s->values >= EVIDENCE && s->largest <= 1.001 ? LIKE_SIGMOID : LIKE_LOGITS;
  if (s->values >= 4 && s->largest_gap <= sum_slack(v)) return LIKE_SOFTMAX;
  return s->values >= EVIDENCE && s->largest - s->least > 1e-3 ? LIKE_SCORES : LIKE_LOGITS;
}

static fm_status guard_logits(const fm__job *job, const sample *few, fm_error *err) {
  static const char *const logits = "FM_OUTPUT_LOGITS";
  if (look_of(&job->values, few) == LIKE_LOGITS) return FM_OK;
  sample all = take_sample(&job->values, ALL);
  switch (look_of(&job->values, &all)) {
    case LIKE_SIGMOID:
      return refuse(err, logits, "all values lie in 0 to 1, as after a sigmoid", "FM_OUTPUT_PROBS");
    case LIKE_SOFTMAX:
      return refuse(err, logits, "the channels of each pixel sum to 1, as after a softmax",
                    "FM_OUTPUT_PROBS");
    case LIKE_SCORES:
      return refuse(err, logits, "all values lie in 0 to 1.5, as scores do", "FM_OUTPUT_SCORES");
    default:
      return FM_OK;
  }
}

fm_status fm__guard_output(const fm__job *job, fm_error *err) {
  const fm_network_loss_options *o = &job->model->options;
  if (o->trust_kind) return FM_OK;
  sample s = take_sample(&job->values, GRID);
  if (s.irregular) return FM_OK;
  if (o->kind == FM_OUTPUT_LOGITS) return guard_logits(job, &s, err);
  const char *declared = o->kind == FM_OUTPUT_PROBS ? "FM_OUTPUT_PROBS" : "FM_OUTPUT_SCORES";
  if (s.least < -1e-3) return refuse(err, declared, "values lie below 0", "FM_OUTPUT_LOGITS");
  if (o->kind == FM_OUTPUT_SCORES && !o->binary) return FM_OK;
  if (s.largest > 1.01)
    return refuse(err, declared, "values lie above 1", "FM_OUTPUT_LOGITS or FM_OUTPUT_SCORES");
  if (!o->binary && 2 * s.unnormalized > s.pixels) /* padding may be 0 */
    return refuse(err, declared, "the channels of most pixels do not sum to 1", "FM_OUTPUT_SCORES");
  return FM_OK;
}

static bool like_softmax(const fm_volume *rows) {
  sample s = take_sample(rows, GRID);
  if (look_of(rows, &s) != LIKE_SOFTMAX) return false;
  s = take_sample(rows, ALL);
  return look_of(rows, &s) == LIKE_SOFTMAX;
}

static bool like_sigmoid(const fm_volume *masks) {
  sample s = take_sample(masks, GRID);
  if (s.irregular || s.values < EVIDENCE || !(s.largest > 0) || !within(&s, 0, 1)) return false;
  s = take_sample(masks, ALL);
  return !s.irregular && within(&s, 0, 1);
}

fm_status fm__guard_queries(const fm__job *job, fm_error *err) {
  if (job->model->options.trust_kind) return FM_OK;
  const fm_plane *p = &job->class_logits;
  fm_volume rows = fm_volume_make(p->data, (fm_dtype)p->dtype, p->width, p->height, 1);
  rows.channel_stride = p->col_stride;
  rows.row_stride = p->row_stride;
  rows.col_stride = p->row_stride;
  if (like_softmax(&rows))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "class logits: each query sums to 1, as after a softmax: pass them as they "
                    "are before it");
  if (like_sigmoid(&job->values))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "mask logits: all values lie in 0 to 1, as after a sigmoid: pass them as "
                    "they are before it");
  return FM_OK;
}
