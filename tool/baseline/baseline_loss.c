/* baseline/baseline_loss.c - the cross-entropy of the baseline's guess, pixel by pixel. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "baseline/baseline_bins.h"
#include "baseline/baseline_model.h"

/* The groups of bins are far from independent, so their joint say is cooled down. Chosen on street
 * scenes: the least mean loss on images that were not fitted. */
static const double COOLING = 0.30;
/* The guess is never quite sure: no loss exceeds log(K / 0.02). */
static const double DOUBT = 0.02;
/* Scores this far below the best one (22 nats) do not count. */
enum { REACH = 512 };

typedef struct work {
  const baseline *b;
  int64_t width, height, radius;
  float *loss;       /* [height][width] */
  int32_t *shown;    /* the same, the caller's; or NULL */
  int32_t *classes;  /* [height][width] */
  uint16_t *bins;    /* a row */
  float *row;        /* a row */
  int16_t *scores;   /* lanes */
  float odds[REACH]; /* exp of a score below the best one */
} work;

static void work_free(work *w) {
  free(w->loss);
  free(w->classes);
  free(w->bins);
  free(w->row);
  free(w->scores);
}

static fm_status work_open(work *w, const baseline *b, const fm_plane *mask, fm_error *err) {
  const size_t width = (size_t)mask->width, count = width * (size_t)mask->height;
  const int64_t side = mask->width < mask->height ? mask->width : mask->height;
  *w = (work){.b = b, .width = mask->width, .height = mask->height};
  w->radius = side < 2 * 120 ? 1 : side < 100 * 120 ? side / 120 : 100;
  w->loss = malloc(count * sizeof *w->loss);
  w->classes = malloc(count * sizeof *w->classes);
  w->bins = malloc(width * BINS_GROUPS * sizeof *w->bins);
  w->row = malloc(width * sizeof *w->row);
  w->scores = malloc((size_t)b->lanes * sizeof *w->scores);
  if (!w->loss || !w->classes || !w->bins || !w->row || !w->scores) {
    work_free(w);
    return baseline_fail(err, FM_ERR_MEMORY, "no memory for the losses of %lld x %lld pixels",
                         (long long)mask->width, (long long)mask->height);
  }
  for (int i = 0; i < REACH; i++) w->odds[i] = (float)exp(-i * COOLING / WEIGHT_STEPS);
  return FM_OK;
}

/* Adds up what the bins say of 16 classes. */
static void scores_block(const baseline *b, const uint16_t *bin, int32_t first, int16_t *scores) {
  int16_t sum[16];
  for (int k = 0; k < 16; k++) sum[k] = b->priors[first + k];
  for (int g = 0; g < BINS_GROUPS; g++) {
    const int8_t *weights = b->weights + (size_t)bin[g] * (size_t)b->lanes + first;
    for (int k = 0; k < 16; k++) sum[k] = (int16_t)(sum[k] + weights[k]);
  }
  for (int k = 0; k < 16; k++) scores[k] = sum[k];
}

static float pixel_loss(work *w, const uint16_t *bin, int32_t wanted) {
  const baseline *b = w->b;
  for (int32_t k = 0; k < b->lanes; k += 16) scores_block(b, bin, k, w->scores + k);
  int best = w->scores[0];
  for (int32_t k = 1; k < b->lanes; k++) best = w->scores[k] > best ? w->scores[k] : best;
  float sum = 0.0F;
  for (int32_t k = 0; k < b->class_count; k++) {
    const int below = best - w->scores[k];
    sum += below < REACH ? w->odds[below] : 0.0F;
  }
  const int below = best - w->scores[wanted];
  const double sure = below < REACH ? (double)w->odds[below] / (double)sum : 0.0;
  return (float)-log((1.0 - DOUBT) * sure + DOUBT / b->class_count);
}

/* Of the scores that a pixel's loss left. */
static int32_t best_class(const work *w) {
  int32_t best = 0;
  for (int32_t k = 1; k < w->b->class_count; k++)
    if (w->scores[k] > w->scores[best]) best = k;
  return best;
}

