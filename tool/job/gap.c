/* job/gap.c - what the numbers of a filter mean: how synthetic losses differ from real ones, per class. */
#include "job/gap.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"

/* Where a number is worth a sentence. */
static const double ODD_SHIFT = 1.5, EASY_SHIFT = 0.67, MUCH_CLEAN = 0.15, LITTLE = 0.005;
static const double ALIKE = 1.25;
/* With a share of 5 % paired dropped 4 to 19 % of the good pixels in worlds of images below the first, most often more
 * than 6 %, and 1 to 8 % above, most often less; somewhere near the second strata became better in worlds of loss
 * fields (doc/policies.md). */
static const double APART = 0.4, FAR_APART = 0.2;
static const double SEEN_MEAN = 0.1 /* nats */, SEEN_SHIFT = 3.0;

static double ratio(double a, double b) { return b > 0.0 ? a / b : NAN; }

/* ---- Classes -------------------------------------------------------------------------------- */

static bool compares_losses(const filter_file *file) { return file->losses.stop_count > 0; }

static void find_real(const filter_file *file, int32_t k, gap_class *g) {
  const filter_class *c = &file->classes[k];
  const int64_t *bins = c->real_bins;
  if (c->real_pixels) g->real_mean = c->mean_loss;
  if (!bins || !c->real_pixels) return;
  g->real_median = loss_bins_quantile(bins, 0.5);
  if (compares_losses(file))
    g->real_above = loss_bins_above(bins, c->thresholds[0]) / (double)c->real_pixels;
}

static void find_synthetic(const loss_record *losses, int32_t k, gap_class *g) {
  if (!losses->class_count) return;
  const int64_t *all = &losses->all[(size_t)k * LOSS_BINS];
  const int64_t *kept = &losses->kept[(size_t)k * LOSS_BINS];
  if (loss_bins_pixels(all)) {
    g->synthetic_mean = loss_bins_mean(all);
    g->synthetic_median = loss_bins_quantile(all, 0.5);
  }
  if (loss_bins_pixels(kept)) {
    g->kept_mean = loss_bins_mean(kept);
    g->kept_median = loss_bins_quantile(kept, 0.5);
  }
}

