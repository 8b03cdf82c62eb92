/* report/report_numbers.c - the report's head, key numbers, warnings and demo score. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "job/filter_reach.h"
#include "report/report.h"

void report_add_count(text *t, int64_t value) {
  char digits[32];
  snprintf(digits, sizeof digits, "%lld", (long long)value);
  const size_t length = strlen(digits);
  for (size_t i = 0; i < length; i++) {
    if (i && digits[0] != '-' && (length - i) % 3 == 0) text_add(t, ",");
    text_add_bytes(t, &digits[i], 1);
  }
}

void report_add_percent(text *t, double share) { text_add(t, "%.1f&nbsp;%%", 100.0 * share); }

void report_begin(text *t, const char *title, const char *of) {
  text_add(
      t,
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>%s: ",
      title);
  text_add_html(t, of);
  text_add(t, "</title>\n<style>\n");
  for (size_t i = 0; report_style[i]; i++) text_add(t, "%s", report_style[i]);
  text_add(t, "</style>\n</head>\n<body>\n<main>\n");
}

void report_head(const report *r, text *t) {
  const char *labels = r->has_filter  ? r->filter.labels_name
                       : r->has_stats ? fm_labels_name(r->stats.labels)
                                      : NULL;
  report_begin(t, "FreeMask report", r->job->folder);
  text_add(t, "<header><h1>FreeMask report</h1>\n<p>");
  text_add_html(t, r->job->folder);
  if (labels) {
    text_add(t, " &middot; label space ");
    text_add_html(t, labels);
  }
  text_add(t, "</p></header>\n");
}

static void number_begin(text *t) { text_add(t, "<li><b>"); }
static void number_end(text *t, const char *what) {
  text_add(t, "</b><span>%s</span></li>\n", what);
}

static void count_number(text *t, int64_t value, const char *what) {
  number_begin(t);
  report_add_count(t, value);
  number_end(t, what);
}

static void plan_numbers(const report *r, text *t) {
  int64_t images = fm_plan_image_count(r->plan);
  count_number(t, images, "synthetic images in the plan");
  number_begin(t);
  text_add(t, "%lld &times;", (long long)fm_plan_real_repeats(r->plan));
  number_end(t, "repeats of the real set in joint training");
}

/* ---- The verdict ---------------------------------------------------------------------------- */

static void verdict_number(text *t, double value, const char *format, double factor,
                           const char *what) {
  char words[48];
  snprintf(words, sizeof words, format, value * factor);
  number_begin(t);
  text_add(t, "%s", isfinite(value) ? words : "&ndash;");
  number_end(t, what);
}

void report_verdict(const report *r, text *t) {
  const gap *g = &r->gap;
  if (!r->has_filter) return;
  text_add(t, "<section class=\"verdict\" aria-label=\"Verdict\"><p>");
  text_add_html(t, g->verdict.data);
  text_add(t, "</p>\n<ul class=\"numbers\">");
  verdict_number(t, g->kept, "%.1f&nbsp;%%", 100.0, "of the synthetic pixels kept");
  verdict_number(t, g->shift, "%.2f&times;", 1.0,
                 g->by_median ? "shift: synthetic losses over real ones, medians"
                              : "shift: synthetic losses over real ones, means");
  if (!isnan(g->clean_drop))
    verdict_number(t, g->clean_drop, "%.1f&nbsp;%%", 100.0,
                   "of the good pixels dropped, as expected from real ones and the shift");
  else if (r->filter.guarantee.calibration)
    verdict_number(t, r->filter.guarantee.lose, "%.3g&nbsp;%%", 100.0,
                   "of a class at most that an image like the held-out real ones loses");
  else
    verdict_number(
        t, r->filter.real_share > 0.0 ? r->filter.real_share : NAN, "%.3g&nbsp;%%", 100.0,
        r->filter.real_share > 0.0 ? "of the real pixels above the thresholds"
                                   : "of the good pixels dropped: not known without a histogram");
  if (!isnan(g->agreement))
    verdict_number(
        t, g->agreement, "%.2f", 1.0,
        "agreement: 1 where synthetic images are hard at the places where real ones are");
  text_add(t, "</ul>\n");
  if (r->filter.guarantee.calibration) {
    text_add(t, "<p class=\"promise\"><b>Promised:</b> ");
    text_add_html(t, r->filter.guarantee.sentence);
    text_add(t, "</p>\n");
  }
  text_add(t, "<h2>What to try next</h2><ul class=\"next\">\n");
  for (size_t i = 0; i < g->advice_count; i++) {
    text_add(t, "<li>");
    text_add_html(t, g->advice[i].data);
    text_add(t, ".</li>\n");
  }
  text_add(t, "</ul></section>\n");
}

