/* report/diff_page.c - two runs side by side, as a page. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "report/diff.h"
#include "report/report_images.h"
#include "report/report_pixels.h"

/* ---- Numbers -------------------------------------------------------------------------------- */

static void add_value(text *t, double value, const char *format, double factor) {
  char words[48];
  snprintf(words, sizeof words, format, value * factor);
  text_add(t, "%s", isfinite(value) ? words : "&ndash;");
}

static void number(text *t, diff_pair pair, const char *format, double factor, const char *what) {
  text_add(t, "<li><b>");
  add_value(t, pair.a, format, factor);
  text_add(t, " &rarr; ");
  add_value(t, pair.b, format, factor);
  text_add(t, "</b><span>%s</span></li>\n", what);
}

static void verdict(const run_diff *d, text *t) {
  text_add(t, "<section class=\"verdict\" aria-label=\"Verdict\"><p>");
  text_add_html(t, d->sentence.data);
  text_add(t, "</p>\n<ul class=\"numbers\">");
  number(t, d->kept, "%.1f&nbsp;%%", 100.0, "of the synthetic pixels kept, A and B");
  number(t, d->shift, "%.2f&times;", 1.0, "shift: synthetic losses over real ones");
  number(t, d->clean_drop, "%.1f&nbsp;%%", 100.0, "of the good pixels dropped, as expected");
  if (isfinite(d->agreement.a) || isfinite(d->agreement.b))
    number(t, d->agreement, "%.2f", 1.0, "agreement: hard at the places where real images are");
  text_add(t, "</ul>\n<p class=\"note\">");
  report_add_count(t, d->changed);
  text_add(t, " of ");
  report_add_count(t, d->both);
  text_add(t, " masks that are in both keep another number of pixels; %d of %d classes differ",
           (int)d->changed_count, (int)d->class_count);
  if (d->a->plan && d->b->plan)
    text_add(t, "; the plans have %" PRId64 " and %" PRId64 " images",
             fm_plan_image_count(d->a->plan), fm_plan_image_count(d->b->plan));
  text_add(t, ".</p></section>\n");
}

/* ---- How they were made --------------------------------------------------------------------- */

static void value_cell(const json_t *item, const char *key, text *t) {
  const char *value = json_string_value(json_object_get(item, key));
  text_add(t, "<td class=\"name\">");
  text_add_html(t, value ? value : "\xe2\x80\x93");
  text_add(t, "</td>");
}

static void made_of(const run_diff *d, text *t) {
  size_t index;
  json_t *item;
  text_add(t, "<section><h2>What was done differently</h2>\n");
  if (!json_array_size(d->made_of)) {
    text_add(t,
             "<p class=\"note\">Nothing: the same flags, statistics and names of masks.</p>"
             "</section>\n");
    return;
  }
  text_add(t,
           "<div class=\"scroll\"><table id=\"made\"><thead><tr><th scope=\"col\">What the filter "
           "was made of</th><th scope=\"col\" class=\"name\">A</th><th scope=\"col\" "
           "class=\"name\">B</th></tr></thead><tbody>\n");
  json_array_foreach(d->made_of, index, item) {
    text_add(t, "<tr><td>");
    text_add_html(t, json_string_value(json_object_get(item, "name")));
    text_add(t, "</td>");
    value_cell(item, "a", t);
    value_cell(item, "b", t);
    text_add(t, "</tr>\n");
  }
  text_add(t, "</tbody></table></div></section>\n");
}

/* ---- Classes -------------------------------------------------------------------------------- */

static void head(text *t, const char *words, const char *tip, const char *sorted) {
  text_add(t,
           "<th scope=\"col\" aria-sort=\"%s\"><button type=\"button\" class=\"sort\" "
           "title=\"%s\">%s</button></th>",
           sorted, tip, words);
}

static void cell(text *t, double value, const char *format, double factor) {
  if (isfinite(value))
    text_add(t, "<td data-v=\"%.9g\">", value);
  else
    text_add(t, "<td data-v=\"%s\">", value > 0.0 ? "1e99" : "-1");
  if (isinf(value))
    text_add(t, "none");
  else
    add_value(t, value, format, factor);
  text_add(t, "</td>");
}

