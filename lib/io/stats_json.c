/* io/stats_json.c - reading class statistics from JSON by jansson, and trusting nothing in it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/json.h"
#include "io/stats_file.h"
#include "labels/exact_sum.h"

/* ---- The file --------------------------------------------------------------------- */

/* What is read before anything is made of it. */
typedef struct head {
  fm__json_object root, labels;
  const char *name;
  uint64_t fingerprint, checksum;
  int64_t class_count, strata, histogram, images;
  int32_t score;
  const json_t *classes;
} head;

static fm_status read_head(const json_t *root, head *h, fm_error *err) {
  h->root = (fm__json_object){.json = root};
  const char *text = json_string_value(json_object_get(root, "format"));
  int64_t version = 0;
  if (!text || strcmp(text, FM__STATS_FORMAT) != 0)
    return fm__fail(err, FM_ERR_FORMAT,
                    "is JSON, expected an object with \"format\": \"" FM__STATS_FORMAT "\"");
  fm_status status = fm__json_whole(&h->root, "version", 1, INT32_MAX, &version, err);
  if (!status && version != FM__STATS_VERSION)
    status = fm__fail(err, FM_ERR_FORMAT, "is of version %" PRId64 ", expected %d", version,
                      FM__STATS_VERSION);
  if (!status) status = fm__json_member(&h->root, "labels", &h->labels, err);
  if (!status) status = fm__json_text(&h->labels, "name", &h->name, err);
  if (!status) status = fm__json_hex(&h->labels, "fingerprint", &h->fingerprint, err);
  if (!status)
    status = fm__json_whole(&h->labels, "classes", 1, FM__MOST_CLASSES, &h->class_count, err);
  if (!status) status = fm__json_list(&h->root, "classes", &h->classes, err);
  if (!status && json_array_size(h->classes) != (size_t)h->class_count)
    status =
        fm__fail(err, FM_ERR_FORMAT, "member classes has %zu rows, but labels.classes is %" PRId64,
                 json_array_size(h->classes), h->class_count);
  return status;
}

/* ---- The label space --------------------------------------------------------------- */

/* The space while it is read, as fm_labels_create takes it. */
typedef struct table {
  int32_t classes[FM__LAST_LABEL + 1];
  const char *names[FM__MOST_CLASSES];
  int64_t ignored[FM__LABELS];
} table;

static fm_status read_runs(const head *h, table *t, fm_error *err) {
  const json_t *runs = NULL, *run = NULL;
  fm_status status = fm__json_list(&h->labels, "runs", &runs, err);
  for (size_t i = 0; !status && i < json_array_size(runs); i++) {
    run = json_array_get(runs, i);
    const json_t *first = json_array_get(run, 0), *k = json_array_get(run, 1);
    bool good = json_array_size(run) == 3 && fm__json_is_whole(first, 0, FM__LAST_LABEL) &&
                fm__json_is_whole(k, 0, h->class_count - 1);
    int64_t label = json_integer_value(first), class_index = json_integer_value(k);
    int64_t most = h->class_count - class_index;
    if (most > FM__LAST_LABEL + 1 - label) most = FM__LAST_LABEL + 1 - label;
    good = good && fm__json_is_whole(json_array_get(run, 2), 1, most);
    int64_t count = good ? json_integer_value(json_array_get(run, 2)) : 0;
    for (int64_t n = 0; n < count && good; n++) {
      good = t->classes[label + n] == FM_CLASS_INVALID;
      t->classes[label + n] = (int32_t)(class_index + n);
    }
    if (!good)
      status = fm__fail(err, FM_ERR_FORMAT,
                        "member labels.runs[%zu] is not a first label, a first class and how many "
                        "of both, or has a label for the second time",
                        i);
  }
  return status;
}

