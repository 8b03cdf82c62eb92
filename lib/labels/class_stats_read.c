/* labels/class_stats_read.c - means and quantiles out of the words. */
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/mean.h"
#include "labels/class_stats.h"
#include "labels/exact_sum.h"

/* The strata of a class that a caller named: first .. last - 1, none if it named none. */
typedef struct span {
  size_t first, last;
} span;

static span cells_of(const fm_class_stats *stats, int32_t class_index, int32_t stratum) {
  span none = {0, 0};
  if (!stats || class_index < 0 || class_index >= stats->labels->class_count) return none;
  size_t start = (size_t)class_index * stats->strata;
  if (stratum == FM_ALL_STRATA) return (span){start, start + stats->strata};
  if (stratum < 0 || (size_t)stratum >= stats->strata) return none;
  return (span){start + (size_t)stratum, start + (size_t)stratum + 1};
}

static const int64_t *cell_at(const fm_class_stats *stats, size_t index) {
  return stats->words + index * stats->cell_words;
}

static int64_t pixels_of(const fm_class_stats *stats, span cells) {
  int64_t pixels = 0;
  for (size_t c = cells.first; c < cells.last; c++) pixels += cell_at(stats, c)[0];
  return pixels;
}

static double mean_of(const fm_class_stats *stats, span cells) {
  int64_t digits[FM__SUM_DIGITS] = {0};
  for (size_t c = cells.first; c < cells.last; c++) fm__sum_add(digits, cell_at(stats, c) + 1);
  return fm__sum_to_double(digits) / ((double)pixels_of(stats, cells) + FM__MEAN_EPSILON);
}

int64_t fm_class_stats_image_count(const fm_class_stats *stats) {
  return stats ? stats->images : 0;
}

int64_t fm_class_stats_pixel_count(const fm_class_stats *stats, int32_t class_index,
                                   int32_t stratum) {
  return pixels_of(stats, cells_of(stats, class_index, stratum));
}

double fm_class_stats_mean(const fm_class_stats *stats, int32_t class_index, int32_t stratum) {
  return mean_of(stats, cells_of(stats, class_index, stratum));
}

fm_status fm_class_stats_means(const fm_class_stats *stats, int32_t stratum, double *out,
                               int32_t class_count, fm_error *err) {
  if (!stats || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_means: an argument is NULL");
  if (class_count != stats->labels->class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_stats_means: class_count is %d, label space %s has %d classes",
                    (int)class_count, stats->labels->name, (int)stats->labels->class_count);
  span cells = cells_of(stats, 0, stratum);
  if (cells.first == cells.last)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_stats_means: stratum is %d, expected 0 to %zu or FM_ALL_STRATA",
                    (int)stratum, stats->strata - 1);
  for (int32_t k = 0; k < class_count; k++) out[k] = fm_class_stats_mean(stats, k, stratum);
  return FM_OK;
}

double fm__class_stats_global_mean(const fm_class_stats *stats) {
  return mean_of(stats, (span){0, stats->cells});
}

/* Where bin `i` of a histogram begins, in nats; 0 for the lowest. */
static double bin_start(const fm_class_stats *stats, size_t i) {
  if (i == 0) return 0;
  int per_octave = 1 << stats->bin_shift;
  int octave = (int)(i - 1) / per_octave, step = (int)(i - 1) % per_octave;
  return ldexp(1 + (double)step / per_octave, octave - 24);
}

static int64_t bin_pixels(const fm_class_stats *stats, span cells, size_t i) {
  int64_t pixels = 0;
  for (size_t c = cells.first; c < cells.last; c++) pixels += cell_at(stats, c)[FM__CELL_WORDS + i];
  return pixels;
}

static double quantile(const fm_class_stats *stats, span cells, double q, int64_t pixels) {
  double wanted = q * (double)pixels, below = 0;
  for (size_t i = 0; i < stats->bins; i++) {
    double here = (double)bin_pixels(stats, cells, i);
    if (here > 0 && below + here >= wanted) {
      if (i == 0) return 0;
      double start = bin_start(stats, i);
      if (i == stats->bins - 1) return start;
      return start + (wanted - below) / here * (bin_start(stats, i + 1) - start);
    }
    below += here;
  }
  return bin_start(stats, stats->bins - 1);
}

fm_status fm_class_stats_quantile(const fm_class_stats *stats, int32_t class_index, int32_t stratum,
                                  double q, double *out, fm_error *err) {
  if (!stats || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_quantile: an argument is NULL");
  span cells = cells_of(stats, class_index, stratum);
  if (cells.first == cells.last)
    return fm__fail(err, FM_ERR_ARGUMENT, "there is no class %d with stratum %d", (int)class_index,
                    (int)stratum);
  if (!(q >= 0 && q <= 1))
    return fm__fail(err, FM_ERR_ARGUMENT, "quantile is asked at %g, expected 0 to 1", q);
  if (!stats->bins)
    return fm__fail(err, FM_ERR_UNSUPPORTED, "these statistics were made without a histogram");
  int64_t pixels = pixels_of(stats, cells);
  if (!pixels)
    return fm__fail(err, FM_ERR_EMPTY, "class %d has no pixel, hence no quantile",
                    (int)class_index);
  *out = quantile(stats, cells, q, pixels);
  return FM_OK;
}
