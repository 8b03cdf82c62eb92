/* report/diff.c - what two runs have in common, and what not. */
#include "report/diff.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "job/made_of.h"

double diff_change(diff_pair pair) {
  return isfinite(pair.a) && isfinite(pair.b) ? pair.b - pair.a : 0.0;
}

/* Both not known, or both the same. */
static bool same(diff_pair pair) { return pair.a == pair.b || (isnan(pair.a) && isnan(pair.b)); }

/* ---- Classes -------------------------------------------------------------------------------- */

static double dropped_of(const filter_class *c) {
  return c->valid ? (double)c->dropped / (double)c->valid : NAN;
}

static bool same_thresholds(const filter_file *a, const filter_file *b, int32_t k) {
  if (a->stratum_count != b->stratum_count || strcmp(a->policy, b->policy) != 0) return false;
  for (int32_t s = 0; s < a->stratum_count; s++)
    if (a->classes[k].thresholds[s] != b->classes[k].thresholds[s]) return false;
  return true;
}

static void compare_class(const run_diff *d, int32_t k, diff_class *out) {
  const filter_file *a = &d->a->filter, *b = &d->b->filter;
  const gap_class *ga = &d->a->gap.classes[k], *gb = &d->b->gap.classes[k];
  *out = (diff_class){.index = k, .name = a->classes[k].name};
  out->low = (diff_pair){filter_lowest(a, k), filter_lowest(b, k)};
  out->high = (diff_pair){filter_highest(a, k), filter_highest(b, k)};
  out->mean = (diff_pair){a->classes[k].mean_loss, b->classes[k].mean_loss};
  out->dropped = (diff_pair){dropped_of(&a->classes[k]), dropped_of(&b->classes[k])};
  out->shift = (diff_pair){ga->shift, gb->shift};
  out->clean_drop = (diff_pair){ga->clean_drop, gb->clean_drop};
  out->gain = (diff_pair){ga->gain, gb->gain};
  out->agreement = (diff_pair){ga->agreement, gb->agreement};
  out->changed = !same_thresholds(a, b, k) || !same(out->dropped) || !same(out->shift) ||
                 a->classes[k].valid != b->classes[k].valid;
}

static int by_change(const void *x, const void *y) {
  const diff_class *a = x, *b = y;
  const double left = fabs(diff_change(a->dropped)), right = fabs(diff_change(b->dropped));
  if (left != right) return left > right ? -1 : 1;
  return a->index < b->index ? -1 : 1;
}

static void compare_classes(run_diff *d) {
  d->class_count = d->a->filter.class_count;
  d->classes = alloc_zeroed((size_t)d->class_count, sizeof *d->classes);
  for (int32_t k = 0; k < d->class_count; k++) {
    compare_class(d, k, &d->classes[k]);
    d->changed_count += d->classes[k].changed;
  }
  qsort(d->classes, (size_t)d->class_count, sizeof *d->classes, by_change);
}

/* ---- Masks ---------------------------------------------------------------------------------- */

static void offer(run_diff *d, diff_mask mask) {
  int at = d->mask_count;
  const double change = fabs(diff_change(mask.kept));
  while (at > 0 && change > fabs(diff_change(d->masks[at - 1].kept))) at--;
  if (at == DIFF_MASKS) return;
  if (d->mask_count < DIFF_MASKS) d->mask_count++;
  for (int i = d->mask_count - 1; i > at; i--) d->masks[i] = d->masks[i - 1];
  d->masks[at] = mask;
}

static double kept_of(const filter_row *row) { return filter_kept_share(row->valid, row->dropped); }

/* Rows are by stem. */
static void compare_masks(run_diff *d) {
  const report *a = d->a, *b = d->b;
  size_t i = 0, j = 0;
  while (i < a->row_count || j < b->row_count) {
    const int order = i == a->row_count   ? 1
                      : j == b->row_count ? -1
                                          : strcmp(a->rows[i].stem, b->rows[j].stem);
    if (!order) {
      const filter_row *x = &a->rows[i], *y = &b->rows[j];
      d->both++;
      if (x->valid != y->valid || x->dropped != y->dropped) {
        d->changed++;
        offer(d, (diff_mask){x->stem, {kept_of(x), kept_of(y)}});
      }
    }
    d->only_a += order < 0;
    d->only_b += order > 0;
    i += order <= 0;
    j += order >= 0;
  }
}

