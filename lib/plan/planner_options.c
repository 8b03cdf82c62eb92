/* plan/planner_options.c - which policy, with which numbers. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "plan/policy.h"

enum { DEFAULT_N_MAX = 20 };
static const double LEAST_SHARE = 1e-9, LARGEST_SHARE = 1e9;

static fm_status check_counts(const fm_planner_options *o, fm_error *err) {
  if (o->n_max < 1 || o->n_max > FM__MOST_IMAGES_OF_MASK)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_options: n_max is %d, expected 1 to 1048576",
                    (int)o->n_max);
  if (o->n_min < 0 || o->n_min > o->n_max)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: n_min is %d, expected 0 to n_max, which is %d",
                    (int)o->n_min, (int)o->n_max);
  if (o->budget < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: budget is %" PRId64 ", expected 0 or more", o->budget);
  if (o->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_options: reserved is %d, expected 0",
                    (int)o->reserved);
  return FM_OK;
}

/* ---- Parts ----------------------------------------------------------------------------- */

static fm_status read_part(const fm_plan_part *part, int64_t i, fm__policy *out, fm_error *err) {
  bool known = part->policy >= 0 && part->policy < FM__POLICIES && fm__policies[part->policy].value;
  if (!known)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: blend[%" PRId64
                    "].policy is %d, expected an fm_plan_policy other than FM_PLAN_BLEND",
                    i, (int)part->policy);
  if (part->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: blend[%" PRId64 "].reserved is %d, expected 0", i,
                    (int)part->reserved);
  if (!(part->share >= LEAST_SHARE && part->share <= LARGEST_SHARE))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: blend[%" PRId64 "].share is %g, expected 1e-9 to 1e9", i,
                    part->share);
  if (out->part[part->policy] > 0)
    return fm__fail(err, FM_ERR_DUPLICATE, "fm_planner_options: %s is in the blend twice",
                    fm__policies[part->policy].name);
  out->part[part->policy] = part->share;
  return FM_OK;
}

static fm_status read_parts(const fm_planner_options *o, fm__policy *out, fm_error *err) {
  if (o->policy != FM_PLAN_BLEND) {
    out->part[o->policy] = 1;
    if (!o->blend && !o->blend_count) return FM_OK;
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: blend is given, but policy is %s, not FM_PLAN_BLEND",
                    fm__policies[o->policy].name);
  }
  if (!o->blend || o->blend_count < 1)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: policy is FM_PLAN_BLEND, but blend has no parts");
  fm_status status = FM_OK;
  for (int64_t i = 0; i < o->blend_count && !status; i++)
    status = read_part(&o->blend[i], i, out, err);
  return status;
}

/* ---- Options of one policy --------------------------------------------------------------- */

static fm_status check_unused(bool given, const char *name, const char *users, fm_error *err) {
  if (!given) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_planner_options: %s is set, but only %s uses it, which is neither the policy "
                  "nor part of the blend",
                  name, users);
}

static fm_status read_own_option(fm_planner_options *o, int32_t policy, fm__policy *out,
                                 fm_error *err) {
  const fm__policy_row *row = &fm__policies[policy];
  if (!row->option.name) return FM_OK;
  double *value = &out->option[policy];
  memcpy(value, (const char *)o + row->option.offset, sizeof *value);
  if (!fm__policy_has(out, policy))
    return check_unused(*value != 0, row->option.name, row->name, err);
  if (!(*value >= 0 && *value <= row->option.most))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: %s is %g, expected above 0, up to %g", row->option.name,
                    *value, row->option.most);
  if (*value == 0) *value = row->option.fallback;
  memcpy((char *)o + row->option.offset, value, sizeof *value);
  return FM_OK;
}

static void add_needs(const fm__needs *row, fm__needs *all) {
  all->ranks |= row->ranks;
  all->hardness |= row->hardness;
  all->classes |= row->classes;
  all->class_pixels |= row->class_pixels;
}

static fm_status read_own_options(fm_planner_options *o, fm__policy *out, fm_error *err) {
  fm_status status = FM_OK;
  for (int32_t p = 0; p < FM__POLICIES && !status; p++) {
    if (fm__policy_has(out, p)) add_needs(&fm__policies[p].needs, &out->needs);
    status = read_own_option(o, p, out, err);
  }
  if (status) return status;
  if (!out->needs.classes)
    return check_unused(o->min_class_pixels != 0, "min_class_pixels", "a policy that uses classes",
                        err);
  if (o->min_class_pixels < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: min_class_pixels is %" PRId64 ", expected 0 or more",
                    o->min_class_pixels);
  if (!o->min_class_pixels) o->min_class_pixels = 1;
  return FM_OK;
}

/* ---- All of it ---------------------------------------------------------------------------- */

fm_status fm__policy_read(const fm_planner_options *options, fm_planner_options *known,
                          fm__policy *out, fm_error *err) {
  fm_planner_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_planner_options, blend_count, err);
  if (status) return status;
  if (o.policy < 0 || o.policy >= FM__POLICIES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: policy is %d, expected an fm_plan_policy", (int)o.policy);
  if (!o.n_max) o.n_max = DEFAULT_N_MAX;
  fm__policy policy = {.policy = o.policy, .plan_seed = o.plan_seed};
  status = check_counts(&o, err);
  if (!status) status = read_parts(&o, &policy, err);
  if (!status) status = read_own_options(&o, &policy, err);
  if (status) return status;
  policy.n_min = (uint32_t)o.n_min;
  policy.n_max = (uint32_t)o.n_max;
  policy.budget = (uint64_t)o.budget;
  policy.min_class_pixels = o.min_class_pixels;
  *known = o;
  *out = policy;
  return FM_OK;
}
