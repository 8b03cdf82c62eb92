/* labels/class_stats.c - counts and exact sums of losses per class and stratum. */
#include "labels/class_stats.h"

#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/size.h"
#include "core/view.h"
#include "dsp/lanes.h"
#include "dsp/sum.h"
#include "labels/exact_sum.h"
#include "labels/score.h"

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

/* The numbers of words. Even of the largest statistics they fit into 64 bits, but not into 32. */
static bool measure(fm_class_stats *stats) {
  size_t bytes;
  stats->bins = stats->bin_shift < 0 ? 0 : ((size_t)OCTAVES << stats->bin_shift) + 2;
  stats->cell_words = FM__CELL_WORDS + stats->bins;
  return fm__size_mul((size_t)stats->labels->class_count, stats->strata, &stats->cells) &&
         fm__size_mul(stats->cells, stats->cell_words * sizeof *stats->words, &bytes) &&
         fm__size_add(bytes, FM__BLOB_HEADER + sizeof *stats->words, &bytes);
}

/* Takes over `rank`, on failure too. */
static fm_status make(const fm_labels *labels, size_t strata, int bin_shift, fm__score *rank,
                      fm_class_stats **out, fm_error *err) {
  fm_class_stats *stats = fm__alloc_zeroed(labels->context, 1, sizeof *stats);
  if (!stats) {
    fm__score_drop(rank);
    return fm__fail_memory(err, sizeof *stats);
  }
  stats->labels = fm__labels_hold(labels);
  stats->strata = strata;
  stats->bin_shift = bin_shift;
  stats->score = rank ? FM_SCORE_RANK : FM_SCORE_LOSS;
  stats->rank = rank;
  fm_status status = FM_OK;
  if (measure(stats))
    status = allocate(stats, err);
  else
    status = fm__fail(err, FM_ERR_LIMIT,
                      "statistics of %d classes, %zu strata and %zu bins are larger than this "
                      "machine's memory can be",
                      (int)labels->class_count, strata, stats->bins);
  if (status) {
    fm_class_stats_destroy(stats);
    return status;
  }
  *out = stats;
  return FM_OK;
}

static fm_status make_score(const fm_labels *labels, const fm_class_stats_options *o,
                            fm__score **out, fm_error *err) {
  *out = NULL;
  if (o->score == FM_SCORE_RANK && o->strata > 1)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_stats_options: strata is %d, but statistics of FM_SCORE_RANK have "
                    "one: the strata are those of the ranks",
                    (int)o->strata);
  if (o->score == FM_SCORE_RANK) return fm__score_make(labels, o->ranks, out, err);
  if (o->score != FM_SCORE_LOSS)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_class_stats_options: score is %d, which this library does not know",
                    (int)o->score);
  if (o->ranks)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_stats_options: ranks is set, but the score is the loss");
  return FM_OK;
}

fm_status fm_class_stats_create(const fm_labels *labels, const fm_class_stats_options *options,
                                fm_class_stats **out, fm_error *err) {
  if (!labels || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_create: an argument is NULL");
  fm_class_stats_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_class_stats_options, ranks, err);
  if (status) return status;
  if (o.strata < 0 || o.strata > MOST_STRATA)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_options: strata is %d, expected 1 to 255",
                    (int)o.strata);
  int bin_shift = o.histogram ? shift_of(o.histogram) : -1;
  if (o.histogram && bin_shift < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_class_stats_options: histogram is %d, expected 0, 1, 2, 4, 8, 16 or 32",
                    (int)o.histogram);
  if (o.reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_options: reserved is %d, expected 0",
                    (int)o.reserved);
  fm__score *rank;
  status = make_score(labels, &o, &rank, err);
  return status ? status : make(labels, o.strata ? (size_t)o.strata : 1, bin_shift, rank, out, err);
}

fm_status fm__class_stats_create_like(const fm_class_stats *model, fm_class_stats **out,
                                      fm_error *err) {
  return make(model->labels, model->strata, model->bin_shift, fm__score_hold(model->rank), out,
              err);
}

void fm_class_stats_destroy(fm_class_stats *stats) {
  if (!stats) return;
  fm_labels *labels = stats->labels;
  fm__free(labels->context, stats->words);
  fm__free(labels->context, stats->pending);
  fm__free(labels->context, stats->lanes_memory);
  fm__score_drop(stats->rank);
  fm__free(labels->context, stats);
  fm__labels_drop(labels);
}

void fm_class_stats_clear(fm_class_stats *stats) {
  if (!stats) return;
  memset(stats->words, 0, stats->cells * stats->cell_words * sizeof *stats->words);
  stats->images = stats->pixels = 0;
}

int32_t fm__class_stats_histogram(const fm_class_stats *stats) {
  return stats->bins ? 1 << stats->bin_shift : 0;
}

fm_status fm_class_stats_get_options(const fm_class_stats *stats, fm_class_stats_options *out,
                                     fm_error *err) {
  if (!stats) return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_get_options: stats is NULL");
  fm_class_stats_options o = {.size = sizeof o,
                              .strata = (int32_t)stats->strata,
                              .histogram = fm__class_stats_histogram(stats),
                              .score = stats->score,
                              .ranks = fm_class_stats_ranks(stats)};
  return FM__RESULT_WRITE(out, &o, fm_class_stats_options, ranks, err);
}

