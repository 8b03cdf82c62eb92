/* filter/calibration.c - shares of images above each bin of the score, as integers that merge. */
#include "filter/calibration.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/size.h"
#include "core/view.h"
#include "dsp/bins.h"
#include "filter/filter.h"
#include "filter/policy.h"

static const int64_t UNIT = INT64_C(1) << 30, MOST_IMAGES = INT64_C(1) << 32;

/* ---- Making ----------------------------------------------------------------------- */

fm_status fm_calibration_create(const fm_class_stats *stats, fm_calibration **out, fm_error *err) {
  if (!stats || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_calibration_create: an argument is NULL");
  if (!stats->bins)
    return fm__fail(err, FM_ERR_UNSUPPORTED, "these statistics were made without a histogram");
  if (stats->strata > 1)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "these statistics have %zu strata, which a calibration does not divide",
                    stats->strata);
  const fm_context *context = stats->labels->context;
  fm_calibration *c = fm__alloc_zeroed(context, 1, sizeof *c);
  if (!c) return fm__fail_memory(err, sizeof *c);
  c->bins = stats->bins;
  fm_status status = fm__class_stats_create_like(stats, &c->like, err);
  if (status) {
    fm__free(context, c);
    return status;
  }
  c->words = fm__alloc_zeroed(context, stats->cells, (1 + c->bins) * sizeof *c->words);
  if (c->words) {
    *out = c;
    return FM_OK;
  }
  fm_calibration_destroy(c);
  return fm__fail(err, FM_ERR_MEMORY, "out of memory for a calibration of %zu classes",
                  stats->cells);
}

void fm_calibration_destroy(fm_calibration *c) {
  if (!c) return;
  fm_labels *labels = fm__labels_hold(c->like->labels);
  fm__free(labels->context, c->words);
  fm_class_stats_destroy(c->like);
  fm__free(labels->context, c);
  fm__labels_drop(labels);
}

/* ---- Adding ----------------------------------------------------------------------- */

static size_t classes_of(const fm_calibration *c) { return c->like->cells; }

/* Counts [classes][bins] of one image. The scores are those of fm_class_stats_score_map. */
static void count(const fm_calibration *c, const fm_plane *mask, const float *scores,
                  int64_t *counts) {
  const fm__lookup lookup = fm__labels_lookup(c->like->labels);
  int32_t classes[FM__PIECE];
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x += FM__PIECE) {
      size_t n = fm__piece_length(mask, x);
      fm__tile_classes(mask, &lookup, y, x, n, classes);
      for (size_t i = 0; i < n; i++, scores++) {
        uint32_t bits;
        memcpy(&bits, scores, sizeof bits);
        if (classes[i] >= 0)
          counts[(size_t)classes[i] * c->bins + fm__bin_of(bits, c->like->bin_shift)]++;
      }
    }
}

/* part / all in units of 2^-30, rounded up. */
static int64_t share_of(int64_t part, int64_t all) {
  int64_t whole = part / all,
          rest = part % all; /* all is below 2^40: no product overflows in parts */
  int64_t high = (rest << 15) / all, left = (rest << 15) % all;
  int64_t low = ((left << 15) + all - 1) / all;
  return whole * UNIT + (high << 15) + low;
}

static void add_shares(fm_calibration *c, const int64_t *counts) {
  for (size_t k = 0; k < classes_of(c); k++) {
    const int64_t *here = counts + k * c->bins;
    int64_t *words = c->words + k * (1 + c->bins), all = 0, above = 0;
    for (size_t i = 0; i < c->bins; i++) all += here[i];
    if (!all) continue;
    words[0]++;
    for (size_t i = c->bins; i-- > 0; above += here[i]) words[1 + i] += share_of(above, all);
  }
}

