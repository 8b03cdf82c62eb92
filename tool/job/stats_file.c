/* job/stats_file.c - stats.json and calibration.json. */
#include "job/stats_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/text.h"
#include "job/shards.h"

enum { VERSION = 2, CALIBRATION_VERSION = 1, LARGEST = 1 << 28 /* bytes */ };
#define CALIBRATION "freemask-calibration"

int stats_file_whole(const stats_file *file, const char *path, fault *f) {
  return shards_whole(file->shard, path, f);
}

const fm_class_stats *stats_file_stats(const stats_file *file) {
  return file->calibration ? fm_calibration_stats(file->calibration) : file->stats;
}

uint64_t stats_ranks(const fm_class_stats *stats) {
  fm_class_stats_layout layout = {.size = sizeof layout};
  (void)fm_class_stats_get_layout(stats, &layout, NULL);
  return layout.ranks_fingerprint;
}

int64_t stats_file_images(const stats_file *file) {
  return file->calibration ? fm_calibration_image_count(file->calibration, FM_ALL_CLASSES)
                           : fm_class_stats_image_count(file->stats);
}

const fm_class_stats *stats_file_losses(const stats_file *file) {
  const fm_class_stats *stats = stats_file_stats(file), *ranks = fm_class_stats_ranks(stats);
  return ranks ? ranks : stats;
}

int32_t stats_file_strata(const stats_file *file) {
  fm_class_stats_layout layout = {.size = sizeof layout};
  (void)fm_class_stats_get_layout(stats_file_losses(file), &layout, NULL);
  return layout.strata;
}

int stats_file_policy(const stats_file *file) {
  if (!fm_class_stats_ranks(stats_file_stats(file))) return FM_FILTER_PAPER;
  return stats_file_strata(file) > 1 ? FM_FILTER_STRATA : FM_FILTER_PAIRED;
}

/* ---- Reading -------------------------------------------------------------------------- */

static int read_sets(const json_t *root, const char *path, stats_file *out, fault *f) {
  json_t *list, *object;
  int code = json_member_array(root, path, "sets", &list, f);
  if (code) return code;
  size_t count = json_array_size(list);
  if (!count) return fault_set(f, EXIT_DATA, "%s: \"sets\" is empty", path);
  out->sets = alloc_zeroed(count, sizeof *out->sets);
  out->set_count = count;
  for (size_t i = 0; i < count && !code; i++) {
    stats_set *set = &out->sets[i];
    const json_t *item = json_array_get(list, i);
    code = json_member_hex(item, path, "identity", &set->identity, f);
    if (!code) code = json_member_whole(item, path, "count", 0, INT64_C(1) << 40, &set->count, f);
    if (!code && i && set[-1].identity >= set->identity)
      code = fault_set(f, EXIT_DATA, "%s: \"sets\" are not in ascending order", path);
  }
  folder_shard *shard = &out->shard;
  if (!code) code = json_member_object(root, path, "shard", &object, f);
  if (!code) code = json_member_whole(object, path, "count", 1, 1000000000, &shard->count, f);
  if (!code) code = json_member_whole(object, path, "index", 0, shard->count - 1, &shard->index, f);
  if (!code && shard->count > 1 && count != 1)
    code = fault_set(f, EXIT_DATA, "%s: a shard of %zu sets, expected one", path, count);
  return code;
}

static int check_images(const char *path, const stats_file *file, fault *f) {
  int64_t total = 0, images = stats_file_images(file);
  for (size_t i = 0; i < file->set_count; i++) total += file->sets[i].count;
  if (file->shard.count == 1 ? images == total : images <= total) return EXIT_FINE;
  return fault_set(f, EXIT_DATA, "%s: %" PRId64 " images of sets that hold %" PRId64, path, images,
                   total);
}

/* What the tool adds. Strata and histogram are the library's, which has checked them. */
static int read_own(const char *data, size_t length, const char *path, stats_file *out, fault *f) {
  json_t *root;
  fm_class_stats_layout layout = {.size = sizeof layout};
  (void)fm_class_stats_get_layout(stats_file_stats(out), &layout, NULL);
  int code = out->calibration
                 ? json_data_read(data, length, path, CALIBRATION, CALIBRATION_VERSION, &root, f)
                 : json_data_read(data, length, path, "freemask-stats", VERSION, &root, f);
  if (code) return code;
  code = read_sets(root, path, out, f);
  if (!code) code = check_images(path, out, f);
  if (!code) out->provider = json_incref(json_object_get(root, "provider"));
  out->boundary = json_is_true(json_object_get(root, "boundary_strata"));
  json_decref(root);
  out->strata = layout.strata;
  out->histogram = layout.histogram;
  return code;
}

