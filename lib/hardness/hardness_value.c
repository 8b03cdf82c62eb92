/* hardness/hardness_value.c - the measures of a mask by its classes' pixels. */
#include "hardness/hardness.h"

#include "core/mean.h"

static double mean(const fm_hardness *hardness, const int64_t *class_pixels, int64_t valid) {
  double sum = 0;
  for (int32_t k = 0; k < hardness->labels->class_count; k++)
    sum += (double)class_pixels[k] * hardness->means[k];
  return sum / ((double)valid + FM__MEAN_EPSILON);
}

double fm__worst_class(const double *means, const int64_t *class_pixels, int32_t class_count,
                       double share, int64_t valid) {
  double wanted = share * (double)valid, all = 0, large = -1;
  for (int32_t k = 0; k < class_count; k++) {
    if (!class_pixels[k]) continue;
    if (means[k] > all) all = means[k];
    if ((double)class_pixels[k] >= wanted && means[k] > large) large = means[k];
  }
  return large < 0 ? all : large;
}

/* From the hardest class down until the share is full. */
static double top_share(const fm_hardness *hardness, const int64_t *class_pixels, int64_t valid) {
  double wanted = hardness->share * (double)valid, left = wanted, sum = 0;
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
  switch (hardness->measure) {
    case FM_MEASURE_WORST_CLASS:
      return fm__worst_class(hardness->means, class_pixels, hardness->labels->class_count,
                             hardness->share, *valid);
    case FM_MEASURE_TOP_SHARE:
      return top_share(hardness, class_pixels, *valid);
    default:
      return mean(hardness, class_pixels, *valid);
  }
}