static fm_status add_scores(fm_calibration *c, const fm_plane *mask, const fm_plane *loss,
                            const fm_extra_planes *extra, float *scores, int64_t *counts,
                            fm_error *err) {
  fm_plane known, plane = fm_plane_make(scores, FM_F32, mask->height, mask->width);
  fm_status status = fm_class_stats_score_map(c->like, mask, loss, extra, &plane, err);
  if (!status) status = fm__plane_read(&known, mask, FM__MASK_TYPES, "mask", err);
  if (status) return status;
  if (c->images >= MOST_IMAGES)
    return fm__fail(err, FM_ERR_LIMIT, "a calibration holds at most 2^32 images");
  count(c, &known, scores, counts);
  add_shares(c, counts);
  c->images++;
  return FM_OK;
}

fm_status fm_calibration_add(fm_calibration *c, const fm_plane *mask, const fm_plane *loss,
                             const fm_extra_planes *extra, fm_error *err) {
  if (!c) return fm__fail(err, FM_ERR_ARGUMENT, "fm_calibration_add: calibration is NULL");
  fm_plane known;
  fm_status status = fm__plane_read(&known, mask, FM__MASK_TYPES, "mask", err);
  if (status) return status;
  const fm_context *context = c->like->labels->context;
  float *scores = fm__alloc_pixels(context, known.height, known.width, sizeof *scores);
  int64_t *counts = fm__alloc_zeroed(context, classes_of(c), c->bins * sizeof *counts);
  status = scores && counts ? add_scores(c, mask, loss, extra, scores, counts, err)
                            : fm__fail_pixels(err, known.height, known.width);
  fm__free(context, scores);
  fm__free(context, counts);
  return status;
}

/* ---- Merging ---------------------------------------------------------------------- */

static size_t count_of(const fm_calibration *c) { return classes_of(c) * (1 + c->bins); }

static fm_status add_words(fm_calibration *into, int64_t images, const int64_t *words,
                           fm_error *err) {
  if (images > MOST_IMAGES - into->images)
    return fm__fail(err, FM_ERR_LIMIT, "a calibration holds at most 2^32 images");
  into->images += images;
  for (size_t i = 0; i < count_of(into); i++) into->words[i] += words[i];
  return FM_OK;
}

fm_status fm_calibration_merge(fm_calibration *into, const fm_calibration *from, fm_error *err) {
  if (!into || !from)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_calibration_merge: an argument is NULL");
  if (fm_labels_fingerprint(into->like->labels) != fm_labels_fingerprint(from->like->labels) ||
      into->bins != from->bins || into->like->score != from->like->score ||
      fm__class_stats_ranks_fingerprint(into->like) !=
          fm__class_stats_ranks_fingerprint(from->like))
    return fm__fail(
        err, FM_ERR_MISMATCH,
        "calibrations of different label spaces, scores, ranks or bins cannot be merged");
  return add_words(into, from->images, from->words, err);
}

void fm_calibration_clear(fm_calibration *c) {
  if (!c) return;
  c->images = 0;
  memset(c->words, 0, count_of(c) * sizeof *c->words);
}

/* ---- Words ------------------------------------------------------------------------ */

int64_t fm_calibration_word_count(const fm_calibration *c) {
  return c ? 1 + (int64_t)count_of(c) : 0;
}

static fm_status check_count(const fm_calibration *c, const int64_t *words, int64_t given,
                             const char *function, fm_error *err) {
  if (!c || !words) return fm__fail(err, FM_ERR_ARGUMENT, "%s: an argument is NULL", function);
  if (given != fm_calibration_word_count(c))
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: count is %" PRId64 ", expected %" PRId64, function,
                    given, fm_calibration_word_count(c));
  return FM_OK;
}

fm_status fm_calibration_export(const fm_calibration *c, int64_t *words, int64_t given,
                                fm_error *err) {
  fm_status status = check_count(c, words, given, "fm_calibration_export", err);
  if (status) return status;
  words[0] = c->images;
  memcpy(words + 1, c->words, count_of(c) * sizeof *words);
  return FM_OK;
}

fm_status fm_calibration_get_layout(const fm_calibration *c, fm_class_stats_layout *out,
                                    fm_error *err) {
  if (!c) return fm__fail(err, FM_ERR_ARGUMENT, "fm_calibration_get_layout: calibration is NULL");
  return fm_class_stats_get_layout(c->like, out, err);
}

