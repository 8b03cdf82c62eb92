/* labels/score.c - the score that compares a pixel with real pixels of its class, and with what the
 * mask's own real image loses at its place. */
#include "labels/score.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/ln.h"
#include "core/options.h"
#include "core/random.h"
#include "core/view.h"
#include "dsp/bins.h"
#include "map/nearest.h"
#include "map/window.h"

/* What is added to the share of real pixels that lose more, so that the rank of the oddest is
 * finite: -ln 0.002 = 6.2. */
static const double LEAST_SHARE = 0.002;
/* More than the steps of any rank. */
enum { MOST_STEPS = 1 << 15 };
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

static fm_status fill_tables(fm__score *score, fm_error *err) {
  const fm_class_stats *ranks = score->ranks;
  const fm_context *context = ranks->labels->context;
  size_t classes = (size_t)ranks->labels->class_count;
  int64_t *counts = fm__alloc_array(context, ranks->bins, sizeof *counts);
  score->steps = fm__alloc_array(context, classes * score->tables, ranks->bins * sizeof(int16_t));
  if (!counts || !score->steps) {
    fm__free(context, counts);
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for the ranks of %zu classes", classes);
  }
  for (size_t k = 0; k < classes; k++) {
    int16_t *tables = score->steps + k * score->tables * ranks->bins;
    count_class(ranks, k, counts);
    fill_class(tables, counts, ranks->bins);
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
  fm_class_stats_destroy(score->ranks);
  fm__free(labels->context, score);
  fm__labels_drop(labels);
}

/* ---- Reading an image --------------------------------------------------------------- */

fm_status fm__score_extra(const fm__score *score, fm__score_planes *planes,
                          const fm_extra_planes *extra, fm_error *err) {
  return fm__extra_read(&planes->strata, &planes->reference, extra, (int32_t)score->ranks->strata,
                        &planes->mask, err);
}

/* One call. */
typedef struct mapping {
  const fm__score *score;
  const fm__score_planes *planes;
  fm__runs runs;
  int32_t *window;          /* [height][width]: steps that the window takes the mean of */
  int32_t *own;             /* the pixel's own; the same memory if there is one table */
  int32_t *columns;         /* [width]: of the reference; NULL: the reference has the mask's size */
  float *losses, *expected; /* [width] rows of losses and of the reference */
  float *reference;         /* [its width] */
  uint8_t *strata;          /* [width] */
  float *scores;
} mapping;

/* The bin of a loss; -0 is 0. False: it is none. */
static inline bool bin_of(float loss, int shift, size_t *bin) {
  uint32_t bits;
  memcpy(&bits, &loss, sizeof bits);
  if (bits == UINT32_C(0x80000000)) bits = 0;
  *bin = fm__bin_of(bits, shift);
  return bits < UINT32_C(0x7F800000);
}

static fm_status fail_stratum(const mapping *m, int64_t y, int64_t x, fm_error *err) {
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "strata: %d at pixel (x %" PRId64 ", y %" PRId64 "), expected 0 to %zu",
                  (int)m->strata[x], x, y, m->score->ranks->strata - 1);
}

/* A run's tables, of its class. */
static const int16_t *tables_of(const mapping *m, const fm__run *run) {
  return m->score->steps +
         (size_t)m->runs.keys[run->region] * m->score->tables * m->score->ranks->bins;
}

/* The table of a pixel for the window: of its stratum. NULL: there is no such stratum. */
static const int16_t *window_table(const mapping *m, const int16_t *tables, int64_t x) {
  if (m->score->tables == 1) return tables;
  size_t stratum = m->strata[x];
  return stratum < m->score->ranks->strata ? tables + (stratum + 1) * m->score->ranks->bins : NULL;
}

