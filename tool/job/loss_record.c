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
  return json_pack("{s:o, s:o, s:o}", "above",
                   json_counts(&r->above[k * r->stop_count], (size_t)r->stop_count), "histogram",
                   json_counts(&r->all[(size_t)k * LOSS_BINS], LOSS_BINS), "kept_histogram",
                   json_counts(&r->kept[(size_t)k * LOSS_BINS], LOSS_BINS));
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

static int load_above(const json_t *losses, const char *path, int32_t k, loss_record *out,
                      fault *f) {
  fault why;
  const size_t count = (size_t)out->stop_count;
  if (!json_member_counts(losses, path, "above", k, count, INT64_MAX,
                          &out->above[k * out->stop_count], &why))
    return EXIT_FINE;
  return fault_set(f, why.exit_code, "%s (one for each of the \"stops\")", why.text);
}

/* A histogram of `valid` pixels at most, those that were kept of them, and the pixels above each stop. */
int loss_record_load_class(const json_t *item, const char *path, int32_t k, int64_t valid,
                           loss_record *out, fault *f) {
  json_t *losses;
  if (!out->class_count) return EXIT_FINE;
  int64_t *all = &out->all[(size_t)k * LOSS_BINS], *kept = &out->kept[(size_t)k * LOSS_BINS];
  const int64_t *above = &out->above[k * out->stop_count];
  int code = json_member_object(item, path, "losses", &losses, f);
  if (!code) code = json_member_counts(losses, path, "histogram", k, LOSS_BINS, valid, all, f);
  if (!code)
    code = json_member_counts(losses, path, "kept_histogram", k, LOSS_BINS, valid, kept, f);
  if (!code) code = load_above(losses, path, k, out, f);
  const int64_t pixels = code ? 0 : loss_bins_pixels(all);
  for (int i = 0; i < LOSS_BINS && !code; i++)
    if (kept[i] > all[i])
      code = fault_set(f, EXIT_DATA,
                       "%s: \"kept_histogram\" of class %d has more pixels in bin %d than "
                       "\"histogram\"",
                       path, (int)k, i);
  for (int s = 0; s < out->stop_count && !code; s++)
    if (above[s] > pixels)
      code = fault_set(f, EXIT_DATA, "%s: \"above\" of class %d has more pixels than \"histogram\"",
                       path, (int)k);
  return code;
}
