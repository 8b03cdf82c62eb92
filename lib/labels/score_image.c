/* labels/score_image.c - the scores of one image: ranks, what is expected of their places, and means. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/fail.h"
#include "core/view.h"
#include "dsp/map_kernels.h"
#include "labels/score.h"
#include "labels/score_level.h"
#include "labels/score_steps.h"
#include "map/nearest.h"
#include "map/window.h"

fm_status fm__score_extra(const fm__score *score, fm__score_planes *planes,
                          const fm_extra_planes *extra, fm_error *err) {
  return fm__extra_read(&planes->strata, &planes->reference, extra, (int32_t)score->ranks->strata,
                        &planes->mask, err);
}

/* What places are expected to lose, in steps: as the window's table has it, and as the pixel's own. */
typedef struct expectation {
  int32_t *window, *own; /* [width]; the same memory if there is one table */
} expectation;

/* One call. */
typedef struct mapping {
  const fm__score *score;
  const fm__score_planes *planes;
  fm__runs runs;
  int32_t *window;  /* [height][width]: steps that the window takes the mean of */
  int32_t *own;     /* the pixel's own; the same memory if there is one table */
  int32_t *bins;    /* [width] of a row of losses; -1: what is no loss */
  uint8_t *strata;  /* [width] */
  int32_t *columns; /* [width]: of the reference; NULL: the reference has the mask's size */
  void *row;        /* of the reference, bins or codes, as wide as it is */
  uint8_t *codes;   /* [width] */
  expectation real, siblings; /* of a row; the siblings' added up */
  int32_t sibling;            /* that is being read */
  float *scores;
} mapping;

static void read_bins(const mapping *m, const fm_plane *plane, int64_t y, int32_t *bins) {
  float piece[FM__PIECE];
  for (int64_t x = 0; x < plane->width; x += FM__PIECE) {
    const size_t n = fm__piece_length(plane, x);
    fm__tile_losses(plane, y, x, n, piece);
    m->runs.context->dsp->maps->bins(piece, n, m->score->ranks->bin_shift, bins + x);
  }
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
  const bool two = m->own != m->window;
  int32_t *window = m->window + y * m->runs.width, *own = m->own + y * m->runs.width;
  for (; x < run->end; x++) {
    const int32_t bin = m->bins[x];
    if (!(table = window_table(m, tables, x))) return fail_stratum(m, y, x, err);
    if (bin < 0)
      return fm__loss_fail(m->score->ranks->labels, &m->planes->loss,
                           (int32_t)m->runs.keys[run->region], y, x, err);
    window[x] = table[bin];
    if (two) own[x] = tables[bin];
  }
  return FM_OK;
}

/* Pixel (x, y) of the mask has what is no loss at its place in `plane`. */
static fm_status fail_expected(const mapping *m, const fm_plane *plane, const char *name, int64_t y,
                               int64_t x, fm_error *err) {
  fm__nearest rows = fm__nearest_start(plane->height, m->runs.height);
  int64_t row = 0;
  float loss = 0;
  for (int64_t i = 0; i <= y; i++) row = fm__nearest_next(&rows);
  fm__tile_losses(plane, row, plane->width == m->runs.width ? x : m->columns[x], 1, &loss);
  return fm__fail(err, FM_ERR_LOSS,
                  "%s: %g at the place of pixel (x %" PRId64 ", y %" PRId64
                  "), expected a finite number, not below 0",
                  name, (double)loss, x, y);
}

static fm_status expect_run(const mapping *m, const fm__run *run, int64_t y, int64_t x,
                            fm_error *err) {
  const int16_t *tables = tables_of(m, run);
  const uint16_t *code_bins = m->score->code_bins + m->runs.keys[run->region] * FM__BYTES;
  const bool coded = m->planes->reference.ranks != 0, two = m->real.own != m->real.window;
  for (; x < run->end; x++) {
    const int32_t bin = coded ? code_bins[m->codes[x]] : m->bins[x];
    if (bin < 0) return fail_expected(m, &m->planes->reference.real, "reference", y, x, err);
    m->real.window[x] = window_table(m, tables, x)[bin];
    if (two) m->real.own[x] = tables[bin];
  }
  return FM_OK;
}