static void find_class(const filter_file *file, int32_t k, gap_class *g) {
  const filter_class *c = &file->classes[k];
  *g = (gap_class){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  g->agreement = agreement_of_class(&file->alike, k);
  find_real(file, k, g);
  find_synthetic(&file->losses, k, g);
  if (c->real_bins) {
    g->shift = ratio(g->synthetic_median, g->real_median);
    g->kept_shift = ratio(g->kept_median, g->real_median);
  } else {
    g->shift = ratio(g->synthetic_mean, g->real_mean);
    g->kept_shift = ratio(g->kept_mean, g->real_mean);
  }
  if (c->real_bins && c->real_pixels && compares_losses(file) && g->shift > 0.0)
    g->clean_drop =
        isfinite(c->thresholds[0])
            ? loss_bins_above(c->real_bins, c->thresholds[0] / g->shift) / (double)c->real_pixels
            : 0.0;
  g->gain = ratio((double)(c->valid - c->dropped), (double)c->real_pixels);
}

/* ---- Totals --------------------------------------------------------------------------------- */

static void find_totals(const filter_file *file, gap *g) {
  double log_shift = 0.0, shift_pixels = 0.0, clean = 0.0, clean_pixels = 0.0;
  double real = 0.0, loss = 0.0;
  for (int32_t k = 0; k < file->class_count; k++) {
    const filter_class *c = &file->classes[k];
    const gap_class *of = &g->classes[k];
    const double pixels = (double)c->valid;
    if (c->real_bins) g->by_median = true;
    if (of->shift > 0.0) {
      log_shift += pixels * log(of->shift);
      shift_pixels += pixels;
    }
    if (!isnan(of->clean_drop)) {
      clean += pixels * of->clean_drop;
      clean_pixels += pixels;
    }
    real += (double)c->real_pixels;
    loss += (double)c->real_pixels * c->mean_loss;
  }
  g->kept = file->valid ? (double)(file->valid - file->dropped) / (double)file->valid : NAN;
  g->shift = shift_pixels > 0.0 ? exp(log_shift / shift_pixels) : NAN;
  g->clean_drop = ratio(clean, clean_pixels);
  g->gain = ratio((double)(file->valid - file->dropped), real);
  g->real_mean = ratio(loss, real);
  g->agreement = agreement_of_all(&file->alike);
}

/* ---- Sentences ------------------------------------------------------------------------------ */

static text *next_of(text **list, size_t *count) {
  *list = alloc_resize(*list, *count + 1, sizeof **list);
  (*list)[*count] = (text){0};
  return &(*list)[(*count)++];
}

#define WARN(g) next_of(&(g)->warnings, &(g)->warning_count)
#define ADVISE(g) next_of(&(g)->advice, &(g)->advice_count)

/* Wrong pixels raise a mean many times over: only medians say how odd clean ones look. */
static bool is_odd(const gap *g) { return g->by_median && g->shift >= ODD_SHIFT; }

static bool seems_seen(const gap *g) {
  return g->by_median && g->real_mean < SEEN_MEAN && g->shift > SEEN_SHIFT;
}

static void say_verdict(const filter_file *file, gap *g) {
  text *t = &g->verdict;
  const double dropped = 1.0 - g->kept;
  if (isnan(g->kept))
    text_add(t, "There was no labeled synthetic pixel to judge.");
  else if (file->dropped == 0)
    text_add(t,
             "The filter dropped nothing: either these images are clean, or the losses cannot "
             "tell.");
  else if (seems_seen(g))
    text_add(t,
             "The segmenter seems to know these real images by heart, so the thresholds are too "
             "low for any new image: measure the real losses on held-out images first.");
  else if (dropped > 0.5)
    text_add(t, "More was dropped than kept: look at the losses before you train on the rest.");
  else if (is_odd(g))
    text_add(t,
             "Synthetic images look unlike the real ones to the segmenter, so much of what was "
             "dropped may be odd rather than wrong.");
  else if (g->clean_drop > MUCH_CLEAN)
    text_add(t, "The thresholds are low: about %.0f %% of the good pixels went with the bad ones.",
             100.0 * g->clean_drop);
  else if (dropped < LITTLE)
    text_add(t,
             "Hardly anything was dropped: the synthetic images fit their masks as well as real "
             "ones do, as far as the losses tell.");
  else if (!g->by_median)
    text_add(
        t,
        "The filter dropped %.0f %% of the synthetic pixels; how many of them were good is not "
        "known without a histogram of the real losses.",
        100.0 * dropped);
  else if (file->guarantee.calibration)
    text_add(t,
             "The filter dropped %.0f %% of the synthetic pixels, by thresholds that take at most "
             "%.3g %% of a class from an image like the held-out real ones.",
             100.0 * dropped, 100.0 * file->guarantee.lose);
  else if (isnan(g->clean_drop) && file->real_share > 0.0)
    text_add(t,
             "The filter dropped %.0f %% of the synthetic pixels, by thresholds that %.3g %% of "
             "the real ones exceed.",
             100.0 * dropped, 100.0 * file->real_share);
  else if (g->shift > ALIKE || g->shift * ALIKE < 1.0)
    text_add(t,
             "Synthetic losses are %.2g times the real ones, and the filter dropped %.0f %% of the "
             "synthetic pixels.",
             g->shift, 100.0 * dropped);
  else
    text_add(t, "Real and synthetic losses are alike, and the filter dropped what stands out.");
}

/* The classes that are worst in some way, at most four by name. */
typedef struct named {
  int count;
  text list;
} named;

static void name(named *n, const char *class_name, double value, const char *format) {
  if (n->count++ >= 4) return;
  if (n->list.length) text_add(&n->list, ", ");
  text_add_utf8(&n->list, class_name);
  char number[32];
  snprintf(number, sizeof number, format, value);
  text_add(&n->list, " %s", number);
}

static void named_end(named *n, text *t) {
  if (n->list.data) text_add_bytes(t, n->list.data, n->list.length);
  if (n->count > 4) text_add(t, " and %d more", n->count - 4);
  text_free(&n->list);
}

static void warn_of_shift(const filter_file *file, gap *g) {
  named odd = {0}, easy = {0}, clean = {0};
  for (int32_t k = 0; k < file->class_count; k++) {
    const gap_class *of = &g->classes[k];
    const char *class_name = file->classes[k].name;
    if (g->by_median && of->shift >= ODD_SHIFT) name(&odd, class_name, of->shift, "(%.2g times)");
    if (g->by_median && of->shift <= EASY_SHIFT) name(&easy, class_name, of->shift, "(%.2g times)");
    if (of->clean_drop > 0.3) name(&clean, class_name, 100.0 * of->clean_drop, "(%.0f %%)");
  }
  if (odd.count) {
    text *t = WARN(g);
    text_add(t, "Synthetic losses are far above the real ones in ");
    named_end(&odd, t);
    if (filter_is_paper(file))
      text_add(t, ": for pixels there a tolerance of %.4g is a stricter one than it says",
               file->tolerance);
  }
  if (easy.count) {
    text *t = WARN(g);
    text_add(t, "Synthetic losses are far below the real ones in ");
    named_end(&easy, t);
    text_add(t,
             ": simple scenes, or a segmenter that knows the synthetic images; wrong pixels may "
             "stay below the thresholds there");
  }
  if (clean.count) {
    text *t = WARN(g);
    text_add(t, "Many good pixels are expected to be dropped in ");
    named_end(&clean, t);
  }
}

/* Only paired has the number. */
static void warn_of_places(gap *g) {
  if (!(g->agreement < APART)) return;
  text_add(
      WARN(g),
      "Synthetic images are not hard where their real ones are (agreement %.2f, expected at "
      "least %.2g): what a real image loses says little about them, so --policy paired may drop "
      "more good pixels than its share. In most worlds of images with so low a number it did, up "
      "to 4 times as many; the number alone cannot tell",
      g->agreement, APART);
}

static void warn_of_set(const filter_file *file, gap *g) {
  if (seems_seen(g))
    text_add(WARN(g),
             "Real losses are very low (mean %.3g nats) and synthetic ones %.2g times as high: the "
             "segmenter was probably trained on these very images. A generator of another style "
             "looks the same",
             g->real_mean, g->shift);
  if (file->losses.class_count && file->losses.masks < file->count)
    text_add(WARN(g),
             "Losses were counted of %" PRId64 " of %" PRId64
             " masks: the others were filtered before an interruption",
             file->losses.masks, file->count);
}

/* It drops fewer good pixels than the paper's rule in all worlds that were tried; than the others
 * only where synthetic images are hard at the places where the real ones are. */
static void advise_paired(const filter_file *file, gap *g) {
  if (strcmp(file->policy, "paired") == 0) return;
  text_add(ADVISE(g),
           "--policy paired allows for what the real image of the same mask loses at a place%s",
           filter_is_paper(file)
               ? ", and drops fewer good pixels"
               : ": where synthetic images are hard at the same places, fewer good "
                 "pixels go");
}

/* The flag that says how much is dropped: with what to do with it to drop less, or more. */
static const char *to_drop(const filter_file *file, bool less) {
  if (file->guarantee.calibration) return less ? "lower --lose" : "raise --lose";
  if (filter_is_paper(file)) return less ? "raise --tolerance" : "lower --tolerance";
  return less ? "lower --real-share" : "raise --real-share";
}

/* What would be dropped were there no shift: of the paper's rule a tolerance says it. */
static void advise_less(const filter_file *file, gap *g) {
  if (filter_is_paper(file) && !file->guarantee.calibration && g->shift >= ALIKE)
    text_add(ADVISE(g), "--tolerance %.2g would be as strict here as %.4g is without the shift",
             file->tolerance * g->shift, file->tolerance);
  else
    text_add(ADVISE(g), "if good pixels are among what was dropped, %s", to_drop(file, true));
}

static void advise_apart(const filter_file *file, gap *g) {
  if (!is_odd(g)) text_add(ADVISE(g), "to drop fewer good pixels, %s", to_drop(file, true));
  if (!file->has_siblings)
    text_add(ADVISE(g), "where masks have several images, --siblings drops fewer good pixels");
  if (g->agreement < FAR_APART)
    text_add(
        ADVISE(g),
        "compare with --policy strata, which needs no real images and was the better one in some "
        "worlds that were as far apart");
  else
    text_add(ADVISE(g),
             "--policy strata needs no real images, but is better only below an agreement of about "
             "%.2g",
             FAR_APART);
}

static void advise(const filter_file *file, gap *g) {
  const bool odd = is_odd(g) || g->clean_drop > MUCH_CLEAN;
  bool bins = false, unseen = false;
  for (int32_t k = 0; k < file->class_count; k++) {
    bins = bins || file->classes[k].real_bins;
    unseen = unseen || (file->classes[k].valid && !file->classes[k].real_pixels);
  }
  if (seems_seen(g))
    text_add(ADVISE(g),
             "measure the real losses on images that the segmenter was not trained on, "
             "or train it in two halves and let each judge the other's images");
  if (odd) advise_paired(file, g);
  if (odd && !seems_seen(g) && file->dropped > 0) advise_less(file, g);
  if (g->agreement < APART) advise_apart(file, g);
  if (unseen)
    text_add(ADVISE(g), "--unseen keep leaves classes alone that the real set does not have");
  if (!bins)
    text_add(ADVISE(g),
             "freemask stats --histogram 32 (freemask run does it) shows the shift by "
             "medians, and how many good pixels are lost");
  if (!g->advice_count)
    text_add(ADVISE(g),
             "look at the worst and the most doubtful places of the classes that matter "
             "to you; if wrong pixels stay, %s",
             to_drop(file, false));
}

void gap_find(const filter_file *file, gap *out) {
  *out = (gap){.class_count = file->class_count};
  out->classes = alloc_zeroed((size_t)file->class_count, sizeof *out->classes);
  for (int32_t k = 0; k < file->class_count; k++) find_class(file, k, &out->classes[k]);
  find_totals(file, out);
  say_verdict(file, out);
  warn_of_shift(file, out);
  warn_of_places(out);
  warn_of_set(file, out);
  advise(file, out);
}

void gap_free(gap *g) {
  for (size_t i = 0; i < g->warning_count; i++) text_free(&g->warnings[i]);
  for (size_t i = 0; i < g->advice_count; i++) text_free(&g->advice[i]);
  free(g->warnings);
  free(g->advice);
  free(g->classes);
  text_free(&g->verdict);
  *g = (gap){0};
}

json_t *gap_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *sentences(const text *list, size_t count) {
  json_t *out = json_array();
  for (size_t i = 0; i < count; i++) json_array_append_new(out, json_text(list[i].data));
  return out;
}

static json_t *class_as_json(const gap_class *g, const filter_class *c, int32_t k) {
  json_t *out = json_pack("{s:i, s:o}", "index", (int)k, "name", json_text(c->name));
  const struct {
    const char *key;
    double value;
  } numbers[] = {{"real_mean", g->real_mean},
                 {"real_median", g->real_median},
                 {"synthetic_mean", g->synthetic_mean},
                 {"synthetic_median", g->synthetic_median},
                 {"kept_mean", g->kept_mean},
                 {"kept_median", g->kept_median},
                 {"shift", g->shift},
                 {"kept_shift", g->kept_shift},
                 {"real_above", g->real_above},
                 {"clean_drop", g->clean_drop},
                 {"gain", g->gain},
                 {"agreement", g->agreement}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    json_object_set_new(out, numbers[i].key, gap_number(numbers[i].value));
  return out;
}

json_t *gap_confusions(const filter_file *file) {
  enum { MOST = 20 };
  confused_pair pairs[MOST];
  if (!file->confused.class_count) return json_null();
  const int count = confusion_top(&file->confused, -1, MOST, pairs);
  json_t *list = json_array();
  for (int i = 0; i < count; i++)
    json_array_append_new(
        list, json_pack("{s:i, s:o, s:i, s:o, s:I}", "mask", (int)pairs[i].mask, "mask_name",
                        json_text(file->classes[pairs[i].mask].name), "shown", (int)pairs[i].shown,
                        "shown_name", json_text(file->classes[pairs[i].shown].name), "pixels",
                        (json_int_t)pairs[i].pixels));
  return list;
}

json_t *gap_as_json(const gap *g, const filter_file *file) {
  json_t *classes = json_array();
  for (int32_t k = 0; k < file->class_count; k++)
    json_array_append_new(classes, class_as_json(&g->classes[k], &file->classes[k], k));
  return json_pack(
      "{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "verdict",
      json_text(g->verdict.data), "kept", gap_number(g->kept), "shift", gap_number(g->shift),
      "shift_of", g->by_median ? "medians" : "means", "clean_drop", gap_number(g->clean_drop),
      "gain", gap_number(g->gain), "agreement", gap_number(g->agreement), "masks_counted",
      (json_int_t)file->losses.masks, "warnings", sentences(g->warnings, g->warning_count),
      "advice", sentences(g->advice, g->advice_count), "confusions", gap_confusions(file),
      "classes", classes);
}
