/* report/report_classes.c - the report's class table, and how the run was made. */
#include <math.h>
#include <string.h>

#include "report/report.h"
#include "report/report_pixels.h"

static void bar(text *t, double share, const char *color) {
  text_add(t, "<span class=\"bar %s\"><i style=\"width:%.1f%%\"></i></span>", color,
           100.0 * fmin(fmax(share, 0.0), 1.0));
}

static double mean_of(const report *r, int32_t k) {
  return r->has_stats ? fm_class_stats_mean(stats_file_losses(&r->stats), k, FM_ALL_STRATA)
                      : r->filter.classes[k].mean_loss;
}

static int64_t pixels_of(const report *r, int32_t k) {
  return r->has_stats ? fm_class_stats_pixel_count(r->stats.stats, k, FM_ALL_STRATA) : 0;
}

static void class_name(const report *r, int32_t k, text *t) {
  uint8_t c[3];
  class_color(k, c);
  text_add(t, "<tr><td><span class=\"chip\" style=\"background:#%02x%02x%02x\"></span>", c[0], c[1],
           c[2]);
  text_add_html(
      t, r->has_stats ? fm_labels_class_name(r->stats.labels, k) : r->filter.classes[k].name);
  text_add(t, "</td>");
}

static void class_real(const report *r, int32_t k, double most, double worst, text *t) {
  if (r->has_stats) {
    text_add(t, "<td>");
    report_add_count(t, pixels_of(r, k));
    bar(t, most > 0.0 ? (double)pixels_of(r, k) / most : 0.0, "");
    text_add(t, "</td>");
  }
  text_add(t, "<td>%.4f", mean_of(r, k));
  bar(t, worst > 0.0 ? mean_of(r, k) / worst : 0.0, "");
  text_add(t, "</td>");
}

static void add_threshold(double threshold, text *t) {
  if (isfinite(threshold))
    text_add(t, "%.4f", threshold);
  else
    text_add(t, "none");
}