static fm_status add_sibling_run(const mapping *m, const fm__run *run, int64_t y, int64_t x,
                                 fm_error *err) {
  const int16_t *tables = tables_of(m, run);
  const bool two = m->siblings.own != m->siblings.window;
  for (; x < run->end; x++) {
    const int32_t bin = m->bins[x];
    if (bin < 0) {
      char name[32];
      (void)snprintf(name, sizeof name, "siblings[%d]", (int)m->sibling);
      return fail_expected(m, &m->planes->reference.siblings[m->sibling], name, y, x, err);
    }
    m->siblings.window[x] += window_table(m, tables, x)[bin];
    if (two) m->siblings.own[x] += tables[bin];
  }
  return FM_OK;
}

/* The mean of the siblings, where that is less. */
static void lower(int32_t *steps, const int32_t *sums, int64_t n, int64_t count) {
  for (int64_t i = 0; i < n; i++) {
    int64_t mean = fm__sibling_mean(sums[i], count);
    if (mean < steps[i]) steps[i] = (int32_t)mean;
  }
}

/* 0.8 of what is expected is taken away. */
static void pair_row(const mapping *m, int64_t y) {
  const int64_t n = m->runs.width;
  int32_t *window = m->window + y * n, *own = m->own + y * n;
  for (int64_t x = 0; x < n; x++) window[x] -= fm__paired_steps(m->real.window[x]);
  for (int64_t x = 0; own != window && x < n; x++) own[x] -= fm__paired_steps(m->real.own[x]);
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

static void read_strata(const mapping *m, int64_t y) {
  const fm_plane *strata = &m->planes->strata;
  for (int64_t x = 0; strata->data && x < strata->width; x += FM__PIECE)
    fm__tile_bytes(strata, y, x, fm__piece_length(strata, x), m->strata + x);
}

static fm_status rank_rows(const mapping *m, fm_error *err) {
  fm_status status = FM_OK;
  for (int64_t y = 0; y < m->runs.height && !status; y++) {
    read_bins(m, &m->planes->loss, y, m->bins);
    read_strata(m, y);
    status = walk_row(m, y, rank_run, err);
  }
  return status;
}

static void read_codes(const fm_plane *plane, int64_t y, uint8_t *row) {
  for (int64_t x = 0; x < plane->width; x += FM__PIECE)
    fm__tile_bytes(plane, y, x, fm__piece_length(plane, x), row + x);
}

/* Row y of the reference, brought to the mask's width. */
static void read_reference(const mapping *m, int64_t y) {
  const fm_plane *real = &m->planes->reference.real;
  const int64_t n = m->runs.width;
  if (m->planes->reference.ranks) {
    uint8_t *row = m->columns ? m->row : m->codes;
    read_codes(real, y, row);
    for (int64_t x = 0; m->columns && x < n; x++) m->codes[x] = row[m->columns[x]];
  } else {
    int32_t *row = m->columns ? m->row : m->bins;
    read_bins(m, real, y, row);
    for (int64_t x = 0; m->columns && x < n; x++) m->bins[x] = row[m->columns[x]];
  }
}

/* What row y of the siblings expects, where that is less. */
static fm_status ask_siblings(mapping *m, int64_t y, fm_error *err) {
  const fm__reference *reference = &m->planes->reference;
  const int64_t n = m->runs.width, count = reference->sibling_count;
  const bool two = m->siblings.own != m->siblings.window;
  fm_status status = FM_OK;
  if (!count) return FM_OK;
  memset(m->siblings.window, 0, (size_t)n * sizeof *m->siblings.window);
  memset(m->siblings.own, 0, (size_t)n * sizeof *m->siblings.own);
  for (m->sibling = 0; m->sibling < count && !status; m->sibling++) {
    fm_plane plane;
    status =
        fm__plane_read(&plane, &reference->siblings[m->sibling], FM__LOSS_TYPES, "sibling", err);
    if (status) return status;
    read_bins(m, &plane, y, m->bins);
    status = walk_row(m, y, add_sibling_run, err);
  }
  if (status) return status;
  lower(m->real.window, m->siblings.window, n, count);
  if (two) lower(m->real.own, m->siblings.own, n, count);
  return FM_OK;
}

static fm_status pair_rows(mapping *m, fm_error *err) {
  fm__nearest rows = fm__nearest_start(m->planes->reference.real.height, m->runs.height);
  fm_status status = FM_OK;
  for (int64_t y = 0; y < m->runs.height && !status; y++) {
    read_strata(m, y);
    read_reference(m, fm__nearest_next(&rows));
    status = walk_row(m, y, expect_run, err);
    if (!status) status = ask_siblings(m, y, err);
    if (!status) pair_row(m, y);
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
    for (int64_t i = x; i < run->end; i++) scores[i] = fm__score_of(own[i], means[i]);
  }
}

/* Rows for one table or two. */
static bool allocate_expectation(mapping *m, expectation *e) {
  const fm_context *context = m->runs.context;
  const size_t width = (size_t)m->runs.width, tables = m->score->tables > 1 ? 2 : 1;
  e->window = fm__alloc_zeroed(context, tables * width, sizeof *e->window);
  e->own = e->window && tables > 1 ? e->window + width : e->window;
  return e->window != NULL;
}

/* What the reference takes. */
static bool allocate_reference(mapping *m) {
  const fm_context *context = m->runs.context;
  const fm__reference *reference = &m->planes->reference;
  const fm_plane *real = &reference->real;
  const size_t width = (size_t)m->runs.width;
  m->codes = fm__alloc(context, width);
  if (!m->codes || !allocate_expectation(m, &m->real)) return false;
  if (reference->sibling_count && !allocate_expectation(m, &m->siblings)) return false;
  if (real->width == m->runs.width && real->height == m->runs.height) return true;
  m->columns = fm__alloc_array(context, width, sizeof *m->columns);
  m->row = fm__alloc_array(context, (size_t)real->width, sizeof *m->bins);
  if (!m->columns || !m->row) return false;
  fm__nearest next = fm__nearest_start(real->width, m->runs.width);
  for (size_t x = 0; x < width; x++) m->columns[x] = (int32_t)fm__nearest_next(&next);
  return true;
}

static bool allocate(mapping *m) {
  const fm_context *context = m->runs.context;
  size_t width = (size_t)m->runs.width;
  m->window = fm__window_steps(context, m->runs.height, m->runs.width);
  m->own = m->window;
  if (m->score->tables > 1)
    m->own = fm__alloc_pixels(context, m->runs.height, m->runs.width, sizeof *m->own);
  m->bins = fm__alloc_array(context, width, sizeof *m->bins);
  m->strata = fm__alloc(context, width);
  if (!m->window || !m->own || !m->bins || !m->strata) return false;
  return !m->planes->reference.real.data || allocate_reference(m);
}

static void release(mapping *m) {
  const fm_context *context = m->runs.context;
  if (m->own != m->window) fm__free(context, m->own);
  fm__free(context, m->window);
  fm__free(context, m->bins);
  fm__free(context, m->strata);
  fm__free(context, m->columns);
  fm__free(context, m->row);
  fm__free(context, m->codes);
  fm__free(context, m->real.window);
  fm__free(context, m->siblings.window);
  fm__runs_free(&m->runs);
}

static fm_status check_codes(const fm__score *score, const fm__reference *reference,
                             fm_error *err) {
  if (!reference->ranks || reference->ranks == score->fingerprint) return FM_OK;
  return fm__fail(err, FM_ERR_MISMATCH,
                  "reference: its codes were made with other statistics (ranks %016" PRIx64
                  "), expected those of the score (%016" PRIx64 "): encode the losses again",
                  reference->ranks, score->fingerprint);
}

fm_status fm__score_map(const fm__score *score, const fm__score_planes *planes, float *scores,
                        fm_error *err) {
  const fm_labels *labels = score->ranks->labels;
  fm__lookup lookup = fm__labels_lookup(labels);
  mapping m = {.score = score, .planes = planes, .scores = scores};
  fm__yx bad;
  fm_status status = check_codes(score, &planes->reference, err);
  if (status) return status;
  status = fm__runs_make(labels->context, &planes->mask, &lookup, &m.runs, &bad, err);
  if (status == FM_ERR_LABEL) return fm__labels_fail(labels, &planes->mask, bad.y, bad.x, err);
  if (status) return status;
  if (!allocate(&m)) status = fm__fail_pixels(err, m.runs.height, m.runs.width);
  if (!status) status = rank_rows(&m, err);
  if (!status && planes->reference.real.data) status = pair_rows(&m, err);
  if (!status) status = fm__score_level(&m.runs, m.own, m.window, err);
  const fm__window_input input = {m.window, m.runs.height, FM__MOST_LEVELLED, NULL, NULL};
  if (!status)
    status = fm__window_mean(&m.runs, &input, fm__score_radius(m.runs.height), put_scores, &m, err);
  release(&m);
  return status;
}
