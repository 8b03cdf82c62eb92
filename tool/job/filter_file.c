/* job/filter_file.c - filter.json and filter.csv. */
#include "job/filter_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/text.h"
#include "job/labels_file.h"
#include "job/table_names.h"

const char *const filter_unseen[] = {"drop", "keep", "global-mean", NULL};
const char *const filter_policies[] = {"paper", "quantile", "strata", "paired", NULL};
const char *const filter_uses[] = {"detect", "train", NULL};
const char *const filter_weights[] = {"step", "ramp", "power", NULL};
const char *const filter_weight_types[] = {"u8", "f16", "f32", NULL};

bool filter_is_paper(const filter_file *file) {
  return !strcmp(file->policy, filter_policies[FM_FILTER_PAPER]);
}

enum { STEM, VALID, DROPPED, KEPT, COLUMNS };
static const char *const columns[COLUMNS] = {"stem", "valid", "dropped", "kept_share"};

static int read_threshold(const json_t *value, const char *path, double *out, fault *f) {
  *out = json_is_null(value) ? INFINITY : json_number_value(value);
  if (json_is_null(value) || (json_is_number(value) && isfinite(*out))) return EXIT_FINE;
  return fault_set(f, EXIT_DATA, "%s: a \"threshold\" is neither a finite number nor null", path);
}

/* One, or a list of them for several strata. */
static int read_thresholds(const json_t *item, const char *path, int32_t count, double *out,
                           fault *f) {
  const json_t *value = json_object_get(item, "threshold");
  int code = EXIT_FINE;
  if (count == 1) return read_threshold(value, path, out, f);
  if (json_array_size(value) != (size_t)count)
    return fault_set(f, EXIT_DATA, "%s: \"threshold\" is not a list of %d", path, (int)count);
  for (int32_t s = 0; s < count && !code; s++)
    code = read_threshold(json_array_get(value, (size_t)s), path, &out[s], f);
  return code;
}

static int read_class(const json_t *item, const char *path, int32_t strata, filter_class *out,
                      fault *f) {
  out->thresholds = alloc_zeroed((size_t)strata, sizeof *out->thresholds);
  int code = json_member_text(item, path, "name", &out->name, f);
  if (!code) code = json_member_whole(item, path, "valid", 0, INT64_MAX, &out->valid, f);
  if (!code) code = json_member_whole(item, path, "dropped", 0, out->valid, &out->dropped, f);
  if (!code) code = json_member_real(item, path, "mean_loss", &out->mean_loss, f);
  if (!code) code = read_thresholds(item, path, strata, out->thresholds, f);
  return code;
}

static int read_classes(const json_t *root, const char *path, filter_file *out, fault *f) {
  json_t *list;
  int code = json_member_array(root, path, "classes", &list, f);
  if (code) return code;
  size_t count = json_array_size(list);
  if (!count || count > 65535)
    return fault_set(f, EXIT_DATA, "%s: %zu classes, expected 1 to 65535", path, count);
  out->class_count = (int32_t)count;
  out->classes = alloc_zeroed(count, sizeof *out->classes);
  code = loss_record_load(root, path, out->class_count, &out->losses, f);
  for (size_t k = 0; k < count && !code; k++) {
    const json_t *item = json_array_get(list, k);
    code = read_class(item, path, out->stratum_count, &out->classes[k], f);
    if (!code)
      code = loss_record_load_class(item, path, (int32_t)k, out->classes[k].valid, &out->losses, f);
    if (!code)
      code = confusion_load_class(item, path, out->class_count, (int32_t)k, out->classes[k].dropped,
                                  &out->confused, f);
    if (!code)
      code = agreement_load_class(item, path, out->class_count, (int32_t)k, out->classes[k].valid,
                                  &out->alike, f);
  }
  return code;
}

static const char *shape_of_weights(const filter_file *file) {
  return !strcmp(file->weights, filter_weights[FM_WEIGHT_POWER]) ? "gamma" : "width";
}

static json_t *save_weights(const filter_file *file) {
  if (!file->weights) return json_null();
  json_t *object = json_pack("{s:s, s:s}", "kind", file->weights, "type", file->weight_type);
  if (file->weight_shape > 0)
    json_object_set_new(object, shape_of_weights(file), json_real(file->weight_shape));
  return object;
}

static int read_weights(const json_t *root, const char *path, filter_file *out, fault *f) {
  const json_t *object = json_object_get(root, "weights");
  if (!json_is_object(object)) return EXIT_FINE;
  int code = json_member_text(object, path, "kind", &out->weights, f);
  if (!code) code = json_member_text(object, path, "type", &out->weight_type, f);
  if (!code && json_object_get(object, shape_of_weights(out)))
    code = json_member_real(object, path, shape_of_weights(out), &out->weight_shape, f);
  return code;
}

