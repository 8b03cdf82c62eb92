/* labels/score.c - the score that compares a pixel with real pixels of its class, and with what the
 * mask's own real image loses at its place: the ranks of losses. */
#include "labels/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fail.h"
#include "core/ln.h"
#include "core/random.h"
#include "dsp/map_kernels.h"

/* What is added to the share of real pixels that lose more, so that the rank of the oddest is
 * finite: -ln 0.002 = 6.2. */
static const double LEAST_SHARE = 0.002;
/* A stratum counts as if it held so many pixels more, spread as its class's: few say little. */
static const double CLASS_WEIGHT = 200;

/* ---- Ranks ------------------------------------------------------------------------ */

/* Steps of a rank, of which `below` of `all` pixels lose less. */
static int16_t steps_of(double below, double all) {
  double rank = -fm__ln((all - below) / all + LEAST_SHARE);
  return (int16_t)floor(rank * (1 << FM__STEPS_BITS) + 0.5);
}

/* Of one class: its pixels by bin, over all strata. */
static void count_class(const fm_class_stats *ranks, size_t k, int64_t *counts) {
  memset(counts, 0, ranks->bins * sizeof *counts);
  for (size_t s = 0; s < ranks->strata; s++) {
    const int64_t *cell = ranks->words + (k * ranks->strata + s) * ranks->cell_words;
    for (size_t i = 0; i < ranks->bins; i++) counts[i] += cell[FM__CELL_WORDS + i];
  }
}

/* A pixel's place is in the middle of those of its bin. */
static void fill_class(int16_t *steps, const int64_t *counts, size_t bins) {
  double all = 0, below = 0;
  for (size_t i = 0; i < bins; i++) all += (double)counts[i];
  for (size_t i = 0; i < bins; i++) {
    double here = (double)counts[i];
    steps[i] = all > 0 ? steps_of(below + here / 2, all) : steps_of(1, 1);
    below += here;
  }
}

static void fill_stratum(int16_t *steps, const int64_t *counts, const int64_t *class_counts,
                         size_t bins) {
  double all = 0, class_all = 0, below = 0, class_below = 0;
  for (size_t i = 0; i < bins; i++) all += (double)counts[i];
  for (size_t i = 0; i < bins; i++) class_all += (double)class_counts[i];
  for (size_t i = 0; i < bins; i++) {
    double here = (double)counts[i], class_here = (double)class_counts[i];
    double share = class_all > 0 ? (class_below + class_here / 2) / class_all : 1;
    steps[i] = steps_of(below + here / 2 + CLASS_WEIGHT * share, all + CLASS_WEIGHT);
    below += here;
    class_below += class_here;
  }
}

int32_t fm__score_most_steps(void) { return steps_of(1, 1); }

/* Ranks do not fall with bins, so neither do the bins that are nearest. */
static void fill_codes(uint16_t *code_bins, const int16_t *steps, size_t bins) {
  const int32_t most = fm__score_most_steps(), last = FM__BYTES - 1;
  size_t bin = 0;
  for (int32_t code = 0; code <= last; code++) {
    const int32_t rank = code * most / last;
    while (bin + 1 < bins && abs(steps[bin + 1] - rank) <= abs(steps[bin] - rank)) bin++;
    code_bins[code] = (uint16_t)bin;
  }
}

static fm_status fill_tables(fm__score *score, fm_error *err) {
  const fm_class_stats *ranks = score->ranks;
  const fm_context *context = ranks->labels->context;
  size_t classes = (size_t)ranks->labels->class_count;
  int64_t *counts = fm__alloc_array(context, ranks->bins, sizeof *counts);
  score->steps = fm__alloc_array(context, classes * score->tables, ranks->bins * sizeof(int16_t));
  score->code_bins = fm__alloc_array(context, classes, FM__BYTES * sizeof(uint16_t));
  if (!counts || !score->steps || !score->code_bins) {
    fm__free(context, counts);
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for the ranks of %zu classes", classes);
  }
  for (size_t k = 0; k < classes; k++) {
    int16_t *tables = score->steps + k * score->tables * ranks->bins;
    count_class(ranks, k, counts);
    fill_class(tables, counts, ranks->bins);
    fill_codes(score->code_bins + k * FM__BYTES, tables, ranks->bins);
    for (size_t s = 0; s + 1 < score->tables; s++)
      fill_stratum(tables + (s + 1) * ranks->bins,
                   ranks->words + (k * ranks->strata + s) * ranks->cell_words + FM__CELL_WORDS,
                   counts, ranks->bins);
  }
  fm__free(context, counts);
  return FM_OK;
}

