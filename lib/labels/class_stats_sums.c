/* labels/class_stats_sums.c - sums and counts that were made elsewhere. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "labels/class_stats.h"
#include "labels/exact_sum.h"

static fm_status check_shape(const fm_class_stats *stats, const fm_class_sums *s, fm_error *err) {
  if (!s->pixels || !s->loss_sums)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_sums: %s is NULL",
                    s->pixels ? "loss_sums" : "pixels");
  if (s->class_count != stats->labels->class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_sums: class_count is %d, label space %s has %d classes",
                    (int)s->class_count, stats->labels->name, (int)stats->labels->class_count);
  if (s->strata < 0 || (size_t)s->strata != stats->strata)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_sums: strata is %d, expected %zu",
                    (int)s->strata, stats->strata);
  if (!s->histograms != !stats->bins)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_sums: histograms is %s, the statistics %s",
                    s->histograms ? "set" : "NULL", stats->bins ? "have one" : "have none");
  if (s->image_count < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_sums: image_count is %" PRId64 ", expected 0 or more",
                    s->image_count);
  if (s->image_count > FM__MOST_COUNT - stats->images)
    return fm__fail(err, FM_ERR_LIMIT, "fm_class_sums: more than 2^62 images in all");
  return FM_OK;
}

/* `i` is the place in the arrays. */
static fm_status read_sum(const fm_class_sums *s, size_t i, int64_t *digits, fm_error *err) {
  double sum = s->loss_sums[i];
  /* All losses are below 2^128. */
  const char *why = !(sum >= 0)                ? "expected 0 or more"
                    : sum > 0 && !s->pixels[i] ? "though there is no pixel"
                    : sum > 0 && sum >= (double)s->pixels[i] * 0x1p128
                        ? "more than the largest F32 losses make"
                    : !fm__sum_of_double(digits, sum) ? "expected a multiple of 2^-149"
                                                      : NULL;
  if (!why) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_sums: loss_sums[%zu] is %g, %s", i, sum, why);
}

static fm_status read_histogram(const fm_class_sums *s, size_t i, size_t bins, int64_t *out,
                                fm_error *err) {
  const int64_t *from = s->histograms + i * bins;
  int64_t left = s->pixels[i];
  for (size_t bin = 0; bin < bins && left >= 0; bin++) {
    left = from[bin] < 0 || from[bin] > left ? -1 : left - from[bin];
    out[bin] = from[bin];
  }
  if (left == 0) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_class_sums: histogram %zu does not hold %" PRId64 " pixels", i, s->pixels[i]);
}

/* One class and stratum into the pending cell. `*pixels` grows by its pixels. */
static fm_status read_cell(fm_class_stats *stats, const fm_class_sums *s, size_t i, int64_t *pixels,
                           fm_error *err) {
  int64_t *cell = stats->pending + i * stats->cell_words;
  if (s->pixels[i] < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_sums: pixels[%zu] is %" PRId64 ", expected 0 or more", i,
                    s->pixels[i]);
  if (s->pixels[i] > FM__MOST_COUNT - *pixels)
    return fm__fail(err, FM_ERR_LIMIT, "fm_class_sums: more than 2^62 pixels in all");
  *pixels += s->pixels[i];
  cell[0] = s->pixels[i];
  fm_status status = read_sum(s, i, cell + 1, err);
  if (!status && stats->bins)
    status = read_histogram(s, i, stats->bins, cell + FM__CELL_WORDS, err);
  return status;
}

fm_status fm_class_stats_add_sums(fm_class_stats *stats, const fm_class_sums *sums, fm_error *err) {
  if (!stats || !sums)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_add_sums: an argument is NULL");
  fm_class_sums s;
  fm_status status = FM__OPTIONS_READ(&s, sums, fm_class_sums, histograms, err);
  if (status) return status;
  if (!s.strata) s.strata = 1;
  status = check_shape(stats, &s, err);
  if (status) return status;
  int64_t pixels = stats->pixels;
  for (size_t i = 0; i < stats->cells && !status; i++)
    status = read_cell(stats, &s, i, &pixels, err);
  if (status)
    fm__class_stats_undo(stats);
  else
    fm__class_stats_commit(stats, s.image_count);
  return status;
}
