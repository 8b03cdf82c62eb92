/* labels/means.c - mean losses by class and stratum, whether from statistics or from a host's
 * table. */
#include "labels/means.h"

#include <inttypes.h>
#include <math.h>

#include "core/fail.h"
#include "core/mean.h"
#include "core/options.h"

enum { MOST_STRATA = 255 };
static const int64_t MOST_PIXELS = INT64_C(1) << 62;

/* ---- Making --------------------------------------------------------------------- */

fm_status fm__means_of_stats(fm__means *means, const fm_class_stats *stats, fm_error *err) {
  if (!stats->pixels)
    return fm__fail(err, FM_ERR_EMPTY, "the statistics hold no pixel: add the real images first");
  *means = (fm__means){.labels = stats->labels,
                       .strata = (int32_t)stats->strata,
                       .score = stats->score,
                       .stats = stats};
  return FM_OK;
}

static fm_status check_shape(const fm_mean_table *t, const fm_labels *labels, fm_error *err) {
  if (!t->mean_loss) return fm__fail(err, FM_ERR_ARGUMENT, "fm_mean_table: mean_loss is NULL");
  if (t->class_count != labels->class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_mean_table: class_count is %d, label space %s has %d classes",
                    (int)t->class_count, labels->name, (int)labels->class_count);
  if (t->strata < 1 || t->strata > MOST_STRATA)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_mean_table: strata is %d, expected 1 to 255",
                    (int)t->strata);
  if (t->strata > 1 && !t->pixels)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_mean_table: pixels is NULL, but %d strata need the pixels of each",
                    (int)t->strata);
  return FM_OK;
}

/* One element, by its place in the arrays. `*pixels` grows by its pixels. */
static fm_status check_element(const fm_mean_table *t, size_t i, int64_t *pixels, fm_error *err) {
  double mean = t->mean_loss[i];
  if (!(mean >= 0) || isinf(mean))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_mean_table: mean_loss[%zu] is %g, expected a finite number, not below 0", i,
                    mean);
  if (!t->pixels) return FM_OK;
  int64_t here = t->pixels[i];
  if (here < 0 || here > MOST_PIXELS - *pixels)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_mean_table: pixels[%zu] is %" PRId64
                    ", expected 0 or more, and at most 2^62 together",
                    i, here);
  *pixels += here;
  return FM_OK;
}

static fm_status check_unseen(const fm_mean_table *t, size_t count, fm_error *err) {
  for (size_t i = 0; i < count; i++)
    if (!t->pixels[i] && t->mean_loss[i] > 0)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_mean_table: mean_loss[%zu] is %g though pixels[%zu] is 0, expected 0", i,
                      t->mean_loss[i], i);
  return FM_OK;
}

fm_status fm__means_of_table(fm__means *means, const fm_labels *labels, const fm_mean_table *table,
                             fm_error *err) {
  fm_mean_table t;
  fm_status status = FM__OPTIONS_READ(&t, table, fm_mean_table, pixels, err);
  if (status) return status;
  if (!t.strata) t.strata = 1;
  status = check_shape(&t, labels, err);
  size_t count = (size_t)t.class_count * (size_t)t.strata;
  int64_t pixels = 0;
  for (size_t i = 0; i < count && !status; i++) status = check_element(&t, i, &pixels, err);
  if (status) return status;
  if (t.pixels && !pixels)
    return fm__fail(err, FM_ERR_EMPTY, "fm_mean_table: counts no pixel of any class");
  if (t.pixels) status = check_unseen(&t, count, err);
  if (status) return status;
  *means = (fm__means){.labels = labels, .strata = t.strata, .score = FM_SCORE_LOSS, .table = t};
  return FM_OK;
}

/* ---- Reading -------------------------------------------------------------------- */

/* Elements first .. last - 1 of the table together: each mean is a sum over its pixels and the
 * epsilon, so the sums come back, and the whole is divided as statistics do it. */
static double pooled(const fm_mean_table *t, size_t first, size_t last) {
  double sum = 0, pixels = 0;
  for (size_t i = first; i < last; i++) {
    if (t->pixels[i]) sum += t->mean_loss[i] * ((double)t->pixels[i] + FM__MEAN_EPSILON);
    pixels += (double)t->pixels[i];
  }
  return pixels > 0 ? sum / (pixels + FM__MEAN_EPSILON) : 0;
}

double fm__means_at(const fm__means *means, int32_t class_index, int32_t stratum) {
  if (means->stats) return fm_class_stats_mean(means->stats, class_index, stratum);
  size_t strata = (size_t)means->strata, first = (size_t)class_index * strata;
  if (stratum == FM_ALL_STRATA && strata > 1) return pooled(&means->table, first, first + strata);
  return means->table.mean_loss[first + (size_t)(stratum == FM_ALL_STRATA ? 0 : stratum)];
}

bool fm__means_unseen(const fm__means *means, int32_t class_index, int32_t stratum) {
  if (means->stats) return fm_class_stats_pixel_count(means->stats, class_index, stratum) == 0;
  const fm_mean_table *t = &means->table;
  size_t strata = (size_t)means->strata, first = (size_t)class_index * strata;
  if (!t->pixels) return !(t->mean_loss[first] > 0);
  if (stratum != FM_ALL_STRATA) return t->pixels[first + (size_t)stratum] == 0;
  for (size_t s = 0; s < strata; s++)
    if (t->pixels[first + s]) return false;
  return true;
}

double fm__means_global(const fm__means *means) {
  if (means->stats) return fm__class_stats_global_mean(means->stats);
  return pooled(&means->table, 0, (size_t)means->labels->class_count * (size_t)means->strata);
}
