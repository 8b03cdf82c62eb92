/* plan/planner_options.c - which policy, with which numbers. */
#include <inttypes.h>
#include <math.h>

#include "core/fail.h"
#include "core/options.h"
#include "plan/counts.h"
#include "plan/power.h"

enum { DEFAULT_N_MAX = 20, LARGEST_N_MAX = 1 << 20, LARGEST_GAMMA = 64 };
static const double DEFAULT_GAMMA = 1, DEFAULT_THRESHOLD = 0.001, DEFAULT_TEMPERATURE = 0.01;

static fm_status check_counts(const fm_planner_options *o, fm_error *err) {
  if (o->n_max < 1 || o->n_max > LARGEST_N_MAX)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_options: n_max is %d, expected 1 to 1048576",
                    (int)o->n_max);
  if (o->n_min < 0 || o->n_min > o->n_max)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: n_min is %d, expected 0 to n_max, which is %d",
                    (int)o->n_min, (int)o->n_max);
  if (o->budget < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: budget is %" PRId64 ", expected 0 or more", o->budget);
  if (o->min_class_pixels < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: min_class_pixels is %" PRId64 ", expected 0 or more",
                    o->min_class_pixels);
  if (o->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_options: reserved is %d, expected 0",
                    (int)o->reserved);
  return FM_OK;
}

static fm_status check_reals(const fm_planner_options *o, fm_error *err) {
  if (!(o->gamma >= 0 && o->gamma <= LARGEST_GAMMA))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: gamma is %g, expected above 0, up to 64", o->gamma);
  if (!(o->threshold >= 0 && o->threshold <= 1))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: threshold is %g, expected above 0, up to 1", o->threshold);
  if (!(o->temperature >= 0) || isinf(o->temperature))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: temperature is %g, expected a finite number above 0",
                    o->temperature);
  return FM_OK;
}

static fm_status read_blend(const fm_planner_options *o, fm__policy *out, fm_error *err) {
  double sum = 0;
  if (o->policy != FM_PLAN_BLEND) {
    if (!o->blend && !o->blend_count) return FM_OK;
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: blend is given, but policy is not FM_PLAN_BLEND");
  }
  if (!o->blend || o->blend_count < 1 || o->blend_count > FM__SIMPLE_POLICIES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: blend has %zu weights, expected 1 to %d",
                    o->blend ? o->blend_count : 0, (int)FM__SIMPLE_POLICIES);
  for (size_t p = 0; p < o->blend_count; p++) {
    if (!(o->blend[p] >= 0 && o->blend[p] <= 1e9))
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_planner_options: blend[%zu] is %g, expected 0 to 1e9", p, o->blend[p]);
    out->blend[p] = o->blend[p];
    sum += o->blend[p];
  }
  if (sum < 1e-9)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_options: the weights in blend are all 0");
  return FM_OK;
}

fm_status fm__policy_read(const fm_planner_options *options, fm__policy *out, fm_error *err) {
  fm_planner_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_planner_options, blend_count, err);
  if (status) return status;
  if (o.policy < FM_PLAN_RANK || o.policy > FM_PLAN_BLEND)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: policy is %d, expected an fm_plan_policy", (int)o.policy);
  if (!o.n_max) o.n_max = DEFAULT_N_MAX;
  status = check_counts(&o, err);
  if (!status) status = check_reals(&o, err);
  fm__policy policy = {.policy = o.policy, .plan_seed = o.plan_seed};
  if (!status) status = read_blend(&o, &policy, err);
  if (status) return status;
  policy.n_min = (uint32_t)o.n_min;
  policy.n_max = (uint32_t)o.n_max;
  policy.budget = (uint64_t)o.budget;
  policy.gamma = fm__exponent(o.gamma > 0 ? o.gamma : DEFAULT_GAMMA);
  policy.threshold = o.threshold > 0 ? o.threshold : DEFAULT_THRESHOLD;
  policy.temperature = o.temperature > 0 ? o.temperature : DEFAULT_TEMPERATURE;
  policy.min_class_pixels = o.min_class_pixels ? o.min_class_pixels : 1;
  *out = policy;
  return FM_OK;
}
