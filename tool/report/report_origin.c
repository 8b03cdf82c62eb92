/* report/report_origin.c - how a run was made: its inputs, and the command. */
#include <inttypes.h>
#include <string.h>

#include "report/report.h"

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

static bool by_shape(const report *r) {
  const char *by = report_run_text(r, NULL, "hardness_by");
  return by && !strcmp(by, "shape");
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
    if (r->filter.unpaired) text_add(t, " --allow-unpaired");
    if (r->filter.has_siblings) text_add(t, " --siblings");
    if (report_run_text(r, NULL, "references")) word(t, "--references", r->filter.real_masks);
    if (r->filter.weights) {
      text_add(t, " --weights %s --weight-type %s", r->filter.weights, r->filter.weight_type);
      if (r->filter.weight_shape > 0.0)
        text_add(t, " --weight-%s %.6g",
                 strcmp(r->filter.weights, "power") != 0 ? "width" : "gamma",
                 r->filter.weight_shape);
    }
    if (strcmp(r->filter.unseen, "drop") != 0) word(t, "--unseen", r->filter.unseen);
    if (r->filter.min_kept > 0.0) text_add(t, " --min-kept %.6g", r->filter.min_kept);
  }
  const char *plan = report_run_text(r, NULL, "plan_flags");
  const char *resize = report_run_text(r, NULL, "resize");
  if (by_shape(r)) text_add(t, " --shape");
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
    if (r->filter.unpaired)
      text_add(t, "<dt>Unpaired</dt><dd>%" PRId64 " of %" PRId64 " masks</dd>\n",
               r->filter.unpaired, r->filter.count);
    if (r->filter.has_siblings)
      text_add(t, "<dt>Siblings</dt><dd>of %" PRId64 " of %" PRId64 " masks</dd>\n",
               r->filter.siblings, r->filter.count);
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
