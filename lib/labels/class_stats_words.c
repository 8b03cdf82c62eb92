/* labels/class_stats_words.c - the state as words: bare, and in a blob with what they belong to. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/random.h"
#include "labels/class_stats.h"
#include "labels/exact_sum.h"
#include "labels/score.h"

/* ---- Layouts -------------------------------------------------------------------- */

static fm_class_stats_layout layout_of(const fm_class_stats *stats) {
  return (fm_class_stats_layout){.size = sizeof(fm_class_stats_layout),
                                 .labels_fingerprint = fm_labels_fingerprint(stats->labels),
                                 .class_count = stats->labels->class_count,
                                 .strata = (int32_t)stats->strata,
                                 .histogram = fm__class_stats_histogram(stats),
                                 .score = stats->score,
                                 .ranks_fingerprint = fm__class_stats_ranks_fingerprint(stats)};
}

fm_status fm_class_stats_get_layout(const fm_class_stats *stats, fm_class_stats_layout *out,
                                    fm_error *err) {
  if (!stats) return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_get_layout: stats is NULL");
  fm_class_stats_layout layout = layout_of(stats);
  return FM__RESULT_WRITE(out, &layout, fm_class_stats_layout, ranks_fingerprint, err);
}

static fm_status fail_number(const char *name, int32_t theirs, int32_t ours, fm_error *err) {
  return fm__fail(err, FM_ERR_MISMATCH, "words: made with %s %d, these statistics have %d", name,
                  (int)theirs, (int)ours);
}

fm_status fm__class_stats_check_layout(const fm_class_stats *stats,
                                       const fm_class_stats_layout *layout, fm_error *err) {
  fm_class_stats_layout theirs, ours = layout_of(stats);
  fm_status status =
      FM__OPTIONS_READ(&theirs, layout, fm_class_stats_layout, ranks_fingerprint, err);
  if (status) return status;
  if (theirs.class_count != ours.class_count)
    return fail_number("class_count", theirs.class_count, ours.class_count, err);
  if (theirs.strata != ours.strata) return fail_number("strata", theirs.strata, ours.strata, err);
  if (theirs.histogram != ours.histogram)
    return fail_number("histogram", theirs.histogram, ours.histogram, err);
  if (theirs.score != ours.score) return fail_number("score", theirs.score, ours.score, err);
  if (theirs.ranks_fingerprint != ours.ranks_fingerprint)
    return fm__fail(err, FM_ERR_MISMATCH,
                    "words: their score was made of other ranks (%016" PRIx64
                    ") than these statistics' (%016" PRIx64 ")",
                    theirs.ranks_fingerprint, ours.ranks_fingerprint);
  if (theirs.labels_fingerprint != ours.labels_fingerprint)
    return fm__fail(err, FM_ERR_MISMATCH,
                    "words: made with a label space of fingerprint %016" PRIx64
                    ", these statistics have %s, %016" PRIx64,
                    theirs.labels_fingerprint, stats->labels->name, ours.labels_fingerprint);
  return FM_OK;
}

/* ---- Words ---------------------------------------------------------------------- */

static size_t count_of(const fm_class_stats *stats) { return 1 + stats->cells * stats->cell_words; }

int64_t fm_class_stats_word_count(const fm_class_stats *stats) {
  return stats ? (int64_t)count_of(stats) : 0;
}

static fm_status check_words(const fm_class_stats *stats, const int64_t *words, int64_t count,
                             const char *function, fm_error *err) {
  if (!stats || !words) return fm__fail(err, FM_ERR_ARGUMENT, "%s: an argument is NULL", function);
  if (count != fm_class_stats_word_count(stats))
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: count is %" PRId64 ", expected %" PRId64, function,
                    count, fm_class_stats_word_count(stats));
  return FM_OK;
}

