/* job/stats_file.c - writing stats.json, one class a line. */
#include "job/stats_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"

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

static json_t *save_sets(const stats_file *file) {
  json_t *sets = json_array();
  for (size_t i = 0; i < file->set_count; i++)
    json_array_append_new(
        sets, json_pack("{s:o, s:I}", "identity", json_hex(file->sets[i].identity), "count",
                        (json_int_t)file->sets[i].count));
  return sets;
}

static json_t *save_class(const stats_file *file, int32_t k, const int64_t *words, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(list, json_integer((json_int_t)words[i]));
  return json_pack("{s:i, s:o, s:I, s:f, s:o}", "index", (int)k, "name",
                   json_text(file->class_names[k]), "pixels",
                   (json_int_t)fm_class_stats_pixel_count(file->stats, k, FM_ALL_STRATA),
                   "mean_loss", fm_class_stats_mean(file->stats, k, FM_ALL_STRATA), "words", list);
}

static int save_classes(const stats_file *file, json_t *classes, fault *f) {
  size_t count = fm_class_stats_word_count(file->stats);
  size_t each = stats_file_class_words(file);
  int64_t *words = alloc_zeroed(count, sizeof *words);
  fm_error err;
  int code = EXIT_FINE;
  if (fm_class_stats_export(file->stats, words, count, &err)) code = fault_library(f, &err, NULL);
  for (int32_t k = 0; k < file->class_count && !code; k++)
    json_array_append_new(classes, save_class(file, k, words + 1 + (size_t)k * each, each));
  free(words);
  return code;
}

int stats_file_write(fm_context *context, const stats_file *file, const char *path, fault *f) {
  json_t *classes = json_array();
  json_t *root =
      json_pack("{s:s, s:i, s:{s:o, s:o, s:i}, s:i, s:i, s:I, s:o, s:{s:I, s:I}, s:o}", "format",
                "freemask-stats", "version", 1, "labels", "name", json_text(file->labels_name),
                "fingerprint", json_hex(file->labels_fingerprint), "classes",
                (int)file->class_count, "strata", (int)file->strata, "histogram",
                (int)file->histogram, "images", (json_int_t)fm_class_stats_image_count(file->stats),
                "sets", save_sets(file), "shard", "index", (json_int_t)file->shard.index, "count",
                (json_int_t)file->shard.count, "classes", classes);
  if (file->provider) json_object_set(root, "provider", file->provider);
  int code = save_classes(file, classes, f);
  if (!code) return json_file_write(context, root, path, f);
  json_decref(root);
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
