/* io/stats_file.c - class statistics in JSON: the calls, and writing, one class a line. */
#include "io/stats_file.h"

#include <freemask/files.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/random.h"
#include "io/deliver.h"

const char *fm__stats_score_name(int32_t score) { return score == FM_SCORE_RANK ? "rank" : "loss"; }

uint64_t fm__stats_checksum(const fm_class_stats *stats, const int64_t *words) {
  uint64_t hash = fm__hash_u64(FM__HASH_START, fm_labels_fingerprint(stats->labels));
  size_t count = 1 + stats->cells * stats->cell_words;
  hash = fm__hash_u64(hash, stats->strata);
  hash = fm__hash_u64(hash, stats->bins);
  const char *score = fm__stats_score_name(stats->score);
  hash = fm__hash_bytes(hash, score, strlen(score) + 1);
  for (size_t i = 0; i < count; i++) hash = fm__hash_u64(hash, (uint64_t)words[i]);
  if (stats->rank) hash = fm__hash_u64(hash, fm__class_stats_ranks_fingerprint(stats));
  return hash;
}

/* ---- Writing ---------------------------------------------------------------------- */

/* The ignored labels, the one that the filter writes first. */
static void put_ignored(fm__bytes *out, const fm_labels *labels) {
  for (int32_t i = 0; i < labels->ignored_count; i++) {
    fm__bytes_text(out, i ? ", " : "[");
    fm__bytes_whole(out, labels->ignored[i]);
  }
  fm__bytes_text(out, "]");
}

/* The other labels as runs in which the class grows with the label: first label, first class, how
 * many. */
static void put_runs(fm__bytes *out, const fm_labels *labels) {
  const char *before = "[[";
  for (int64_t label = 0, count; label <= FM__LAST_LABEL; label += count) {
    int32_t k = fm_labels_class_of(labels, label);
    count = 1;
    if (k < 0) continue;
    while (fm_labels_class_of(labels, label + count) == k + count) count++;
    fm__bytes_text(out, before);
    fm__bytes_whole(out, label);
    fm__bytes_text(out, ", ");
    fm__bytes_whole(out, k);
    fm__bytes_text(out, ", ");
    fm__bytes_whole(out, count);
    fm__bytes_text(out, "]");
    before = ", [";
  }
  fm__bytes_text(out, "]");
}

static void put_member(fm__bytes *out, const char *name, int64_t number) {
  fm__bytes_text(out, name);
  fm__bytes_whole(out, number);
}

static void put_head(fm__bytes *out, const fm_class_stats *stats, const int64_t *words) {
  const fm_labels *labels = stats->labels;
  put_member(out, "{\"format\": \"" FM__STATS_FORMAT "\", \"version\": ", FM__STATS_VERSION);
  fm__bytes_text(out, ",\n \"labels\": {\"name\": ");
  fm__bytes_string(out, fm_labels_name(labels));
  fm__bytes_text(out, ", \"fingerprint\": ");
  fm__bytes_hex(out, fm_labels_fingerprint(labels));
  put_member(out, ", \"classes\": ", fm_labels_class_count(labels));
  fm__bytes_text(out, ", \"ignored\": ");
  put_ignored(out, labels);
  fm__bytes_text(out, ", \"runs\": ");
  put_runs(out, labels);
  put_member(out, "},\n \"strata\": ", (int64_t)stats->strata);
  put_member(out, ", \"histogram\": ", stats->bins ? INT64_C(1) << stats->bin_shift : 0);
  fm__bytes_text(out, ", \"score\": ");
  fm__bytes_string(out, fm__stats_score_name(stats->score));
  put_member(out, ", \"images\": ", fm_class_stats_image_count(stats));
  fm__bytes_text(out, ", \"checksum\": ");
  fm__bytes_hex(out, fm__stats_checksum(stats, words));
  fm__bytes_text(out, ",\n \"classes\": [\n");
}

/* `words` are the class's own. */
static void put_class(fm__bytes *out, const fm_class_stats *stats, int32_t k, const int64_t *words,
                      size_t count) {
  put_member(out, "  {\"index\": ", k);
  fm__bytes_text(out, ", \"name\": ");
  fm__bytes_string(out, fm_labels_class_name(stats->labels, k));
  put_member(out, ", \"pixels\": ", fm_class_stats_pixel_count(stats, k, FM_ALL_STRATA));
  fm__bytes_text(out, stats->rank ? ", \"mean_score\": " : ", \"mean_loss\": ");
  fm__bytes_real(out, fm_class_stats_mean(stats, k, FM_ALL_STRATA));
  fm__bytes_text(out, ", \"words\": ");
  fm__bytes_words(out, words, count);
  fm__bytes_text(out, "}");
}

