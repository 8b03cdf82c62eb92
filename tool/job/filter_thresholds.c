/* job/filter_thresholds.c - the filter of a run, and what other values of its flag would drop. */
#include <stdio.h>

#include "base/alloc.h"
#include "job/filter_run.h"

/* ---- Calibrated thresholds ------------------------------------------------------------------ */

/* Does the calibration belong to these statistics? */
static int check_calibration(const filter_run *r, const stats_file *stats,
                             const stats_file *calibration, fault *f) {
  const char *path = r->job->criterion.calibration;
  int code = stats_file_whole(calibration, path, f);
  if (code) return code;
  if (stats_ranks(stats_file_stats(stats)) != stats_ranks(stats_file_stats(calibration)) ||
      stats_file_strata(stats) != stats_file_strata(calibration))
    return fault_set(
        f, EXIT_DATA,
        "%s: compares another score than %s, expected the output of freemask calibrate "
        "--stats %s",
        path, r->job->stats, r->job->stats);
  if (!json_equal(stats->provider, calibration->provider) &&
      (stats->provider || calibration->provider))
    return fault_set(f, EXIT_DATA, "%s: its losses come from another provider than those of %s",
                     path, r->job->stats);
  return EXIT_FINE;
}

/* Names alone tell, but they tell the usual mistake. */
static void warn_of_same_images(const filter_run *r, const stats_file *stats,
                                const stats_file *calibration) {
  for (size_t i = 0; i < stats->set_count; i++)
    for (size_t k = 0; k < calibration->set_count; k++)
      if (stats->sets[i].identity == calibration->sets[k].identity) {
        fprintf(stderr,
                "freemask: warning: %s was made of masks with the same names as %s: it promises "
                "nothing if the segmenter was trained on these images\n",
                r->job->criterion.calibration, r->job->stats);
        return;
      }
}

static int make_calibrated(filter_run *r, const stats_file *stats, fm_filter_options *options,
                           fault *f) {
  const job_criterion *criterion = &r->job->criterion;
  fm_promise promise = {.size = sizeof promise, .alpha = criterion->lose};
  if (criterion->confidence > 0) promise.delta = 1 - criterion->confidence;
  stats_file file = {0};
  fm_error err;
  int code =
      stats_file_read_calibration(r->ws.context, r->ws.labels, criterion->calibration, &file, f);
  if (!code) code = check_calibration(r, stats, &file, f);
  if (!code && fm_filter_create_calibrated(file.calibration, &promise, options, &r->filter, &err))
    code = fault_library(f, &err, criterion->calibration);
  if (!code)
    code =
        guarantee_make(file.calibration, &promise, criterion->calibration, &r->file.guarantee, f);
  if (!code) warn_of_same_images(r, stats, &file);
  stats_file_free(&file);
  return code;
}

/* ---- The policy's ------------------------------------------------------------------------- */

/* Shares of real pixels above the threshold: few to find wrong pixels; more to train, which also
 * suffers from clean pixels that look odd (doc/policies.md). */
static double share_of(const job_criterion *criterion) {
  if (criterion->real_share > 0) return criterion->real_share;
  return criterion->use == USE_TRAIN ? 0.3 : 0.05;
}

int filter_run_make_filter(filter_run *r, const stats_file *stats, int policy, fault *f) {
  const job_criterion *criterion = &r->job->criterion;
  fm_filter_options options = {.size = sizeof options, .policy = policy};
  fm_error err;
  if (policy == FM_FILTER_PAPER)
    options.tolerance = criterion->tolerance;
  else
    options.real_share = share_of(criterion);
  options.without_reference = criterion->allow_unpaired ? FM_REFERENCE_OPTIONAL : 0;
  options.min_kept_share = criterion->min_kept;
  if (criterion->calibration) return make_calibrated(r, stats, &options, f);
  options.unseen = criterion->unseen;
  if (fm_filter_create(stats->stats, &options, &r->filter, &err))
    return fault_library(f, &err, r->job->stats);
  return EXIT_FINE;
}

/* ---- Beside it ---------------------------------------------------------------------------- */

/* Values of the flag to show what they would drop; the run's own is one of them. */
static void list_stops(int policy, double own, loss_stops *out) {
  static const double shares[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5};
  const bool paper = policy == FM_FILTER_PAPER;
  const int count = paper ? 11 : (int)(sizeof shares / sizeof *shares);
  bool placed = false;
  *out = (loss_stops){.flag = paper ? "tolerance" : "real-share"};
  for (int i = 0; i < count; i++) {
    const double at = paper ? (10.0 + i) / 10.0 : shares[i];
    if (!placed && own <= at) {
      out->at[out->count++] = own;
      placed = true;
      if (own == at) continue;
    }
    out->at[out->count++] = at;
  }
  if (!placed) out->at[out->count++] = own;
}

static int add_stop(filter_run *r, const stats_file *stats, int s, fm_filter_options options,
                    fault *f) {
  fm_filter *filter = NULL;
  fm_error err;
  if (options.policy == FM_FILTER_PAPER)
    options.tolerance = r->stops.at[s];
  else
    options.real_share = r->stops.at[s];
  if (fm_filter_create(stats->stats, &options, &filter, &err))
    return fault_library(f, &err, r->job->stats);
  for (int32_t k = 0; k < stats->class_count; k++)
    r->stops.thresholds[k * r->stops.count + s] = fm_filter_threshold(filter, k, 0);
  fm_filter_destroy(filter);
  return EXIT_FINE;
}

int filter_run_make_stops(filter_run *r, const stats_file *stats, int policy, fault *f) {
  fm_filter_options options = {.size = sizeof options};
  (void)fm_filter_get_options(r->filter, &options, NULL);
  const double own = policy == FM_FILTER_PAPER ? options.tolerance : options.real_share;
  int code = EXIT_FINE;
  r->own_stop = -1;
  if (policy <= FM_FILTER_QUANTILE && fm_filter_stratum_count(r->filter) == 1 &&
      !r->job->criterion.calibration) {
    list_stops(policy, own, &r->stops);
    r->stops.thresholds =
        alloc_zeroed((size_t)stats->class_count * LOSS_STOPS, sizeof *r->stops.thresholds);
    for (int s = 0; s < r->stops.count && !code; s++) {
      code = add_stop(r, stats, s, options, f);
      if (r->stops.at[s] == own && !(options.min_kept_share > 0)) r->own_stop = s;
    }
  }
  loss_table_open(r->ws.labels, &r->stops, &r->counts.losses);
  if (r->own_stop < 0) loss_table_open(r->ws.labels, NULL, &r->counts.kept);
  if (loss_source_show(r->source)) confusion_open(stats->class_count, &r->counts.confused);
  if (!code && r->real.of.real)
    code = agreement_ranks_open(stats->stats, r->job->stats, &r->ranks, f);
  agreement_open(r->ranks.class_count, &r->counts.alike);
  return code;
}
