/* labels/class_stats.c - counts and exact sums of losses per class and stratum. */
#include "labels/class_stats.h"

#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "dsp/lanes.h"
#include "dsp/sum.h"
#include "labels/exact_sum.h"

/* Far from where counters overflow, even doubled. */
static const int64_t MOST_PIXELS = INT64_C(1) << 62;

enum { OCTAVES = 32, MOST_STRATA = 255 };

/* ---- Making --------------------------------------------------------------------- */

static int shift_of(int32_t bins_per_octave) {
  for (int shift = 0; shift <= 5; shift++)
    if (bins_per_octave == 1 << shift) return shift;
  return -1;
}

static fm_status allocate(fm_class_stats *stats, fm_error *err) {
  const fm_context *context = stats->labels->context;
  size_t count = stats->cells * stats->cell_words;
  stats->words = fm__alloc_zeroed(context, count, sizeof *stats->words);
  stats->pending = fm__alloc_zeroed(context, count, sizeof *stats->pending);
  if (!stats->words || !stats->pending)
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for two times %zu words of statistics",
                    count);
  if (!context->dsp->sum) return FM_OK;
  stats->lanes_memory = fm__alloc(context, FM__LANES_MEMORY);
  if (!stats->lanes_memory) return fm__fail_memory(err, FM__LANES_MEMORY);
  stats->lanes = fm__lanes_make(stats->lanes_memory, stats->labels->classes);
  return FM_OK;
}

static fm_status make(const fm_labels *labels, size_t strata, int bin_shift, fm_class_stats **out,
                      fm_error *err) {
  fm_class_stats *stats = fm__alloc_zeroed(labels->context, 1, sizeof *stats);
  if (!stats) return fm__fail_memory(err, sizeof *stats);
  stats->labels = fm__labels_hold(labels);
  stats->strata = strata;
  stats->bin_shift = bin_shift;
  stats->bins = bin_shift < 0 ? 0 : ((size_t)OCTAVES << bin_shift) + 2;
  stats->cell_words = FM__CELL_WORDS + stats->bins;
  stats->cells = (size_t)labels->class_count * strata;
  fm_status status = allocate(stats, err);
  if (status) {
    fm_class_stats_destroy(stats);
    return status;
  }
  *out = stats;
  return FM_OK;
}

fm_status fm_class_stats_create(const fm_labels *labels, const fm_class_stats_options *options,
                                fm_class_stats **out, fm_error *err) {
  if (!labels || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_create: an argument is NULL");
  fm_class_stats_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_class_stats_options, histogram, err);
  if (status) return status;
  if (o.strata < 0 || o.strata > MOST_STRATA)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_options: strata is %d, expected 1 to 255",
                    (int)o.strata);
  int bin_shift = o.histogram ? shift_of(o.histogram) : -1;
  if (o.histogram && bin_shift < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_stats_options: histogram is %d, expected 0, 1, 2, 4, 8, 16 or 32",
                    (int)o.histogram);
  return make(labels, o.strata ? (size_t)o.strata : 1, bin_shift, out, err);
}

fm_status fm__class_stats_create_like(const fm_class_stats *model, fm_class_stats **out,
                                      fm_error *err) {
  return make(model->labels, model->strata, model->bin_shift, out, err);
}

void fm_class_stats_destroy(fm_class_stats *stats) {
  if (!stats) return;
  fm_labels *labels = stats->labels;
  fm__free(labels->context, stats->words);
  fm__free(labels->context, stats->pending);
  fm__free(labels->context, stats->lanes_memory);
  fm__free(labels->context, stats);
  fm__labels_drop(labels);
}

void fm_class_stats_clear(fm_class_stats *stats) {
  if (!stats) return;
  memset(stats->words, 0, stats->cells * stats->cell_words * sizeof *stats->words);
  stats->images = stats->pixels = 0;
}

/* ---- Adding --------------------------------------------------------------------- */

/* One call of add: the planes with their strides filled in. */
typedef struct add_planes {
  fm_plane mask, loss, strata;
  bool stratified;
} add_planes;

static fm_status fail_pixel(const fm_class_stats *stats, const add_planes *image, int64_t y,
                            int64_t x, fm_error *err) {
  int64_t label = fm__label_at(&image->mask, y, x);
  int32_t class_index = fm_labels_class_of(stats->labels, label);
  if (class_index < 0) return fm__labels_fail(stats->labels, &image->mask, y, x, err);
  if (image->stratified) {
    unsigned stratum = *(const unsigned char *)fm__pixel(&image->strata, y, x);
    if (stratum >= stats->strata)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "strata: %u at pixel (x %" PRId64 ", y %" PRId64 "), expected below %zu",
                      stratum, x, y, stats->strata);
  }
  return fm__loss_fail(stats->labels, &image->loss, class_index, y, x, err);
}