static bool is_utf8(const char *text) {
  size_t left = strlen(text), length;
  for (; left; text += length, left -= length)
    if (!(length = fm__utf8_at((const unsigned char *)text, left))) return false;
  return true;
}

/* JSON is UTF-8: another name would come back as another label space. */
static fm_status check_names(const fm_labels *labels, fm_error *err) {
  bool good = is_utf8(fm_labels_name(labels));
  int32_t k = 0;
  while (good && k < fm_labels_class_count(labels))
    good = is_utf8(fm_labels_class_name(labels, k++));
  if (good) return FM_OK;
  return fm__fail(err, FM_ERR_UNSUPPORTED,
                  "the name of the label space or of class %d is not UTF-8, which JSON cannot hold",
                  (int)(k ? k - 1 : 0));
}

static fm_status put_object(fm__bytes *out, const fm_class_stats *stats, fm_error *err) {
  fm_status status;
  size_t count = (size_t)fm_class_stats_word_count(stats), each = stats->strata * stats->cell_words;
  if (count > FM__MOST_WORDS)
    return fm__fail(err, FM_ERR_UNSUPPORTED, "%zu numbers, expected at most %d in a file", count,
                    FM__MOST_WORDS);
  int64_t *words = fm__alloc_array(out->context, count, sizeof *words);
  if (!words) return fm__fail_memory(err, count * sizeof *words);
  status = fm_class_stats_export(stats, words, (int64_t)count, err);
  if (!status) put_head(out, stats, words);
  for (int32_t k = 0; k < fm_labels_class_count(stats->labels) && !status && !out->refused; k++) {
    if (k) fm__bytes_text(out, ",\n");
    put_class(out, stats, k, words + 1 + (size_t)k * each, each);
  }
  fm__bytes_text(out, "\n ]");
  fm__free(out->context, words);
  return status;
}

/* With a score, the statistics that it is made of are a member of the same form. */
fm_status fm__stats_put(fm__bytes *out, const fm_class_stats *stats, fm_error *err) {
  fm_status status = check_names(stats->labels, err);
  if (!status) status = put_object(out, stats, err);
  if (!status && stats->rank) {
    fm__bytes_text(out, ",\n\"ranks\":\n");
    status = put_object(out, fm_class_stats_ranks(stats), err);
    fm__bytes_text(out, "}");
  }
  fm__bytes_text(out, "}\n");
  return status;
}

static fm_status put(const char *call, const fm_class_stats *stats, const fm__target *to,
                     fm_error *err) {
  fm_status status = fm__target_check(call, stats, "stats", to, err);
  if (status) return status;
  fm__bytes bytes = {.context = stats->labels->context};
  status = fm__stats_put(&bytes, stats, err);
  return fm__deliver(&bytes, to, status, err);
}

fm_status fm_class_stats_write(const fm_class_stats *stats, const char *path, fm_error *err) {
  fm__target to = {.to_file = true, .path = path, .flush = true};
  return put("fm_class_stats_write", stats, &to, err);
}

fm_status fm_class_stats_encode(const fm_class_stats *stats, fm_write_fn write, void *user,
                                fm_error *err) {
  fm__target to = {.write = write, .user = user};
  return put("fm_class_stats_encode", stats, &to, err);
}

/* ---- Reading ---------------------------------------------------------------------- */

/* One call. */
typedef struct job {
  const fm_labels *labels;
  fm_class_stats **out;
} job;

static fm_status read_stats(const fm_context *context, fm__input *input, void *user,
                            fm_error *err) {
  const job *j = user;
  if (input->memory)
    return fm__stats_parse(j->labels, (const char *)input->memory, (size_t)input->size, j->out,
                           err);
  char *data = NULL;
  size_t size = 0;
  fm_status status = fm__input_load(context, input, 0, &data, &size, err);
  if (!status) status = fm__stats_parse(j->labels, data, size, j->out, err);
  if (data) fm__free(context, data);
  return status;
}

fm_status fm_class_stats_read(const fm_labels *labels, const char *path, fm_class_stats **out,
                              fm_error *err) {
  const char *missing = !labels ? "labels" : !path ? "path" : !out ? "out" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_read: %s is NULL", missing);
  job j = {labels, out};
  return fm__parse_file(labels->context, path, FM__LARGEST_JSON, read_stats, &j, err);
}

fm_status fm_class_stats_decode(const fm_labels *labels, const void *data, size_t size,
                                fm_class_stats **out, fm_error *err) {
  const char *missing = !labels ? "labels" : !data && size ? "data" : !out ? "out" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_decode: %s is NULL", missing);
  job j = {labels, out};
  return fm__parse_memory(labels->context, data, size, FM__LARGEST_JSON, read_stats, &j, err);
}
