/* job/stats_file.c - writing stats.json, one class a line. */
#include "job/stats_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

int stats_file_whole(const stats_file *file, const char *path, fault *f) {
  if (file->shard.count == 1) return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   "%s: holds shard %" PRId64 "/%" PRId64
                   " only, expected all of them joined by freemask merge",
                   path, file->shard.index, file->shard.count);
}

size_t stats_file_class_words(const stats_file *file) {
  size_t all = fm_class_stats_word_count(file->stats);
  return (all - 1) / (size_t)file->class_count;
}

void stats_file_describe(stats_file *file, const fm_labels *labels) {
  file->labels_name = alloc_text(fm_labels_name(labels));
  file->labels_fingerprint = fm_labels_fingerprint(labels);
  file->class_count = fm_labels_class_count(labels);
  file->class_names = alloc_zeroed((size_t)file->class_count, sizeof *file->class_names);
  for (int32_t k = 0; k < file->class_count; k++)
    file->class_names[k] = alloc_text(fm_labels_class_name(labels, k));
}

static void add_sets(text *t, const stats_file *file) {
  text_add(t, " \"sets\": [");
  for (size_t i = 0; i < file->set_count; i++)
    text_add(t, "%s{\"identity\": \"%016" PRIx64 "\", \"count\": %" PRId64 "}", i ? ", " : "",
             file->sets[i].identity, file->sets[i].count);
  text_add(t, "],\n \"shard\": {\"index\": %" PRId64 ", \"count\": %" PRId64 "},\n",
           file->shard.index, file->shard.count);
}

static void add_class(text *t, const stats_file *file, int32_t k, const int64_t *words,
                      size_t count) {
  text_add(t, "  {\"index\": %d, \"name\": ", (int)k);
  text_add_json(t, file->class_names[k]);
  text_add(t, ", \"pixels\": %" PRId64 ", \"mean_loss\": %.17g, \"words\": [", words[0],
           fm_class_stats_mean(file->stats, k, FM_ALL_STRATA));
  for (size_t i = 0; i < count; i++) text_add(t, "%s%" PRId64, i ? ", " : "", words[i]);
  text_add(t, "]}%s\n", k + 1 < file->class_count ? "," : "");
}

static int add_classes(text *t, const stats_file *file, fault *f) {
  size_t count = fm_class_stats_word_count(file->stats), each = stats_file_class_words(file);
  int64_t *words = alloc_zeroed(count, sizeof *words);
  fm_error err;
  int code = EXIT_FINE;
  if (fm_class_stats_export(file->stats, words, count, &err)) code = fault_library(f, &err, NULL);
  text_add(t, " \"classes\": [\n");
  for (int32_t k = 0; k < file->class_count && !code; k++)
    add_class(t, file, k, words + 1 + (size_t)k * each, each);
  text_add(t, " ]");
  free(words);
  return code;
}

int stats_file_write(fm_context *context, const stats_file *file, const char *path, fault *f) {
  text t = {0};
  text_add(&t, "{\"format\": \"freemask-stats\", \"version\": 1,\n \"labels\": {\"name\": ");
  text_add_json(&t, file->labels_name);
  text_add(&t, ", \"fingerprint\": \"%016" PRIx64 "\", \"classes\": %d},\n",
           file->labels_fingerprint, (int)file->class_count);
  text_add(&t, " \"strata\": 1, \"histogram\": %d, \"images\": %" PRId64 ",\n",
           (int)file->histogram, fm_class_stats_image_count(file->stats));
  add_sets(&t, file);
  int code = add_classes(&t, file, f);
  if (!code && file->provider) {
    char *model =
        json_dumps(file->provider, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    text_add(&t, ",\n \"provider\": %s", model ? model : "null");
    free(model);
  }
  text_add(&t, "}\n");
  if (!code) code = text_write(&t, context, path, f);
  text_free(&t);
  return code;
}

void stats_file_free(stats_file *file) {
  for (int32_t k = 0; file->class_names && k < file->class_count; k++) free(file->class_names[k]);
  free(file->class_names);
  free(file->labels_name);
  free(file->sets);
  fm_class_stats_destroy(file->stats);
  json_decref(file->provider);
  *file = (stats_file){0};
}
