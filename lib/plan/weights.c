/* plan/weights.c - hardness, class rarity and blends as weights. */
#include "plan/weights.h"

#include <math.h>

#include "core/fail.h"
#include "plan/power.h"

/* ---- Classes ---------------------------------------------------------------------- */

static const uint64_t *classes_of(const fm__masks *masks, size_t i) {
  return masks->classes + i * fm__class_words(masks->class_count);
}

/* The classes of a mask one after the other: the first from `k` on, class_count behind the last. */
static size_t next_class(const fm__masks *masks, const uint64_t *classes, size_t k) {
  while (k < masks->class_count) {
    uint64_t rest = classes[k / 64] >> k % 64;
    if (rest) return k + (size_t)__builtin_ctzll(rest);
    k = (k / 64 + 1) * 64;
  }
  return masks->class_count;
}

/* masks_with[k] = masks that have class k. */
static void count_masks(const fm__masks *masks, double *masks_with) {
  for (size_t i = 0; i < masks->count; i++) {
    const uint64_t *classes = classes_of(masks, i);
    size_t k = next_class(masks, classes, 0);
    for (; k < masks->class_count; k = next_class(masks, classes, k + 1)) masks_with[k]++;
  }
}

/* r(c) = max(1, sqrt(t / f(c))), f(c) the share of masks with the class (LVIS, CVPR 2019). */
static void find_factors(fm__weigher *w, const double *masks_with) {
  for (size_t k = 0; k < w->masks->class_count; k++) {
    if (masks_with[k] == 0) continue;
    double factor = sqrt(w->policy->threshold / (masks_with[k] / (double)w->masks->count));
    w->factors[k] = factor > 1 ? factor : 1;
  }
}

/* P(c) = softmax((1 - f_c) / T), f_c the share of pixels (DAFormer, CVPR 2022), without the
 * sum, which all masks share; over the masks that have the class, one of which is drawn. */
static void find_chances(fm__weigher *w, const double *masks_with) {
  const int64_t *pixels = w->masks->class_pixels;
  int64_t all = 0, least = INT64_MAX;
  for (size_t k = 0; k < w->masks->class_count; k++) {
    all += pixels[k];
    if (masks_with[k] > 0 && pixels[k] < least) least = pixels[k];
  }
  for (size_t k = 0; k < w->masks->class_count; k++) {
    if (masks_with[k] == 0) continue;
    double above = all ? (double)(pixels[k] - least) / (double)all : 0;
    w->chances[k] = fm__exp_minus(above / w->policy->temperature) / masks_with[k];
  }
}

double fm__repeat_factor(const fm__weigher *weigher, size_t i) {
  const fm__masks *masks = weigher->masks;
  const uint64_t *classes = classes_of(masks, i);
  double largest = 1;
  size_t k = next_class(masks, classes, 0);
  for (; k < masks->class_count; k = next_class(masks, classes, k + 1))
    if (weigher->factors[k] > largest) largest = weigher->factors[k];
  return largest;
}

static double chance_of(const fm__weigher *w, size_t i) {
  const uint64_t *classes = classes_of(w->masks, i);
  double sum = 0;
  size_t k = next_class(w->masks, classes, 0);
  for (; k < w->masks->class_count; k = next_class(w->masks, classes, k + 1)) sum += w->chances[k];
  return sum;
}

/* ---- Values ----------------------------------------------------------------------- */

static uint32_t to_weight(double share) {
  uint32_t weight = (uint32_t)(share * FM__FULL_WEIGHT + 0.5);
  return weight ? weight : 1;
}

/* A simple policy's value; only relative to each other do they mean something. */
static double value_of(const fm__weigher *w, int32_t simple, size_t i) {
  switch (simple) {
    case FM_PLAN_RANK:
      return w->rank_counts[i];
    case FM_PLAN_PROPORTIONAL:
      return w->masks->hardness[i];
    case FM_PLAN_REPEAT_FACTOR:
      return fm__repeat_factor(w, i);
    case FM_PLAN_RARE_CLASS:
      return chance_of(w, i);
    default:
      return 1;
  }
}