const fm_labels *fm_class_stats_labels(const fm_class_stats *stats) {
  return stats ? stats->labels : NULL;
}

const fm_class_stats *fm_class_stats_ranks(const fm_class_stats *stats) {
  return stats && stats->rank ? stats->rank->ranks : NULL;
}

const fm_class_stats *fm__class_stats_losses(const fm_class_stats *stats) {
  return stats->rank ? stats->rank->ranks : stats;
}

uint64_t fm__class_stats_ranks_fingerprint(const fm_class_stats *stats) {
  return stats->rank ? stats->rank->fingerprint : 0;
}

/* ---- Adding --------------------------------------------------------------------- */

/* One call of add: the planes with their strides filled in. */
typedef struct add_planes {
  fm_plane mask, loss;
  fm_plane strata; /* data NULL: there is one stratum */
} add_planes;

static fm_status fail_pixel(const fm_class_stats *stats, const add_planes *image, int64_t y,
                            int64_t x, fm_error *err) {
  int64_t label = fm__label_at(&image->mask, y, x);
  int32_t class_index = fm_labels_class_of(stats->labels, label);
  if (class_index < 0) return fm__labels_fail(stats->labels, &image->mask, y, x, err);
  if (image->strata.data) {
    unsigned stratum = *(const unsigned char *)fm__pixel(&image->strata, y, x);
    if (stratum >= stats->strata)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "strata: %u at pixel (x %" PRId64 ", y %" PRId64 "), expected 0 to %zu",
                      stratum, x, y, stats->strata - 1);
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
                 .stratified = image->strata.data != NULL,
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

void fm__class_stats_commit(fm_class_stats *stats, int64_t images) {
  for (size_t c = 0; c < stats->cells; c++) {
    int64_t *cell = stats->pending + c * stats->cell_words;
    if (!cell[0]) continue;
    (void)fm__sum_carry(cell + 1);
    fold_cell(stats->words + c * stats->cell_words, cell, stats->cell_words);
    stats->pixels += cell[0];
    memset(cell, 0, stats->cell_words * sizeof *cell);
  }
  stats->images += images;
}

void fm__class_stats_undo(fm_class_stats *stats) {
  memset(stats->pending, 0, stats->cells * stats->cell_words * sizeof *stats->pending);
}

static fm_status add_image(fm_class_stats *stats, const add_planes *image, fm_error *err) {
  if (image->mask.height * image->mask.width > FM__MOST_COUNT - stats->pixels ||
      stats->images == FM__MOST_COUNT)
    return fm__fail(err, FM_ERR_LIMIT, "statistics are full: they hold %" PRId64 " pixels",
                    stats->pixels);
  fm_status status = add_rows(stats, image, err);
  if (status)
    fm__class_stats_undo(stats);
  else
    fm__class_stats_commit(stats, 1);
  return status;
}

/* The scores take the losses' place. */
static fm_status add_scores(fm_class_stats *stats, add_planes *image, const fm_extra_planes *extra,
                            fm_error *err) {
  const fm_context *context = stats->labels->context;
  fm__score_planes planes = {.mask = image->mask, .loss = image->loss};
  fm_status status = fm__score_extra(stats->rank, &planes, extra, err);
  if (status) return status;
  int64_t height = image->mask.height, width = image->mask.width;
  float *scores = fm__alloc_pixels(context, height, width, sizeof *scores);
  if (!scores) return fm__fail_pixels(err, height, width);
  fm_plane plane = fm_plane_make(scores, FM_F32, height, width);
  status = fm__score_map(stats->rank, &planes, scores, err);
  if (!status) status = fm__plane_read(&image->loss, &plane, FM__BIT(FM_F32), "scores", err);
  if (!status) status = add_image(stats, image, err);
  fm__free(context, scores);
  return status;
}

fm_status fm_class_stats_add(fm_class_stats *stats, const fm_plane *mask, const fm_plane *loss,
                             const fm_extra_planes *extra, fm_error *err) {
  if (!stats) return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_add: stats is NULL");
  add_planes image = {.strata = {.data = NULL}};
  fm_status status = fm__plane_read(&image.mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__plane_read(&image.loss, loss, FM__LOSS_TYPES, "loss", err);
  if (!status) status = fm__same_size(&image.mask, "mask", &image.loss, "loss map", err);
  if (!status && stats->rank) return add_scores(stats, &image, extra, err);
  if (!status)
    status = fm__extra_read(&image.strata, NULL, extra, (int32_t)stats->strata, &image.mask, err);
  return status ? status : add_image(stats, &image, err);
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
  if (into->score != from->score)
    return fm__fail(err, FM_ERR_MISMATCH, "statistics of the scores %d and %d cannot be merged",
                    (int)into->score, (int)from->score);
  if (fm__class_stats_ranks_fingerprint(into) != fm__class_stats_ranks_fingerprint(from))
    return fm__fail(err, FM_ERR_MISMATCH,
                    "statistics whose scores were made of different ranks cannot be merged: use "
                    "the ranks of the whole real set for all parts");
  if (from->pixels > FM__MOST_COUNT - into->pixels || from->images > FM__MOST_COUNT - into->images)
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
