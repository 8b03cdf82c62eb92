/* io/stats_json.c - reading class statistics from JSON by jansson, and trusting nothing in it. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/stats_file.h"
#include "labels/exact_sum.h"

/* ---- Members ---------------------------------------------------------------------- */

/* Of an object that messages call `where`: "", "labels." or "classes[3].". */
typedef struct object {
  const json_t *json;
  char where[32];
} object;

static fm_status not_a(const object *o, const char *key, const char *expected, fm_error *err) {
  return fm__fail(err, FM_ERR_FORMAT, "member %s%s is %s, expected %s", o->where, key,
                  json_object_get(o->json, key) ? "something else" : "missing", expected);
}

static bool is_whole(const json_t *value, int64_t lowest, int64_t highest) {
  return json_is_integer(value) && json_integer_value(value) >= lowest &&
         json_integer_value(value) <= highest;
}

static fm_status get_whole(const object *o, const char *key, int64_t lowest, int64_t highest,
                           int64_t *out, fm_error *err) {
  const json_t *value = json_object_get(o->json, key);
  char expected[96];
  if (is_whole(value, lowest, highest)) {
    *out = json_integer_value(value);
    return FM_OK;
  }
  snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, lowest,
           highest);
  return not_a(o, key, expected, err);
}

static fm_status get_text(const object *o, const char *key, const char **out, fm_error *err) {
  *out = json_string_value(json_object_get(o->json, key));
  return *out ? FM_OK : not_a(o, key, "a string", err);
}

static fm_status get_hex(const object *o, const char *key, uint64_t *out, fm_error *err) {
  const char *text = json_string_value(json_object_get(o->json, key));
  if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
    return not_a(o, key, "a string of 16 hexadecimal digits", err);
  *out = strtoull(text, NULL, 16);
  return FM_OK;
}

static fm_status get_list(const object *o, const char *key, const json_t **out, fm_error *err) {
  *out = json_object_get(o->json, key);
  return json_is_array(*out) ? FM_OK : not_a(o, key, "a list", err);
}

static fm_status get_object(const object *o, const char *key, object *out, fm_error *err) {
  out->json = json_object_get(o->json, key);
  snprintf(out->where, sizeof out->where, "%s.", key);
  return json_is_object(out->json) ? FM_OK : not_a(o, key, "an object", err);
}

static fm_status get_class(const json_t *classes, int32_t k, object *out, fm_error *err) {
  out->json = json_array_get(classes, (size_t)k);
  snprintf(out->where, sizeof out->where, "classes[%d].", (int)k);
  int64_t index = 0;
  return get_whole(out, "index", k, k, &index, err);
}

/* ---- The file --------------------------------------------------------------------- */

/* What is read before anything is made of it. */
typedef struct head {
  object root, labels;
  const char *name;
  uint64_t fingerprint, checksum;
  int64_t class_count, strata, histogram, images;
  int32_t score;
  const json_t *classes;
} head;

static bool same_error(const json_error_t *a, const json_error_t *b) {
  return a->position == b->position && a->line == b->line && strcmp(a->text, b->text) == 0;
}

/* jansson has a code for lack of memory, but calls it a syntax error while it reads a word, and
 * nothing at all before the first one. What is broken is broken in the same place again. */
static fm_status parse(const char *data, size_t size, json_t **out, fm_error *err) {
  json_error_t error, again;
  *out = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
  if (!*out && error.text[0] && json_error_code(&error) != json_error_out_of_memory) {
    *out = json_loadb(data, size, JSON_REJECT_DUPLICATES, &again);
    if (!*out && same_error(&error, &again))
      return fm__fail(err, FM_ERR_FORMAT, "line %d, column %d: broken JSON, %s", error.line,
                      error.column, error.text);
  }
  if (*out) return FM_OK;
  return fm__fail(err, FM_ERR_MEMORY, "out of memory while %zu bytes of JSON were parsed", size);
}

/* Without memory jansson loses the ends of words, too, and goes on. */
static bool lost_something(const char *data, size_t size, const json_t *root) {
  json_t *again = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
  bool lost = !again || !json_equal(again, root);
  json_decref(again);
  return lost;
}

