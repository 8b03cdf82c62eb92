/* report/report_classes.c - the report's classes: a table that sorts, a slider, and what is in each. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "report/report_crops.h"
#include "report/report_pixels.h"

static void bar(text *t, double share, const char *color) {
  text_add(t, "<span class=\"bar %s\"><i style=\"width:%.1f%%\"></i></span>", color,
           100.0 * fmin(fmax(share, 0.0), 1.0));
}

/* What is dropped, in a sentence. */
static const char *rule_of(const report *r) {
  static const char *const rules[] = {
      "A synthetic pixel is dropped if its loss is above the threshold of its class: the tolerance "
      "times the class's mean loss on real pixels.",
      "A synthetic pixel is dropped if its loss is above the threshold of its class, which only "
      "the "
      "stated share of the class's real pixels exceeds.",
      "A synthetic pixel is dropped if it and its class around it are odder than the threshold, "
      "compared with real pixels as far from the boundary. The stated share of the real pixels is.",
      "A synthetic pixel is dropped if it and its class around it are odder than the threshold, "
      "less what the real image of the same mask loses there. The stated share of the real pixels "
      "is above it."};
  for (int i = 0; r->has_filter && filter_policies[i]; i++)
    if (!strcmp(r->filter.policy, filter_policies[i])) return rules[i];
  return rules[FM_FILTER_PAPER];
}

/* ---- Columns -------------------------------------------------------------------------------- */

typedef struct table {
  const report *r;
  const report_crops *crops; /* or NULL */
  int32_t count;
  bool gains, shifts, agreements;
} table;

static double mean_of(const report *r, int32_t k) {
  return r->has_stats ? fm_class_stats_mean(stats_file_losses(&r->stats), k, FM_ALL_STRATA)
                      : r->filter.classes[k].mean_loss;
}

static int64_t pixels_of(const report *r, int32_t k) {
  return r->has_stats ? fm_class_stats_pixel_count(r->stats.stats, k, FM_ALL_STRATA) : 0;
}

static const char *name_of(const report *r, int32_t k) {
  return r->has_stats ? fm_labels_class_name(r->stats.labels, k) : r->filter.classes[k].name;
}

static void head(text *t, const char *words, const char *tip) {
  text_add(
      t,
      "<th scope=\"col\" aria-sort=\"none\"><button type=\"button\" class=\"sort\" title=\"%s\">"
      "%s</button></th>",
      tip, words);
}

static void heads(const table *x, text *t) {
  head(t, "Class", "Sort by name");
  if (x->r->has_stats) head(t, "Real pixels", "of the real set");
  head(t, "Mean loss", "on real pixels, nats");
  if (!x->r->has_filter) return;
  head(t, "Threshold", "above it a pixel is dropped");
  head(t, "Synthetic pixels", "of the filtered set");
  head(t, "Dropped", "share of the synthetic pixels; the slider changes it");
  if (x->shifts) {
    head(t, "Shift", "synthetic losses over real ones");
    head(t, "Good lost", "expected share of the good pixels that was dropped");
  }
  if (x->gains) head(t, "Gain", "kept synthetic pixels for each real one");
  if (x->agreements)
    head(t, "Agreement", "1: synthetic images are hard at the places where real ones are");
}

/* A cell; `value` is what it is sorted by. */
static void cell(text *t, double value) {
  if (isfinite(value))
    text_add(t, "<td data-v=\"%.9g\">", value);
  else
    text_add(t, "<td data-v=\"%s\">", value > 0.0 ? "1e99" : "-1");
}

static void number_cell(text *t, double value, const char *format, double factor) {
  char words[48];
  cell(t, value);
  snprintf(words, sizeof words, format, value * factor);
  text_add(t, "%s</td>", isfinite(value) ? words : "&ndash;");
}

static void threshold_cell(const filter_file *file, int32_t k, text *t) {
  const double low = filter_lowest(file, k), high = filter_highest(file, k);
  cell(t, low);
  if (isfinite(low))
    text_add(t, "%.4f", low);
  else
    text_add(t, "none");
  if (file->stratum_count > 1 && isfinite(high)) text_add(t, " to %.4f", high);
  text_add(t, "</td>");
}