static int read_inputs(const json_t *root, const char *path, filter_file *out, fault *f) {
  json_t *labels;
  int code = json_member_object(root, path, "labels", &labels, f);
  if (!code) code = json_member_text(labels, path, "name", &out->labels_name, f);
  if (!code) code = json_member_hex(labels, path, "fingerprint", &out->labels_fingerprint, f);
  if (!code) code = json_member_path(root, path, "labels_source", &out->labels_source, f);
  if (!code) code = json_member_path(root, path, "stats", &out->stats, f);
  if (!code) code = json_member_path(root, path, "masks", &out->masks, f);
  if (!code) code = json_member_path_or_null(root, path, "strata", &out->strata, f);
  if (!code) code = loss_folders_load(root, path, out->folders, f);
  if (!code) code = json_member_text_or_null(root, path, "provider", &out->provider, f);
  json_t *made_of = NULL;
  if (!code) code = json_member_object(root, path, "made_of", &made_of, f);
  if (!code) out->made_of = json_incref(made_of);
  json_t *real = json_object_get(root, "real");
  if (!code && json_is_object(real)) {
    code = json_member_path(real, path, "masks", &out->real_masks, f);
    if (!code) code = loss_folders_load(real, path, out->real_folders, f);
  }
  if (!code) code = read_weights(root, path, out, f);
  if (!code) code = guarantee_load(json_object_get(root, "guarantee"), path, &out->guarantee, f);
  json_t *network = json_object_get(root, "network");
  if (!code && json_is_object(network)) out->network = json_incref(network);
  if (!code) out->names = json_incref(json_object_get(root, "names"));
  return code;
}

static int read_numbers(const json_t *root, const char *path, filter_file *out, fault *f) {
  json_t *shard;
  int64_t strata = 0;
  int code = json_member_text(root, path, "policy", &out->policy, f);
  if (!code) code = json_member_whole(root, path, "strata_count", 1, 255, &strata, f);
  out->stratum_count = (int32_t)strata;
  if (!code) code = json_member_text(root, path, "unseen", &out->unseen, f);
  if (!code && filter_is_paper(out))
    code = json_member_real(root, path, "tolerance", &out->tolerance, f);
  if (!code && !filter_is_paper(out))
    code = json_member_real(root, path, "real_share", &out->real_share, f);
  if (!code) code = json_member_whole(root, path, "unpaired", 0, INT64_MAX, &out->unpaired, f);
  out->has_siblings = json_is_integer(json_object_get(root, "siblings"));
  if (!code && out->has_siblings)
    code = json_member_whole(root, path, "siblings", 0, INT64_MAX, &out->siblings, f);
  if (!code) code = json_member_real(root, path, "min_kept", &out->min_kept, f);
  if (!code) code = json_member_hex(root, path, "fingerprint", &out->fingerprint, f);
  if (!code) code = json_member_object(root, path, "shard", &shard, f);
  if (!code) code = json_member_whole(shard, path, "count", 1, 1000000000, &out->shard.count, f);
  if (!code)
    code = json_member_whole(shard, path, "index", 0, out->shard.count - 1, &out->shard.index, f);
  if (!code) code = json_member_whole(root, path, "count", 0, INT64_MAX, &out->count, f);
  if (!code) code = json_member_whole(root, path, "valid", 0, INT64_MAX, &out->valid, f);
  if (!code) code = json_member_whole(root, path, "dropped", 0, out->valid, &out->dropped, f);
  if (!code) code = json_member_whole(root, path, "emptied", 0, out->count, &out->emptied, f);
  return code;
}

int filter_file_read(const char *path, filter_file *out, fault *f) {
  json_t *root;
  *out = (filter_file){0};
  int code = json_file_read(path, "freemask-filter", 1, &root, f);
  if (code) return code;
  code = read_inputs(root, path, out, f);
  if (!code) code = read_numbers(root, path, out, f);
  if (!code) code = read_classes(root, path, out, f);
  json_decref(root);
  if (code) filter_file_free(out);
  return code;
}

json_t *filter_save_thresholds(const filter_file *file, int32_t class_index) {
  const double *of = file->classes[class_index].thresholds;
  json_t *list = json_array();
  for (int32_t s = 0; s < file->stratum_count; s++)
    json_array_append_new(list, isfinite(of[s]) ? json_real(of[s]) : json_null());
  if (file->stratum_count > 1) return list;
  json_t *one = json_incref(json_array_get(list, 0));
  json_decref(list);
  return one;
}

