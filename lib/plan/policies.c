/* plan/policies.c - the policies: a table of them, and the functions in it. */
#include <math.h>

#include "core/power.h"
#include "plan/policy.h"

/* ---- Classes of a mask --------------------------------------------------------------- */

static const uint64_t *classes_of(const fm__masks *masks, size_t i) {
  return masks->classes + i * fm__class_words(masks->class_count);
}

/* The classes of a mask one after the other: the first from `k` on, class_count after the last. */
static size_t next_class(const fm__masks *masks, const uint64_t *classes, size_t k) {
  while (k < masks->class_count) {
    uint64_t rest = classes[k / 64] >> k % 64;
    if (rest) return k + (size_t)__builtin_ctzll(rest);
    k = (k / 64 + 1) * 64;
  }
  return masks->class_count;
}

/* ---- RANK: the paper ----------------------------------------------------------------- */

static int64_t round_half_even(double value) {
  double whole = floor(value), rest = value - whole;
  bool up = rest > 0.5 || (rest == 0.5 && fmod(whole, 2) != 0);
  return (int64_t)whole + up;
}

/* The order of the operations matters. */
uint32_t fm__rank_count(uint64_t before, uint64_t n, uint32_t n_max) {
  double share = (double)(before + 1) / (double)n;
  int64_t count = 1 + round_half_even(share * n_max);
  return count < n_max ? (uint32_t)count : n_max;
}

static double rank_value(const fm__weigher *w, size_t i) { return w->rank_counts[i]; }

static uint32_t rank_own_count(const fm__weigher *w, size_t i) { return w->rank_counts[i]; }

/* ---- UNIFORM -------------------------------------------------------------------------- */

static double uniform_value(const fm__weigher *w, size_t i) {
  (void)w;
  (void)i;
  return 1;
}

static uint32_t uniform_own_count(const fm__weigher *w, size_t i) {
  (void)i;
  return w->policy->n_max;
}

/* ---- PROPORTIONAL: hardness to the power gamma ---------------------------------------- */

static double proportional_value(const fm__weigher *w, size_t i) { return w->masks->hardness[i]; }

static double proportional_bend(const fm__policy *policy, double relative) {
  return fm__power(relative, fm__exponent(policy->option[FM_PLAN_PROPORTIONAL]));
}

/* ---- REPEAT_FACTOR: LVIS (CVPR 2019) --------------------------------------------------- */

/* r(c) = max(1, sqrt(t / f(c))), f(c) being the share of masks that have the class. */
static void find_repeat_factors(const fm__weigher *w, const double *masks_with, double *values) {
  double threshold = w->policy->option[FM_PLAN_REPEAT_FACTOR];
  for (size_t k = 0; k < w->masks->class_count; k++) {
    if (masks_with[k] == 0) continue;
    double factor = sqrt(threshold / (masks_with[k] / (double)w->masks->count));
    values[k] = factor > 1 ? factor : 1;
  }
}

/* The largest of the mask's classes; 1 if it has none. */
static double repeat_factor_value(const fm__weigher *w, size_t i) {
  const double *factors = w->class_values[FM_PLAN_REPEAT_FACTOR];
  const uint64_t *classes = classes_of(w->masks, i);
  double largest = 1;
  size_t k = next_class(w->masks, classes, 0);
  for (; k < w->masks->class_count; k = next_class(w->masks, classes, k + 1))
    if (factors[k] > largest) largest = factors[k];
  return largest;
}

/* The factor's whole part, and one more with its fraction's chance. */
static uint32_t repeat_factor_own_count(const fm__weigher *w, size_t i) {
  static const double TO_ONE = 1.0 / 9007199254740992; /* 2^-53 */
  double factor = repeat_factor_value(w, i), whole = floor(factor);
  uint64_t drawn = w->masks->draw(~w->policy->plan_seed, i, w->masks->user);
  if (whole > INT32_MAX) return INT32_MAX;
  return (uint32_t)whole + ((double)(drawn >> 11) * TO_ONE < factor - whole);
}

/* ---- RARE_CLASS: DAFormer (CVPR 2022) -------------------------------------------------- */

/* P(c) = softmax((1 - f_c) / T), f_c being the share of pixels, without the sum, which all masks
 * have in common; over the masks that have the class, one of which is drawn. */
static void find_class_chances(const fm__weigher *w, const double *masks_with, double *values) {
  const int64_t *pixels = w->masks->class_pixels;
  int64_t all = 0, least = INT64_MAX;
  for (size_t k = 0; k < w->masks->class_count; k++) {
    all += pixels[k];
    if (masks_with[k] > 0 && pixels[k] < least) least = pixels[k];
  }
  for (size_t k = 0; k < w->masks->class_count; k++) {
    if (masks_with[k] == 0) continue;
    double above = all ? (double)(pixels[k] - least) / (double)all : 0;
    values[k] = fm__exp_minus(above / w->policy->option[FM_PLAN_RARE_CLASS]) / masks_with[k];
  }
}

static double rare_class_value(const fm__weigher *w, size_t i) {
  const double *chances = w->class_values[FM_PLAN_RARE_CLASS];
  const uint64_t *classes = classes_of(w->masks, i);
  double sum = 0;
  size_t k = next_class(w->masks, classes, 0);
  for (; k < w->masks->class_count; k = next_class(w->masks, classes, k + 1)) sum += chances[k];
  return sum;
}

/* ---- The table ------------------------------------------------------------------------- */

#define OWN_OPTION(field, largest, otherwise) \
  { #field, offsetof(fm_planner_options, field), largest, otherwise }

const fm__policy_row fm__policies[FM__POLICIES] = {
    [FM_PLAN_RANK] = {.name = "FM_PLAN_RANK",
                      .needs = {.ranks = true},
                      .value = rank_value,
                      .own_count = rank_own_count},
    [FM_PLAN_UNIFORM] = {.name = "FM_PLAN_UNIFORM",
                         .value = uniform_value,
                         .own_count = uniform_own_count},
    [FM_PLAN_PROPORTIONAL] = {.name = "FM_PLAN_PROPORTIONAL",
                              .needs = {.hardness = true},
                              .option = OWN_OPTION(gamma, 64, 1),
                              .value = proportional_value,
                              .bend = proportional_bend},
    [FM_PLAN_REPEAT_FACTOR] = {.name = "FM_PLAN_REPEAT_FACTOR",
                               .needs = {.classes = true},
                               .option = OWN_OPTION(threshold, 1, 0.001),
                               .find_class_values = find_repeat_factors,
                               .value = repeat_factor_value,
                               .own_count = repeat_factor_own_count},
    [FM_PLAN_RARE_CLASS] = {.name = "FM_PLAN_RARE_CLASS",
                            .needs = {.classes = true, .class_pixels = true},
                            .option = OWN_OPTION(temperature, 1e9, 0.01),
                            .find_class_values = find_class_chances,
                            .value = rare_class_value},
    [FM_PLAN_BLEND] = {.name = "FM_PLAN_BLEND"},
};
