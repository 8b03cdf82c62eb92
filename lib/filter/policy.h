/* filter/policy.h - how thresholds follow from the statistics: a row in policy.c and a file for
 * each policy. */
#ifndef FM_FILTER_POLICY_H
#define FM_FILTER_POLICY_H

#include <freemask/filter.h>

#include "labels/means.h"

typedef struct fm__filter_policy {
  const char *name;     /* for messages */
  bool needs_histogram; /* of the statistics; a table of means has none */
  int32_t score;        /* the fm_score that it compares */
  bool paired;          /* with a reference */

  /* Fills thresholds[class][stratum]. The options have been resolved, and `means` has what the
   * policy needs. */
  fm_status (*thresholds)(const fm__means *means, const fm_filter_options *options,
                          float *thresholds, fm_error *err);
} fm__filter_policy;

/* The row of an fm_filter_policy; NULL if there is none. */
const fm__filter_policy *fm__filter_policy_at(int32_t policy);

/* policy_paper.c */
fm_status fm__filter_paper(const fm__means *means, const fm_filter_options *options,
                           float *thresholds, fm_error *err);

/* policy_quantile.c */
fm_status fm__filter_quantile(const fm__means *means, const fm_filter_options *options,
                              float *thresholds, fm_error *err);

#endif