/* ---- In words ------------------------------------------------------------------------------- */

static void say_classes(const run_diff *d, text *t) {
  enum { NAMED = 3 };
  int named = 0;
  for (int32_t i = 0; i < d->class_count && named < NAMED; i++) {
    const diff_class *c = &d->classes[i];
    if (fabs(diff_change(c->dropped)) < 0.0005) break;
    text_add(t, named++ ? ", " : " Most changed: ");
    text_add_utf8(t, c->name);
    text_add(t, " (%.1f to %.1f %%)", 100.0 * c->dropped.a, 100.0 * c->dropped.b);
  }
  if (named) text_add(t, ".");
}

static void say(run_diff *d) {
  text *t = &d->sentence;
  const double points = 100.0 * diff_change(d->dropped);
  if (isnan(d->dropped.a) || isnan(d->dropped.b))
    text_add(t, "One of the runs had no labeled synthetic pixel to judge.");
  else if (!d->changed_count && !d->changed)
    text_add(t, "Both runs have the same thresholds and dropped as many pixels of each class%s.",
             d->both ? " and each mask" : "");
  else if (fabs(points) < 0.05)
    text_add(t, "Both runs dropped about the same: %.1f %% of the synthetic pixels.",
             100.0 * d->dropped.a);
  else
    text_add(t, "B dropped %.1f %% of the synthetic pixels, A %.1f %%: %.1f points %s.",
             100.0 * d->dropped.b, 100.0 * d->dropped.a, fabs(points),
             points > 0 ? "more" : "less");
  say_classes(d, t);
  if (d->only_a + d->only_b)
    text_add(t,
             " They are of different sets of masks: %" PRId64 " are in both, %" PRId64
             " in A alone, %" PRId64 " in B alone.",
             d->both, d->only_a, d->only_b);
}

/* ---- All ------------------------------------------------------------------------------------ */

static double share_dropped(const filter_file *file) {
  return file->valid ? (double)file->dropped / (double)file->valid : NAN;
}

static int check_both(const report *a, const report *b, fault *f) {
  if (!a->has_filter || !b->has_filter)
    return fault_set(f, EXIT_DATA,
                     "%s has no filter.json: two runs are compared by what they filtered, expected "
                     "output folders of run, demo or filter",
                     a->has_filter ? b->job->folder : a->job->folder);
  if (a->filter.labels_fingerprint == b->filter.labels_fingerprint &&
      a->filter.class_count == b->filter.class_count)
    return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   "%s and %s have different label spaces (%s with %d classes, %s with %d): their "
                   "classes cannot be compared",
                   a->job->folder, b->job->folder, a->filter.labels_name,
                   (int)a->filter.class_count, b->filter.labels_name, (int)b->filter.class_count);
}

int diff_find(const report *a, const report *b, run_diff *out, fault *f) {
  *out = (run_diff){.a = a, .b = b};
  int code = check_both(a, b, f);
  if (code) return code;
  out->kept = (diff_pair){a->gap.kept, b->gap.kept};
  out->dropped = (diff_pair){share_dropped(&a->filter), share_dropped(&b->filter)};
  out->shift = (diff_pair){a->gap.shift, b->gap.shift};
  out->clean_drop = (diff_pair){a->gap.clean_drop, b->gap.clean_drop};
  out->agreement = (diff_pair){a->gap.agreement, b->gap.agreement};
  out->made_of = made_of_differences(a->filter.made_of, b->filter.made_of);
  compare_classes(out);
  compare_masks(out);
  say(out);
  return EXIT_FINE;
}

void diff_free(run_diff *d) {
  free(d->classes);
  json_decref(d->made_of);
  text_free(&d->sentence);
  *d = (run_diff){0};
}

/* ---- As JSON -------------------------------------------------------------------------------- */

static json_t *pair_as_json(diff_pair pair) {
  return json_pack("{s:o, s:o}", "a", gap_number(pair.a), "b", gap_number(pair.b));
}