static void carry_pending(void *user) {
  fm_class_stats *stats = user;
  for (size_t c = 0; c < stats->cells; c++)
    (void)fm__sum_carry(stats->pending + c * stats->cell_words + 1);
}

static fm_status add_rows(fm_class_stats *stats, const add_planes *image, fm_error *err) {
  fm__yx bad;
  fm__sum sum = {.dsp = stats->labels->context->dsp,
                 .mask = image->mask,
                 .loss = image->loss,
                 .strata = image->strata,
                 .stratified = image->stratified,
                 .lookup = fm__labels_lookup(stats->labels),
                 .cells = {stats->pending, stats->cell_words, stats->strata, stats->bin_shift},
                 .lanes = stats->lanes,
                 .carry = carry_pending,
                 .user = stats};
  return fm__sum_image(&sum, &bad) ? FM_OK : fail_pixel(stats, image, bad.y, bad.x, err);
}

/* into += from for one cell, and from = 0 if it is the pending one. */
static void fold_cell(int64_t *into, const int64_t *from, size_t cell_words) {
  into[0] += from[0];
  fm__sum_add(into + 1, from + 1);
  for (size_t i = FM__CELL_WORDS; i < cell_words; i++) into[i] += from[i];
}

static void commit_pending(fm_class_stats *stats) {
  for (size_t c = 0; c < stats->cells; c++) {
    int64_t *cell = stats->pending + c * stats->cell_words;
    if (!cell[0]) continue;
    (void)fm__sum_carry(cell + 1);
    fold_cell(stats->words + c * stats->cell_words, cell, stats->cell_words);
    stats->pixels += cell[0];
    memset(cell, 0, stats->cell_words * sizeof *cell);
  }
  stats->images++;
}

static fm_status add(fm_class_stats *stats, const fm_plane *mask, const fm_plane *loss,
                     const fm_plane *strata, fm_error *err) {
  add_planes image = {.stratified = strata != NULL};
  fm_status status = fm__plane_read(&image.mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__plane_read(&image.loss, loss, FM__LOSS_TYPES, "loss", err);
  if (!status) status = fm__same_size(&image.mask, "mask", &image.loss, "loss map", err);
  if (!status && strata) {
    status = fm__plane_read(&image.strata, strata, FM__BIT(FM_U8), "strata", err);
    if (!status) status = fm__same_size(&image.mask, "mask", &image.strata, "strata", err);
  }
  if (status) return status;
  if (image.mask.height * image.mask.width > MOST_PIXELS - stats->pixels)
    return fm__fail(err, FM_ERR_LIMIT, "statistics are full: they hold %" PRId64 " pixels",
                    stats->pixels);
  status = add_rows(stats, &image, err);
  if (status)
    memset(stats->pending, 0, stats->cells * stats->cell_words * sizeof *stats->pending);
  else
    commit_pending(stats);
  return status;
}

fm_status fm_class_stats_add(fm_class_stats *stats, const fm_plane *mask, const fm_plane *loss,
                             fm_error *err) {
  if (!stats) return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_add: stats is NULL");
  return add(stats, mask, loss, NULL, err);
}

fm_status fm_class_stats_add_stratified(fm_class_stats *stats, const fm_plane *mask,
                                        const fm_plane *loss, const fm_plane *strata,
                                        fm_error *err) {
  if (!stats || !strata)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_add_stratified: an argument is NULL");
  return add(stats, mask, loss, strata, err);
}

/* ---- Merging -------------------------------------------------------------------- */

static fm_status check_mergeable(const fm_class_stats *into, const fm_class_stats *from,
                                 fm_error *err) {
  if (into->labels != from->labels &&
      fm_labels_fingerprint(into->labels) != fm_labels_fingerprint(from->labels))
    return fm__fail(err, FM_ERR_MISMATCH,
                    "statistics of different label spaces cannot be merged (%s, %s)",
                    into->labels->name, from->labels->name);
  if (into->strata != from->strata || into->bin_shift != from->bin_shift)
    return fm__fail(err, FM_ERR_MISMATCH,
                    "statistics with %zu strata and %zu bins cannot be merged with %zu and %zu",
                    into->strata, into->bins, from->strata, from->bins);
  if (from->pixels > MOST_PIXELS - into->pixels || from->images > MOST_PIXELS - into->images)
    return fm__fail(err, FM_ERR_LIMIT, "statistics are full: they hold %" PRId64 " pixels",
                    into->pixels);
  return FM_OK;
}

fm_status fm_class_stats_merge(fm_class_stats *into, const fm_class_stats *from, fm_error *err) {
  if (!into || !from)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_merge: an argument is NULL");
  fm_status status = check_mergeable(into, from, err);
  if (status) return status;
  int64_t pixels = from->pixels, images = from->images; /* into may be from */
  for (size_t c = 0; c < into->cells; c++)
    fold_cell(into->words + c * into->cell_words, from->words + c * into->cell_words,
              into->cell_words);
  into->pixels += pixels;
  into->images += images;
  return FM_OK;
}

/* ---- The words ------------------------------------------------------------------ */

size_t fm_class_stats_word_count(const fm_class_stats *stats) {
  return stats ? 1 + stats->cells * stats->cell_words : 0;
}

static fm_status check_words(const fm_class_stats *stats, const int64_t *words, size_t count,
                             const char *function, fm_error *err) {
  if (!stats || !words) return fm__fail(err, FM_ERR_ARGUMENT, "%s: an argument is NULL", function);
  if (count != fm_class_stats_word_count(stats))
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: count is %zu, expected %zu", function, count,
                    fm_class_stats_word_count(stats));
  return FM_OK;
}

