/* job/census.c - counting raw values. */
#include "job/census.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/pixel.h"

static void count_value(census *c, int64_t value) {
  if (value < 0 || value >= CENSUS_VALUES)
    c->outside++;
  else
    c->counts[value]++;
}

void census_add(census *c, const fm_plane *mask) {
  const fm_plane m = pixel_strides(mask);
  for (int64_t y = 0; y < m.height; y++)
    for (int64_t x = 0; x < m.width; x++)
      count_value(c,
                  pixel_label((const char *)m.data + y * m.row_stride + x * m.col_stride, m.dtype));
  c->pixels += m.height * m.width;
}

void census_merge(census *into, const census *from) {
  for (int i = 0; i < CENSUS_VALUES; i++) into->counts[i] += from->counts[i];
  into->outside += from->outside;
  into->pixels += from->pixels;
}

/* ---- What it looks like ------------------------------------------------------------- */

/* How a label space interprets the values. */
typedef struct fit {
  int64_t invalid;       /* pixels outside the space */
  int32_t classes, seen; /* classes in all, and those with pixels */
} fit;

static fit fit_of(const census *c, const fm_labels *labels) {
  fit out = {.invalid = c->outside, .classes = fm_labels_class_count(labels)};
  bool *seen = calloc((size_t)out.classes, sizeof *seen);
  for (int64_t v = 0; v < CENSUS_VALUES; v++) {
    if (!c->counts[v]) continue;
    int32_t k = fm_labels_class_of(labels, v);
    if (k == FM_CLASS_INVALID) out.invalid += c->counts[v];
    if (k < 0 || !seen || seen[k]) continue;
    seen[k] = true;
    out.seen++;
  }
  free(seen);
  return out;
}

typedef struct candidate {
  const char *name;
  double share; /* of its classes that were seen */
} candidate;

static int by_share(const void *a, const void *b) {
  double left = ((const candidate *)a)->share, right = ((const candidate *)b)->share;
  return (left < right) - (left > right);
}

void census_presets(const census *c, fm_context *context, const char *but, size_t most, text *out) {
  candidate list[64];
  size_t count = 0;
  for (int32_t i = 0; fm_labels_preset_name(i) && count < 64; i++) {
    fm_labels *labels;
    if (fm_labels_create_from_preset(context, fm_labels_preset_name(i), &labels, NULL)) continue;
    fit f = fit_of(c, labels);
    if (!f.invalid && f.seen && strcmp(fm_labels_preset_name(i), but))
      list[count++] = (candidate){fm_labels_preset_name(i), (double)f.seen / f.classes};
    fm_labels_destroy(labels);
  }
  qsort(list, count, sizeof *list, by_share);
  for (size_t i = 0; i < count && i < most; i++) text_add(out, "%s%s", i ? ", " : "", list[i].name);
}

static double share_of(const census *c, int64_t value) {
  return c->pixels ? 100.0 * (double)c->counts[value] / (double)c->pixels : 0;
}

static int64_t highest_but_255(const census *c) {
  for (int64_t v = CENSUS_VALUES - 1; v >= 0; v--)
    if (c->counts[v] && v != 255) return v;
  return -1;
}

/* "values 0..149 and 255 (97 different), 0 = 3.1 %". */
static void describe_values(const census *c, text *out) {
  int64_t high = highest_but_255(c), low = 0, different = 0;
  for (int64_t v = CENSUS_VALUES - 1; v >= 0; v--) {
    if (!c->counts[v]) continue;
    if (v != 255 || high > 255) low = v;
    different++;
  }
  if (high < 0 && !different)
    text_add(out, "no values from 0 to 65535");
  else if (high < 0)
    text_add(out, "value 255 only");
  else if (low == high)
    text_add(out, "value %" PRId64, low);
  else
    text_add(out, "values %" PRId64 "..%" PRId64, low, high);
  if (high >= 0 && high < 255 && c->counts[255]) text_add(out, " and 255");
  text_add(out, " (%" PRId64 " different), 0 = %.1f %%", different, share_of(c, 0));
  if (c->counts[255]) text_add(out, ", 255 = %.1f %%", share_of(c, 255));
  if (c->outside) text_add(out, ", %" PRId64 " pixels below 0 or above 65535", c->outside);
}

/* A space that stores class k as k + 1, 0 being ignored. */
static bool is_offset_by_one(const fm_labels *labels) {
  int32_t last = fm_labels_class_count(labels) - 1;
  return fm_labels_class_of(labels, 0) == FM_CLASS_IGNORE && fm_labels_label_of(labels, 0) == 1 &&
         fm_labels_label_of(labels, last) == last + 1;
}

/* A space whose classes were renumbered (train ids): the label of class k is not k. */
static bool is_renumbered(const fm_labels *labels) {
  int32_t last = fm_labels_class_count(labels) - 1;
  return fm_labels_label_of(labels, last) > last + 1;
}

/* A sentence for values that fit but look like another convention, or NULL. */
static const char *suspicion(const census *c, const fm_labels *labels) {
  int64_t high = highest_but_255(c);
  int32_t classes = fm_labels_class_count(labels);
  if (is_offset_by_one(labels) && c->counts[255] && high < classes)
    return "looks already reduced by one (0 a class, 255 ignored), expected the masks as stored, "
           "0 ignored";
  if (is_offset_by_one(labels) && c->counts[254] && !c->counts[0])
    return "254 and no 0: looks reduced by one more than once";
  if (is_renumbered(labels) && high >= 0 && high < classes)
    return "looks like train ids, expected the ids as stored";
  return NULL;
}

void census_describe(const census *c, fm_context *context, const fm_labels *labels, text *out,
                     bool *misfit) {
  fit own = fit_of(c, labels);
  const char *doubt = own.invalid ? NULL : suspicion(c, labels);
  describe_values(c, out);
  *misfit = own.invalid || doubt;
  if (!*misfit) {
    text_add(out, ": %s as stored, %d of %d classes seen", fm_labels_name(labels), (int)own.seen,
             (int)own.classes);
    return;
  }
  text presets = {0};
  census_presets(c, context, fm_labels_name(labels), 3, &presets);
  if (own.invalid)
    text_add(out, ": not %s (%" PRId64 " pixels outside it)", fm_labels_name(labels), own.invalid);
  else
    text_add(out, ": under %s this %s", fm_labels_name(labels), doubt);
  if (is_renumbered(labels) && own.invalid && highest_but_255(c) < own.classes)
    text_add(out, ", looks like train ids");
  if (presets.length)
    text_add(out, "; presets with these values: %s", presets.data);
  else
    text_add(out, "; no other preset has these values");
  text_free(&presets);
}
