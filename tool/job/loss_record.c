/* job/loss_record.c - what filter.json says about the losses of the synthetic set. */
#include "job/loss_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"

static void make_room(loss_record *r, int32_t class_count) {
  const size_t k = (size_t)class_count;
  r->class_count = class_count;
  r->all = alloc_zeroed(k * LOSS_BINS, sizeof *r->all);
  r->kept = alloc_zeroed(k * LOSS_BINS, sizeof *r->kept);
  r->above = alloc_zeroed(k * LOSS_STOPS, sizeof *r->above);
}

/* Bins up to a threshold: whole ones, and of the one that it divides the lower cell. */
static void bins_up_to(const loss_table *t, int32_t k, float threshold, int64_t *out) {
  const int64_t *cells = &t->cells[2 * (size_t)k * LOSS_BINS];
  const float *splits = &t->splits[(size_t)k * LOSS_BINS];
  for (int i = 0; i < LOSS_BINS; i++) {
    if (splits[i] == threshold)
      out[i] = cells[2 * (size_t)i];
    else if (loss_bin_start(i) <= (double)threshold)
      out[i] = cells[2 * (size_t)i] + cells[2 * (size_t)i + 1];
  }
}

void loss_record_make(const loss_table *all, const loss_table *kept, int own, int64_t masks,
                      loss_record *out) {
  const loss_stops *stops = all->stops;
  *out = (loss_record){.masks = masks};
  if (!all->class_count) return;
  make_room(out, all->class_count);
  if (stops) {
    out->stop_count = stops->count;
    snprintf(out->flag, sizeof out->flag, "%s", stops->flag);
    memcpy(out->stops, stops->at, sizeof out->stops);
  }
  for (int32_t k = 0; k < all->class_count; k++) {
    int64_t *bins = &out->kept[(size_t)k * LOSS_BINS];
    loss_table_bins(all, k, &out->all[(size_t)k * LOSS_BINS]);
    for (int s = 0; s < out->stop_count; s++)
      out->above[k * out->stop_count + s] = loss_table_above(all, k, s);
    if (kept)
      loss_table_bins(kept, k, bins);
    else if (stops)
      bins_up_to(all, k, stops->thresholds[k * stops->count + own], bins);
  }
}

static bool same_stops(const loss_record *a, const loss_record *b) {
  return a->class_count == b->class_count && a->stop_count == b->stop_count &&
         !strcmp(a->flag, b->flag) &&
         !memcmp(a->stops, b->stops, (size_t)a->stop_count * sizeof *a->stops);
}

static void add_numbers(int64_t *to, const int64_t *more, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] += more[i];
}

void loss_record_add(loss_record *record, const loss_record *other) {
  const size_t bins = (size_t)record->class_count * LOSS_BINS;
  if (!record->class_count || !same_stops(record, other)) return;
  record->masks += other->masks;
  add_numbers(record->all, other->all, bins);
  add_numbers(record->kept, other->kept, bins);
  add_numbers(record->above, other->above,
              (size_t)record->class_count * (size_t)record->stop_count);
}

void loss_record_free(loss_record *r) {
  free(r->all);
  free(r->kept);
  free(r->above);
  *r = (loss_record){0};
}

json_t *loss_record_save(const loss_record *r) {
  json_t *at = json_array();
  if (!r->class_count) {
    json_decref(at);
    return json_null();
  }
  for (int s = 0; s < r->stop_count; s++) json_array_append_new(at, json_real(r->stops[s]));
  return json_pack("{s:I, s:o, s:o}", "masks", (json_int_t)r->masks, "flag",
                   r->flag[0] ? json_string(r->flag) : json_null(), "stops", at);
}

json_t *loss_record_save_class(const loss_record *r, int32_t k) {
  if (!r->class_count) return json_null();
  json_t *above = json_array();
  for (int s = 0; s < r->stop_count; s++)
    json_array_append_new(above, json_integer(r->above[k * r->stop_count + s]));
  return json_pack("{s:o, s:o, s:o}", "above", above, "histogram",
                   loss_bins_save(&r->all[(size_t)k * LOSS_BINS]), "kept_histogram",
                   loss_bins_save(&r->kept[(size_t)k * LOSS_BINS]));
}

static int load_stops(const json_t *losses, const char *path, loss_record *out, fault *f) {
  json_t *list;
  int code = json_member_array(losses, path, "stops", &list, f);
  if (code) return code;
  const char *flag = json_string_value(json_object_get(losses, "flag"));
  if (json_array_size(list) > LOSS_STOPS)
    return fault_set(f, EXIT_DATA, "%s: more than %d \"stops\"", path, LOSS_STOPS);
  snprintf(out->flag, sizeof out->flag, "%s", flag ? flag : "");
  out->stop_count = (int)json_array_size(list);
  for (int s = 0; s < out->stop_count; s++) {
    out->stops[s] = json_number_value(json_array_get(list, (size_t)s));
    if (!(out->stops[s] > 0.0) || !isfinite(out->stops[s]))
      return fault_set(f, EXIT_DATA, "%s: \"stops\" are not numbers above 0", path);
  }
  return EXIT_FINE;
}

int loss_record_load(const json_t *root, const char *path, int32_t class_count, loss_record *out,
                     fault *f) {
  const json_t *losses = json_object_get(root, "losses_counted");
  *out = (loss_record){0};
  const json_t *object = json_is_object(losses) ? losses : NULL;
  if (!object || class_count > LOSS_CLASSES) return EXIT_FINE;
  int code = json_member_whole(object, path, "masks", 0, INT64_MAX, &out->masks, f);
  if (!code) code = load_stops(object, path, out, f);
  if (!code) make_room(out, class_count);
  return code;
}

int loss_record_load_class(const json_t *item, const char *path, int32_t k, loss_record *out,
                           fault *f) {
  const json_t *losses = json_object_get(item, "losses");
  const json_t *above = json_object_get(losses, "above");
  if (!out->class_count) return EXIT_FINE;
  bool good =
      loss_bins_load(json_object_get(losses, "histogram"), &out->all[(size_t)k * LOSS_BINS]) &&
      loss_bins_load(json_object_get(losses, "kept_histogram"), &out->kept[(size_t)k * LOSS_BINS]);
  if (good && json_array_size(above) != (size_t)out->stop_count)
    return fault_set(
        f, EXIT_DATA,
        "%s: \"above\" of class %d has %d numbers, expected as many as the \"stops\" of "
        "\"losses_counted\", %d",
        path, (int)k, (int)json_array_size(above), out->stop_count);
  for (int s = 0; s < out->stop_count && good; s++) {
    const json_t *item_at = json_array_get(above, (size_t)s);
    out->above[k * out->stop_count + s] = json_integer_value(item_at);
    good = json_is_integer(item_at) && json_integer_value(item_at) >= 0;
  }
  if (good) return EXIT_FINE;
  return fault_set(f, EXIT_DATA, "%s: the \"losses\" of class %d make no sense", path, (int)k);
}