static json_t *save_class(const filter_file *file, int32_t index) {
  const filter_class *c = &file->classes[index];
  return json_pack("{s:i, s:o, s:f, s:o, s:I, s:I, s:o, s:o, s:o}", "index", (int)index, "name",
                   json_text(c->name), "mean_loss", c->mean_loss, "threshold",
                   filter_save_thresholds(file, index), "valid", (json_int_t)c->valid, "dropped",
                   (json_int_t)c->dropped, "losses", loss_record_save_class(&file->losses, index),
                   "shown", confusion_save_class(&file->confused, index), "agreement",
                   agreement_save_class(&file->alike, index));
}

double filter_lowest(const filter_file *file, int32_t class_index) {
  double least = INFINITY;
  for (int32_t s = 0; s < file->stratum_count; s++)
    least = fmin(least, file->classes[class_index].thresholds[s]);
  return least;
}

double filter_highest(const filter_file *file, int32_t class_index) {
  double most = 0;
  for (int32_t s = 0; s < file->stratum_count; s++)
    most = fmax(most, file->classes[class_index].thresholds[s]);
  return most;
}

/* The set that references came from, or null. New reference. */
static json_t *save_real(const filter_file *file, const char *path) {
  if (!file->real_masks) return json_null();
  json_t *real = json_object();
  json_object_set_new(real, "masks", json_stored_path(path, file->real_masks));
  loss_folders_save((const char *const *)file->real_folders, path, real);
  return real;
}

int filter_file_write(fm_context *context, const filter_file *file, const char *path, fault *f) {
  json_t *root = json_pack("{s:s, s:i, s:{s:o, s:o, s:i}}", "format", "freemask-filter", "version",
                           1, "labels", "name", json_text(file->labels_name), "fingerprint",
                           json_hex(file->labels_fingerprint), "classes", (int)file->class_count);
  char *labels = labels_to_store(path, file->labels_source);
  json_object_set_new(root, "labels_source", json_text(labels));
  free(labels);
  json_object_set_new(root, "stats", json_stored_path(path, file->stats));
  json_object_set_new(root, "masks", json_stored_path(path, file->masks));
  json_object_set_new(root, "strata", json_stored_path(path, file->strata));
  loss_folders_save((const char *const *)file->folders, path, root);
  json_object_set_new(root, "names", folder_names_save());
  json_object_set_new(root, "network", file->network ? json_incref(file->network) : json_null());
  json_object_set_new(root, "real", save_real(file, path));
  json_object_set_new(root, "siblings",
                      file->has_siblings ? json_integer(file->siblings) : json_null());
  json_object_set_new(root, "weights", save_weights(file));
  json_object_set_new(root, "guarantee", guarantee_save(&file->guarantee, path));
  const bool paper = filter_is_paper(file);
  json_t *rest = json_pack(
      "{s:o, s:s, s:f, s:I, s:f, s:s, s:o, s:i, s:{s:I, s:I}, s:I, s:I, s:I, s:I}", "provider",
      json_text(file->provider), "policy", file->policy, paper ? "tolerance" : "real_share",
      paper ? file->tolerance : file->real_share, "unpaired", (json_int_t)file->unpaired,
      "min_kept", file->min_kept, "unseen", file->unseen, "fingerprint",
      json_hex(file->fingerprint), "strata_count", (int)file->stratum_count, "shard", "index",
      (json_int_t)file->shard.index, "count", (json_int_t)file->shard.count, "count",
      (json_int_t)file->count, "valid", (json_int_t)file->valid, "dropped",
      (json_int_t)file->dropped, "emptied", (json_int_t)file->emptied);
  json_object_update(root, rest);
  json_decref(rest);
  json_object_set(root, "made_of", file->made_of);
  json_object_set_new(root, "losses_counted", loss_record_save(&file->losses));
  json_t *classes = json_array();
  for (int32_t k = 0; k < file->class_count; k++)
    json_array_append_new(classes, save_class(file, k));
  json_object_set_new(root, "classes", classes);
  return json_file_write(context, root, path, f);
}

void filter_file_free(filter_file *file) {
  char *texts[] = {file->labels_name, file->labels_source, file->stats,      file->masks,
                   file->strata,      file->provider,      file->policy,     file->unseen,
                   file->real_masks,  file->weights,       file->weight_type};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
  for (int i = 0; i < LOSS_FOLDERS; i++) free(file->folders[i]);
  for (int i = 0; i < LOSS_FOLDERS; i++) free(file->real_folders[i]);
  for (int32_t k = 0; k < file->class_count; k++) {
    free(file->classes[k].name);
    free(file->classes[k].thresholds);
    free(file->classes[k].real_bins);
  }
  loss_record_free(&file->losses);
  confusion_free(&file->confused);
  agreement_free(&file->alike);
  free(file->classes);
  guarantee_free(&file->guarantee);
  json_decref(file->network);
  json_decref(file->made_of);
  json_decref(file->names);
  *file = (filter_file){0};
}