static fm_status rank_run(const mapping *m, const fm__run *run, int64_t y, int64_t x,
                          fm_error *err) {
  const int16_t *tables = tables_of(m, run), *table;
  const int shift = m->score->ranks->bin_shift;
  int32_t *window = m->window + y * m->runs.width, *own = m->own + y * m->runs.width;
  size_t bin;
  for (; x < run->end; x++) {
    if (!(table = window_table(m, tables, x))) return fail_stratum(m, y, x, err);
    if (!bin_of(m->losses[x], shift, &bin))
      return fm__loss_fail(m->score->ranks->labels, &m->planes->loss,
                           (int32_t)m->runs.keys[run->region], y, x, err);
    window[x] = table[bin];
    own[x] = tables[bin];
  }
  return FM_OK;
}

/* 0.8 of a rank, rounded to whole steps, halves away from 0. */
static inline int32_t paired(int32_t steps) { return (4 * steps + (steps < 0 ? -2 : 2)) / 5; }

static fm_status fail_reference(const mapping *m, int64_t y, int64_t x, fm_error *err) {
  return fm__fail(err, FM_ERR_LOSS,
                  "reference: %g at the place of pixel (x %" PRId64 ", y %" PRId64
                  "), expected a finite number, not below 0",
                  (double)m->expected[x], x, y);
}

static fm_status pair_run(const mapping *m, const fm__run *run, int64_t y, int64_t x,
                          fm_error *err) {
  const int16_t *tables = tables_of(m, run);
  const int shift = m->score->ranks->bin_shift;
  int32_t *window = m->window + y * m->runs.width, *own = m->own + y * m->runs.width;
  size_t bin;
  for (; x < run->end; x++) {
    if (!bin_of(m->expected[x], shift, &bin)) return fail_reference(m, y, x, err);
    window[x] -= paired(window_table(m, tables, x)[bin]);
    if (own != window) own[x] -= paired(tables[bin]);
  }
  return FM_OK;
}

static void read_row(const fm_plane *plane, int64_t y, float *row) {
  for (int64_t x = 0; x < plane->width; x += FM__PIECE)
    fm__tile_losses(plane, y, x, fm__piece_length(plane, x), row + x);
}

static fm_status walk_row(const mapping *m, int64_t y,
                          fm_status (*step)(const mapping *, const fm__run *, int64_t, int64_t,
                                            fm_error *),
                          fm_error *err) {
  const fm__run *run = m->runs.runs + m->runs.rows[y], *end = m->runs.runs + m->runs.rows[y + 1];
  fm_status status = FM_OK;
  for (int64_t x = 0; run < end && !status; x = run++->end)
    if (run->region >= 0) status = step(m, run, y, x, err);
  return status;
}

static fm_status rank_rows(const mapping *m, fm_error *err) {
  const fm_plane *strata = &m->planes->strata;
  fm_status status = FM_OK;
  for (int64_t y = 0; y < m->runs.height && !status; y++) {
    read_row(&m->planes->loss, y, m->losses);
    for (int64_t x = 0; strata->data && x < strata->width; x += FM__PIECE)
      fm__tile_bytes(strata, y, x, fm__piece_length(strata, x), m->strata + x);
    status = walk_row(m, y, rank_run, err);
  }
  return status;
}

/* The reference's row for row y of the mask. */
static void read_reference(mapping *m, fm__nearest *rows) {
  const fm_plane *reference = &m->planes->reference;
  int64_t y = fm__nearest_next(rows);
  m->expected = m->losses;
  if (!m->columns) {
    read_row(reference, y, m->expected);
    return;
  }
  read_row(reference, y, m->reference);
  for (int64_t x = 0; x < m->runs.width; x++) m->expected[x] = m->reference[m->columns[x]];
}

static fm_status pair_rows(mapping *m, fm_error *err) {
  const fm_plane *strata = &m->planes->strata;
  fm__nearest rows = fm__nearest_start(m->planes->reference.height, m->runs.height);
  fm_status status = FM_OK;
  for (int64_t y = 0; y < m->runs.height && !status; y++) {
    read_reference(m, &rows);
    for (int64_t x = 0; strata->data && x < strata->width; x += FM__PIECE)
      fm__tile_bytes(strata, y, x, fm__piece_length(strata, x), m->strata + x);
    status = walk_row(m, y, pair_run, err);
  }
  return status;
}

