/* filter/policy_paper.c - the paper's policy: tolerance times the mean loss. */
#include <math.h>

#include "core/fail.h"
#include "filter/policy.h"

/* What an unseen class takes for its mean; below 0: its threshold is infinity. */
static double unseen_mean(const fm__means *means, int32_t unseen) {
  if (unseen == FM_UNSEEN_KEEP) return -1;
  return unseen == FM_UNSEEN_GLOBAL_MEAN ? fm__means_global(means) : 0;
}

fm_status fm__filter_paper(const fm__means *means, const fm_filter_options *options,
                           float *thresholds, fm_error *err) {
  if (options->unseen == FM_UNSEEN_GLOBAL_MEAN && !fm__means_have_pixels(means))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_options: FM_UNSEEN_GLOBAL_MEAN needs fm_mean_table.pixels");
  double unseen = unseen_mean(means, options->unseen);
  for (int32_t k = 0; k < means->labels->class_count; k++) {
    bool class_unseen = fm__means_unseen(means, k, FM_ALL_STRATA);
    for (int32_t s = 0; s < means->strata; s++, thresholds++) {
      double mean = unseen;
      if (!class_unseen)
        mean = fm__means_at(means, k, fm__means_unseen(means, k, s) ? FM_ALL_STRATA : s);
      *thresholds = mean < 0 ? INFINITY : (float)(options->tolerance * mean);
    }
  }
  return FM_OK;
}