static fm_status read_names(const head *h, table *t, fm_error *err) {
  fm_status status = FM_OK;
  for (int32_t k = 0; k < h->class_count && !status; k++) {
    fm__json_object row;
    status = fm__json_class(h->classes, k, &row, err);
    if (!status) status = fm__json_text(&row, "name", &t->names[k], err);
  }
  return status;
}

static fm_status read_ignored(const head *h, table *t, int32_t *count, fm_error *err) {
  const json_t *list = NULL;
  fm_status status = fm__json_list(&h->labels, "ignored", &list, err);
  if (status) return status;
  size_t size = json_array_size(list);
  bool good = size >= 1 && size <= sizeof t->ignored / sizeof *t->ignored;
  for (size_t i = 0; i < size && good; i++) {
    good = fm__json_is_whole(json_array_get(list, i), FM__FIRST_LABEL, FM__LAST_LABEL);
    t->ignored[i] = json_integer_value(json_array_get(list, i));
  }
  if (!good) return fm__json_not_a(&h->labels, "ignored", "a list of one label or more", err);
  *count = (int32_t)size;
  return FM_OK;
}

static fm_status make_labels(const fm_context *context, const head *h, table *t, fm_labels **out,
                             fm_error *err) {
  fm_labels *labels = NULL;
  fm_labels_options options = {.size = sizeof options, .name = h->name};
  for (int32_t i = 0; i <= FM__LAST_LABEL; i++) t->classes[i] = FM_CLASS_INVALID;
  fm_status status = read_runs(h, t, err);
  if (!status) status = read_names(h, t, err);
  int32_t ignored = 0;
  if (!status) status = read_ignored(h, t, &ignored, err);
  if (status) return status;
  options.class_count = (int32_t)h->class_count;
  options.label_count = FM__LAST_LABEL + 1;
  options.ignored_labels = t->ignored;
  options.ignored_count = ignored;
  options.classes = t->classes;
  options.class_names = t->names;
  status = fm_labels_create(context, &options, &labels, err);
  if (status) return fm__blame_file(status, err);
  if (fm_labels_fingerprint(labels) == h->fingerprint) {
    *out = labels;
    return FM_OK;
  }
  status = fm__fail(err, FM_ERR_FORMAT,
                    "member labels has the fingerprint %016" PRIx64 ", but makes %016" PRIx64,
                    h->fingerprint, fm_labels_fingerprint(labels));
  fm_labels_destroy(labels);
  return status;
}

fm_status fm__stats_parse_labels(const fm_context *context, const char *data, size_t size,
                                 fm_labels **out, fm_error *err) {
  json_t *root = NULL;
  head h;
  fm_status status = fm__json_parse(data, size, &root, err);
  if (status) return status;
  /* A calibration has statistics in it, whose labels are its own. */
  const json_t *inner = json_object_get(root, FM__CALIBRATION_STATS);
  status = read_head(inner ? inner : root, &h, err);
  if (!status) {
    table *t = fm__alloc(context, sizeof *t);
    status = t ? make_labels(context, &h, t, out, err) : fm__fail_memory(err, sizeof *t);
    fm__free(context, t);
  }
  status = fm__json_blame(data, size, root, status, err);
  json_decref(root);
  return status;
}

/* ---- The statistics ----------------------------------------------------------------- */

static fm_status read_score(const char *name, int32_t *score, fm_error *err) {
  for (*score = FM_SCORE_LOSS; *score <= FM_SCORE_RANK; ++*score)
    if (!strcmp(name, fm__stats_score_name(*score))) return FM_OK;
  return fm__fail(err, FM_ERR_UNSUPPORTED, "member score is '%.*s', expected 'loss' or 'rank'",
                  fm__fit(name, 60), name);
}