/* No more images with the class than images; shares fall from bin to bin, none is above 1, and
 * above the last bin there is nothing. */
static bool is_state(const int64_t *words, size_t bins, int64_t images) {
  if (words[0] < 0 || words[0] > images) return false;
  int64_t most = words[0] * UNIT;
  for (size_t i = 1; i <= bins; i++) {
    if (words[i] < 0 || words[i] > most) return false;
    most = words[i];
  }
  return words[bins] == 0;
}

fm_status fm_calibration_import(fm_calibration *c, const int64_t *words, int64_t given,
                                const fm_class_stats_layout *layout, fm_error *err) {
  fm_status status = check_count(c, words, given, "fm_calibration_import", err);
  if (!status && layout) status = fm__class_stats_check_layout(c->like, layout, err);
  if (status) return status;
  if (words[0] < 0 || words[0] > MOST_IMAGES)
    return fm__fail(err, FM_ERR_FORMAT, "words: %" PRId64 " images, expected 0 to 2^32", words[0]);
  for (size_t k = 0; k < classes_of(c); k++)
    if (!is_state(words + 1 + k * (1 + c->bins), c->bins, words[0]))
      return fm__fail(err, FM_ERR_FORMAT, "words of class %zu: no calibration exports these", k);
  return add_words(c, words[0], words + 1, err);
}

/* ---- Reading ---------------------------------------------------------------------- */

const fm_class_stats *fm_calibration_stats(const fm_calibration *c) { return c ? c->like : NULL; }

int64_t fm_calibration_image_count(const fm_calibration *c, int32_t class_index) {
  if (c && class_index == FM_ALL_CLASSES) return c->images;
  if (!c || class_index < 0 || class_index >= c->like->labels->class_count) return 0;
  return c->words[(size_t)class_index * (1 + c->bins)];
}

/* The least bin whose end keeps the promise: sums fall, so what a bin keeps higher ones do. */
static float threshold(const fm_calibration *c, size_t k, const fm_promise *p) {
  const int64_t *words = c->words + k * (1 + c->bins);
  double delta = p->delta / (double)classes_of(c);
  size_t low = 0, high = c->bins; /* bins from `high` on keep it, or high is the number of bins */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (fm__promise_kept(words[1 + middle], words[0], p->alpha, delta))
      high = middle;
    else
      low = middle + 1;
  }
  return high == c->bins ? INFINITY
                         : fm__bin_end(high, c->bins, fm__class_stats_histogram(c->like));
}

fm_status fm_calibration_threshold(const fm_calibration *c, int32_t class_index,
                                   const fm_promise *promise, float *out, fm_error *err) {
  if (!c || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_calibration_threshold: an argument is NULL");
  fm_promise p;
  fm_status status = fm__promise_read(&p, promise, err);
  if (status) return status;
  if (class_index < 0 || class_index >= c->like->labels->class_count)
    return fm__fail(err, FM_ERR_ARGUMENT, "there is no class %d", (int)class_index);
  *out = threshold(c, (size_t)class_index, &p);
  return FM_OK;
}

/* Doubling, and then halving: nothing of a class is lost, which more images allow sooner. */
fm_status fm_calibration_images_needed(const fm_calibration *c, const fm_promise *promise,
                                       int64_t *out, fm_error *err) {
  if (!c || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_calibration_images_needed: an argument is NULL");
  fm_promise p;
  fm_status status = fm__promise_read(&p, promise, err);
  if (status) return status;
  double delta = p.delta / (double)classes_of(c);
  int64_t low = 1, high = 1;
  while (high < MOST_IMAGES && !fm__promise_kept(0, high, p.alpha, delta)) high *= 2;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (fm__promise_kept(0, middle, p.alpha, delta))
      high = middle;
    else
      low = middle + 1;
  }
  *out = high;
  return FM_OK;
}

void fm__calibration_thresholds(const fm_calibration *c, const fm_promise *p, float *out) {
  for (size_t k = 0; k < classes_of(c); k++) out[k] = threshold(c, k, p);
}