static fm_status blame(const char *data, size_t size, const json_t *root, fm_status status,
                       fm_error *err) {
  if (!status || status == FM_ERR_MEMORY || !lost_something(data, size, root)) return status;
  return fm__fail(err, FM_ERR_MEMORY, "out of memory while %zu bytes of JSON were parsed", size);
}

static fm_status read_head(const json_t *root, head *h, fm_error *err) {
  h->root = (object){.json = root};
  const char *text = json_string_value(json_object_get(root, "format"));
  int64_t version = 0;
  if (!text || strcmp(text, FM__STATS_FORMAT) != 0)
    return fm__fail(err, FM_ERR_FORMAT,
                    "is JSON, expected an object with \"format\": \"" FM__STATS_FORMAT "\"");
  fm_status status = get_whole(&h->root, "version", 1, INT32_MAX, &version, err);
  if (!status && version != FM__STATS_VERSION)
    status = fm__fail(err, FM_ERR_FORMAT, "is of version %" PRId64 ", expected %d", version,
                      FM__STATS_VERSION);
  if (!status) status = get_object(&h->root, "labels", &h->labels, err);
  if (!status) status = get_text(&h->labels, "name", &h->name, err);
  if (!status) status = get_hex(&h->labels, "fingerprint", &h->fingerprint, err);
  if (!status) status = get_whole(&h->labels, "classes", 1, FM__MOST_CLASSES, &h->class_count, err);
  if (!status) status = get_list(&h->root, "classes", &h->classes, err);
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
  fm_status status = get_list(&h->labels, "runs", &runs, err);
  for (size_t i = 0; !status && i < json_array_size(runs); i++) {
    run = json_array_get(runs, i);
    const json_t *first = json_array_get(run, 0), *k = json_array_get(run, 1);
    bool good = json_array_size(run) == 3 && is_whole(first, 0, FM__LAST_LABEL) &&
                is_whole(k, 0, h->class_count - 1);
    int64_t label = json_integer_value(first), class_index = json_integer_value(k);
    int64_t most = h->class_count - class_index;
    if (most > FM__LAST_LABEL + 1 - label) most = FM__LAST_LABEL + 1 - label;
    good = good && is_whole(json_array_get(run, 2), 1, most);
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
    object row;
    status = get_class(h->classes, k, &row, err);
    if (!status) status = get_text(&row, "name", &t->names[k], err);
  }
  return status;
}

static fm_status read_ignored(const head *h, table *t, int32_t *count, fm_error *err) {
  const json_t *list = NULL;
  fm_status status = get_list(&h->labels, "ignored", &list, err);
  if (status) return status;
  size_t size = json_array_size(list);
  bool good = size >= 1 && size <= sizeof t->ignored / sizeof *t->ignored;
  for (size_t i = 0; i < size && good; i++) {
    good = is_whole(json_array_get(list, i), FM__FIRST_LABEL, FM__LAST_LABEL);
    t->ignored[i] = json_integer_value(json_array_get(list, i));
  }
  if (!good) return not_a(&h->labels, "ignored", "a list of one label or more", err);
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
  fm_status status = parse(data, size, &root, err);
  if (status) return status;
  status = read_head(root, &h, err);
  if (!status) {
    table *t = fm__alloc(context, sizeof *t);
    status = t ? make_labels(context, &h, t, out, err) : fm__fail_memory(err, sizeof *t);
    fm__free(context, t);
  }
  status = blame(data, size, root, status, err);
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
  fm_status status = get_whole(&h->root, "strata", 1, 255, &h->strata, err);
  if (!status) status = get_whole(&h->root, "histogram", 0, 32, &h->histogram, err);
  if (!status && h->histogram & (h->histogram - 1))
    status = not_a(&h->root, "histogram", "0, 1, 2, 4, 8, 16 or 32", err);
  if (!status) status = get_text(&h->root, "score", &score, err);
  if (!status) status = read_score(score, &h->score, err);
  if (!status) status = get_whole(&h->root, "images", 0, INT64_C(1) << 62, &h->images, err);
  return status ? status : get_hex(&h->root, "checksum", &h->checksum, err);
}