static void synthetic_cells(const table *x, int32_t k, text *t) {
  const filter_class *c = &x->r->filter.classes[k];
  const double dropped = c->valid ? (double)c->dropped / (double)c->valid : NAN;
  threshold_cell(&x->r->filter, k, t);
  cell(t, (double)c->valid);
  report_add_count(t, c->valid);
  text_add(t, "</td>");
  text_add(t, "<td class=\"dropped\" data-v=\"%.9g\">", isnan(dropped) ? -1.0 : dropped);
  if (isnan(dropped)) {
    text_add(t, "&ndash;");
  } else {
    text_add(t, "<span class=\"n\">%.1f&nbsp;%%</span>", 100.0 * dropped);
    bar(t, dropped, "hot");
  }
  text_add(t, "</td>");
  if (x->shifts) {
    number_cell(t, x->r->gap.classes[k].shift, "%.2f&times;", 1.0);
    number_cell(t, x->r->gap.classes[k].clean_drop, "%.1f&nbsp;%%", 100.0);
  }
  if (x->gains) number_cell(t, x->r->gap.classes[k].gain, "%.3g", 1.0);
  if (x->agreements) number_cell(t, x->r->gap.classes[k].agreement, "%.2f", 1.0);
}

/* ---- What is in a class ---------------------------------------------------------------------- */

enum { WIDE = 360, HIGH = 84, STEPS = 4 /* bins to a point */ };

static void curve(const int64_t *bins, int first, int end, const char *color, text *t) {
  double most = 0.0;
  for (int i = first; i < end; i += STEPS) {
    double sum = 0.0;
    for (int j = i; j < i + STEPS && j < LOSS_BINS; j++) sum += (double)bins[j];
    most = fmax(most, sum);
  }
  text_add(t, "<polyline class=\"%s\" points=\"", color);
  for (int i = first; i < end && most > 0.0; i += STEPS) {
    double sum = 0.0;
    for (int j = i; j < i + STEPS && j < LOSS_BINS; j++) sum += (double)bins[j];
    text_add(t, "%.1f,%.1f ", (double)WIDE * (i - first) / (end - first),
             HIGH - 2.0 - (HIGH - 8.0) * sqrt(sum / most));
  }
  text_add(t, "\"/>");
}

/* Where nearly all pixels are. */
static void range_of(const int64_t *bins, int *first, int *end) {
  const double pixels = (double)loss_bins_pixels(bins);
  double below = 0.0;
  for (int i = 0; i < LOSS_BINS; i++) {
    below += (double)bins[i];
    if (below > 0.01 * pixels && i < *first) *first = i;
    if (below <= 0.999 * pixels && i + 1 > *end) *end = i + 1;
  }
}

static void distributions(const report *r, int32_t k, text *t) {
  const filter_class *c = &r->filter.classes[k];
  const loss_record *losses = &r->filter.losses;
  if (!losses->class_count || !c->real_bins || !c->real_pixels || !c->valid) return;
  const int64_t *synthetic = &losses->all[(size_t)k * LOSS_BINS];
  int first = LOSS_BINS, end = 1;
  range_of(c->real_bins, &first, &end);
  range_of(synthetic, &first, &end);
  if (first >= end) first = end - 1;
  end = end + STEPS < LOSS_BINS ? end + STEPS : LOSS_BINS;
  text_add(t,
           "<figure class=\"loss\"><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Losses of "
           "real and "
           "synthetic pixels\">",
           WIDE, HIGH);
  curve(c->real_bins, first, end, "real", t);
  curve(synthetic, first, end, "syn", t);
  if (losses->stop_count && isfinite(c->thresholds[0])) {
    int bin = first;
    while (bin < end && loss_bin_start(bin + 1 < LOSS_BINS ? bin + 1 : bin) < c->thresholds[0])
      bin++;
    const double x = (double)WIDE * (bin - first) / (end - first);
    text_add(t, "<line class=\"cut\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%d\"/>", x, x, HIGH);
  }
  text_add(
      t,
      "</svg><figcaption>losses from %.2g to %.2g nats, logarithmic, heights by the square root: "
      "<span "
      "class=\"real\">real</span>, "
      "<span class=\"syn\">synthetic</span>%s</figcaption></figure>\n",
      loss_bin_start(first), loss_bin_start(end < LOSS_BINS ? end : LOSS_BINS - 1),
      losses->stop_count ? ", the line is the threshold" : "");
}

