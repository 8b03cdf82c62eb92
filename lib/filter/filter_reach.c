/* filter/filter_reach.c - whether a filter can drop anything at all. */
#include "core/fail.h"
#include "filter/filter.h"
#include "labels/class_stats.h"

/* Losses from here on are beyond the bins of a histogram: they may be of any size. */
static const double BEYOND_BINS = 256;

static fm_status check(const fm_filter *filter, const fm_class_stats *stats, fm_error *err) {
  if (filter->labels != stats->labels &&
      fm_labels_fingerprint(filter->labels) != fm_labels_fingerprint(stats->labels))
    return fm__fail(err, FM_ERR_MISMATCH,
                    "the filter is of label space %s (%d classes), the statistics are of %s (%d)",
                    filter->labels->name, (int)filter->labels->class_count, stats->labels->name,
                    (int)stats->labels->class_count);
  if ((size_t)filter->strata != stats->strata)
    return fm__fail(err, FM_ERR_MISMATCH, "the filter has %d strata, the statistics have %d",
                    (int)filter->strata, (int)stats->strata);
  if (filter->score != stats->score)
    return fm__fail(err, FM_ERR_MISMATCH, "the filter compares score %d, the statistics are of %d",
                    (int)filter->score, (int)stats->score);
  if ((filter->rank ? filter->rank->fingerprint : 0) != fm__class_stats_ranks_fingerprint(stats))
    return fm__fail(err, FM_ERR_MISMATCH,
                    "the filter's score was made of other ranks than that of the statistics");
  if (!stats->bins)
    return fm__fail(err, FM_ERR_UNSUPPORTED, "these statistics were made without a histogram");
  return FM_OK;
}

/* `*seen`: the class has pixels; `*reached`: one of them exceeds the threshold of its stratum. */
static fm_status look_at(const fm_filter *filter, const fm_class_stats *stats, int32_t k,
                         bool *seen, bool *reached, fm_error *err) {
  *seen = *reached = false;
  for (int32_t s = 0; s < filter->strata; s++) {
    double largest;
    if (!fm_class_stats_pixel_count(stats, k, s)) continue;
    fm_status status = fm_class_stats_quantile(stats, k, s, 1, &largest, err);
    if (status) return status;
    *seen = true;
    if (largest > (double)fm_filter_threshold(filter, k, s) || largest >= BEYOND_BINS)
      *reached = true;
  }
  return FM_OK;
}

fm_status fm_filter_reach(const fm_filter *filter, const fm_class_stats *stats,
                          int32_t *class_count, int32_t *reached_count, fm_error *err) {
  if (!filter || !stats || !class_count || !reached_count)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_reach: an argument is NULL");
  fm_status status = check(filter, stats, err);
  if (status) return status;
  int32_t classes = 0, reached_classes = 0;
  for (int32_t k = 0; k < filter->labels->class_count; k++) {
    bool seen, reached;
    status = look_at(filter, stats, k, &seen, &reached, err);
    if (status) return status;
    classes += seen;
    reached_classes += reached;
  }
  *class_count = classes;
  *reached_count = reached_classes;
  return FM_OK;
}
