/* job/stats_read.c - reads stats.json and trusts nothing in it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "job/stats_file.h"

/* A file while it is read. */
typedef struct reading {
  const char *path;
  const json_t *root;
  stats_file *out;
  fault *f;
} reading;

static int read_labels(reading *r, const fm_labels *labels) {
  json_t *object;
  int64_t classes = 0;
  int code = json_member_object(r->root, r->path, "labels", &object, r->f);
  if (!code) code = json_member_text(object, r->path, "name", &r->out->labels_name, r->f);
  if (!code)
    code = json_member_hex(object, r->path, "fingerprint", &r->out->labels_fingerprint, r->f);
  if (!code) code = json_member_whole(object, r->path, "classes", 1, 65535, &classes, r->f);
  if (code) return code;
  r->out->class_count = (int32_t)classes;
  r->out->class_names = alloc_zeroed((size_t)classes, sizeof *r->out->class_names);
  if (!labels || r->out->labels_fingerprint == fm_labels_fingerprint(labels)) return EXIT_FINE;
  return fault_set(r->f, EXIT_DATA,
                   "%s: made with label space %s (%" PRIx64 "), expected %s (%" PRIx64 ")", r->path,
                   r->out->labels_name, r->out->labels_fingerprint, fm_labels_name(labels),
                   fm_labels_fingerprint(labels));
}

static int read_sets(reading *r) {
  json_t *list, *object;
  int code = json_member_array(r->root, r->path, "sets", &list, r->f);
  if (code) return code;
  size_t count = json_array_size(list);
  if (!count) return fault_set(r->f, EXIT_DATA, "%s: \"sets\" is empty", r->path);
  r->out->sets = alloc_zeroed(count, sizeof *r->out->sets);
  r->out->set_count = count;
  for (size_t i = 0; i < count && !code; i++) {
    stats_set *set = &r->out->sets[i];
    const json_t *item = json_array_get(list, i);
    code = json_member_hex(item, r->path, "identity", &set->identity, r->f);
    if (!code)
      code = json_member_whole(item, r->path, "count", 0, INT64_C(1) << 40, &set->count, r->f);
    if (!code && i && set[-1].identity >= set->identity)
      code = fault_set(r->f, EXIT_DATA, "%s: \"sets\" are not in ascending order", r->path);
  }
  if (!code) code = json_member_object(r->root, r->path, "shard", &object, r->f);
  arg_shard *shard = &r->out->shard;
  if (!code) code = json_member_whole(object, r->path, "count", 1, 1000000000, &shard->count, r->f);
  if (!code)
    code = json_member_whole(object, r->path, "index", 0, shard->count - 1, &shard->index, r->f);
  if (!code && shard->count > 1 && count != 1)
    code = fault_set(r->f, EXIT_DATA, "%s: a shard of %zu sets, expected one", r->path, count);
  return code;
}

/* Statistics over a label space that only has the right number of classes. */
static int make_stand_in(reading *r, fm_context *context, fm_labels **out) {
  fm_error err;
  fm_labels_options options = {.size = sizeof options, .name = r->out->labels_name};
  options.class_count = r->out->class_count;
  const int64_t ignored = -1;
  options.ignored_labels = &ignored;
  options.ignored_count = 1;
  options.class_names = (const char *const *)r->out->class_names;
  if (!fm_labels_create(context, &options, out, &err)) return EXIT_FINE;
  fault_library(r->f, &err, r->path);
  return r->f->exit_code = r->f->exit_code == EXIT_USAGE ? EXIT_DATA : r->f->exit_code;
}

static int make_stats(reading *r, fm_context *context, fm_labels *labels) {
  fm_labels *own = NULL;
  fm_error err;
  fm_class_stats_options options = {
      .size = sizeof options, .strata = r->out->strata, .histogram = r->out->histogram};
  int code = labels ? EXIT_FINE : make_stand_in(r, context, &own);
  if (!code && fm_class_stats_create(labels ? labels : own, &options, &r->out->stats, &err))
    code = fault_library(r->f, &err, r->path);
  fm_labels_destroy(own);
  return code;
}

