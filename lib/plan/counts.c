/* plan/counts.c - from a policy and the masks to weights, and from weights to counts. */
#include "plan/counts.h"

#include <inttypes.h>
#include <math.h>

#include "core/fail.h"
#include "core/sort.h"
#include "plan/apportion.h"

/* ---- Weights: 1 to FM__FULL_WEIGHT, which the largest value gets, to nearest ------------- */

static uint32_t to_weight(double relative) {
  uint32_t weight = (uint32_t)(relative * FM__FULL_WEIGHT + 0.5);
  return weight ? weight : 1;
}

static uint32_t simple_weight(const fm__weigher *w, int32_t policy, size_t i) {
  const fm__policy_row *row = &fm__policies[policy];
  double most = w->most[policy];
  double relative = most > 0 ? row->value(w, i) / most : 1;
  if (row->bend && most > 0) relative = row->bend(w->policy, relative);
  return to_weight(relative);
}

static double blend_value(const fm__weigher *w, size_t i) {
  double value = 0;
  for (int32_t p = 0; p < FM__POLICIES; p++)
    if (w->portion[p] > 0) value += w->portion[p] * simple_weight(w, p, i);
  return value;
}

static bool is_blend(const fm__policy *policy) { return !fm__policies[policy->policy].value; }

static uint32_t weight_of(const fm__weigher *w, size_t i) {
  int32_t policy = w->policy->policy;
  if (!is_blend(w->policy)) return simple_weight(w, policy, i);
  return to_weight(blend_value(w, i) / w->most[policy]);
}

static void find_most(fm__weigher *w) {
  for (int32_t p = 0; p < FM__POLICIES; p++) {
    if (!fm__policy_has(w->policy, p)) continue;
    for (size_t i = 0; i < w->masks->count; i++) {
      double value = fm__policies[p].value(w, i);
      if (value > w->most[p]) w->most[p] = value;
    }
  }
}

/* In a blend each policy's weights sum up to its part. */
static void find_portions(fm__weigher *w) {
  for (int32_t p = 0; p < FM__POLICIES; p++) {
    if (!fm__policy_has(w->policy, p)) continue;
    uint64_t sum = 0;
    for (size_t i = 0; i < w->masks->count; i++) sum += simple_weight(w, p, i);
    w->portion[p] = w->policy->part[p] / (double)sum;
  }
  double *most = &w->most[w->policy->policy];
  for (size_t i = 0; i < w->masks->count; i++) {
    double value = blend_value(w, i);
    if (value > *most) *most = value;
  }
}

static void weigh(fm__weigher *w, uint32_t *weights) {
  find_most(w);
  if (is_blend(w->policy)) find_portions(w);
  for (size_t i = 0; i < w->masks->count; i++) weights[i] = weight_of(w, i);
}

/* ---- Tables ------------------------------------------------------------------------------- */

/* masks_with[k] = masks that have class k. */
static void count_masks(const fm__masks *masks, double *masks_with) {
  size_t words = fm__class_words(masks->class_count);
  for (size_t i = 0; i < masks->count; i++)
    for (size_t word = 0; word < words; word++)
      for (uint64_t rest = masks->classes[i * words + word]; rest; rest &= rest - 1) {
        size_t k = word * 64 + (size_t)__builtin_ctzll(rest);
        if (k < masks->class_count) masks_with[k]++;
      }
}

static fm_status find_class_values(const fm_context *context, fm__weigher *w, fm_error *err) {
  if (!w->policy->needs.classes) return FM_OK;
  size_t classes = w->masks->class_count;
  double *masks_with = fm__alloc_zeroed(context, classes, sizeof *masks_with);
  if (!masks_with) return fm__fail_memory(err, classes * sizeof *masks_with);
  count_masks(w->masks, masks_with);
  fm_status status = FM_OK;
  for (int32_t p = 0; p < FM__POLICIES && !status; p++) {
    if (!fm__policy_has(w->policy, p) || !fm__policies[p].find_class_values) continue;
    w->class_values[p] = fm__alloc_zeroed(context, classes, sizeof(double));
    if (w->class_values[p])
      fm__policies[p].find_class_values(w, masks_with, w->class_values[p]);
    else
      status = fm__fail_memory(err, classes * sizeof(double));
  }
  fm__free(context, masks_with);
  return status;
}

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