fm_status fm_class_stats_export(const fm_class_stats *stats, int64_t *words, int64_t count,
                                fm_error *err) {
  fm_status status = check_words(stats, words, count, "fm_class_stats_export", err);
  if (status) return status;
  words[0] = stats->images;
  memcpy(words + 1, stats->words, stats->cells * stats->cell_words * sizeof *words);
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
  if (cell[0] > FM__MOST_COUNT - *pixels)
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

fm_status fm_class_stats_import(fm_class_stats *stats, const int64_t *words, int64_t count,
                                const fm_class_stats_layout *layout, fm_error *err) {
  fm_status status = check_words(stats, words, count, "fm_class_stats_import", err);
  if (!status && layout) status = fm__class_stats_check_layout(stats, layout, err);
  if (status) return status;
  if (words[0] < 0) return fm__fail(err, FM_ERR_FORMAT, "words: the number of images is negative");
  if (words[0] > FM__MOST_COUNT - stats->images)
    return fm__fail(err, FM_ERR_LIMIT, "words: more than 2^62 images in all");
  int64_t pixels = stats->pixels;
  for (size_t c = 0; c < stats->cells; c++) {
    status = check_cell(stats, words + 1 + c * stats->cell_words, c, &pixels, err);
    if (status) return status;
  }
  memcpy(stats->pending, words + 1, stats->cells * stats->cell_words * sizeof *words);
  fm__class_stats_commit(stats, words[0]);
  return FM_OK;
}

/* ---- Blobs ---------------------------------------------------------------------- */

/* Numbers of 64 bits, least significant byte first; the words follow them. */
enum { MAGIC, FINGERPRINT, CLASSES, STRATA, HISTOGRAM, SCORE, COUNT, CHECK, NUMBERS };
_Static_assert(8 * NUMBERS == FM__BLOB_HEADER, "as the header says");
static const uint64_t MAGIC_NUMBER = UINT64_C(0x31305354415453AA); /* "\xAASTATS01" */

static void put_number(unsigned char *blob, size_t index, uint64_t number) {
  for (size_t byte = 0; byte < 8; byte++)
    blob[8 * index + byte] = (unsigned char)(number >> (8 * byte));
}

static uint64_t get_number(const unsigned char *blob, size_t index) {
  uint64_t number = 0;
  for (size_t byte = 0; byte < 8; byte++) number |= (uint64_t)blob[8 * index + byte] << (8 * byte);
  return number;
}

static uint64_t check_of(const unsigned char *blob, size_t size) {
  uint64_t hash = fm__hash_bytes(FM__HASH_START, blob, 8 * CHECK);
  return fm__hash_bytes(hash, blob + FM__BLOB_HEADER, size - FM__BLOB_HEADER);
}

static size_t own_size(const fm_class_stats *stats) {
  return FM__BLOB_HEADER + 8 * count_of(stats);
}

/* A blob of the ranks follows. */
size_t fm_class_stats_blob_size(const fm_class_stats *stats) {
  if (!stats) return 0;
  return own_size(stats) + fm_class_stats_blob_size(fm_class_stats_ranks(stats));
}

fm_status fm_class_stats_save(const fm_class_stats *stats, void *blob, size_t size, fm_error *err) {
  if (!stats || !blob)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_save: an argument is NULL");
  if (size != fm_class_stats_blob_size(stats))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_save: size is %zu, expected %zu", size,
                    fm_class_stats_blob_size(stats));
  put_number(blob, MAGIC, MAGIC_NUMBER);
  put_number(blob, FINGERPRINT, fm_labels_fingerprint(stats->labels));
  put_number(blob, CLASSES, (uint64_t)stats->labels->class_count);
  put_number(blob, STRATA, stats->strata);
  put_number(blob, HISTOGRAM, (uint64_t)fm__class_stats_histogram(stats));
  put_number(blob, SCORE, (uint64_t)stats->score);
  put_number(blob, COUNT, count_of(stats));
  put_number(blob, NUMBERS, (uint64_t)stats->images);
  for (size_t i = 0; i < stats->cells * stats->cell_words; i++)
    put_number(blob, NUMBERS + 1 + i, (uint64_t)stats->words[i]);
  size_t own = own_size(stats);
  if (stats->rank) {
    fm_status status = fm_class_stats_save(stats->rank->ranks, (char *)blob + own, size - own, err);
    if (status) return status;
  }
  put_number(blob, CHECK, check_of(blob, size));
  return FM_OK;
}

