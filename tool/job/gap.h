/* job/gap.h - what the numbers of a filter mean: how synthetic losses differ from real ones, per class. */
#ifndef FREEMASK_TOOL_GAP_H
#define FREEMASK_TOOL_GAP_H

#include "base/text.h"
#include "job/filter_file.h"

/* NaN: not known, because there is no histogram, no record of losses or no pixel.
 *
 * Shift: the median synthetic loss over the median real one; without the real set's histogram, the mean
 * over the mean. Above 1 a clean synthetic pixel looks odder than a real one, and the same threshold
 * drops more of the clean ones.
 *
 * Expected clean drop: the share of *clean* synthetic pixels that the filter drops, estimated as the share
 * of real pixels whose loss times the shift is above the threshold. It takes clean synthetic losses to be
 * real ones times one factor per class, and the shift of all synthetic pixels for that factor: wrong pixels
 * raise it, so that the estimate is rather too high. For policies that compare losses only. */
typedef struct gap_class {
  double real_mean, real_median, synthetic_mean, synthetic_median, kept_mean, kept_median;
  double shift, kept_shift; /* the latter: of the pixels that were kept */
  double real_above;        /* the share of real pixels above the threshold */
  double clean_drop;
  double gain;      /* kept pixels for each real one */
  double agreement; /* of real and synthetic losses place by place: agreement_of_class */
} gap_class;

typedef struct gap {
  gap_class *classes; /* of the filter's */
  int32_t class_count;
  bool by_median;          /* shifts are of medians */
  double kept;             /* share of all synthetic pixels */
  double shift;            /* mean over the classes' logarithms, by synthetic pixels */
  double clean_drop;       /* mean over classes, by synthetic pixels */
  double gain;             /* kept synthetic pixels for each real one */
  double agreement;        /* agreement_of_all */
  double real_mean;        /* of all real pixels */
  text verdict;            /* a sentence */
  text *warnings, *advice; /* sentences without a full stop; what to try */
  size_t warning_count, advice_count;
} gap;

void gap_find(const filter_file *file, gap *out);
void gap_free(gap *g);

/* null where a number is NaN. */
json_t *gap_number(double value);

/* The most frequent ones: a list of {"mask", "mask_name", "shown", "shown_name", "pixels"}, or null where
 * they are not known. */
json_t *gap_confusions(const filter_file *file);

/* {"verdict", "kept", "shift", "shift_of": "medians" or "means", "clean_drop", "gain", "agreement",
 * "masks_counted", "warnings": [], "advice": [], "confusions": as gap_confusions, "classes": [{"index", "name", and the
 * members of gap_class}]} */
json_t *gap_as_json(const gap *g, const filter_file *file);

#endif