fm_status fm_class_stats_export(const fm_class_stats *stats, int64_t *words, size_t count,
                                fm_error *err) {
  fm_status status = check_words(stats, words, count, "fm_class_stats_export", err);
  if (status) return status;
  words[0] = stats->images;
  memcpy(words + 1, stats->words, (count - 1) * sizeof *words);
  return FM_OK;
}

/* Could this many finite losses have this sum? All are below 2^128. */
static bool is_sum_of(int64_t pixels, const int64_t words[FM__SUM_DIGITS]) {
  int64_t digits[FM__SUM_DIGITS];
  memcpy(digits, words, sizeof digits);
  if (fm__sum_carry(digits)) return false;
  return pixels ? fm__sum_to_double(digits) < (double)pixels * 0x1p128 : fm__sum_is_zero(digits);
}

/* A cell that adding pixels could have made. `*pixels` grows by its pixels. */
static fm_status check_cell(const fm_class_stats *stats, const int64_t *cell, size_t index,
                            int64_t *pixels, fm_error *err) {
  int64_t class_index = (int64_t)(index / stats->strata);
  for (size_t i = 0; i < stats->cell_words; i++)
    if (cell[i] < 0)
      return fm__fail(err, FM_ERR_FORMAT, "words of class %" PRId64 ": word %zu is negative",
                      class_index, i);
  if (cell[0] > MOST_PIXELS - *pixels)
    return fm__fail(err, FM_ERR_LIMIT, "words of class %" PRId64 ": more than 2^62 pixels in all",
                    class_index);
  if (!is_sum_of(cell[0], cell + 1))
    return fm__fail(err, FM_ERR_FORMAT,
                    "words of class %" PRId64 ": no %" PRId64 " losses have this sum", class_index,
                    cell[0]);
  uint64_t binned = 0;
  for (size_t i = FM__CELL_WORDS; i < stats->cell_words; i++) {
    binned += (uint64_t)cell[i];
    if (binned > (uint64_t)cell[0]) break;
  }
  if (stats->bins && binned != (uint64_t)cell[0])
    return fm__fail(err, FM_ERR_FORMAT,
                    "words of class %" PRId64 ": the histogram does not hold %" PRId64 " pixels",
                    class_index, cell[0]);
  *pixels += cell[0];
  return FM_OK;
}

fm_status fm_class_stats_import(fm_class_stats *stats, const int64_t *words, size_t count,
                                fm_error *err) {
  fm_status status = check_words(stats, words, count, "fm_class_stats_import", err);
  if (status) return status;
  if (words[0] < 0) return fm__fail(err, FM_ERR_FORMAT, "words: the number of images is negative");
  if (words[0] > MOST_PIXELS - stats->images)
    return fm__fail(err, FM_ERR_LIMIT, "words: more than 2^62 images in all");
  int64_t pixels = stats->pixels;
  for (size_t c = 0; c < stats->cells; c++) {
    status = check_cell(stats, words + 1 + c * stats->cell_words, c, &pixels, err);
    if (status) return status;
  }
  for (size_t c = 0; c < stats->cells; c++) {
    int64_t *cell = stats->pending + c * stats->cell_words;
    memcpy(cell, words + 1 + c * stats->cell_words, stats->cell_words * sizeof *cell);
  }
  commit_pending(stats);
  stats->images += words[0] - 1; /* commit_pending counted one */
  return FM_OK;
}
