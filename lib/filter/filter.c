/* filter/filter.c - the class-aware noise filter: making one, and what it was made with. */
#include "filter/filter.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "filter/calibration.h"
#include "filter/policy.h"

static const double DEFAULT_TOLERANCE = 1.25, DEFAULT_SHARE = 0.05;

/* ---- Making --------------------------------------------------------------------- */

static fm_status read_options(fm_filter_options *o, const fm_filter_options *options,
                              fm_error *err) {
  fm_status status = FM__OPTIONS_READ(o, options, fm_filter_options, without_reference, err);
  if (status) return status;
  if (o->tolerance == 0) o->tolerance = DEFAULT_TOLERANCE;
  if (!(o->tolerance > 0) || isinf(o->tolerance))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_options: tolerance is %g, expected a finite number above 0",
                    o->tolerance);
  if (o->unseen < FM_UNSEEN_DROP || o->unseen > FM_UNSEEN_GLOBAL_MEAN)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_options: unseen is %d, expected an fm_unseen",
                    (int)o->unseen);
  if (!fm__filter_policy_at(o->policy))
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_filter_options: policy is %d, which this library does not know",
                    (int)o->policy);
  if (o->real_share == 0) o->real_share = DEFAULT_SHARE;
  if (!(o->real_share > 0 && o->real_share < 1))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_options: real_share is %g, expected a share between 0 and 1",
                    o->real_share);
  if (o->without_reference != FM_REFERENCE_REQUIRED &&
      o->without_reference != FM_REFERENCE_OPTIONAL)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_options: without_reference is %d, expected an fm_reference_use",
                    (int)o->without_reference);
  if (o->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_options: reserved is %d, expected 0",
                    (int)o->reserved);
  if (!(o->min_kept_share >= 0 && o->min_kept_share <= 1))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_options: min_kept_share is %g, expected 0 to 1", o->min_kept_share);
  return FM_OK;
}

/* Do policy and statistics go together? */
static fm_status check_policy(const fm__filter_policy *policy, const fm__means *means,
                              fm_error *err) {
  if (policy->needs_histogram && !(means->stats && means->stats->bins))
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "the policy '%s' needs statistics that were made with a histogram",
                    policy->name);
  if (policy->score == means->score) return FM_OK;
  return fm__fail(err, FM_ERR_MISMATCH,
                  policy->score == FM_SCORE_LOSS
                      ? "the policy '%s' compares losses, but the statistics are of FM_SCORE_RANK: "
                        "use their ranks (fm_class_stats_ranks) or another policy"
                      : "the policy '%s' compares FM_SCORE_RANK, but the statistics are of losses: "
                        "make statistics of the score (fm_class_stats_options.ranks)",
                  policy->name);
}

static fm_status find_thresholds(fm_filter *filter, const fm__means *means, fm_error *err) {
  const fm__filter_policy *policy = fm__filter_policy_at(filter->options.policy);
  fm_status status = check_policy(policy, means, err);
  if (status) return status;
  size_t cells = fm__filter_cells(filter);
  filter->thresholds = fm__alloc_array(filter->labels->context, cells, sizeof *filter->thresholds);
  if (!filter->thresholds) return fm__fail_memory(err, cells * sizeof *filter->thresholds);
  status = policy->thresholds(means, &filter->options, filter->thresholds, err);
  for (size_t i = 0; i < cells && !status; i++) filter->thresholds[i] += 0.0F; /* -0 becomes 0 */
  return status;
}

static fm_status make(const fm__means *means, const fm_filter_options *o, fm_filter **out,
                      fm_error *err) {
  const fm_labels *labels = means->labels;
  fm_filter *filter = fm__alloc_zeroed(labels->context, 1, sizeof *filter);
  if (!filter) return fm__fail_memory(err, sizeof *filter);
  filter->labels = fm__labels_hold(labels);
  filter->options = *o;
  filter->strata = means->strata;
  filter->score = means->score;
  filter->rank = means->stats ? fm__score_hold(means->stats->rank) : NULL;
  filter->paired = fm__filter_policy_at(o->policy)->paired;
  fm_status status = find_thresholds(filter, means, err);
  if (status)
    fm_filter_destroy(filter);
  else
    *out = filter;
  return status;
}

