/* job/convention.c - what the values of masks look like. */
#include "job/convention.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

static int64_t pixels_of(const census *c, int64_t value) { return census_at(c, value)->pixels; }

double convention_share(const census *c, int64_t value) {
  return c->pixels ? 100.0 * (double)pixels_of(c, value) / (double)c->pixels : 0;
}

/* How a label space interprets the values. */
typedef struct fit {
  int64_t invalid;       /* pixels outside the space */
  int64_t ignored;       /* pixels that it ignores */
  int32_t classes, seen; /* classes in all, and those with pixels */
} fit;

static fit fit_of(const census *c, const fm_labels *labels) {
  fit out = {.invalid = c->outside, .classes = fm_labels_class_count(labels)};
  bool *seen = alloc_zeroed((size_t)out.classes, sizeof *seen);
  for (int64_t v = CENSUS_LOWEST; v <= CENSUS_HIGHEST; v++) {
    if (!pixels_of(c, v)) continue;
    int32_t k = fm_labels_class_of(labels, v);
    if (k == FM_CLASS_INVALID) out.invalid += pixels_of(c, v);
    if (k == FM_CLASS_IGNORE) out.ignored += pixels_of(c, v);
    if (k < 0 || seen[k]) continue;
    seen[k] = true;
    out.seen++;
  }
  free(seen);
  return out;
}

/* ---- Presets -------------------------------------------------------------------------- */

typedef struct candidate {
  const char *name;
  double share; /* of its classes that were seen */
} candidate;

static int by_share(const void *a, const void *b) {
  double left = ((const candidate *)a)->share, right = ((const candidate *)b)->share;
  return (left < right) - (left > right);
}

/* Few values fit into many presets by chance: 0 and 255 into all that ignore 255. */
static bool is_likely(const census *c, const fit *f) {
  if (f->invalid || 10 * f->ignored > 3 * c->pixels) return false;
  return f->seen >= 30 || (f->seen >= 5 && 10 * f->seen >= 6 * f->classes);
}

/* Would the preset ignore what is a class of the space? */
static bool loses_class(const census *c, const fm_labels *preset, const fm_labels *space) {
  for (int64_t v = CENSUS_LOWEST; v <= CENSUS_HIGHEST; v++)
    if (pixels_of(c, v) && fm_labels_class_of(space, v) >= 0 && fm_labels_class_of(preset, v) < 0)
      return true;
  return false;
}

void convention_presets(const census *c, fm_context *context, const fm_labels *but, size_t most,
                        text *out) {
  candidate list[64];
  size_t count = 0;
  const char *name;
  for (int32_t i = 0; (name = fm_labels_preset_name(i)) && count < 64; i++) {
    fm_labels *labels;
    if (fm_labels_create_from_preset(context, name, &labels, NULL))
      alloc_fail(); /* a preset is good */
    fit f = fit_of(c, labels);
    bool wanted = !but || !loses_class(c, labels, but);
    if (wanted && is_likely(c, &f)) list[count++] = (candidate){name, (double)f.seen / f.classes};
    fm_labels_destroy(labels);
  }
  qsort(list, count, sizeof *list, by_share);
  for (size_t i = 0; i < count && i < most; i++) text_add(out, "%s%s", i ? ", " : "", list[i].name);
}

/* ---- The values ----------------------------------------------------------------------- */

static int64_t highest_but_255(const census *c) {
  for (int64_t v = CENSUS_HIGHEST; v >= 0; v--)
    if (pixels_of(c, v) && v != 255) return v;
  return -1;
}

static int64_t count_values(const census *c, int64_t low, int64_t high) {
  int64_t count = 0;
  for (int64_t v = low; v <= high; v++) count += pixels_of(c, v) > 0;
  return count;
}

static int64_t lowest(const census *c, bool but_255) {
  for (int64_t v = 0; v <= CENSUS_HIGHEST; v++)
    if (pixels_of(c, v) && !(but_255 && v == 255)) return v;
  return -1;
}

static void add_negative(const census *c, text *out) {
  int64_t count = count_values(c, CENSUS_LOWEST, -1);
  for (int64_t v = CENSUS_LOWEST; v < 0 && count; v++)
    if (pixels_of(c, v)) {
      text_add(out, ", %" PRId64 " = %.1f %%", v, convention_share(c, v));
      if (count > 1) text_add(out, " and %" PRId64 " more below 0", count - 1);
      return;
    }
}

void convention_values(const census *c, text *out) {
  int64_t high = highest_but_255(c), low = lowest(c, high < 255);
  int64_t different = count_values(c, CENSUS_LOWEST, CENSUS_HIGHEST);
  if (!different)
    text_add(out, "no values from %d to %d", CENSUS_LOWEST, CENSUS_HIGHEST);
  else if (high < 0)
    text_add(out, pixels_of(c, 255) ? "value 255" : "values below 0");
  else if (low == high)
    text_add(out, "%s %" PRId64, high < 255 && pixels_of(c, 255) ? "values" : "value", low);
  else
    text_add(out, "values %" PRId64 "..%" PRId64, low, high);
  if (high >= 0 && high < 255 && pixels_of(c, 255)) text_add(out, " and 255");
  text_add(out, " (%" PRId64 " different)", different);
  if (pixels_of(c, 0)) text_add(out, ", 0 = %.1f %%", convention_share(c, 0));
  if (pixels_of(c, 255)) text_add(out, ", 255 = %.1f %%", convention_share(c, 255));
  add_negative(c, out);
  if (c->outside)
    text_add(out, ", %" PRId64 " pixels below %d or above %d", c->outside, CENSUS_LOWEST,
             CENSUS_HIGHEST);
}