/* ---- Budgets ------------------------------------------------------------------------------ */

/* The budget that was given or, without one, what the paper would give. */
static fm_status find_budget(const fm__policy *policy, const fm__masks *masks,
                             const fm__bounds *bounds, uint64_t *budget, fm_error *err) {
  uint64_t least = 0, most = 0;
  for (size_t i = 0; i < masks->count; i++) {
    least += fm__lowest(bounds, i);
    most += fm__highest(bounds, i);
  }
  *budget = policy->budget;
  if (*budget && (*budget < least || *budget > most))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "a budget of %" PRIu64
                    " images does not fit %zu masks, which by their least "
                    "and most get %" PRIu64 " to %" PRIu64,
                    *budget, masks->count, least, most);
  if (*budget) return FM_OK;
  for (size_t i = 0; i < masks->count; i++)
    *budget += fm__rank_count(i, masks->count, policy->n_max);
  if (*budget < least) *budget = least;
  return FM_OK;
}

static uint32_t within(uint32_t count, const fm__bounds *bounds, size_t i) {
  uint32_t lowest = fm__lowest(bounds, i), highest = fm__highest(bounds, i);
  return count < lowest ? lowest : count > highest ? highest : count;
}

/* ---- All of it ---------------------------------------------------------------------------- */

static fm_status check_hardness(const fm__policy *policy, const fm__masks *masks, fm_error *err) {
  bool signless = policy->needs.hardness;
  if (!signless && !policy->needs.ranks) return FM_OK;
  if (!masks->hardness)
    return fm__fail(err, FM_ERR_ARGUMENT, "the policy uses hardness, which is NULL");
  for (size_t i = 0; i < masks->count; i++)
    if (!isfinite(masks->hardness[i]) || (signless && masks->hardness[i] < 0))
      return fm__fail(err, FM_ERR_ARGUMENT, "hardness[%zu] is %g, expected a finite number%s", i,
                      masks->hardness[i], signless ? " from 0 on" : "");
  return FM_OK;
}

/* Nothing below can fail: from here on `counts` is written, first with what helps to find them. */
static void fill_counts(fm__weigher *w, const fm__bounds *bounds, uint64_t budget,
                        uint32_t *rank_counts, uint32_t *counts) {
  if (rank_counts) count_by_rank(w->masks, w->policy->n_max, counts, rank_counts);
  w->rank_counts = rank_counts;
  if (budget) {
    weigh(w, counts);
    fm__apportion(counts, w->masks->count, bounds, budget);
  } else {
    const fm__policy_row *row = &fm__policies[w->policy->policy];
    for (size_t i = 0; i < w->masks->count; i++)
      counts[i] = within(row->own_count(w, i), bounds, i);
  }
}

fm_status fm__count_images(const fm_context *context, const fm__policy *policy,
                           const fm__masks *masks, uint32_t *counts, fm_error *err) {
  fm__bounds bounds = {policy->n_min, policy->n_max, masks->kept};
  fm__weigher weigher = {.policy = policy, .masks = masks};
  uint32_t *rank_counts = NULL;
  uint64_t budget = 0;
  fm_status status = check_hardness(policy, masks, err);
  if (!status && (policy->budget || !fm__policies[policy->policy].own_count))
    status = find_budget(policy, masks, &bounds, &budget, err);
  if (!status) status = find_class_values(context, &weigher, err);
  if (!status && policy->needs.ranks) {
    rank_counts = fm__alloc_array(context, masks->count, sizeof *rank_counts);
    if (!rank_counts) status = fm__fail_memory(err, masks->count * sizeof *rank_counts);
  }
  if (!status) fill_counts(&weigher, &bounds, budget, rank_counts, counts);
  fm__free(context, rank_counts);
  for (int32_t p = 0; p < FM__POLICIES; p++) fm__free(context, weigher.class_values[p]);
  return status;
}