static int read_words(reading *r, const json_t *item, int32_t k, int64_t *words, size_t each) {
  json_t *list;
  int64_t pixels;
  int code = json_member_array(item, r->path, "words", &list, r->f);
  if (code) return code;
  if (json_array_size(list) != each)
    return fault_set(r->f, EXIT_DATA, "%s: class %d has %zu words, expected %zu", r->path, (int)k,
                     json_array_size(list), each);
  for (size_t i = 0; i < each; i++) {
    const json_t *word = json_array_get(list, i);
    if (!json_is_integer(word))
      return fault_set(r->f, EXIT_DATA, "%s: word %zu of class %d is not a whole number", r->path,
                       i, (int)k);
    words[i] = json_integer_value(word);
  }
  code = json_member_whole(item, r->path, "pixels", 0, INT64_MAX, &pixels, r->f);
  int64_t counted = 0;
  for (size_t i = 0; i < each; i += each / (size_t)r->out->strata) counted += words[i];
  if (!code && pixels != counted)
    code = fault_set(r->f, EXIT_DATA,
                     "%s: class %d has %" PRId64 " pixels but its words count %" PRId64, r->path,
                     (int)k, pixels, counted);
  return code;
}

static int read_names(reading *r, const json_t *list) {
  int code = EXIT_FINE;
  if (json_array_size(list) != (size_t)r->out->class_count)
    return fault_set(r->f, EXIT_DATA, "%s: %zu entries in \"classes\", expected %d", r->path,
                     json_array_size(list), (int)r->out->class_count);
  for (int32_t k = 0; k < r->out->class_count && !code; k++) {
    const json_t *item = json_array_get(list, (size_t)k);
    int64_t index;
    code = json_member_whole(item, r->path, "index", k, k, &index, r->f);
    if (!code) code = json_member_text(item, r->path, "name", &r->out->class_names[k], r->f);
  }
  return code;
}

/* The means are for people; one that was changed by hand must not appear to have an effect. */
static int check_means(reading *r, const json_t *list) {
  int code = EXIT_FINE;
  for (int32_t k = 0; k < r->out->class_count && !code; k++) {
    double stated, mean = fm_class_stats_mean(r->out->stats, k, FM_ALL_STRATA);
    code = json_member_real(json_array_get(list, (size_t)k), r->path, "mean_loss", &stated, r->f);
    if (!code && (stated < mean || stated > mean))
      code = fault_set(r->f, EXIT_DATA,
                       "%s: class %d has a mean_loss of %.17g, but its words make %.17g", r->path,
                       (int)k, stated, mean);
  }
  return code;
}

static int import(reading *r, const json_t *list) {
  size_t count = fm_class_stats_word_count(r->out->stats), each = stats_file_class_words(r->out);
  int64_t *words = alloc_zeroed(count, sizeof *words), total = 0;
  fm_error err;
  int code = json_member_whole(r->root, r->path, "images", 0, INT64_C(1) << 62, &words[0], r->f);
  for (int32_t k = 0; k < r->out->class_count && !code; k++)
    code = read_words(r, json_array_get(list, (size_t)k), k, words + 1 + (size_t)k * each, each);
  if (!code && fm_class_stats_import(r->out->stats, words, count, &err)) {
    fault_library(r->f, &err, r->path);
    code = r->f->exit_code = EXIT_DATA;
  }
  for (size_t i = 0; i < r->out->set_count; i++) total += r->out->sets[i].count;
  if (!code && (r->out->shard.count == 1 ? words[0] != total : words[0] > total))
    code = fault_set(r->f, EXIT_DATA, "%s: %" PRId64 " images of sets that hold %" PRId64, r->path,
                     words[0], total);
  free(words);
  return code;
}

static int read_all(reading *r, fm_context *context, fm_labels *labels) {
  int64_t strata = 0, histogram = 0;
  json_t *list;
  int code = read_labels(r, labels);
  if (!code) code = json_member_whole(r->root, r->path, "strata", 1, 255, &strata, r->f);
  if (!code) code = json_member_whole(r->root, r->path, "histogram", 0, 32, &histogram, r->f);
  r->out->histogram = (int32_t)histogram;
  r->out->strata = (int32_t)strata;
  if (!code && histogram & (histogram - 1))
    code = fault_set(r->f, EXIT_DATA,
                     "%s: \"histogram\" is %" PRId64 ", expected 0, 1, 2, 4, 8, 16 or 32", r->path,
                     histogram);
  if (!code) code = read_sets(r);
  if (!code) code = json_member_array(r->root, r->path, "classes", &list, r->f);
  if (!code) code = read_names(r, list);
  if (!code) code = make_stats(r, context, labels);
  if (!code) code = import(r, list);
  if (!code) code = check_means(r, list);
  if (!code) r->out->provider = json_incref(json_object_get(r->root, "provider"));
  return code;
}

int stats_file_read(fm_context *context, fm_labels *labels, const char *path, stats_file *out,
                    fault *f) {
  json_t *root;
  *out = (stats_file){0};
  int code = json_file_read(path, "freemask-stats", 1, &root, f);
  if (code) return code;
  code = read_all(&(reading){path, root, out, f}, context, labels);
  json_decref(root);
  if (code) stats_file_free(out);
  return code;
}