void report_numbers(const report *r, text *t) {
  text_add(t, "<ul class=\"numbers\">\n");
  if (r->has_filter) {
    count_number(t, r->filter.count, "synthetic masks filtered");
    if (r->filter.tolerance > 0.0) {
      number_begin(t);
      text_add(t, "%.4g", r->filter.tolerance);
      number_end(t, "tolerance &alpha;");
    } else if (!isnan(r->gap.clean_drop)) { /* else the verdict has it */
      number_begin(t);
      report_add_percent(t, r->filter.real_share);
      number_end(t, "of real pixels above the thresholds");
    }
  }
  if (r->has_stats) {
    double sum = 0.0;
    int64_t pixels = 0;
    for (int32_t k = 0; k < r->stats.class_count; k++) {
      const int64_t own = fm_class_stats_pixel_count(r->stats.stats, k, FM_ALL_STRATA);
      sum += fm_class_stats_mean(stats_file_losses(&r->stats), k, FM_ALL_STRATA) * (double)own;
      pixels += own;
    }
    count_number(t, fm_class_stats_image_count(r->stats.stats), "real images");
    number_begin(t);
    text_add(t, "%.3f", pixels ? sum / (double)pixels : 0.0);
    number_end(t, "nats, mean loss on real pixels");
  }
  if (r->plan) plan_numbers(r, t);
  text_add(t, "</ul>\n");
}

/* ---- Warnings ------------------------------------------------------------------------------- */

/* A list of class names, cut after a dozen. */
typedef struct names {
  int count;
  text list;
} names;

static void names_add(names *n, const char *name) {
  if (n->count++ >= 12) return;
  if (n->list.length) text_add(&n->list, ", ");
  text_add_html(&n->list, name);
}

static void names_warn(names *n, const char *before, const char *after, text *t) {
  if (n->count) {
    text_add(t, "<li>%s%s", before, n->list.data);
    if (n->count > 12) text_add(t, " and %d more", n->count - 12);
    text_add(t, "%s</li>\n", after);
  }
  text_free(&n->list);
}

/* True if it warned. */
static bool warn_reach(const report *r, text *t) {
  text sentence = {0};
  if (r->has_filter) filter_reach_warn(&r->filter, &sentence);
  const bool warned = sentence.length > 0;
  if (warned) {
    text_add(t, "<li>");
    sentence.data[0] = 'T';
    text_add_html(t, sentence.data);
    text_add(t, ".</li>\n");
  }
  text_free(&sentence);
  return warned;
}

static void warn_classes(const report *r, bool none_reached, text *t) {
  names unseen = {0}, untouched = {0}, starved = {0};
  for (int32_t k = 0; r->has_stats && k < r->stats.class_count; k++)
    if (!fm_class_stats_pixel_count(r->stats.stats, k, FM_ALL_STRATA))
      names_add(&unseen, fm_labels_class_name(r->stats.labels, k));
  for (int32_t k = 0; r->has_filter && k < r->filter.class_count; k++) {
    const filter_class *c = &r->filter.classes[k];
    if (c->valid && !c->dropped && !none_reached) names_add(&untouched, c->name);
    if (c->valid && c->dropped * 10 > c->valid * 9) names_add(&starved, c->name);
  }
  names_warn(&unseen, "Never seen in the real set: ",
             ". Their mean loss is 0, so by default all their synthetic pixels are dropped "
             "(<code>--unseen keep</code> or <code>global-mean</code> change that).",
             t);
  names_warn(&starved,
             "More than nine tenths dropped: ", ". <code>--min-kept</code> guards rare classes.",
             t);
  names_warn(&untouched, "Not one pixel above the threshold: ",
             ". If that surprises, look at the losses: scores or probabilities taken for logits "
             "make losses that can never exceed the tolerance.",
             t);
}