/* The library's files begin with their format. */
static bool is_calibration(const char *data, size_t length) {
  static const char begin[] = "{\"format\": \"" CALIBRATION "\"";
  return length >= sizeof begin && !memcmp(data, begin, sizeof begin - 1);
}

enum { STATISTICS = 1, CALIBRATIONS = 2 };

static int check_kind(bool calibration, int kinds, const char *path, fault *f) {
  if (kinds & (calibration ? CALIBRATIONS : STATISTICS)) return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   calibration
                       ? "%s: is a calibration, expected statistics (the output of freemask stats)"
                       : "%s: is no calibration, expected the output of freemask calibrate",
                   path);
}

static int read_all(fm_context *context, const char *data, size_t length, const char *path,
                    int kinds, stats_file *out, fault *f) {
  const bool calibration = is_calibration(data, length);
  int code = check_kind(calibration, kinds, path, f);
  if (code) return code;
  fm_error err;
  if (out->owns_labels && fm_labels_decode(context, data, length, NULL, &out->labels, &err))
    return fault_file(f, &err, path);
  if (calibration ? fm_calibration_decode(out->labels, data, length, &out->calibration, &err)
                  : fm_class_stats_decode(out->labels, data, length, &out->stats, &err))
    return fault_file(f, &err, path);
  out->class_count = fm_labels_class_count(out->labels);
  return read_own(data, length, path, out, f);
}

static int read_file(fm_context *context, fm_labels *labels, const char *path, int kinds,
                     stats_file *out, fault *f) {
  char *data;
  size_t length;
  *out = (stats_file){.labels = labels, .owns_labels = !labels};
  int code = path_read(path, LARGEST, &data, &length, f);
  if (code) return code;
  code = read_all(context, data, length, path, kinds, out, f);
  free(data);
  if (code) stats_file_free(out);
  return code;
}

int stats_file_read(fm_context *context, fm_labels *labels, const char *path, stats_file *out,
                    fault *f) {
  return read_file(context, labels, path, STATISTICS, out, f);
}

int stats_file_read_calibration(fm_context *context, fm_labels *labels, const char *path,
                                stats_file *out, fault *f) {
  return read_file(context, labels, path, CALIBRATIONS, out, f);
}

int stats_file_read_either(fm_context *context, fm_labels *labels, const char *path,
                           stats_file *out, fault *f) {
  return read_file(context, labels, path, STATISTICS | CALIBRATIONS, out, f);
}

/* ---- Writing -------------------------------------------------------------------------- */

static json_t *save_sets(const stats_file *file) {
  json_t *sets = json_array();
  for (size_t i = 0; i < file->set_count; i++)
    json_array_append_new(
        sets, json_pack("{s:o, s:I}", "identity", json_hex(file->sets[i].identity), "count",
                        (json_int_t)file->sets[i].count));
  return sets;
}

static int add_bytes(const void *data, size_t size, void *user) {
  text_add_bytes(user, data, size);
  return 0;
}

/* The library's object, and the members of the tool's in front of its last brace. */
int stats_file_write(fm_context *context, const stats_file *file, const char *path, fault *f) {
  text t = {0};
  json_writer own = {0};
  fm_error err;
  if (file->calibration ? fm_calibration_encode(file->calibration, add_bytes, &t, &err)
                        : fm_class_stats_encode(file->stats, add_bytes, &t, &err))
    return fault_library(f, &err, path);
  json_write_member(&own, "sets", save_sets(file));
  json_write_member(&own, "shard",
                    json_pack("{s:I, s:I}", "index", (json_int_t)file->shard.index, "count",
                              (json_int_t)file->shard.count));
  if (file->provider) json_write_member(&own, "provider", json_incref(file->provider));
  if (file->boundary) json_write_member(&own, "boundary_strata", json_true());
  json_write_end(&own);
  t.length -= strlen("}\n");
  text_add(&t, ",%s", own.text.data + strlen("{"));
  int code = text_write(&t, context, path, f);
  text_free(&own.text);
  text_free(&t);
  return code;
}

void stats_file_free(stats_file *file) {
  free(file->sets);
  fm_class_stats_destroy(file->stats);
  fm_calibration_destroy(file->calibration);
  if (file->owns_labels) fm_labels_destroy(file->labels);
  json_decref(file->provider);
  *file = (stats_file){0};
}
