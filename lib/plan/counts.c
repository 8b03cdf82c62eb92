/* plan/counts.c - from a policy and the masks to counts. */
#include "plan/counts.h"

#include <inttypes.h>
#include <math.h>

#include "core/fail.h"
#include "core/sort.h"
#include "plan/weights.h"

static int64_t round_half_even(double value) {
  double whole = floor(value), rest = value - whole;
  bool up = rest > 0.5 || (rest == 0.5 && fmod(whole, 2) != 0);
  return (int64_t)whole + up;
}

/* The order of the operations matters. */
uint32_t fm__rank_count(size_t i, size_t n, uint32_t n_max) {
  double share = (double)(i + 1) / (double)n;
  int64_t count = 1 + round_half_even(share * n_max);
  return count < n_max ? (uint32_t)count : n_max;
}

static uint32_t within(uint32_t count, const fm__bounds *bounds, size_t i) {
  uint32_t lowest = fm__lowest(bounds, i), highest = fm__highest(bounds, i);
  return count < lowest ? lowest : count > highest ? highest : count;
}

/* ---- Without a budget ------------------------------------------------------------- */

/* rank_counts[i] for each mask. `items` is overwritten if the order has to be found. */
static void count_by_rank(const fm__masks *masks, uint32_t n_max, uint32_t *items,
                          uint32_t *rank_counts) {
  const uint32_t *order = masks->order;
  if (!order) {
    fm__sort_by_number(items, rank_counts, masks->count, masks->hardness);
    order = items;
  }
  for (size_t i = 0; i < masks->count; i++)
    rank_counts[order[i]] = fm__rank_count(i, masks->count, n_max);
}

/* A repeat factor's whole part, and one more with its fraction's chance. */
static uint32_t round_by_chance(double factor, uint64_t drawn) {
  static const double TO_ONE = 1.0 / 9007199254740992; /* 2^-53 */
  double whole = floor(factor);
  if (whole > INT32_MAX) return INT32_MAX;
  return (uint32_t)whole + ((double)(drawn >> 11) * TO_ONE < factor - whole);
}

/* ---- With one --------------------------------------------------------------------- */

typedef struct span {
  uint64_t least, most;
} span;

static span totals(const fm__bounds *bounds, size_t count) {
  span s = {0, 0};
  for (size_t i = 0; i < count; i++) {
    s.least += fm__lowest(bounds, i);
    s.most += fm__highest(bounds, i);
  }
  return s;
}

/* The budget that was given or, without one, what the paper would give. */
static fm_status find_budget(const fm__policy *policy, const fm__masks *masks,
                             const fm__bounds *bounds, uint64_t *budget, fm_error *err) {
  span possible = totals(bounds, masks->count);
  *budget = policy->budget;
  if (*budget && (*budget < possible.least || *budget > possible.most))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "a budget of %" PRIu64
                    " images does not fit %zu masks, which by their least "
                    "and most get %" PRIu64 " to %" PRIu64,
                    *budget, masks->count, possible.least, possible.most);
  if (*budget) return FM_OK;
  for (size_t i = 0; i < masks->count; i++)
    *budget += fm__rank_count(i, masks->count, policy->n_max);
  if (*budget < possible.least) *budget = possible.least;
  return FM_OK;
}

static bool is_apportioned(const fm__policy *p) {
  return p->budget || p->policy == FM_PLAN_PROPORTIONAL || p->policy == FM_PLAN_RARE_CLASS ||
         p->policy == FM_PLAN_BLEND;
}

static uint32_t count_of(const fm__policy *policy, const fm__masks *masks,
                         const fm__weigher *weigher, size_t i) {
  switch (policy->policy) {
    case FM_PLAN_RANK:
      return weigher->rank_counts[i];
    case FM_PLAN_REPEAT_FACTOR:
      return round_by_chance(fm__repeat_factor(weigher, i),
                             masks->draw(~policy->plan_seed, i, masks->user));
    default:
      return policy->n_max;
  }
}

/* ---- All of it -------------------------------------------------------------------- */

static fm_status check_hardness(const fm__policy *policy, const fm__masks *masks, fm_error *err) {
  bool powers = fm__policy_has(policy, FM_PLAN_PROPORTIONAL);
  if (!powers && !fm__policy_has(policy, FM_PLAN_RANK)) return FM_OK;
  if (!masks->hardness)
    return fm__fail(err, FM_ERR_ARGUMENT, "the policy looks at hardness, which is NULL");
  for (size_t i = 0; i < masks->count; i++)
    if (!isfinite(masks->hardness[i]) || (powers && masks->hardness[i] < 0))
      return fm__fail(err, FM_ERR_ARGUMENT, "hardness[%zu] is %g, expected a finite number%s", i,
                      masks->hardness[i], powers ? " from 0 on" : "");
  return FM_OK;
}

/* Nothing below can fail: from here on `counts` is written, first with what helps to find them. */
static void fill_counts(fm__weigher *weigher, const fm__bounds *bounds, uint64_t budget,
                        uint32_t *rank_counts, uint32_t *counts) {
  const fm__policy *policy = weigher->policy;
  const fm__masks *masks = weigher->masks;
  if (rank_counts) count_by_rank(masks, policy->n_max, counts, rank_counts);
  fm__weigher_look(weigher, rank_counts);
  if (budget) {
    for (size_t i = 0; i < masks->count; i++) counts[i] = fm__weight(weigher, i);
    fm__apportion(counts, masks->count, bounds, budget);
  } else {
    for (size_t i = 0; i < masks->count; i++)
      counts[i] = within(count_of(policy, masks, weigher, i), bounds, i);
  }
}

fm_status fm__count_images(const fm_context *context, const fm__policy *policy,
                           const fm__masks *masks, uint32_t *counts, fm_error *err) {
  fm__bounds bounds = {policy->n_min, policy->n_max, masks->kept};
  fm__weigher weigher;
  uint32_t *rank_counts = NULL;
  uint64_t budget = 0;
  fm_status status = check_hardness(policy, masks, err);
  if (!status && is_apportioned(policy)) status = find_budget(policy, masks, &bounds, &budget, err);
  if (!status) status = fm__weigher_make(context, policy, masks, &weigher, err);
  if (status) return status;
  if (fm__policy_has(policy, FM_PLAN_RANK)) {
    rank_counts = fm__alloc_array(context, masks->count, sizeof *rank_counts);
    if (!rank_counts) status = fm__fail_memory(err, masks->count * sizeof *rank_counts);
  }
  if (!status) fill_counts(&weigher, &bounds, budget, rank_counts, counts);
  fm__free(context, rank_counts);
  fm__weigher_free(context, &weigher);
  return status;
}
