/* baseline/baseline_model.h - what the files of the baseline share. */
#ifndef FREEMASK_TOOL_BASELINE_MODEL_H
#define FREEMASK_TOOL_BASELINE_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "baseline/baseline.h"

/* Scores are whole numbers of eighths of a nat; one bin's say lies in -4 .. 3.875 nats, so that
 * no single bin can decide alone. */
enum { WEIGHT_STEPS = 8, WEIGHT_LOWEST = -32, WEIGHT_HIGHEST = 31 };

struct baseline {
  char *labels_name;
  uint64_t labels_fingerprint;
  int32_t class_count;
  int32_t lanes;     /* class_count, rounded up to whole vectors */
  int32_t *class_of; /* [label_count]: as fm_labels_class_of; labels beyond are invalid */
  int64_t label_count;

  int64_t *counts; /* [BINS_TOTAL][class_count], while it is fitted */
  int64_t *pixels; /* [class_count] */

  int8_t *weights; /* [BINS_TOTAL][lanes], once finished; NULL before */
  int16_t *priors; /* [lanes]; lanes without a class are far below all others */
};

/* Writes the error, if there is one, and returns the status. */
TOOL_PRINTF(3, 4)
fm_status baseline_fail(fm_error *err, fm_status status, const char *format, ...);

#if defined(__clang_analyzer__) && !defined(FREEMASK_BASELINE_C) /* as in fault.h */
#define baseline_fail(err, status, ...) ((void)baseline_fail(err, status, __VA_ARGS__), (status))
#endif

/* Takes memory for weights and priors, all 0. False without memory. */
bool baseline_weights_open(baseline *b);

/* Makes weights and priors from the counts. False, nothing changed, if nothing was counted. */
bool baseline_weigh(baseline *b);

/* The classes of a row of a mask: 0 .. K-1 or FM_CLASS_IGNORE. LABEL names the first bad pixel. */
fm_status baseline_classes(const baseline *b, const fm_plane *mask, int64_t y, int32_t *out,
                           fm_error *err);

/* Do mask and image belong together? Fills in the mask's strides. */
fm_status baseline_check(fm_plane *mask, const fm_volume *image, fm_error *err);

#endif
