/* filter/filter.h - the inside of a filter, shared by its files. */
#ifndef FM_FILTER_FILTER_H
#define FM_FILTER_FILTER_H

#include <freemask/filter.h>

#include "dsp/image.h"
#include "labels/score.h"

/* Types of weights. */
#define FM__WEIGHT_TYPES \
  (FM__BIT(FM_U8) | FM__BIT(FM_F16) | FM__BIT(FM_BF16) | FM__BIT(FM_F32) | FM__BIT(FM_F64))

struct fm_filter {
  fm_labels *labels;
  fm_filter_options options; /* as resolved */
  int32_t strata;
  int32_t score;     /* an fm_score: what its statistics were made of, and what it compares */
  fm__score *rank;   /* FM_SCORE_RANK: what it is made of; else NULL */
  bool paired;       /* images have references */
  float *thresholds; /* [class][stratum]: the largest loss that is kept */
};

/* Cells: elements of [class][stratum]. */
static inline size_t fm__filter_cells(const fm_filter *filter) {
  return (size_t)filter->labels->class_count * (size_t)filter->strata;
}

/* Raises thresholds[cell], where they keep less of a cell than the floor of this image, to the
 * loss that keeps enough, and corrects the counts: valid and dropped pixels of a cell are at
 * counts[2 * cell] and counts[2 * cell + 1]. The image has been judged. */
fm_status fm__filter_apply_floor(const fm_filter *filter, const fm__image *image, float *thresholds,
                                 int64_t *counts, fm_error *err);

/* Writes the numbers of a report, and its arrays where it has such. Counts as above. */
void fm__filter_write_report(const fm_filter *filter, const int64_t *counts,
                             fm_filter_report *report);

/* Refuses a filtered mask of a type that does not hold the ignore label or, with its pixel, a label
 * of the mask, all of whose labels are in the label space. */
fm_status fm__filter_check_labels(const fm_filter *filter, const fm_plane *mask, int32_t dtype,
                                  fm_error *err);

/* filter_weigh.c: a caller's options, NULL being the default, for weights of this type. */
fm_status fm__weight_options_read(fm_weight_options *o, const fm_weight_options *options,
                                  const fm_plane *weights, fm_error *err);

/* Writes weights that are not one of two, of an image that has been judged. */
void fm__filter_write_weights(const fm__image *image, const fm_plane *out, const float *thresholds,
                              const fm_weight_options *o);

#endif