/* ---- Making ----------------------------------------------------------------------- */

static fm_status check_ranks(const fm_labels *labels, const fm_class_stats *ranks, fm_error *err) {
  if (!ranks)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_stats_options: ranks is NULL, but FM_SCORE_RANK needs the statistics "
                    "of the real losses");
  if (ranks->score != FM_SCORE_LOSS)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_stats_options: ranks are statistics of a score, expected of losses");
  if (!ranks->bins)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_class_stats_options: ranks were made without a histogram");
  if (ranks->labels != labels &&
      fm_labels_fingerprint(ranks->labels) != fm_labels_fingerprint(labels))
    return fm__fail(err, FM_ERR_MISMATCH,
                    "fm_class_stats_options: ranks are of label space %.60s, expected %.60s",
                    ranks->labels->name, labels->name);
  if (!ranks->pixels)
    return fm__fail(err, FM_ERR_EMPTY, "fm_class_stats_options: ranks hold no pixel");
  return FM_OK;
}

static uint64_t fingerprint_of(const fm_class_stats *ranks) {
  uint64_t hash = fm__hash_u64(FM__HASH_START, fm_labels_fingerprint(ranks->labels));
  hash = fm__hash_u64(hash, ranks->strata);
  hash = fm__hash_u64(hash, ranks->bins);
  for (size_t i = 0; i < ranks->cells * ranks->cell_words; i++)
    hash = fm__hash_u64(hash, (uint64_t)ranks->words[i]);
  return hash ? hash : 1;
}

fm_status fm__score_make(const fm_labels *labels, const fm_class_stats *ranks, fm__score **out,
                         fm_error *err) {
  fm_status status = check_ranks(labels, ranks, err);
  if (status) return status;
  fm__score *score = fm__alloc_zeroed(labels->context, 1, sizeof *score);
  if (!score) return fm__fail_memory(err, sizeof *score);
  status = fm__class_stats_create_like(ranks, &score->ranks, err);
  if (status) {
    fm__free(labels->context, score);
    return status;
  }
  atomic_init(&score->holds, 1);
  score->tables = ranks->strata > 1 ? 1 + ranks->strata : 1;
  score->fingerprint = fingerprint_of(ranks);
  status = fm_class_stats_merge(score->ranks, ranks, err);
  if (!status) status = fill_tables(score, err);
  if (status)
    fm__score_drop(score);
  else
    *out = score;
  return status;
}

fm__score *fm__score_hold(fm__score *score) {
  if (score) atomic_fetch_add(&score->holds, 1);
  return score;
}

void fm__score_drop(fm__score *score) {
  if (!score || atomic_fetch_sub(&score->holds, 1) != 1) return;
  fm_labels *labels = fm__labels_hold(score->ranks->labels);
  fm__free(labels->context, score->steps);
  fm__free(labels->context, score->code_bins);
  fm_class_stats_destroy(score->ranks);
  fm__free(labels->context, score);
  fm__labels_drop(labels);
}

/* ---- The public call -------------------------------------------------------------- */

fm_status fm_class_stats_rank_tables(const fm_class_stats *stats, int16_t *steps,
                                     int64_t step_count, uint16_t *code_bins, int64_t code_count,
                                     fm_error *err) {
  if (!stats) return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_rank_tables: stats is NULL");
  const fm__score *score = stats->rank;
  if (!score)
    return fm__fail(
        err, FM_ERR_UNSUPPORTED,
        "fm_class_stats_rank_tables: the statistics are of losses, expected of FM_SCORE_RANK");
  if (!steps || !code_bins)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_rank_tables: an array is NULL");
  const size_t classes = (size_t)stats->labels->class_count;
  const size_t count = classes * score->tables * score->ranks->bins, codes = classes * FM__BYTES;
  if (step_count < 0 || (uint64_t)step_count != count || code_count < 0 ||
      (uint64_t)code_count != codes)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_stats_rank_tables: counts are %lld and %lld, expected %zu and %zu",
                    (long long)step_count, (long long)code_count, count, codes);
  memcpy(steps, score->steps, count * sizeof *steps);
  memcpy(code_bins, score->code_bins, codes * sizeof *code_bins);
  return FM_OK;
}
