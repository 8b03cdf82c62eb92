/* filter/policy_quantile.c - the threshold that a share of the real pixels exceeds: of any score. */
#include <math.h>

#include "core/fail.h"
#include "filter/policy.h"

static fm_status threshold(const fm_class_stats *stats, int32_t k, int32_t stratum, double share,
                           float *out, fm_error *err) {
  double score = 0;
  fm_status status = fm_class_stats_quantile(stats, k, stratum, 1 - share, &score, err);
  if (!status) *out = (float)score;
  return status;
}

fm_status fm__filter_quantile(const fm__means *means, const fm_filter_options *options,
                              float *thresholds, fm_error *err) {
  if (options->unseen == FM_UNSEEN_GLOBAL_MEAN)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_options: FM_UNSEEN_GLOBAL_MEAN goes with FM_FILTER_PAPER, the other "
                    "policies have no mean");
  for (int32_t k = 0; k < means->labels->class_count; k++) {
    bool class_unseen = fm__means_unseen(means, k, FM_ALL_STRATA);
    for (int32_t s = 0; s < means->strata; s++, thresholds++) {
      int32_t stratum = fm__means_unseen(means, k, s) ? FM_ALL_STRATA : s;
      *thresholds = options->unseen == FM_UNSEEN_KEEP ? INFINITY : 0;
      if (class_unseen) continue;
      fm_status status = threshold(means->stats, k, stratum, options->real_share, thresholds, err);
      if (status) return status;
    }
  }
  return FM_OK;
}
