/* hardness/hardness_own.c - the measures by the losses of the image itself. */
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/view.h"
#include "hardness/hardness.h"
#include "labels/class_stats.h"

/* ---- The largest losses ----------------------------------------------------------- */

/* Losses are not negative, so their bits stand in their order. */
enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, TOP_SHIFT = 22 };

static uint32_t bits_of(float loss) {
  uint32_t bits;
  loss += 0.0F; /* -0 is 0 */
  memcpy(&bits, &loss, sizeof bits);
  return bits;
}

static void count_digits(const float *losses, size_t count, uint32_t above, int shift,
                         size_t histogram[DIGITS]) {
  memset(histogram, 0, DIGITS * sizeof *histogram);
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(losses[i]);
    if (shift == TOP_SHIFT || bits >> (shift + DIGIT_BITS) == above >> (shift + DIGIT_BITS))
      histogram[(bits >> shift) & (DIGITS - 1)]++;
  }
}

/* The `place`-th largest, from 1. */
static uint32_t find_place(const float *losses, size_t count, size_t place) {
  size_t histogram[DIGITS];
  uint32_t found = 0;
  for (int shift = TOP_SHIFT; shift >= 0; shift -= DIGIT_BITS) {
    count_digits(losses, count, found, shift, histogram);
    size_t digit = DIGITS - 1;
    for (; digit && histogram[digit] < place; digit--) place -= histogram[digit];
    found |= (uint32_t)digit << shift;
  }
  return found;
}

/* The mean of the `wanted` largest losses; summed up in reading order. */
static double mean_of_largest(const float *losses, size_t count, double wanted) {
  double sum = 0, above = 0;
  size_t place = (size_t)ceil(wanted);
  uint32_t last = find_place(losses, count, place ? place : 1);
  float limit;
  memcpy(&limit, &last, sizeof limit);
  for (size_t i = 0; i < count; i++)
    if (bits_of(losses[i]) > last) {
      sum += (double)losses[i];
      above++;
    }
  return (sum + (wanted - above) * (double)limit) / wanted;
}

/* The losses of the pixels that have a class; the planes have been checked. */
static size_t gather(const fm_hardness *hardness, const fm_plane *mask, const fm_plane *loss,
                     float *out) {
  fm__lookup lookup = fm__labels_lookup(hardness->labels);
  int32_t classes[FM__TILE];
  float losses[FM__TILE];
  size_t count = 0;
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x += FM__TILE) {
      int64_t left = mask->width - x;
      size_t n = left < FM__TILE ? (size_t)left : FM__TILE;
      fm__tile_classes(mask, &lookup, y, x, n, classes);
      fm__tile_losses(loss, y, x, n, losses);
      for (size_t i = 0; i < n; i++)
        if (classes[i] >= 0) out[count++] = losses[i];
    }
  return count;
}

static fm_status top_share(const fm_hardness *hardness, const fm_plane *mask, const fm_plane *loss,
                           int64_t valid, double *out, fm_error *err) {
  const fm_context *context = hardness->labels->context;
  fm_plane known_mask, known_loss;
  fm_status status = fm__plane_read(&known_mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__plane_read(&known_loss, loss, FM__LOSS_TYPES, "loss", err);
  if (status) return status;
  float *losses = fm__alloc_array(context, (size_t)valid, sizeof *losses);
  if (!losses) return fm__fail_memory(err, (size_t)valid * sizeof *losses);
  size_t count = gather(hardness, &known_mask, &known_loss, losses);
  *out = mean_of_largest(losses, count, hardness->share * (double)valid);
  fm__free(context, losses);
  return FM_OK;
}

/* ---- All measures ----------------------------------------------------------------- */

static fm_status worst_class(const fm_hardness *hardness, const fm_class_stats *own, int64_t valid,
                             double *out, fm_error *err) {
  const fm_context *context = hardness->labels->context;
  size_t classes = (size_t)hardness->labels->class_count;
  double *means = fm__alloc_array(context, classes, sizeof *means);
  int64_t *pixels = fm__alloc_array(context, classes, sizeof *pixels);
  fm_status status = FM_OK;
  if (means && pixels) {
    fm__class_stats_table(own, means, pixels);
    *out = fm__worst_class(means, pixels, hardness->labels->class_count, hardness->share, valid);
  } else {
    status = fm__fail_memory(err, classes * sizeof *means);
  }
  fm__free(context, pixels);
  fm__free(context, means);
  return status;
}

fm_status fm_hardness_measure_loss(const fm_hardness *hardness, const fm_plane *mask,
                                   const fm_plane *loss, double *out, int64_t *valid_pixels,
                                   fm_error *err) {
  if (!hardness || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_measure_loss: an argument is NULL");
  fm_class_stats *own = NULL;
  double value = 0;
  fm_status status = fm_class_stats_create(hardness->labels, NULL, &own, err);
  if (!status) status = fm_class_stats_add(own, mask, loss, err);
  int64_t valid = status ? 0 : own->pixels;
  if (valid && hardness->measure == FM_MEASURE_MEAN) value = fm__class_stats_global_mean(own);
  if (valid && hardness->measure == FM_MEASURE_WORST_CLASS)
    status = worst_class(hardness, own, valid, &value, err);
  if (valid && hardness->measure == FM_MEASURE_TOP_SHARE)
    status = top_share(hardness, mask, loss, valid, &value, err);
  fm_class_stats_destroy(own);
  if (status) return status;
  *out = value;
  if (valid_pixels) *valid_pixels = valid;
  return FM_OK;
}