static uint32_t simple_weight(const fm__weigher *w, int32_t simple, size_t i) {
  double most = w->most[simple];
  double share = most > 0 ? value_of(w, simple, i) / most : 1;
  if (simple == FM_PLAN_PROPORTIONAL && most > 0) share = fm__power(share, w->policy->gamma);
  return to_weight(share);
}

static double blend_value(const fm__weigher *w, size_t i) {
  double value = 0;
  for (int32_t p = 0; p < FM__SIMPLE_POLICIES; p++)
    if (w->portion[p] > 0) value += w->portion[p] * simple_weight(w, p, i);
  return value;
}

uint32_t fm__weight(const fm__weigher *weigher, size_t i) {
  int32_t policy = weigher->policy->policy;
  if (policy != FM_PLAN_BLEND) return simple_weight(weigher, policy, i);
  return to_weight(blend_value(weigher, i) / weigher->most[FM_PLAN_BLEND]);
}

/* ---- Making ----------------------------------------------------------------------- */

static void find_most(fm__weigher *w) {
  for (int32_t p = 0; p < FM__SIMPLE_POLICIES; p++) {
    if (!fm__policy_has(w->policy, p)) continue;
    for (size_t i = 0; i < w->masks->count; i++) {
      double value = value_of(w, p, i);
      if (value > w->most[p]) w->most[p] = value;
    }
  }
}

/* In a blend each policy's weights sum up to its part. */
static void find_portions(fm__weigher *w) {
  for (int32_t p = 0; p < FM__SIMPLE_POLICIES; p++) {
    if (!fm__policy_has(w->policy, p)) continue;
    uint64_t sum = 0;
    for (size_t i = 0; i < w->masks->count; i++) sum += simple_weight(w, p, i);
    w->portion[p] = w->policy->blend[p] / (double)sum;
  }
  for (size_t i = 0; i < w->masks->count; i++) {
    double value = blend_value(w, i);
    if (value > w->most[FM_PLAN_BLEND]) w->most[FM_PLAN_BLEND] = value;
  }
}

static fm_status find_classes(const fm_context *context, fm__weigher *w, fm_error *err) {
  size_t classes = w->masks->class_count;
  double *masks_with = fm__alloc_zeroed(context, classes, sizeof *masks_with);
  w->factors = fm__alloc_zeroed(context, classes, sizeof *w->factors);
  w->chances = fm__alloc_zeroed(context, classes, sizeof *w->chances);
  fm_status status = FM_OK;
  if (masks_with && w->factors && w->chances) {
    count_masks(w->masks, masks_with);
    find_factors(w, masks_with);
    if (fm__policy_has(w->policy, FM_PLAN_RARE_CLASS)) find_chances(w, masks_with);
  } else {
    status = fm__fail_memory(err, classes * sizeof *masks_with);
  }
  fm__free(context, masks_with);
  return status;
}

fm_status fm__weigher_make(const fm_context *context, const fm__policy *policy,
                           const fm__masks *masks, fm__weigher *out, fm_error *err) {
  *out = (fm__weigher){.policy = policy, .masks = masks};
  if (!fm__policy_needs_classes(policy)) return FM_OK;
  fm_status status = find_classes(context, out, err);
  if (status) fm__weigher_free(context, out);
  return status;
}

void fm__weigher_look(fm__weigher *weigher, const uint32_t *rank_counts) {
  weigher->rank_counts = rank_counts;
  find_most(weigher);
  if (weigher->policy->policy == FM_PLAN_BLEND) find_portions(weigher);
}

void fm__weigher_free(const fm_context *context, fm__weigher *weigher) {
  fm__free(context, weigher->chances);
  fm__free(context, weigher->factors);
}