static void row_losses(work *w, int64_t y) {
  const int32_t *classes = w->classes + y * w->width;
  float *loss = w->loss + y * w->width;
  int32_t *shown = w->shown ? w->shown + y * w->width : NULL;
  for (int64_t x = 0; x < w->width; x++) {
    loss[x] = classes[x] < 0 ? 0.0F : pixel_loss(w, w->bins + x * BINS_GROUPS, classes[x]);
    if (shown) shown[x] = classes[x] < 0 ? -1 : best_class(w);
  }
}

/* Mean over pixels of the same class, `step` apart, up to `radius` steps away. */
static float mean_around(const float *loss, const int32_t *classes, int64_t at, int64_t limit,
                         int64_t step, int64_t radius) {
  const int64_t first = at < radius ? -at : -radius;
  const int64_t last = limit - 1 - at < radius ? limit - 1 - at : radius;
  float sum = 0.0F;
  int count = 0;
  for (int64_t i = first; i <= last; i++) {
    const bool same = classes[i * step] == classes[0];
    sum += same ? loss[i * step] : 0.0F;
    count += same;
  }
  return sum / (float)count;
}

static void smooth_row(work *w, int64_t y) {
  float *loss = w->loss + y * w->width;
  const int32_t *classes = w->classes + y * w->width;
  for (int64_t x = 0; x < w->width; x++)
    w->row[x] = mean_around(loss + x, classes + x, x, w->width, 1, w->radius);
  memcpy(loss, w->row, (size_t)w->width * sizeof *loss);
}

static void write_row(work *w, int64_t y, const fm_plane *out) {
  const float *loss = w->loss + y * w->width;
  const int32_t *classes = w->classes + y * w->width;
  uint8_t *to = (uint8_t *)out->data + y * out->row_stride;
  for (int64_t x = 0; x < w->width; x++, to += out->col_stride) {
    const float mean = mean_around(loss + x, classes + x, y, w->height, w->width, w->radius);
    memcpy(to, &mean, sizeof mean);
  }
}

static fm_status loss_check(fm_plane *loss, const fm_plane *mask, fm_error *err) {
  if (!loss->data || loss->dtype != FM_F32)
    return baseline_fail(err, FM_ERR_ARGUMENT, "losses are written as F32");
  if (loss->width != mask->width || loss->height != mask->height)
    return baseline_fail(err, FM_ERR_SHAPE, "the mask is %lld x %lld but the losses %lld x %lld",
                         (long long)mask->width, (long long)mask->height, (long long)loss->width,
                         (long long)loss->height);
  if (!loss->col_stride) loss->col_stride = (int64_t)sizeof(float);
  if (!loss->row_stride) loss->row_stride = loss->width * loss->col_stride;
  return FM_OK;
}

static fm_status predict_rows(work *w, const fm_plane *mask, const fm_volume *image,
                              const fm_plane *loss, fm_error *err) {
  bins *seen = NULL;
  fm_status status = FM_OK;
  for (int64_t y = 0; y < w->height && !status; y++)
    status = baseline_classes(w->b, mask, y, w->classes + y * w->width, err);
  if (!status) status = bins_open(image, &seen, err);
  for (int64_t y = 0; y < w->height && !status; y++) {
    bins_row(seen, y, w->bins);
    row_losses(w, y);
    smooth_row(w, y);
  }
  for (int64_t y = 0; y < w->height && !status; y++) write_row(w, y, loss);
  bins_close(seen);
  return status;
}

fm_status baseline_predict(const baseline *b, const fm_plane *mask, const fm_volume *image,
                           const fm_plane *loss, int32_t *shown, fm_error *err) {
  work w;
  fm_plane from = *mask, to = *loss;
  if (!b->weights) return baseline_fail(err, FM_ERR_ARGUMENT, "the baseline has not been fitted");
  fm_status status = baseline_check(&from, image, err);
  if (!status) status = loss_check(&to, &from, err);
  if (!status) status = work_open(&w, b, &from, err);
  if (status) return status;
  w.shown = shown;
  status = predict_rows(&w, &from, image, &to, err);
  work_free(&w);
  return status;
}