static void warn_masks(const report *r, text *t) {
  int64_t emptied = 0, blank = 0;
  for (size_t i = 0; i < r->row_count; i++) {
    emptied += r->rows[i].valid > 0 && r->rows[i].dropped == r->rows[i].valid;
    blank += r->rows[i].valid == 0;
  }
  if (emptied) {
    text_add(t, "<li>Masks of which nothing was kept: ");
    report_add_count(t, emptied);
    text_add(t, ". Several trainers get a NaN loss from such a mask; leave it out.</li>\n");
  }
  if (blank) {
    text_add(t, "<li>Masks that had no labeled pixel to begin with: ");
    report_add_count(t, blank);
    text_add(t, ".</li>\n");
  }
  if (r->has_filter && r->filter.valid && r->filter.dropped * 2 > r->filter.valid)
    text_add(
        t,
        "<li>More than half of all synthetic pixels were dropped: were the losses of both sets "
        "made by the same segmenter?</li>\n");
  if (r->has_filter && r->filter.shard.count > 1)
    text_add(t, "<li>This is shard %lld of %lld (from 0) only.</li>\n",
             (long long)r->filter.shard.index, (long long)r->filter.shard.count);
}

/* Formats that `run` passed over. */
static void warn_left_out(const report *r, text *t) {
  const char *format;
  json_t *why;
  json_object_foreach(json_object_get(r->run, "left_out"), format, why) {
    text_add(t, "<li>The lists in <code>export</code> are not in the format ");
    text_add_html(t, format);
    text_add(t, ": ");
    text_add_html(t, json_string_value(why) ? json_string_value(why) : "");
    text_add(t, "</li>\n");
  }
}

static void warn_unpaired(const report *r, text *t) {
  if (!r->has_filter || !r->filter.unpaired) return;
  text_add(t, "<li>");
  report_add_count(t, r->filter.unpaired);
  text_add(t, " of ");
  report_add_count(t, r->filter.count);
  text_add(t,
           " masks have no real image to be paired with and were judged without its losses "
           "(<code>--allow-unpaired</code>): more of them is dropped.</li>\n");
}

void report_warnings(const report *r, text *t) {
  text list = {0};
  warn_classes(r, warn_reach(r, &list), &list);
  warn_masks(r, &list);
  warn_left_out(r, &list);
  warn_unpaired(r, &list);
  for (size_t i = 0; r->has_filter && i < r->gap.warning_count; i++) {
    text_add(&list, "<li>");
    text_add_html(&list, r->gap.warnings[i].data);
    text_add(&list, ".</li>\n");
  }
  if (list.length)
    text_add(t, "<section class=\"warn\"><h2>Worth a look</h2>\n<ul>\n%s</ul></section>\n",
             list.data);
  text_free(&list);
}

/* ---- The demo's score ----------------------------------------------------------------------- */

static void score_row(text *t, const char *what, double value, const char *color,
                      const char *remark) {
  text_add(t, "<tr><td>%s</td><td>", what);
  report_add_percent(t, value);
  text_add(t,
           "<span class=\"bar %s\"><i style=\"width:%.1f%%\"></i></span></td>"
           "<td style=\"text-align:left;white-space:normal;min-width:150px\">%s</td></tr>\n",
           color, 100.0 * fmin(fmax(value, 0.0), 1.0), remark);
}

static double real_of(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

void report_score(const report *r, text *t) {
  const json_t *kinds = json_object_get(r->score, "kinds");
  const double valid = real_of(r->score, "valid"), wrong = real_of(r->score, "wrong");
  if (!r->score || !(valid > 0.0)) return;
  char chance[120];
  snprintf(chance, sizeof chance, "of the dropped pixels were wrong; by chance %.1f %%",
           100.0 * wrong / valid);
  text_add(
      t,
      "<section><h2>Against the planted truth</h2>\n<p class=\"note\">The demo planted errors in "
      "the synthetic images and kept the truth, which the filter never saw.</p>\n"
      "<div class=\"scroll\"><table><thead><tr><th>Measure</th><th>Value</th><th></th></tr></thead>"
      "<tbody>\n");
  score_row(t, "Precision", real_of(r->score, "precision"), "", chance);
  score_row(t, "Recall", real_of(r->score, "recall"), "good", "of the wrong pixels were dropped");
  score_row(t, "&ensp;wrong texture", real_of(json_object_get(kinds, "texture"), "recall"), "good",
            "regions that show another class");
  score_row(t, "&ensp;missing thing", real_of(json_object_get(kinds, "missing"), "recall"), "good",
            "things painted over with what is behind them");
  score_row(t, "&ensp;smeared border", real_of(json_object_get(kinds, "smear"), "recall"), "good",
            "borders that wander");
  score_row(t, "False drops", real_of(r->score, "false_drop_share"), "hot",
            "of the clean pixels were dropped");
  text_add(t, "</tbody></table></div></section>\n");
}
