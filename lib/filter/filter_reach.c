/* filter/filter_reach.c - whether a filter can drop anything at all. */
#include "core/fail.h"
#include "filter/filter.h"
#include "labels/class_stats.h"

/* Losses from here on lie beyond the bins of a histogram: as large as can be. */
static const double BEYOND_BINS = 256;

static fm_status check(const fm_filter *filter, const fm_class_stats *stats, fm_error *err) {
  if (filter->labels->class_count != stats->labels->class_count)
    return fm__fail(err, FM_ERR_MISMATCH, "the filter has %d classes, the statistics have %d",
                    (int)filter->labels->class_count, (int)stats->labels->class_count);
  if (!stats->bins)
    return fm__fail(err, FM_ERR_UNSUPPORTED, "these statistics were made without a histogram");
  return FM_OK;
}

fm_status fm_filter_reach(const fm_filter *filter, const fm_class_stats *stats, int32_t *classes,
                          int32_t *reached, fm_error *err) {
  if (!filter || !stats || !classes || !reached)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_reach: an argument is NULL");
  fm_status status = check(filter, stats, err);
  if (status) return status;
  int32_t with_pixels = 0, exceeding = 0;
  for (int32_t k = 0; k < filter->labels->class_count; k++) {
    double largest;
    if (!fm_class_stats_pixel_count(stats, k, FM_ALL_STRATA)) continue;
    status = fm_class_stats_quantile(stats, k, FM_ALL_STRATA, 1, &largest, err);
    if (status) return status;
    with_pixels++;
    exceeding += largest > (double)filter->thresholds[k] || largest >= BEYOND_BINS;
  }
  *classes = with_pixels;
  *reached = exceeding;
  return FM_OK;
}
