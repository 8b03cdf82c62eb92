/* filter/filter.h - the filter's inside, shared by its two files. */
#ifndef FM_FILTER_FILTER_H
#define FM_FILTER_FILTER_H

#include <freemask/filter.h>

#include "labels/labels.h"

struct fm_filter {
  fm_labels *labels;
  double min_kept_share;
  float *thresholds; /* per class: the largest loss that is kept */
};

/* Valid and dropped pixels of class k at counts[2 k] and counts[2 k + 1]. */

/* Raises thresholds[k], where they keep less than the floor of an image, to the loss
 * that keeps enough, and corrects the counts. The planes have been checked. */
fm_status fm__filter_apply_floor(const fm_filter *filter, const fm_plane *mask,
                                 const fm_plane *loss, float *thresholds, int64_t *counts,
                                 fm_error *err);

#endif