static void facts(const report *r, int32_t k, text *t) {
  const gap_class *g = &r->gap.classes[k];
  text_add(t, "<p class=\"note\">");
  if (isfinite(g->real_mean)) text_add(t, "Real mean %.4g", g->real_mean);
  if (isfinite(g->real_median)) text_add(t, ", median %.4g", g->real_median);
  if (isfinite(g->synthetic_mean))
    text_add(t, "; synthetic mean %.4g, median %.4g", g->synthetic_mean, g->synthetic_median);
  if (isfinite(g->kept_median))
    text_add(t, "; of the kept pixels mean %.4g, median %.4g", g->kept_mean, g->kept_median);
  if (isfinite(g->kept_shift))
    text_add(t, ". Kept pixels are at %.3g times the real ones", g->kept_shift);
  if (isfinite(g->real_above))
    text_add(t, ". Of the real pixels %.1f&nbsp;%% are above the threshold", 100.0 * g->real_above);
  text_add(t, ".</p>\n");
}

/* What was shown in its place. */
static void shown_instead(const report *r, int32_t k, text *t) {
  enum { MOST = 6 };
  confused_pair pairs[MOST];
  const filter_file *file = &r->filter;
  const int count = file->confused.class_count && file->classes[k].dropped
                        ? confusion_top(&file->confused, k, MOST, pairs)
                        : 0;
  for (int i = 0; i < count; i++) {
    text_add(t, i ? ", " : "<p class=\"note\">Dropped pixels show ");
    text_add_html(t, pairs[i].shown == k ? "the class itself, but not clearly"
                                         : file->classes[pairs[i].shown].name);
    text_add(t, " (%.1f&nbsp;%%)",
             100.0 * (double)pairs[i].pixels / (double)file->classes[k].dropped);
  }
  if (count) text_add(t, ".</p>\n");
}

static void details(const table *x, int32_t k, int columns, text *t) {
  const text *pictures = x->crops && x->crops->of[k].length ? &x->crops->of[k] : NULL;
  text_add(t, "<tr class=\"more\" id=\"more%d\" hidden><td colspan=\"%d\"><div class=\"in\">\n",
           (int)k, columns);
  facts(x->r, k, t);
  shown_instead(x->r, k, t);
  text_add(t, "<div class=\"crops\">");
  distributions(x->r, k, t);
  if (pictures) text_add_bytes(t, pictures->data, pictures->length);
  text_add(t, "</div>");
  if (!pictures)
    text_add(t, "<p class=\"note\">%s</p>",
             x->r->filter.classes[k].dropped
                 ? "No pictures: the page would grow too large, or files "
                   "have moved."
                 : "Nothing was dropped here.");
  text_add(t, "</div></td></tr>");
}

static void row(const table *x, int32_t k, double most, double worst, int columns, text *t) {
  uint8_t c[3];
  const report *r = x->r;
  class_color(k, c);
  text_add(t,
           "<tbody data-k=\"%d\"><tr><td data-v=\"%d\"><span class=\"chip\" "
           "style=\"background:#%02x%02x%02x\"></span>",
           (int)k, (int)k, c[0], c[1], c[2]);
  if (r->has_filter)
    text_add(
        t,
        "<button type=\"button\" class=\"open\" aria-expanded=\"false\" aria-controls=\"more%d\">",
        (int)k);
  text_add_html(t, name_of(r, k));
  text_add(t, r->has_filter ? "</button></td>" : "</td>");
  if (r->has_stats) {
    cell(t, (double)pixels_of(r, k));
    report_add_count(t, pixels_of(r, k));
    bar(t, most > 0.0 ? (double)pixels_of(r, k) / most : 0.0, "");
    text_add(t, "</td>");
  }
  cell(t, mean_of(r, k));
  text_add(t, "%.4f", mean_of(r, k));
  bar(t, worst > 0.0 ? mean_of(r, k) / worst : 0.0, "");
  text_add(t, "</td>");
  if (r->has_filter) synthetic_cells(x, k, t);
  text_add(t, "</tr>\n");
  if (r->has_filter) details(x, k, columns, t);
  text_add(t, "</tbody>\n");
}