fm_status fm_filter_create(const fm_class_stats *stats, const fm_filter_options *options,
                           fm_filter **out, fm_error *err) {
  if (!stats || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_create: an argument is NULL");
  fm_filter_options o;
  fm__means means;
  fm_status status = read_options(&o, options, err);
  if (!status) status = fm__means_of_stats(&means, stats, err);
  return status ? status : make(&means, &o, out, err);
}

fm_status fm_filter_create_from_means(const fm_labels *labels, const fm_mean_table *table,
                                      const fm_filter_options *options, fm_filter **out,
                                      fm_error *err) {
  if (!labels || !table || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_create_from_means: an argument is NULL");
  fm_filter_options o;
  fm__means means;
  fm_status status = read_options(&o, options, err);
  if (!status) status = fm__means_of_table(&means, labels, table, err);
  return status ? status : make(&means, &o, out, err);
}

/* A filter of empty statistics, but for its thresholds. */
static fm_status make_calibrated(const fm_calibration *calibration, const fm_promise *promise,
                                 const fm_filter_options *o, fm_filter **out, fm_error *err) {
  const fm_class_stats *like = calibration->like;
  fm__means means = {.labels = like->labels, .strata = 1, .score = like->score, .stats = like};
  fm_filter_options known = *o;
  known.unseen = FM_UNSEEN_KEEP; /* of a class without images nothing is known */
  fm_status status = make(&means, &known, out, err);
  if (!status) fm__calibration_thresholds(calibration, promise, (*out)->thresholds);
  return status;
}

fm_status fm_filter_create_calibrated(const fm_calibration *calibration, const fm_promise *promise,
                                      const fm_filter_options *options, fm_filter **out,
                                      fm_error *err) {
  if (!calibration || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_create_calibrated: an argument is NULL");
  fm_filter_options o;
  fm_promise p;
  fm_status status = read_options(&o, options, err);
  if (!status) status = fm__promise_read(&p, promise, err);
  if (status) return status;
  if (!calibration->images)
    return fm__fail(err, FM_ERR_EMPTY, "the calibration holds no image: add the real images first");
  return make_calibrated(calibration, &p, &o, out, err);
}

void fm_filter_destroy(fm_filter *filter) {
  if (!filter) return;
  fm_labels *labels = filter->labels;
  fm__free(labels->context, filter->thresholds);
  fm__score_drop(filter->rank);
  fm__free(labels->context, filter);
  fm__labels_drop(labels);
}

/* ---- What it was made with ------------------------------------------------------ */

const fm_labels *fm_filter_labels(const fm_filter *filter) {
  return filter ? filter->labels : NULL;
}

const fm_class_stats *fm_filter_ranks(const fm_filter *filter) {
  return filter && filter->rank ? filter->rank->ranks : NULL;
}

fm_status fm_filter_get_options(const fm_filter *filter, fm_filter_options *out, fm_error *err) {
  if (!filter || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_get_options: an argument is NULL");
  return FM__RESULT_WRITE(out, &filter->options, fm_filter_options, without_reference, err);
}

int32_t fm_filter_stratum_count(const fm_filter *filter) { return filter ? filter->strata : 0; }

float fm_filter_threshold(const fm_filter *filter, int32_t class_index, int32_t stratum) {
  if (!filter || class_index < 0 || class_index >= filter->labels->class_count || stratum < 0 ||
      stratum >= filter->strata)
    return NAN;
  return filter->thresholds[(size_t)class_index * (size_t)filter->strata + (size_t)stratum];
}

fm_status fm_filter_thresholds(const fm_filter *filter, float *out, int64_t count, fm_error *err) {
  if (!filter || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_filter_thresholds: an argument is NULL");
  size_t cells = fm__filter_cells(filter);
  if (count < 0 || (uint64_t)count != cells)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_filter_thresholds: count is %" PRId64
                    ", expected %zu (%d classes with %d strata each)",
                    count, cells, (int)filter->labels->class_count, (int)filter->strata);
  memcpy(out, filter->thresholds, cells * sizeof *out);
  return FM_OK;
}
