/* hardness/hardness.h - the inside of an estimator, shared by its files. */
#ifndef FM_HARDNESS_HARDNESS_H
#define FM_HARDNESS_HARDNESS_H

#include <freemask/hardness.h>

#include "labels/labels.h"

struct fm_hardness {
  fm_labels *labels;
  fm_hardness_options options; /* as resolved */
  double *means;               /* [classes] */
  uint32_t *by_mean;           /* classes, the easiest first */
};

/* The measure of a mask with this many pixels of each class. `*valid` receives their sum. */
double fm__hardness_of(const fm_hardness *hardness, const int64_t *class_pixels, int64_t *valid);

/* The largest mean among the classes that have enough pixels, or among all if none has. The caller
 * starts with fm__worst_start and offers each class that has pixels. */
typedef struct fm__worst {
  double wanted; /* pixels that are enough */
  double large, all;
} fm__worst;

static inline fm__worst fm__worst_start(double share, int64_t valid) {
  return (fm__worst){share * (double)valid, -1, 0};
}

static inline void fm__worst_offer(fm__worst *worst, double mean, int64_t pixels) {
  if (mean > worst->all) worst->all = mean;
  if ((double)pixels >= worst->wanted && mean > worst->large) worst->large = mean;
}

static inline double fm__worst_mean(const fm__worst *worst) {
  return worst->large < 0 ? worst->all : worst->large;
}

#endif
