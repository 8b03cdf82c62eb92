/* hardness/hardness_value.c - the measures of a mask by its classes' pixels. */
#include "core/mean.h"
#include "hardness/hardness.h"

#include "core/mean.h"

static double mean(const fm_hardness *hardness, const int64_t *class_pixels, int64_t valid) {
  double sum = 0;
  for (int32_t k = 0; k < hardness->labels->class_count; k++)
    sum += (double)class_pixels[k] * hardness->means[k];
  return sum / ((double)valid + FM__MEAN_EPSILON);
}

static double worst_class(const fm_hardness *hardness, const int64_t *class_pixels, int64_t valid) {
  fm__worst worst = fm__worst_start(hardness->options.share, valid);
  for (int32_t k = 0; k < hardness->labels->class_count; k++)
    if (class_pixels[k]) fm__worst_offer(&worst, hardness->means[k], class_pixels[k]);
  return fm__worst_mean(&worst);
}

/* From the hardest class down until the share is full. */
static double top_share(const fm_hardness *hardness, const int64_t *class_pixels, int64_t valid) {
  double wanted = hardness->options.share * (double)valid, left = wanted, sum = 0;
  for (int32_t i = hardness->labels->class_count; i-- > 0 && left > 0;) {
    uint32_t k = hardness->by_mean[i];
    double here = (double)class_pixels[k];
    if (here > left) here = left;
    sum += here * hardness->means[k];
    left -= here;
  }
  return sum / wanted;
}

double fm__hardness_of(const fm_hardness *hardness, const int64_t *class_pixels, int64_t *valid) {
  *valid = 0;
  for (int32_t k = 0; k < hardness->labels->class_count; k++) *valid += class_pixels[k];
  if (!*valid) return 0;
  switch (hardness->options.measure) {
    case FM_MEASURE_WORST_CLASS:
      return worst_class(hardness, class_pixels, *valid);
    case FM_MEASURE_TOP_SHARE:
      return top_share(hardness, class_pixels, *valid);
    default:
      return mean(hardness, class_pixels, *valid);
  }
}
