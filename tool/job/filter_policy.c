/* job/filter_policy.c - which policy a run of `filter` has, and whether flags and statistics are for it. */
#include "job/filter_run.h"

static int check_flags(const filter_run *r, int policy, fault *f) {
  const job_criterion *c = &r->job->criterion;
  const char *name = filter_policies[policy], *real = r->job->real.masks,
             *codes = r->job->references;
  if (c->weight_type && c->weights == NO_WEIGHTS)
    return fault_set(f, EXIT_USAGE, "--weight-type goes with --weights step, ramp or power");
  if ((c->weight_width > 0 && c->weights != FM_WEIGHT_RAMP) ||
      (c->weight_gamma > 0 && c->weights != FM_WEIGHT_POWER))
    return fault_set(f, EXIT_USAGE, "--weight-%s goes with --weights %s",
                     c->weight_width > 0 ? "width" : "gamma",
                     c->weight_width > 0 ? "ramp" : "power");
  if (!c->calibration && (c->lose > 0 || c->confidence > 0))
    return fault_set(f, EXIT_USAGE,
                     "--%s goes with --calibration, expected a file of freemask "
                     "calibrate",
                     c->lose > 0 ? "lose" : "confidence");
  if (c->calibration && (c->tolerance > 0 || c->real_share > 0 || c->use || c->unseen))
    return fault_set(f, EXIT_USAGE,
                     "--%s and --calibration are both given, but the thresholds are "
                     "those of the calibration: expected --lose",
                     c->tolerance > 0 ? "tolerance"
                     : c->unseen      ? "unseen"
                     : c->use         ? "use"
                                      : "real-share");
  if (policy == FM_FILTER_PAPER && (c->real_share > 0 || c->use))
    return fault_set(f, EXIT_USAGE,
                     "--%s goes with the policies quantile, strata and paired, but --policy paper "
                     "has a --tolerance",
                     c->use ? "use" : "real-share");
  if (policy != FM_FILTER_PAPER && c->tolerance > 0)
    return fault_set(f, EXIT_USAGE,
                     "--tolerance goes with --policy paper, but --policy %s has a --real-share",
                     name);
  if (policy != FM_FILTER_PAPER && c->unseen == FM_UNSEEN_GLOBAL_MEAN)
    return fault_set(f, EXIT_USAGE,
                     "--unseen global-mean goes with --policy paper, but --policy %s has no means: "
                     "expected drop or keep",
                     name);
  if (real && codes)
    return fault_set(f, EXIT_USAGE, "--real-masks and --references are both given, expected one");
  if (policy == FM_FILTER_PAIRED && !real && !codes)
    return fault_set(f, EXIT_USAGE,
                     "--policy paired compares with the real image of each mask, expected "
                     "--real-masks and --real-losses (or what else their losses come from), or "
                     "--references");
  if (policy != FM_FILTER_PAIRED && (real || codes || c->allow_unpaired || c->siblings))
    return fault_set(f, EXIT_USAGE, "--%s goes with --policy paired, but the policy is %s",
                     real          ? "real-masks"
                     : codes       ? "references"
                     : c->siblings ? "siblings"
                                   : "allow-unpaired",
                     name);
  return EXIT_FINE;
}

int filter_run_policy(const filter_run *r, const stats_file *stats, int *policy, fault *f) {
  const int made_for = stats_file_policy(stats), given = r->job->criterion.policy;
  *policy = given == POLICY_OF_STATS ? made_for : given;
  const bool scored = *policy == FM_FILTER_STRATA || *policy == FM_FILTER_PAIRED;
  if (scored != (made_for != FM_FILTER_PAPER))
    return fault_set(f, EXIT_DATA,
                     "%s: was made for --policy %s, expected the output of freemask stats --policy "
                     "%s",
                     r->job->stats, filter_policies[made_for], filter_policies[*policy]);
  if (*policy == FM_FILTER_QUANTILE && !stats->histogram && !r->job->criterion.calibration)
    return fault_set(
        f, EXIT_DATA,
        "%s: has no histogram, expected the output of freemask stats --policy quantile "
        "(or --histogram 32)",
        r->job->stats);
  return check_flags(r, *policy, f);
}
