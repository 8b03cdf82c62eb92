/* hardness/hardness.h - the estimator's inside, shared by its files. */
#ifndef FM_HARDNESS_HARDNESS_H
#define FM_HARDNESS_HARDNESS_H

#include <freemask/hardness.h>

#include "labels/labels.h"

struct fm_hardness {
  fm_labels *labels;
  int64_t width, height; /* 0: as the mask is */
  int32_t measure;
  double share;
  double *means;
  uint32_t *by_mean; /* classes, the easiest first */
};

/* The measure of a mask with so many pixels of each class, whose mean losses are `means`. `*valid`
 * gets the number of pixels. */
double fm__hardness_of(const fm_hardness *hardness, const int64_t *class_pixels, int64_t *valid);

/* The largest mean of the classes that have `share` of the pixels, or of all. */
double fm__worst_class(const double *means, const int64_t *class_pixels, int32_t class_count,
                       double share, int64_t valid);

#endif
