/* filter/policy.c - the table of policies. */
#include "filter/policy.h"

static const fm__filter_policy policies[] = {
    [FM_FILTER_PAPER] = {.name = "paper", .thresholds = fm__filter_paper},
    [FM_FILTER_QUANTILE] = {.name = "quantile",
                            .needs_histogram = true,
                            .thresholds = fm__filter_quantile},
    [FM_FILTER_STRATA] = {.name = "strata",
                          .needs_histogram = true,
                          .score = FM_SCORE_RANK,
                          .thresholds = fm__filter_quantile},
    [FM_FILTER_PAIRED] = {.name = "paired",
                          .needs_histogram = true,
                          .score = FM_SCORE_RANK,
                          .paired = true,
                          .thresholds = fm__filter_quantile},
};

const fm__filter_policy *fm__filter_policy_at(int32_t policy) {
  if (policy < 0 || policy >= (int32_t)(sizeof policies / sizeof *policies)) return NULL;
  return &policies[policy];
}