/* Adds the histograms of a class over its strata; words are as fm_class_stats_export has them. */
static void take_bins(const int64_t *words, const fm_class_stats_layout *layout, int32_t k,
                      int64_t *bins) {
  enum { HEAD = 12 };
  for (int32_t s = 0; s < layout->strata; s++) {
    const int64_t *cell =
        words + 1 + ((size_t)k * (size_t)layout->strata + (size_t)s) * (HEAD + LOSS_BINS);
    for (int i = 0; i < LOSS_BINS; i++) bins[i] += cell[HEAD + i];
  }
}

void filter_file_use_stats(filter_file *file, const fm_class_stats *losses) {
  fm_class_stats_layout layout = {.size = sizeof layout};
  (void)fm_class_stats_get_layout(losses, &layout, NULL);
  const int64_t count = fm_class_stats_word_count(losses);
  const bool fits = layout.histogram == 32 && layout.class_count == file->class_count &&
                    file->class_count <= LOSS_CLASSES;
  int64_t *words = fits ? alloc_zeroed((size_t)count, sizeof *words) : NULL;
  if (fits) (void)fm_class_stats_export(losses, words, count, NULL);
  for (int32_t k = 0; k < file->class_count; k++) {
    filter_class *c = &file->classes[k];
    c->real_pixels = fm_class_stats_pixel_count(losses, k, FM_ALL_STRATA);
    if (!fits) continue;
    c->real_bins = alloc_zeroed(LOSS_BINS, sizeof *c->real_bins);
    take_bins(words, &layout, k, c->real_bins);
  }
  free(words);
}

double filter_kept_share(int64_t valid, int64_t dropped) {
  return valid ? (double)(valid - dropped) / (double)valid : 0;
}

static int read_row(const fm_csv *table, int64_t at, const char *path, filter_row *row, fault *f) {
  double share;
  fm_error err;
  if (fm_csv_whole(table, at, VALID, 0, INT64_MAX, &row->valid, &err) ||
      fm_csv_whole(table, at, DROPPED, 0, INT64_MAX, &row->dropped, &err) ||
      fm_csv_real(table, at, KEPT, &share, &err))
    return fault_file(f, &err, path);
  if (row->dropped > row->valid)
    return fault_set(f, EXIT_DATA, "%s, line %" PRId64 ": more dropped than valid pixels", path,
                     fm_csv_line(table, at));
  row->stem = alloc_text(fm_csv_text(table, at, STEM));
  return EXIT_FINE;
}

static int check_stems(const filter_row *rows, size_t count, const char *path, fault *f) {
  const char **names = alloc_zeroed(count, sizeof *names);
  for (size_t i = 0; i < count; i++) names[i] = rows[i].stem;
  int code = table_check_names(names, count, path, f);
  free(names);
  return code;
}

int filter_rows_read(fm_context *context, const char *path, filter_row **rows, size_t *count,
                     fault *f) {
  fm_csv *table = NULL;
  fm_error err;
  if (fm_csv_read(context, path, columns, COLUMNS, &table, &err)) return fault_file(f, &err, path);
  size_t all = (size_t)fm_csv_row_count(table);
  filter_row *list = alloc_zeroed(all, sizeof *list);
  int code = EXIT_FINE;
  for (size_t i = 0; i < all && !code; i++) code = read_row(table, (int64_t)i, path, &list[i], f);
  if (!code) code = check_stems(list, all, path, f);
  fm_csv_destroy(table);
  if (code) {
    filter_rows_free(list, all);
    return code;
  }
  *rows = list;
  *count = all;
  return EXIT_FINE;
}

int filter_rows_write(fm_context *context, const filter_row *rows, size_t count, const char *path,
                      fault *f) {
  text t = {0};
  text_add(&t, "%s,%s,%s,%s\n", columns[STEM], columns[VALID], columns[DROPPED], columns[KEPT]);
  for (size_t i = 0; i < count; i++) {
    text_add_csv(&t, rows[i].stem);
    text_add(&t, ",%" PRId64 ",%" PRId64 ",", rows[i].valid, rows[i].dropped);
    text_add_real(&t, filter_kept_share(rows[i].valid, rows[i].dropped));
    text_add(&t, "\n");
  }
  int code = text_write(&t, context, path, f);
  text_free(&t);
  return code;
}

void filter_rows_free(filter_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) free(rows[i].stem);
  free(rows);
}