/* ---- The slider ------------------------------------------------------------------------------ */

static int own_stop(const filter_file *file) {
  const double own = filter_is_paper(file) ? file->tolerance : file->real_share;
  int nearest = 0;
  for (int s = 1; s < file->losses.stop_count; s++)
    if (fabs(file->losses.stops[s] - own) < fabs(file->losses.stops[nearest] - own)) nearest = s;
  return nearest;
}

static void slider(const report *r, text *t) {
  const loss_record *losses = &r->filter.losses;
  if (!losses->stop_count) {
    text_add(t, "<p class=\"note\">%s</p>\n",
             losses->class_count
                 ? "What other settings would drop is not known for this policy: it "
                   "compares more than a pixel's loss."
                 : "What other settings would drop was not counted in this run.");
    return;
  }
  const int own = own_stop(&r->filter);
  text_add(
      t,
      "<div class=\"slide\"><label for=\"stop\">What would be dropped with "
      "<code>--%s</code></label>"
      "<input type=\"range\" id=\"stop\" min=\"0\" max=\"%d\" value=\"%d\" step=\"1\">"
      "<output id=\"told\" for=\"stop\" aria-live=\"polite\">%.4g, as in this run</output></div>\n",
      strcmp(losses->flag, "tolerance") ? "real-share" : "tolerance", losses->stop_count - 1, own,
      losses->stops[own]);
}

/* What the script needs: whole numbers only, and no text of others. */
static void data(const report *r, text *t) {
  const loss_record *losses = &r->filter.losses;
  if (!r->has_filter || !losses->stop_count) return;
  text_add(t, "<script type=\"application/json\" id=\"data\">{\"own\":%d,\"stops\":[",
           own_stop(&r->filter));
  for (int s = 0; s < losses->stop_count; s++)
    text_add(t, "%s%.9g", s ? "," : "", losses->stops[s]);
  text_add(t, "],\"classes\":[");
  for (int32_t k = 0; k < losses->class_count; k++) {
    text_add(t, "%s[%lld", k ? "," : "",
             (long long)loss_bins_pixels(&losses->all[(size_t)k * LOSS_BINS]));
    for (int s = 0; s < losses->stop_count; s++)
      text_add(t, ",%lld", (long long)losses->above[k * losses->stop_count + s]);
    text_add(t, "]");
  }
  text_add(t, "]}</script>\n");
}

void report_classes(const report *r, const report_crops *crops, text *t) {
  table x = {.r = r, .crops = crops};
  double most = 0.0, worst = 0.0;
  int columns = 2;
  x.count = r->has_stats ? r->stats.class_count : r->has_filter ? r->filter.class_count : 0;
  if (!x.count) return;
  for (int32_t k = 0; k < x.count; k++) {
    most = fmax(most, (double)pixels_of(r, k));
    worst = fmax(worst, mean_of(r, k));
    x.shifts = x.shifts || (r->has_filter && isfinite(r->gap.classes[k].shift));
    x.gains = x.gains || (r->has_filter && isfinite(r->gap.classes[k].gain));
    x.agreements = x.agreements || (r->has_filter && isfinite(r->gap.classes[k].agreement));
  }
  columns += r->has_stats + (r->has_filter ? 3 : 0) + 2 * x.shifts + x.gains + x.agreements;
  text_add(t, "<section><h2>Classes</h2>\n<p class=\"note\">%s</p>\n", rule_of(r));
  if (r->has_filter) {
    slider(r, t);
    text_add(
        t,
        "<p class=\"note\">A class opens its losses and its worst and most doubtful places. "
        "Arrow keys go from class to class, Enter opens, Escape closes; the heads sort.</p>\n");
  }
  text_add(t,
           "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Classes\">"
           "<table id=\"classes\"><thead><tr>");
  heads(&x, t);
  text_add(t, "</tr></thead>\n");
  for (int32_t k = 0; k < x.count; k++) row(&x, k, most, worst, columns, t);
  text_add(t, "</table></div></section>\n");
  data(r, t);
}
