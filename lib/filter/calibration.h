/* filter/calibration.h - the state of a calibration, and the numbers of its promises. */
#ifndef FM_FILTER_CALIBRATION_H
#define FM_FILTER_CALIBRATION_H

#include <freemask/calibration.h>
#include <stdbool.h>

#include "labels/class_stats.h"

struct fm_calibration {
  fm_class_stats *like; /* empty statistics with the label space, score and bins */
  size_t bins;
  int64_t images;
  int64_t *words; /* [classes][1 + bins] */
};

/* May a class lose so much? `sum` are shares of n images in units of 2^-30. */
bool fm__promise_kept(int64_t sum, int64_t n, double alpha, double delta);

/* The thresholds of all classes. */
void fm__calibration_thresholds(const fm_calibration *calibration, const fm_promise *promise,
                                float *out);

/* Reads a caller's promise; NULL is the default. */
fm_status fm__promise_read(fm_promise *known, const fm_promise *promise, fm_error *err);

/* The upper end of a histogram's bin. */
float fm__bin_end(size_t bin, size_t bins, int per_octave);

#endif
