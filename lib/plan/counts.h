/* plan/counts.h - how many images each mask gets, by any policy. */
#ifndef FM_PLAN_COUNTS_H
#define FM_PLAN_COUNTS_H

#include <freemask/planner.h>
#include <stdbool.h>

#include "core/context.h"
#include "plan/apportion.h"

enum { FM__SIMPLE_POLICIES = FM_PLAN_BLEND }; /* a blend is made of those before it */

/* fm_planner_options, checked and with the defaults filled in. Seeds apart. */
typedef struct fm__policy {
  int32_t policy;
  uint32_t n_min, n_max;
  uint64_t budget; /* 0: none given */
  uint64_t gamma;  /* in units of 2^-32 */
  double threshold, temperature;
  int64_t min_class_pixels;
  double blend[FM__SIMPLE_POLICIES]; /* all 0 unless the policy is FM_PLAN_BLEND */
  uint64_t plan_seed;
} fm__policy;

fm_status fm__policy_read(const fm_planner_options *options, fm__policy *out, fm_error *err);

/* Is this simple policy the one, or part of the blend? */
static inline bool fm__policy_has(const fm__policy *p, int32_t simple) {
  return p->policy == FM_PLAN_BLEND ? p->blend[simple] > 0 : p->policy == simple;
}

static inline bool fm__policy_needs_classes(const fm__policy *p) {
  return fm__policy_has(p, FM_PLAN_REPEAT_FACTOR) || fm__policy_has(p, FM_PLAN_RARE_CLASS);
}

/* Words of a set of classes. */
static inline size_t fm__class_words(size_t class_count) { return (class_count + 63) / 64; }

/* What a policy looks at, mask by mask in the order of their ids. */
typedef struct fm__masks {
  size_t count;
  const double *hardness;  /* finite; NULL if no policy looks at it */
  const uint64_t *classes; /* [count][words]; NULL if no policy looks at it */
  size_t class_count;
  const int64_t *class_pixels; /* of all masks */
  const uint32_t *kept;        /* images that are there already, or NULL */
  const uint32_t *order;       /* easiest first, or NULL: to be found */
  uint64_t (*draw)(uint64_t seed, size_t i, const void *user); /* a number drawn for a mask */
  const void *user;
} fm__masks;

/* Fills counts[count], or leaves them as they are on failure. Memory: 4 bytes per mask if ranks
 * are looked at, and 32 bytes per class. */
fm_status fm__count_images(const fm_context *context, const fm__policy *policy,
                           const fm__masks *masks, uint32_t *counts, fm_error *err);

/* The paper's count for place i (from 0) of n. */
uint32_t fm__rank_count(size_t i, size_t n, uint32_t n_max);

#endif