static fm_status check_layout(const fm_labels *labels, head *h, fm_error *err) {
  const char *score = NULL;
  if (h->fingerprint != fm_labels_fingerprint(labels))
    return fm__fail(err, FM_ERR_MISMATCH,
                    "was made with label space %.60s (%016" PRIx64 "), expected %.60s (%016" PRIx64
                    ")",
                    h->name, h->fingerprint, fm_labels_name(labels), fm_labels_fingerprint(labels));
  fm_status status = fm__json_whole(&h->root, "strata", 1, 255, &h->strata, err);
  if (!status) status = fm__json_whole(&h->root, "histogram", 0, 32, &h->histogram, err);
  if (!status && h->histogram & (h->histogram - 1))
    status = fm__json_not_a(&h->root, "histogram", "0, 1, 2, 4, 8, 16 or 32", err);
  if (!status) status = fm__json_text(&h->root, "score", &score, err);
  if (!status) status = read_score(score, &h->score, err);
  if (!status) status = fm__json_whole(&h->root, "images", 0, INT64_C(1) << 62, &h->images, err);
  return status ? status : fm__json_hex(&h->root, "checksum", &h->checksum, err);
}

/* Pixels and means are there for people; those that contradict the words must not seem to count. */
static fm_status check_class(const fm_class_stats *stats, const fm__json_object *row, int32_t k,
                             fm_error *err) {
  const char *name = NULL;
  int64_t pixels = 0, true_pixels = fm_class_stats_pixel_count(stats, k, FM_ALL_STRATA);
  double true_mean = fm_class_stats_mean(stats, k, FM_ALL_STRATA);
  const char *key = stats->rank ? "mean_score" : "mean_loss";
  const json_t *mean = json_object_get(row->json, key);
  fm_status status = fm__json_text(row, "name", &name, err);
  if (!status && strcmp(name, fm_labels_class_name(stats->labels, k)) != 0)
    status = fm__fail(err, FM_ERR_FORMAT, "member %sname is '%.*s', expected '%.60s'", row->where,
                      fm__fit(name, 60), name, fm_labels_class_name(stats->labels, k));
  if (!status) status = fm__json_whole(row, "pixels", 0, INT64_MAX, &pixels, err);
  if (!status && pixels != true_pixels)
    status =
        fm__fail(err, FM_ERR_FORMAT, "member %spixels is %" PRId64 ", but its words make %" PRId64,
                 row->where, pixels, true_pixels);
  if (!status && !json_is_number(mean)) status = fm__json_not_a(row, key, "a number", err);
  if (!status && fabs(json_number_value(mean) - true_mean) > 0)
    status = fm__fail(err, FM_ERR_FORMAT, "member %s%s is %.17g, but its words make %.17g",
                      row->where, key, json_number_value(mean), true_mean);
  return status;
}

static fm_status import(fm_class_stats *stats, const head *h, int64_t *words, size_t count,
                        fm_error *err) {
  size_t each = stats->strata * stats->cell_words;
  fm_status status = FM_OK;
  fm__json_object row;
  words[0] = h->images;
  for (int32_t k = 0; k < h->class_count && !status; k++) {
    status = fm__json_class(h->classes, k, &row, err);
    if (!status) status = fm__json_words(&row, words + 1 + (size_t)k * each, each, err);
  }
  if (!status && (status = fm_class_stats_import(stats, words, (int64_t)count, NULL, err)))
    return fm__blame_file(status, err);
  for (int32_t k = 0; k < h->class_count && !status; k++) {
    status = fm__json_class(h->classes, k, &row, err);
    if (!status) status = check_class(stats, &row, k, err);
  }
  if (!status && fm__stats_checksum(stats, words) != h->checksum)
    status =
        fm__fail(err, FM_ERR_FORMAT,
                 "is damaged: member checksum is %016" PRIx64 ", but its words make %016" PRIx64,
                 h->checksum, fm__stats_checksum(stats, words));
  return status;
}