/* Before anything is allocated: what the blob says of itself, and that it is whole. */
static fm_status check_blob(const fm_labels *labels, const unsigned char *blob, size_t size,
                            fm_error *err) {
  if (size < FM__BLOB_HEADER || get_number(blob, MAGIC) != MAGIC_NUMBER)
    return fm__fail(err, FM_ERR_FORMAT, "blob: does not hold class statistics");
  bool whole = size % 8 == 0, scored = get_number(blob, SCORE) == FM_SCORE_RANK;
  uint64_t count = get_number(blob, COUNT), most = (size - FM__BLOB_HEADER) / 8;
  if (!whole || (scored ? count >= most : count != most))
    return fm__fail(err, FM_ERR_FORMAT,
                    "blob: is damaged: it has %zu bytes, expected %d and %" PRIu64 " words", size,
                    FM__BLOB_HEADER, count);
  if (get_number(blob, CHECK) != check_of(blob, size))
    return fm__fail(err, FM_ERR_FORMAT, "blob: is damaged: its checksum differs");
  if (get_number(blob, FINGERPRINT) != fm_labels_fingerprint(labels) ||
      get_number(blob, CLASSES) != (uint64_t)labels->class_count)
    return fm__fail(err, FM_ERR_MISMATCH,
                    "blob: made with a label space of %" PRIu64
                    " classes and fingerprint %016" PRIx64 ", expected %s with %d and %016" PRIx64,
                    get_number(blob, CLASSES), get_number(blob, FINGERPRINT), labels->name,
                    (int)labels->class_count, fm_labels_fingerprint(labels));
  return FM_OK;
}

/* The options that were saved; out of range they make fm_class_stats_create fail. */
static int32_t option_at(const unsigned char *blob, size_t index) {
  uint64_t number = get_number(blob, index);
  return number <= INT32_MAX ? (int32_t)number : -1;
}

static fm_status make_saved(const fm_labels *labels, const unsigned char *blob,
                            const fm_class_stats *ranks, fm_class_stats **out, fm_error *err) {
  fm_class_stats_options o = {.size = sizeof o,
                              .strata = option_at(blob, STRATA),
                              .histogram = option_at(blob, HISTOGRAM),
                              .score = option_at(blob, SCORE),
                              .ranks = ranks};
  fm_status status = fm_class_stats_create(labels, &o, out, err);
  if (status == FM_ERR_ARGUMENT || (!status && (count_of(*out) != get_number(blob, COUNT) ||
                                                (*out)->strata != get_number(blob, STRATA)))) {
    if (!status) fm_class_stats_destroy(*out);
    return fm__fail(err, FM_ERR_FORMAT, "blob: contradicts itself");
  }
  if (status) fm__fail_prefix(err, "blob");
  return status;
}

/* The blob behind the words. It is of losses, so that this goes one level deep. */
static fm_status load_ranks(const fm_labels *labels, const unsigned char *blob, size_t size,
                            fm_class_stats **out, fm_error *err) {
  size_t own = FM__BLOB_HEADER + 8 * (size_t)get_number(blob, COUNT), left = size - own;
  if (left < FM__BLOB_HEADER || get_number(blob + own, SCORE) != FM_SCORE_LOSS)
    return fm__fail(err, FM_ERR_FORMAT, "blob: holds no ranks of losses");
  fm_status status = fm_class_stats_load(labels, blob + own, left, out, err);
  if (status) fm__fail_prefix(err, "ranks");
  return status;
}

fm_status fm_class_stats_load(const fm_labels *labels, const void *blob, size_t size,
                              fm_class_stats **out, fm_error *err) {
  if (!labels || !blob || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_load: an argument is NULL");
  fm_class_stats *stats = NULL, *ranks = NULL;
  fm_status status = check_blob(labels, blob, size, err);
  if (!status && get_number(blob, SCORE) == FM_SCORE_RANK)
    status = load_ranks(labels, blob, size, &ranks, err);
  if (!status) status = make_saved(labels, blob, ranks, &stats, err);
  fm_class_stats_destroy(ranks);
  if (status) return status;
  size_t count = count_of(stats);
  int64_t *words = fm__alloc_array(labels->context, count, sizeof *words);
  if (words) {
    for (size_t i = 0; i < count; i++) words[i] = (int64_t)get_number(blob, NUMBERS + i);
    status = fm_class_stats_import(stats, words, (int64_t)count, NULL, err);
  } else {
    status = fm__fail_memory(err, count * sizeof *words);
  }
  fm__free(labels->context, words);
  if (status)
    fm_class_stats_destroy(stats);
  else
    *out = stats;
  return status;
}