static void pair_cells(text *t, diff_pair pair, const char *format, double factor) {
  cell(t, pair.a, format, factor);
  cell(t, pair.b, format, factor);
}

static void row(const diff_class *c, double most, bool shifts, text *t) {
  uint8_t rgb[3];
  const double change = diff_change(c->dropped);
  class_color(c->index, rgb);
  text_add(t,
           "<tbody data-k=\"%d\"><tr%s><td><span class=\"chip\" "
           "style=\"background:#%02x%02x%02x\"></span>",
           (int)c->index, c->changed ? "" : " class=\"same\"", rgb[0], rgb[1], rgb[2]);
  text_add_html(t, c->name);
  text_add(t, "</td>");
  pair_cells(t, c->dropped, "%.1f&nbsp;%%", 100.0);
  text_add(
      t,
      "<td data-v=\"%.9g\">%+.1f<span class=\"bar %s\"><i style=\"width:%.1f%%\"></i></span></td>",
      fabs(change), 100.0 * change, change > 0.0 ? "hot" : "",
      most > 0.0 ? 100.0 * fabs(change) / most : 0.0);
  pair_cells(t, c->low, "%.4f", 1.0);
  if (shifts) {
    pair_cells(t, c->shift, "%.2f&times;", 1.0);
    pair_cells(t, c->clean_drop, "%.1f&nbsp;%%", 100.0);
  }
  text_add(t, "</tr></tbody>\n");
}

static void heads(bool shifts, text *t) {
  head(t, "Class", "Sort by name", "none");
  head(t, "Dropped A", "share of the synthetic pixels", "none");
  head(t, "B", "share of the synthetic pixels", "none");
  head(t, "Change", "in points of a hundred", "descending");
  head(t, "Threshold A", "above it a pixel is dropped", "none");
  head(t, "B", "above it a pixel is dropped", "none");
  if (!shifts) return;
  head(t, "Shift A", "synthetic losses over real ones", "none");
  head(t, "B", "synthetic losses over real ones", "none");
  head(t, "Good lost A", "expected share of the good pixels that was dropped", "none");
  head(t, "B", "expected share of the good pixels that was dropped", "none");
}

static bool same_score(const filter_file *a, const filter_file *b) {
  const bool losses[] = {a->losses.stop_count > 0, b->losses.stop_count > 0};
  return losses[0] == losses[1];
}

static void classes(const run_diff *d, text *t) {
  double most = 0.0;
  bool shifts = false;
  for (int32_t i = 0; i < d->class_count; i++) {
    const diff_class *c = &d->classes[i];
    most = fmax(most, fabs(diff_change(c->dropped)));
    shifts = shifts || isfinite(c->shift.a) || isfinite(c->shift.b);
  }
  text_add(t,
           "<section><h2>Classes</h2>\n<p class=\"note\">The heads sort. Classes in which nothing "
           "differs are pale.%s</p>\n",
           same_score(&d->a->filter, &d->b->filter)
               ? ""
               : " One of the runs compares losses, the other one a score of another scale: their "
                 "thresholds are not alike.");
  text_add(t,
           "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Classes\">"
           "<table id=\"classes\"><thead><tr>");
  heads(shifts, t);
  text_add(t, "</tr></thead>\n");
  for (int32_t i = 0; i < d->class_count; i++) row(&d->classes[i], most, shifts, t);
  text_add(t, "</table></div></section>\n");
}

/* ---- Pictures ------------------------------------------------------------------------------- */

static int panel(const report *r, picture *p, bool photograph, const char *alt, const char *stem,
                 text *t, fault *f) {
  int code = report_panel(r, p, photograph, alt, stem, t, f);
  picture_free(p);
  return code;
}