static json_t *class_as_json(const run_diff *d, const diff_class *c) {
  return json_pack("{s:i, s:o, s:b, s:{s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o}", "index",
                   (int)c->index, "name", json_text(c->name), "changed", (int)c->changed,
                   "threshold", "a", filter_save_thresholds(&d->a->filter, c->index), "b",
                   filter_save_thresholds(&d->b->filter, c->index), "mean_loss",
                   pair_as_json(c->mean), "dropped", pair_as_json(c->dropped), "shift",
                   pair_as_json(c->shift), "clean_drop", pair_as_json(c->clean_drop), "gain",
                   pair_as_json(c->gain), "agreement", pair_as_json(c->agreement));
}

static json_t *masks_as_json(const run_diff *d) {
  json_t *list = json_array();
  for (int i = 0; i < d->mask_count; i++)
    json_array_append_new(list, json_pack("{s:o, s:o}", "stem", json_text(d->masks[i].stem), "kept",
                                          pair_as_json(d->masks[i].kept)));
  return json_pack("{s:I, s:I, s:I, s:I, s:o}", "only_a", (json_int_t)d->only_a, "only_b",
                   (json_int_t)d->only_b, "both", (json_int_t)d->both, "changed",
                   (json_int_t)d->changed, "most_changed", list);
}

static double images_of(const report *r) {
  return r->plan ? (double)fm_plan_image_count(r->plan) : NAN;
}

json_t *diff_as_json(const run_diff *d) {
  json_t *classes = json_array();
  for (int32_t k = 0; k < d->class_count; k++)
    for (int32_t i = 0; i < d->class_count; i++)
      if (d->classes[i].index == k)
        json_array_append_new(classes, class_as_json(d, &d->classes[i]));
  return json_pack("{s:o, s:o, s:o, s:O, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "a",
                   json_text(d->a->job->folder), "b", json_text(d->b->job->folder), "sentence",
                   json_text(d->sentence.data), "made_of", d->made_of, "kept",
                   pair_as_json(d->kept), "dropped", pair_as_json(d->dropped), "shift",
                   pair_as_json(d->shift), "clean_drop", pair_as_json(d->clean_drop), "agreement",
                   pair_as_json(d->agreement), "masks", masks_as_json(d), "images_in_plan",
                   pair_as_json((diff_pair){images_of(d->a), images_of(d->b)}), "classes", classes);
}

/* ---- As text -------------------------------------------------------------------------------- */

static void add_number(text *t, double value, const char *format, double factor) {
  char words[40];
  snprintf(words, sizeof words, format, value * factor);
  text_add(t, " %9s", isfinite(value) ? words : isinf(value) ? "none" : "-");
}

static void class_line(const diff_class *c, text *t) {
  char name[28];
  text_to_line(c->name, name, sizeof name);
  text_add(t, "%-20s", name);
  add_number(t, c->low.a, "%.4f", 1.0);
  add_number(t, c->low.b, "%.4f", 1.0);
  add_number(t, c->dropped.a, "%.1f %%", 100.0);
  add_number(t, c->dropped.b, "%.1f %%", 100.0);
  add_number(t, c->shift.a, "%.2f", 1.0);
  add_number(t, c->shift.b, "%.2f", 1.0);
  text_add(t, "\n");
}

static const char *value_of(const json_t *object, const char *key) {
  const char *value = json_string_value(json_object_get(object, key));
  return value ? value : "none";
}

void diff_as_text(const run_diff *d, text *t) {
  enum { LINES = 20 };
  size_t index;
  json_t *item;
  int lines = 0;
  text_add(t, "A  %s\nB  %s\n%s\n", d->a->job->folder, d->b->job->folder, d->sentence.data);
  json_array_foreach(d->made_of, index, item) {
    text_add(t, "%s: %s, %s\n", value_of(item, "name"), value_of(item, "a"), value_of(item, "b"));
  }
  if (d->changed_count)
    text_add(t, "\n%-20s %19s %19s %19s\n", "", "threshold, A and B", "dropped", "shift");
  for (int32_t i = 0; i < d->class_count && lines < LINES; i++)
    if (d->classes[i].changed) {
      class_line(&d->classes[i], t);
      lines++;
    }
  if (d->changed_count > lines)
    text_add(t, "and %d more classes (--json has all)\n", (int)d->changed_count - lines);
  if (d->changed)
    text_add(t, "%" PRId64 " of %" PRId64 " masks keep another number of pixels, most of all %s\n",
             d->changed, d->both, d->masks[0].stem);
}