/* ---- Scores ----------------------------------------------------------------------- */

static void put_scores(void *user, int64_t y, const float *means) {
  const mapping *m = user;
  const fm__run *run = m->runs.runs + m->runs.rows[y];
  const int32_t *own = m->own + y * m->runs.width;
  float *scores = m->scores + y * m->runs.width;
  for (int64_t x = 0; x < m->runs.width; x = run++->end) {
    if (run->region < 0) {
      memset(scores + x, 0, (size_t)(run->end - x) * sizeof *scores);
      continue;
    }
    for (int64_t i = x; i < run->end; i++) {
      float score = (float)own[i] * FM__STEP + means[i];
      scores[i] = score > 0 ? score : 0;
    }
  }
}

/* Side 2 * radius + 1 of about a quarter of the height. */
static int32_t radius_of(int64_t height) {
  int64_t radius = height / 8;
  if (radius < 1) radius = 1;
  return (int32_t)(radius < FM__MOST_RADIUS ? radius : FM__MOST_RADIUS);
}

static bool allocate(mapping *m) {
  const fm_context *context = m->runs.context;
  const fm_plane *reference = &m->planes->reference;
  size_t width = (size_t)m->runs.width;
  bool resized =
      reference->data && (reference->width != m->runs.width || reference->height != m->runs.height);
  m->window = fm__window_steps(context, m->runs.height, m->runs.width);
  m->own = m->window;
  if (m->score->tables > 1)
    m->own = fm__alloc_pixels(context, m->runs.height, m->runs.width, sizeof *m->own);
  m->losses = fm__alloc_array(context, width, sizeof *m->losses);
  m->strata = fm__alloc(context, width);
  if (resized) {
    m->columns = fm__alloc_array(context, width, sizeof *m->columns);
    m->reference = fm__alloc_array(context, (size_t)reference->width, sizeof *m->reference);
    if (!m->columns || !m->reference) return false;
    fm__nearest next = fm__nearest_start(reference->width, m->runs.width);
    for (size_t x = 0; x < width; x++) m->columns[x] = (int32_t)fm__nearest_next(&next);
  }
  return m->window && m->own && m->losses && m->strata;
}

static void release(mapping *m) {
  const fm_context *context = m->runs.context;
  if (m->own != m->window) fm__free(context, m->own);
  fm__free(context, m->window);
  fm__free(context, m->losses);
  fm__free(context, m->strata);
  fm__free(context, m->columns);
  fm__free(context, m->reference);
  fm__runs_free(&m->runs);
}

fm_status fm__score_map(const fm__score *score, const fm__score_planes *planes, float *scores,
                        fm_error *err) {
  const fm_labels *labels = score->ranks->labels;
  fm__lookup lookup = fm__labels_lookup(labels);
  mapping m = {.score = score, .planes = planes, .scores = scores};
  fm__yx bad;
  fm_status status = fm__runs_make(labels->context, &planes->mask, &lookup, &m.runs, &bad, err);
  if (status == FM_ERR_LABEL) return fm__labels_fail(labels, &planes->mask, bad.y, bad.x, err);
  if (status) return status;
  if (!allocate(&m)) status = fm__fail_pixels(err, m.runs.height, m.runs.width);
  if (!status) status = rank_rows(&m, err);
  if (!status && planes->reference.data) status = pair_rows(&m, err);
  const fm__window_input input = {m.window, m.runs.height, MOST_STEPS, NULL, NULL};
  if (!status)
    status = fm__window_mean(&m.runs, &input, radius_of(m.runs.height), put_scores, &m, err);
  release(&m);
  return status;
}