/* The image, and its mask. */
static int original(const report_images *set, const char *stem, text *t, fault *f) {
  size_t index = 0;
  fm_raster *image = NULL, *mask = NULL;
  int code = report_images_find(set, stem, &index, f);
  if (!code) code = report_images_image(set, index, &image, f);
  if (!code && image) {
    const fm_volume volume = fm_raster_volume(image);
    picture p = picture_of_image(&volume);
    code = panel(set->r, &p, true, "Image", stem, t, f);
  }
  if (!code) code = report_images_mask(set, index, &mask, f);
  if (!code) {
    const fm_plane plane = fm_raster_plane(mask);
    picture p = picture_of_mask(set->labels, &plane);
    code = panel(set->r, &p, false, "Mask", stem, t, f);
  }
  fm_raster_destroy(image);
  fm_raster_destroy(mask);
  return code;
}

static int filtered(const report_images *set, const char *name, const char *stem, text *t,
                    fault *f) {
  size_t index = 0;
  fm_raster *mask = NULL, *made = NULL;
  int code = report_images_find(set, stem, &index, f);
  if (!code) code = report_images_mask(set, index, &mask, f);
  if (code) return code;
  const fm_plane plane = fm_raster_plane(mask);
  code = report_images_filtered(set, index, &plane, &made, f);
  if (!code) {
    const fm_plane after = fm_raster_plane(made);
    picture p = picture_of_filtered(set->labels, &plane, &after);
    code = panel(set->r, &p, false, name, stem, t, f);
  }
  fm_raster_destroy(mask);
  fm_raster_destroy(made);
  return code;
}

static int shots(const run_diff *d, const report_images *a, const report_images *b, text *t,
                 fault *f) {
  int code = EXIT_FINE;
  text_add(t,
           "<section><h2>Where they differ most</h2>\n<p class=\"legend\"><span><i "
           "class=\"hatch\"></i>dropped by the filter</span></p>\n");
  for (int i = 0; i < d->mask_count && !code; i++) {
    const diff_mask *m = &d->masks[i];
    text_add(t, "<div class=\"shot\"><h3>");
    text_add_html(t, m->stem);
    text_add(
        t, " <span>kept %.1f&nbsp;%% in A, %.1f&nbsp;%% in B</span></h3>\n<div class=\"panels\">\n",
        100.0 * m->kept.a, 100.0 * m->kept.b);
    code = original(b, m->stem, t, f);
    if (!code) code = filtered(a, "Filtered in A", m->stem, t, f);
    if (!code) code = filtered(b, "Filtered in B", m->stem, t, f);
    text_add(t, "</div></div>\n");
  }
  text_add(t, "</section>\n");
  return code;
}

/* How names are paired is one setting for all folders: each run's files are listed by its own. */
static int open_images(const report *r, report_images *out, fault *f) {
  folder_names_load(r->filter.names);
  return report_images_open(r, false, out, f);
}

static int pictures(const run_diff *d, text *t, fault *f) {
  report_images a = {0}, b = {0};
  if (!d->mask_count) return EXIT_FINE;
  int code = open_images(d->a, &a, f);
  if (!code) code = open_images(d->b, &b, f);
  if (!code) code = shots(d, &a, &b, t, f);
  report_images_close(&a);
  report_images_close(&b);
  return code;
}

/* ---- The page ------------------------------------------------------------------------------- */

int diff_page(const run_diff *d, text *t, fault *f) {
  text shown = {0};
  fault reason;
  int code = pictures(d, &shown, &reason);
  if (code) code = report_no_pictures(&reason, &shown, f);
  report_begin(t, "FreeMask: two runs", d->b->job->folder);
  text_add(t, "<header><h1>Two runs compared</h1>\n<p>A: ");
  text_add_html(t, d->a->job->folder);
  text_add(t, "<br>B: ");
  text_add_html(t, d->b->job->folder);
  text_add(t, "<br>label space ");
  text_add_html(t, d->b->filter.labels_name);
  text_add(t, "</p></header>\n");
  verdict(d, t);
  made_of(d, t);
  classes(d, t);
  if (shown.length) text_add_bytes(t, shown.data, shown.length);
  report_tail(t);
  text_free(&shown);
  return code;
}