/* Statistics as large as the file claims are only made if it holds them. */
static fm_status check_sizes(const head *h, fm_error *err) {
  const int64_t bins = h->histogram ? 32 * h->histogram + 2 : 0;
  const int64_t each = h->strata * (FM__CELL_WORDS + bins);
  if (each * h->class_count >= FM__MOST_WORDS)
    return fm__fail(err, FM_ERR_FORMAT, "holds %" PRId64 " numbers, expected at most %d",
                    1 + each * h->class_count, FM__MOST_WORDS);
  fm_status status = FM_OK;
  fm__json_object row;
  for (int32_t k = 0; k < h->class_count && !status; k++) {
    status = fm__json_class(h->classes, k, &row, err);
    if (!status) status = fm__json_words(&row, NULL, (size_t)each, err);
  }
  return status;
}

/* Without ranks those of the head are read; the layout has been checked. */
static fm_status make_stats(const fm_labels *labels, const head *h, const fm_class_stats *ranks,
                            fm_class_stats **out, fm_error *err) {
  fm_class_stats *stats = NULL;
  fm_status status = check_sizes(h, err);
  if (status) return status;
  fm_class_stats_options options = {.size = sizeof options, .score = h->score, .ranks = ranks};
  options.strata = (int32_t)h->strata;
  options.histogram = (int32_t)h->histogram;
  status = fm_class_stats_create(labels, &options, &stats, err);
  if (status) return status;
  size_t count = (size_t)fm_class_stats_word_count(stats);
  int64_t *words = fm__alloc_array(labels->context, count, sizeof *words);
  status =
      words ? import(stats, h, words, count, err) : fm__fail_memory(err, count * sizeof *words);
  fm__free(labels->context, words);
  if (status)
    fm_class_stats_destroy(stats);
  else
    *out = stats;
  return status;
}

/* The member `ranks`: statistics of losses over the same labels. */
static fm_status read_ranks(const fm_labels *labels, const head *h, fm_class_stats **out,
                            fm_error *err) {
  fm__json_object ranks;
  head inner;
  fm_status status = fm__json_member(&h->root, "ranks", &ranks, err);
  if (status) return status;
  status = read_head(ranks.json, &inner, err);
  if (!status) status = check_layout(labels, &inner, err);
  if (!status && inner.score != FM_SCORE_LOSS)
    status = fm__fail(err, FM_ERR_FORMAT, "member score is not 'loss'");
  if (!status) status = make_stats(labels, &inner, NULL, out, err);
  if (status) fm__fail_prefix(err, "ranks");
  return status;
}

static fm_status read_stats(const fm_labels *labels, head *h, fm_class_stats **out, fm_error *err) {
  fm_class_stats *ranks = NULL;
  fm_status status = check_layout(labels, h, err);
  if (!status && h->score == FM_SCORE_RANK && h->strata > 1)
    status = fm__json_not_a(&h->root, "strata", "1, as the score is 'rank'", err);
  if (!status && h->score == FM_SCORE_RANK) status = read_ranks(labels, h, &ranks, err);
  if (!status && ranks && !(ranks->bins && ranks->pixels))
    status = fm__fail(err, FM_ERR_FORMAT, "member ranks has no %s, which a score is made of",
                      ranks->bins ? "pixel" : "histogram");
  if (!status) status = make_stats(labels, h, ranks, out, err);
  fm_class_stats_destroy(ranks);
  return status;
}

fm_status fm__stats_of_json(const fm_labels *labels, const json_t *root, fm_class_stats **out,
                            fm_error *err) {
  head h;
  fm_status status = read_head(root, &h, err);
  return status ? status : read_stats(labels, &h, out, err);
}

fm_status fm__stats_parse(const fm_labels *labels, const char *data, size_t size,
                          fm_class_stats **out, fm_error *err) {
  json_t *root = NULL;
  fm_status status = fm__json_parse(data, size, &root, err);
  if (status) return status;
  status = fm__stats_of_json(labels, root, out, err);
  status = fm__json_blame(data, size, root, status, err);
  json_decref(root);
  return status;
}