static void class_synthetic(const filter_file *file, int32_t k, text *t) {
  const filter_class *c = &file->classes[k];
  const double dropped = c->valid ? (double)c->dropped / (double)c->valid : 0.0;
  text_add(t, "<td>");
  add_threshold(filter_lowest(file, k), t);
  if (file->stratum_count > 1) {
    text_add(t, " to ");
    add_threshold(filter_highest(file, k), t);
  }
  text_add(t, "</td><td>");
  report_add_count(t, c->valid);
  text_add(t, "</td><td>");
  if (c->valid) {
    report_add_percent(t, dropped);
    bar(t, dropped, "hot");
  } else {
    text_add(t, "&ndash;");
  }
  text_add(t, "</td>");
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

void report_classes(const report *r, text *t) {
  const int32_t count = r->has_stats    ? r->stats.class_count
                        : r->has_filter ? r->filter.class_count
                                        : 0;
  double most = 0.0, worst = 0.0;
  if (!count) return;
  for (int32_t k = 0; k < count; k++) {
    most = fmax(most, (double)pixels_of(r, k));
    worst = fmax(worst, mean_of(r, k));
  }
  text_add(
      t,
      "<section><h2>Classes</h2>\n<p class=\"note\">%s</p>\n<div class=\"scroll\" tabindex=\"0\" "
      "role=\"region\" aria-label=\"Classes\">"
      "<table><thead><tr><th scope=\"col\">Class</th>%s<th scope=\"col\">Mean loss, nats</th>%s"
      "</tr></thead><tbody>\n",
      rule_of(r), r->has_stats ? "<th scope=\"col\">Real pixels</th>" : "",
      r->has_filter ? "<th scope=\"col\">Threshold</th><th scope=\"col\">Synthetic pixels</th>"
                      "<th scope=\"col\">Dropped</th>"
                    : "");
  for (int32_t k = 0; k < count; k++) {
    class_name(r, k, t);
    class_real(r, k, most, worst, t);
    if (r->has_filter) class_synthetic(&r->filter, k, t);
    text_add(t, "</tr>\n");
  }
  text_add(t, "</tbody></table></div></section>\n");
}

/* ---- How it was made ------------------------------------------------------------------------ */

static void fact(text *t, const char *what, const char *value) {
  if (!value) return;
  text_add(t, "<dt>%s</dt><dd>", what);
  text_add_html(t, value);
  text_add(t, "</dd>\n");
}

/* A word of a shell command. */
static void word(text *t, const char *flag, const char *value) {
  if (!value) return;
  text quoted = {0};
  const bool plain = value[0] && strspn(value,
                                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789._/:,+-") == strlen(value);
  if (plain) text_add(&quoted, "%s", value);
  for (const char *c = plain ? "" : value; *c; c++) {
    if (c == value) text_add(&quoted, "'");
    if (*c == '\'')
      text_add(&quoted, "'\\''");
    else
      text_add_bytes(&quoted, c, 1);
  }
  if (!plain) text_add(&quoted, value[0] ? "'" : "''");
  text_add(t, " %s ", flag);
  text_add_html(t, quoted.data);
  text_free(&quoted);
}

/* The flags about outputs that differ from the defaults. */
static void network_words(const json_t *object, text *t) {
  network_flags flags;
  if (!json_is_object(object)) return;
  network_flags_load(object, &flags);
  if (flags.kind) word(t, "--kind", network_kinds[flags.kind]);
  word(t, "--channels", flags.channels);
  if (flags.align_corners) text_add(t, " --align-corners");
  if (flags.channels_last) text_add(t, " --channels-last");
  if (flags.compose_first) text_add(t, " --compose-first");
  if (flags.trust_kind) text_add(t, " --trust-kind");
}

/* The flags of one of the two sets. */
static void set_words(const report *r, const char *set, text *t) {
  text flag = {0};
  text_add(&flag, "--%s-masks", set);
  word(t, flag.data, report_run_text(r, set, "masks"));
  for (int i = 0; i < LOSS_FOLDERS; i++) {
    flag.length = 0;
    text_add(&flag, "--%s-%s", set, loss_folders[i].name);
    word(t, flag.data, report_run_text(r, set, loss_folders[i].name));
  }
  flag.length = 0;
  text_add(&flag, "--%s-strata", set);
  word(t, flag.data, report_run_text(r, set, "strata"));
  text_free(&flag);
}

static void run_command(const report *r, text *t) {
  if (!r->run) return;
  text_add(t, "<pre>freemask run");
  word(t, "--labels", report_run_text(r, NULL, "labels"));
  set_words(r, "real", t);
  set_words(r, "synthetic", t);
  network_words(json_object_get(r->run, "network"), t);
  word(t, "--provider", report_run_text(r, NULL, "provider"));
  const json_int_t strata = json_integer_value(json_object_get(r->run, "strata_count"));
  if (strata > 1) text_add(t, " --strata-count %lld", (long long)strata);
  if (r->has_filter) {
    if (r->filter.guarantee.calibration) {
      text_add(t, " --policy %s", r->filter.policy);
      word(t, "--calibration", r->filter.guarantee.calibration);
      text_add(t, " --lose %.6g", r->filter.guarantee.lose);
      if (r->filter.guarantee.confidence > 0.0)
        text_add(t, " --confidence %.6g", r->filter.guarantee.confidence);
    } else if (filter_is_paper(&r->filter))
      text_add(t, " --tolerance %.6g", r->filter.tolerance);
    else
      text_add(t, " --policy %s --real-share %.6g", r->filter.policy, r->filter.real_share);
    if (strcmp(r->filter.unseen, "drop") != 0) word(t, "--unseen", r->filter.unseen);
    if (r->filter.min_kept > 0.0) text_add(t, " --min-kept %.6g", r->filter.min_kept);
  }
  const char *plan = report_run_text(r, NULL, "plan_flags");
  const char *resize = report_run_text(r, NULL, "resize");
  if (resize && strcmp(resize, "512x512") != 0) word(t, "--resize", resize);
  if (plan) {
    text_add(t, " ");
    text_add_html(t, plan);
  }
  word(t, "-o", r->job->folder);
  text_add(t, "</pre>\n");
}

void report_origin(const report *r, text *t) {
  text_add(t, "<section><h2>How it was made</h2>\n<dl>\n");
  fact(t, "Real masks", report_run_text(r, "real", "masks"));
  if (r->has_filter) {
    fact(t, "Synthetic masks", r->filter.masks);
    for (int i = 0; i < LOSS_FOLDERS; i++) fact(t, loss_folders[i].title, r->filter.folders[i]);
    fact(t, "Strata", r->filter.strata);
    fact(t, "Provider", r->filter.provider);
    fact(t, "Policy", r->filter.policy);
    fact(t, "Guarantee", r->filter.guarantee.sentence);
    if (r->filter.guarantee.calibration)
      fact(t, "Calibration", r->filter.guarantee.calibration);
    else if (filter_is_paper(&r->filter))
      text_add(t, "<dt>Tolerance</dt><dd>%.6g</dd>\n", r->filter.tolerance);
    else
      text_add(t, "<dt>Real share</dt><dd>%.6g above the thresholds</dd>\n", r->filter.real_share);
    fact(t, "References", r->filter.real_masks);
    fact(t, "Unseen classes", r->filter.unseen);
    if (r->filter.min_kept > 0.0)
      text_add(t, "<dt>Kept at least</dt><dd>%.4g of each class</dd>\n", r->filter.min_kept);
  }
  fact(t, "Statistics", r->stats_path);
  fact(t, "Plan", report_run_text(r, NULL, "plan_flags"));
  text_add(t, "<dt>FreeMask</dt><dd>%s</dd>\n</dl>\n", fm_version());
  run_command(r, t);
  text_add(t, "</section>\n");
}