static fm_status read_words(const object *row, int64_t *words, size_t count, fm_error *err) {
  const json_t *list = NULL;
  fm_status status = get_list(row, "words", &list, err);
  if (status) return status;
  for (size_t i = 0; i < count; i++) {
    const json_t *word = json_array_get(list, i);
    if (!json_is_integer(word))
      return fm__fail(err, FM_ERR_FORMAT, "member %swords[%zu] is not a whole number", row->where,
                      i);
    words[i] = json_integer_value(word);
  }
  return FM_OK;
}

/* Pixels and means are there for people; those that contradict the words must not seem to count. */
static fm_status check_class(const fm_class_stats *stats, const object *row, int32_t k,
                             fm_error *err) {
  const char *name = NULL;
  int64_t pixels = 0, true_pixels = fm_class_stats_pixel_count(stats, k, FM_ALL_STRATA);
  double true_mean = fm_class_stats_mean(stats, k, FM_ALL_STRATA);
  const char *key = stats->rank ? "mean_score" : "mean_loss";
  const json_t *mean = json_object_get(row->json, key);
  fm_status status = get_text(row, "name", &name, err);
  if (!status && strcmp(name, fm_labels_class_name(stats->labels, k)) != 0)
    status = fm__fail(err, FM_ERR_FORMAT, "member %sname is '%.*s', expected '%.60s'", row->where,
                      fm__fit(name, 60), name, fm_labels_class_name(stats->labels, k));
  if (!status) status = get_whole(row, "pixels", 0, INT64_MAX, &pixels, err);
  if (!status && pixels != true_pixels)
    status =
        fm__fail(err, FM_ERR_FORMAT, "member %spixels is %" PRId64 ", but its words make %" PRId64,
                 row->where, pixels, true_pixels);
  if (!status && !json_is_number(mean)) status = not_a(row, key, "a number", err);
  if (!status && fabs(json_number_value(mean) - true_mean) > 0)
    status = fm__fail(err, FM_ERR_FORMAT, "member %s%s is %.17g, but its words make %.17g",
                      row->where, key, json_number_value(mean), true_mean);
  return status;
}

static fm_status import(fm_class_stats *stats, const head *h, int64_t *words, size_t count,
                        fm_error *err) {
  size_t each = stats->strata * stats->cell_words;
  fm_status status = FM_OK;
  object row;
  words[0] = h->images;
  for (int32_t k = 0; k < h->class_count && !status; k++) {
    status = get_class(h->classes, k, &row, err);
    if (!status) status = read_words(&row, words + 1 + (size_t)k * each, each, err);
  }
  if (!status && (status = fm_class_stats_import(stats, words, (int64_t)count, NULL, err)))
    return fm__blame_file(status, err);
  for (int32_t k = 0; k < h->class_count && !status; k++) {
    status = get_class(h->classes, k, &row, err);
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
  const int64_t expected = h->strata * (FM__CELL_WORDS + bins);
  fm_status status = FM_OK;
  object row;
  for (int32_t k = 0; k < h->class_count && !status; k++) {
    const json_t *list = NULL;
    status = get_class(h->classes, k, &row, err);
    if (!status) status = get_list(&row, "words", &list, err);
    if (!status && json_array_size(list) != (size_t)expected)
      status = fm__fail(err, FM_ERR_FORMAT, "member %swords has %zu numbers, expected %" PRId64,
                        row.where, json_array_size(list), expected);
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
  object ranks;
  head inner;
  fm_status status = get_object(&h->root, "ranks", &ranks, err);
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
    status = not_a(&h->root, "strata", "1, as the score is 'rank'", err);
  if (!status && h->score == FM_SCORE_RANK) status = read_ranks(labels, h, &ranks, err);
  if (!status && ranks && !(ranks->bins && ranks->pixels))
    status = fm__fail(err, FM_ERR_FORMAT, "member ranks has no %s, which a score is made of",
                      ranks->bins ? "pixel" : "histogram");
  if (!status) status = make_stats(labels, h, ranks, out, err);
  fm_class_stats_destroy(ranks);
  return status;
}

fm_status fm__stats_parse(const fm_labels *labels, const char *data, size_t size,
                          fm_class_stats **out, fm_error *err) {
  json_t *root = NULL;
  head h;
  fm_status status = parse(data, size, &root, err);
  if (status) return status;
  status = read_head(root, &h, err);
  if (!status) status = read_stats(labels, &h, out, err);
  status = blame(data, size, root, status, err);
  json_decref(root);
  return status;
}