/* The values with the most pixels, most first; -1 where there are fewer. */
static void find_most(const census *c, int64_t most[3]) {
  for (int i = 0; i < 3; i++) most[i] = -1;
  for (int64_t v = 0; v <= CENSUS_HIGHEST; v++) {
    int64_t now = v;
    for (int i = 0; i < 3 && pixels_of(c, v); i++)
      if (most[i] < 0 || pixels_of(c, now) > pixels_of(c, most[i])) {
        int64_t was = most[i];
        most[i] = now;
        if (was < 0) break;
        now = was;
      }
  }
}

bool convention_soft_edges(const census *c, soft_edges *out) {
  int64_t most[3], between = 0, beyond = 0;
  find_most(c, most);
  if (most[2] < 0 || 2 * pixels_of(c, most[2]) > pixels_of(c, most[1])) return false;
  *out = (soft_edges){.low = most[0] < most[1] ? most[0] : most[1],
                      .high = most[0] < most[1] ? most[1] : most[0]};
  for (int64_t v = 0; v <= CENSUS_HIGHEST; v++) {
    if (v == most[0] || v == most[1] || !pixels_of(c, v)) continue;
    bool inside = v > out->low && v < out->high;
    *(inside ? &between : &beyond) += pixels_of(c, v);
    out->others += inside;
  }
  out->share = 100.0 * (double)between / (double)c->pixels;
  return out->others >= 8 && out->high - out->low >= 64 && beyond <= between / 10;
}

/* ---- Guesses -------------------------------------------------------------------------- */

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

/* A preset whose labels fit, though another convention is as likely. */
static bool doubt_preset(const census *c, const fm_labels *labels, const fit *own, text *out) {
  int64_t high = highest_but_255(c);
  const char *name = fm_labels_name(labels);
  if (is_offset_by_one(labels) && pixels_of(c, 255) && pixels_of(c, 0) && high < own->classes) {
    text_add(out,
             ": %s ignores both 0 and 255, and %" PRId64
             " does not occur: were the masks reduced by one already, so that 0 is a class? Then "
             "a table of your own says so (freemask labels); the preset means them as stored",
             name, (int64_t)own->classes);
    return true;
  }
  if (is_renumbered(labels) && high >= 0 && high < own->classes && 2 * own->ignored > c->pixels) {
    text_add(out,
             ": %s ignores %.1f %% of these pixels, and no label is above %" PRId64
             ": are they train ids? The preset means the ids as stored",
             name, 100.0 * (double)own->ignored / (double)c->pixels, high);
    return true;
  }
  if (own->seen == 1 && own->classes > 1 && 10 * own->ignored > c->pixels) {
    text_add(out,
             ": %s ignores %.1f %% of these pixels and has all others in one class of %d: are they "
             "masks of two classes? Then a table of your own says so (freemask labels --masks DIR "
             "drafts it)",
             name, 100.0 * (double)own->ignored / (double)c->pixels, (int)own->classes);
    return true;
  }
  return false;
}

/* Values that are few and far apart. */
static bool is_sparse(const census *c) {
  int64_t high = highest_but_255(c), different = count_values(c, 0, CENSUS_HIGHEST);
  return different >= 3 && different <= 64 && high > 3 * different;
}

static void guess_misfit(const census *c, fm_context *context, const fm_labels *labels, text *out) {
  int64_t different = count_values(c, CENSUS_LOWEST, CENSUS_HIGHEST);
  soft_edges soft;
  text presets = {0};
  convention_presets(c, context, labels, 3, &presets);
  if (convention_soft_edges(c, &soft)) {
    text_add(out,
             ". Between %" PRId64 " and %" PRId64 " lie %" PRId64
             " other values in %.1f %% of the pixels: are these soft edges, of anti-aliasing or "
             "JPEG? Ranges in the table settle it (%" PRId64 ":%" PRId64 " and %" PRId64 ":%" PRId64
             ", say), or a threshold for the masks",
             soft.low, soft.high, soft.others, soft.share, soft.low, (soft.low + soft.high) / 2,
             (soft.low + soft.high) / 2 + 1, soft.high);
  } else if (is_offset_by_one(labels) && pixels_of(c, 254) && !pixels_of(c, 0)) {
    text_add(out, ". 254 occurs and 0 does not: were they reduced by one more than once?");
  } else if (presets.length) {
    text_add(out, ". Are these the labels of a preset that has them all: %s?", presets.data);
  } else if (different == 2 && pixels_of(c, 0) && (pixels_of(c, 1) || pixels_of(c, 255))) {
    text_add(out, ". Are these binary masks? A table needs a row for each of both values");
  } else if (is_sparse(c)) {
    text_add(out,
             ". The values are few and far apart: were colors converted to gray? freemask convert "
             "makes labels of the masks in color");
  }
  text_add(out, "%s freemask labels --masks DIR drafts a table of what is there",
           presets.length || out->data[out->length - 1] == '?' ? "" : ";");
  text_free(&presets);
}

void convention_describe(const census *c, fm_context *context, const fm_labels *labels, bool own,
                         text *out, bool *misfit) {
  fit f = fit_of(c, labels);
  const char *name = fm_labels_name(labels);
  convention_values(c, out);
  *misfit = true;
  if (f.invalid) {
    text_add(out, ": not %s (%" PRId64 " pixels outside it)", name, f.invalid);
    guess_misfit(c, context, labels, out);
  } else if (own || !doubt_preset(c, labels, &f, out)) {
    text_add(out, ": %s as stored, %d of %d classes seen", name, (int)f.seen, (int)f.classes);
    *misfit = false;
  }
}
