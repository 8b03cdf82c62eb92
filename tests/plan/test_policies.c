/* plan/test_policies.c - freemask/planner.h: every policy against its published formula and exact
 * fractions, as counts and as plans.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "plan/generator.h"
#include "suites.h"

enum { MOST = 12, CLASSES = 70, FULL = INT32_MAX };

static fm_context *context;

static void set_up(void) { context = kit_plain_context(); }
static void tear_down(void) { fm_context_destroy(context); }

/* ---- Sharing a budget out, by fractions ----------------------------------------------------
 * Lambda is found by walking over the weights at which masks leave a bound, not by settling masks
 * as the library does. */

/* Products of weights, counts and budgets. 32-bit machines have no integers that are wide enough for those of random
 * masks, which are left out there. */
#ifdef __SIZEOF_INT128__
__extension__ typedef __int128 wide;
enum { POLICIES_AT_RANDOM = FM_PLAN_BLEND + 1 };
#else
typedef int64_t wide;
enum { POLICIES_AT_RANDOM = FM_PLAN_RANK };
#endif

typedef struct fraction {
  wide over, under; /* under is above 0 */
} fraction;

static int compare(fraction a, fraction b) {
  wide left = a.over * b.under, right = b.over * a.under;
  return (left > right) - (left < right);
}

typedef struct shares {
  int n;
  int64_t weight[MOST], low[MOST], high[MOST];
} shares;

static fraction share_at(const shares *s, int i, fraction lambda) {
  fraction share = {lambda.over * s->weight[i], lambda.under};
  fraction low = {s->low[i], 1}, high = {s->high[i], 1};
  if (compare(share, low) < 0) return low;
  return compare(share, high) > 0 ? high : share;
}

/* The sum of the shares over lambda's denominator. */
static wide total_at(const shares *s, fraction lambda) {
  wide sum = 0;
  for (int i = 0; i < s->n; i++) {
    fraction share = share_at(s, i, lambda);
    sum += share.under == 1 ? share.over * lambda.under : share.over;
  }
  return sum;
}

/* The largest lambda of a bound at which the shares do not exceed the budget; then those between
 * their bounds rise evenly. */
static fraction find_lambda(const shares *s, int64_t budget) {
  fraction best = {0, 1};
  for (int i = 0; i < 2 * s->n; i++) {
    fraction point = {i % 2 ? s->high[i / 2] : s->low[i / 2], s->weight[i / 2]};
    if (compare(point, best) > 0 && total_at(s, point) <= (wide)budget * point.under) best = point;
  }
  wide fixed = 0, rising = 0;
  for (int i = 0; i < s->n; i++) {
    fraction own = {best.over * s->weight[i], best.under};
    if (compare(own, (fraction){s->low[i], 1}) < 0)
      fixed += s->low[i];
    else if (compare(own, (fraction){s->high[i], 1}) >= 0)
      fixed += s->high[i];
    else
      rising += s->weight[i];
  }
  return rising ? (fraction){budget - fixed, rising} : best;
}

/* Whole parts, then one each to the largest remainders, equal ones evenly along the ids. */
static void share_out(const shares *s, int64_t budget, int64_t *counts) {
  fraction lambda = find_lambda(s, budget), rest[MOST];
  int64_t left = budget;
  for (int i = 0; i < s->n; i++) {
    fraction share = share_at(s, i, lambda);
    counts[i] = (int64_t)(share.over / share.under);
    rest[i] = (fraction){share.over % share.under, share.under};
    left -= counts[i];
  }
  bool given[MOST] = {false};
  while (left > 0) {
    int largest = -1, equal = 0, seen = 0;
    for (int i = 0; i < s->n; i++)
      if (!given[i] && (largest < 0 || compare(rest[i], rest[largest]) > 0)) largest = i;
    for (int i = 0; i < s->n; i++) equal += !given[i] && compare(rest[i], rest[largest]) == 0;
    fraction cut = rest[largest];
    int64_t ones = left < equal ? left : equal;
    for (int i = 0; i < s->n; i++) {
      if (given[i] || compare(rest[i], cut) != 0) continue;
      given[i] = true;
      counts[i] += (seen + 1) * ones / equal > seen * ones / equal;
      seen++;
    }
    left -= ones;
  }
}

/* ---- Masks ------------------------------------------------------------------------------- */

/* Mask i has the id of two digits i, so that ids sort as indices do. */
typedef struct world {
  int n;
  double hardness[MOST];
  int64_t pixels[MOST][CLASSES];
  int64_t kept[MOST]; /* images that a mask has, with seeds 1000, 1001, ... */
} world;

static bool has(const world *w, int i, int k, int64_t least) { return w->pixels[i][k] >= least; }

static int masks_with(const world *w, int k, int64_t least) {
  int count = 0;
  for (int i = 0; i < w->n; i++) count += has(w, i, k, least);
  return count;
}

/* ---- Weights, each by its formula ---------------------------------------------------------- */

/* min(1 + round((i + 1) / N * n_max), n_max), half to even, in whole numbers; ties by id. */
static int64_t rank_of(const world *w, int mask, int64_t n_max) {
  int easier = 0;
  for (int j = 0; j < w->n; j++)
    easier +=
        w->hardness[j] < w->hardness[mask] || (w->hardness[j] == w->hardness[mask] && j < mask);
  int64_t over = (easier + 1) * n_max, whole = over / w->n, rest = 2 * (over % w->n);
  int64_t count = 1 + whole + (rest > w->n || (rest == w->n && whole % 2));
  return count < n_max ? count : n_max;
}

static long double repeat_factor(const world *w, int mask, const fm_planner_options *o) {
  long double largest = 1, threshold = o->threshold > 0 ? (long double)o->threshold : 0.001L;
  int64_t least = o->min_class_pixels ? o->min_class_pixels : 1;
  for (int k = 0; k < CLASSES; k++) {
    if (!has(w, mask, k, least)) continue;
    long double share = (long double)masks_with(w, k, least) / w->n;
    if (sqrtl(threshold / share) > largest) largest = sqrtl(threshold / share);
  }
  return largest;
}

/* The sum over the mask's classes of softmax((1 - f) / T) / masks, the common factor left out. */
static long double rare_class(const world *w, int mask, const fm_planner_options *o) {
  long double sum = 0, temperature = o->temperature > 0 ? (long double)o->temperature : 0.01L;
  int64_t least = o->min_class_pixels ? o->min_class_pixels : 1, pixels[CLASSES] = {0};
  int64_t all = 0, rarest = INT64_MAX;
  for (int k = 0; k < CLASSES; k++) {
    for (int i = 0; i < w->n; i++) pixels[k] += w->pixels[i][k];
    all += pixels[k];
    if (masks_with(w, k, least) && pixels[k] < rarest) rarest = pixels[k];
  }
  for (int k = 0; k < CLASSES; k++)
    if (has(w, mask, k, least))
      sum += expl(-(long double)(pixels[k] - rarest) / (long double)all / temperature) /
             masks_with(w, k, least);
  return sum;
}

static long double value_of(const world *w, int mask, int32_t policy, const fm_planner_options *o) {
  switch (policy) {
    case FM_PLAN_RANK:
      return (long double)rank_of(w, mask, o->n_max);
    case FM_PLAN_PROPORTIONAL:
      return powl(w->hardness[mask], o->gamma > 0 ? (long double)o->gamma : 1);
    case FM_PLAN_REPEAT_FACTOR:
      return repeat_factor(w, mask, o);
    case FM_PLAN_RARE_CLASS:
      return rare_class(w, mask, o);
    default:
      return 1;
  }
}

/* Values over the largest, times 2^31 - 1, to nearest, at least 1. */
static void to_weights(int n, const long double *values, int64_t *weights) {
  long double most = 0;
  for (int i = 0; i < n; i++) most = values[i] > most ? values[i] : most;
  for (int i = 0; i < n; i++) {
    weights[i] = most > 0 ? (int64_t)floorl(values[i] / most * FULL + 0.5L) : FULL;
    if (!weights[i]) weights[i] = 1;
  }
}

static void find_weights(const world *w, int32_t policy, const fm_planner_options *o,
                         int64_t *weights) {
  long double values[MOST] = {0};
  if (policy != FM_PLAN_BLEND) {
    for (int i = 0; i < w->n; i++) values[i] = value_of(w, i, policy, o);
  } else {
    for (int64_t p = 0; p < o->blend_count; p++) {
      int64_t own[MOST], sum = 0;
      find_weights(w, o->blend[p].policy, o, own);
      for (int i = 0; i < w->n; i++) sum += own[i];
      for (int i = 0; i < w->n; i++)
        values[i] += (long double)o->blend[p].share * (long double)own[i] / (long double)sum;
    }
  }
  to_weights(w->n, values, weights);
}

/* ---- Counts ------------------------------------------------------------------------------------
 */

static int64_t own_count(const world *w, int mask, const fm_planner_options *o, uint64_t drawn) {
  if (o->policy == FM_PLAN_RANK) return rank_of(w, mask, o->n_max);
  if (o->policy == FM_PLAN_UNIFORM) return o->n_max;
  long double factor = repeat_factor(w, mask, o), whole = floorl(factor);
  return (int64_t)whole + ((long double)(drawn >> 11) / 0x1p53L < factor - whole);
}

static void expected_counts(const world *w, const fm_planner_options *o, bool by_id,
                            int64_t *counts) {
  shares s = {.n = w->n};
  int64_t least = 0, paper = 0;
  for (int i = 0; i < w->n; i++) {
    s.low[i] = w->kept[i] > o->n_min ? w->kept[i] : o->n_min;
    s.high[i] = w->kept[i] > o->n_max ? w->kept[i] : o->n_max;
    least += s.low[i];
    paper += rank_of(w, i, o->n_max);
  }
  bool own = o->policy == FM_PLAN_RANK || o->policy == FM_PLAN_UNIFORM ||
             o->policy == FM_PLAN_REPEAT_FACTOR;
  if (own && !o->budget) {
    for (int i = 0; i < w->n; i++) {
      char id[16];
      uint64_t state, index = (uint64_t)i;
      unsigned char bytes[8];
      for (int b = 0; b < 8; b++) bytes[b] = (unsigned char)(index >> 8 * b);
      snprintf(id, sizeof id, "%02d", i);
      state = by_id ? generator_of(~o->plan_seed, id, 2) : generator_of(~o->plan_seed, bytes, 8);
      int64_t count = own_count(w, i, o, generator_next(&state));
      counts[i] = count < s.low[i] ? s.low[i] : count > s.high[i] ? s.high[i] : count;
    }
    return;
  }
  find_weights(w, o->policy, o, s.weight);
  share_out(&s, o->budget ? o->budget : paper > least ? paper : least, counts);
}

static void count_images(const world *w, const fm_planner_options *o, uint32_t *counts) {
  uint64_t classes[MOST][(CLASSES + 63) / 64] = {{0}};
  int64_t pixels[CLASSES] = {0}, least = o->min_class_pixels ? o->min_class_pixels : 1;
  uint32_t kept[MOST];
  for (int i = 0; i < w->n; i++) {
    kept[i] = (uint32_t)w->kept[i];
    for (int k = 0; k < CLASSES; k++) {
      pixels[k] += w->pixels[i][k];
      if (has(w, i, k, least)) classes[i][k / 64] |= UINT64_C(1) << k % 64;
    }
  }
  fm_planner_table table = {.size = sizeof table,
                            .mask_count = w->n,
                            .hardness = w->hardness,
                            .classes = classes[0],
                            .class_count = CLASSES,
                            .class_pixels = pixels,
                            .kept = kept};
  KIT_OK(fm_planner_count_images(context, o, &table, counts, &err));
}

static fm_plan *make_plan(const world *w, const fm_planner_options *o) {
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  KIT_OK(fm_planner_create(context, o, &planner, &err));
  for (int i = w->n - 1; i >= 0; i--) {
    int64_t seeds[64];
    char id[16];
    snprintf(id, sizeof id, "%02d", i);
    for (int64_t s = 0; s < w->kept[i]; s++) seeds[s] = 1000 + s;
    if (w->kept[i] && i % 2) KIT_OK(fm_planner_keep(planner, id, seeds, w->kept[i], &err));
    KIT_OK(fm_planner_add(planner, id, w->hardness[i], w->pixels[i], CLASSES, &err));
    if (w->kept[i] && i % 2 == 0) KIT_OK(fm_planner_keep(planner, id, seeds, w->kept[i], &err));
  }
  KIT_OK(fm_planner_make_plan(planner, &plan, &err));
  fm_planner_destroy(planner);
  return plan;
}

static void expect_counts(const world *w, const fm_planner_options *o) {
  int64_t expected[MOST], sum = 0;
  uint32_t counts[MOST];
  expected_counts(w, o, false, expected);
  count_images(w, o, counts);
  for (int i = 0; i < w->n; i++) {
    ck_assert_msg(counts[i] == expected[i], "policy %d, mask %d of %d: %u, expected %d", o->policy,
                  i, w->n, counts[i], (int)expected[i]);
    sum += counts[i];
  }
  if (o->budget) ck_assert_int_eq(sum, o->budget);
  expected_counts(w, o, true, expected);
  fm_plan *plan = make_plan(w, o);
  for (int i = 0; i < w->n; i++) {
    fm_plan_entry entry = {.size = sizeof entry};
    KIT_OK(fm_plan_get(plan, i, &entry, &err));
    ck_assert_int_eq(entry.count, expected[i]);
    for (int64_t s = 0; s < w->kept[i]; s++) /* others are 42 to 105 */
      ck_assert_int_eq(entry.seeds[entry.count - w->kept[i] + s], 1000 + s);
  }
  fm_plan_destroy(plan);
}

/* ---- By hand ------------------------------------------------------------------------------------
 */

static void expect_by_hand(const world *w, const fm_planner_options *options,
                           const int64_t *expected) {
  fm_planner_options o = *options;
  uint32_t counts[MOST];
  o.size = sizeof o;
  count_images(w, &o, counts);
  for (int i = 0; i < w->n; i++)
    ck_assert_msg(counts[i] == expected[i], "mask %d: %u, expected %d", i, counts[i],
                  (int)expected[i]);
}

#define HAND(w, expected, ...)                       \
  do {                                               \
    const fm_planner_options hand = {__VA_ARGS__};   \
    static const int64_t wanted[] = {LIST expected}; \
    expect_by_hand(w, &hand, wanted);                \
  } while (0)
#define LIST(...) __VA_ARGS__

START_TEST(small_cases_by_hand) {
  const world four = {.n = 4, .hardness = {1, 2, 3, 4}};
  HAND(&four, (6, 11, 16, 20), .policy = FM_PLAN_RANK); /* 1 + 5, 10, 15, 20; at most 20 */
  HAND(&four, (7, 7, 7, 7), .policy = FM_PLAN_UNIFORM, .n_max = 7);
  HAND(&four, (2, 3, 2, 3), .policy = FM_PLAN_UNIFORM, .budget = 10); /* two of four equal ones */
  HAND(&four, (2, 4, 6, 8), .policy = FM_PLAN_PROPORTIONAL, .budget = 20);
  HAND(&four, (2, 4, 7, 7), .policy = FM_PLAN_PROPORTIONAL, .budget = 20, .n_max = 7);
  HAND(&four, (5, 5, 5, 5), .policy = FM_PLAN_PROPORTIONAL, .budget = 20, .n_min = 5);
  HAND(&four, (1, 4, 9, 16), .policy = FM_PLAN_PROPORTIONAL, .budget = 30, .gamma = 2);
  const world squares = {.n = 4, .hardness = {1, 4, 9, 16}};
  HAND(&squares, (1, 2, 3, 4), .policy = FM_PLAN_PROPORTIONAL, .budget = 10, .gamma = 0.5);
  /* Without a budget, what RANK gives: 3 + 6 + 9 + 10 = 28. Lambda 2.8 is 11.2 for the last, which
   * is cut at 10; 18 are left for weights 1, 2 and 3. */
  HAND(&four, (3, 6, 9, 10), .policy = FM_PLAN_PROPORTIONAL, .n_max = 10);
  HAND(&four, (9, 11, 16, 20), .policy = FM_PLAN_RANK, .n_min = 9);
}
END_TEST

/* Class 0 is in all of nine masks, 1 in four of them, 2 in one: with a threshold of 1 the factors
 * are 1, sqrt(9 / 4) = 1.5, and sqrt(9) = 3. */
START_TEST(repeat_factors_by_hand) {
  world w = {.n = 9};
  for (int i = 0; i < 9; i++) w.pixels[i][0] = 100;
  for (int i = 0; i < 4; i++) w.pixels[i][1] = 5;
  w.pixels[8][2] = 5;
  HAND(&w, (3, 3, 3, 3, 2, 2, 2, 2, 6), .policy = FM_PLAN_REPEAT_FACTOR, .threshold = 1,
       .budget = 26);
  HAND(&w, (1, 1, 1, 1, 1, 1, 1, 1, 1), .policy = FM_PLAN_REPEAT_FACTOR, .threshold = 1,
       .min_class_pixels = 6, .n_max = 1);
  /* Of its own: 3 images for the last, 1 for the five others of class 0 alone, 1 or 2 by chance. */
  int twice = 0;
  uint32_t counts[MOST];
  for (uint64_t seed = 0; seed < 400; seed++) {
    fm_planner_options o = {
        .size = sizeof o, .policy = FM_PLAN_REPEAT_FACTOR, .threshold = 1, .plan_seed = seed};
    count_images(&w, &o, counts);
    ck_assert(counts[8] == 3 && counts[4] == 1 && counts[5] == 1 && counts[7] == 1);
    for (int i = 0; i < 4; i++) twice += counts[i] == 2;
    for (int i = 0; i < 4; i++) ck_assert(counts[i] == 1 || counts[i] == 2);
  }
  ck_assert_msg(abs(twice - 800) < 5 * 20, "%d of 1600", twice); /* five standard deviations */
}
END_TEST

/* Two classes of equal pixels: 0 in three masks, 1 in one, each with chance 1/2. The masks of class
 * 0 weigh 1/6 each, the other 1/2. */
START_TEST(rare_classes_by_hand) {
  world w = {.n = 4};
  for (int i = 0; i < 3; i++) w.pixels[i][0] = 10;
  w.pixels[3][1] = 30;
  HAND(&w, (2, 2, 2, 6), .policy = FM_PLAN_RARE_CLASS, .budget = 12);
  const fm_plan_part half_uniform[] = {{FM_PLAN_RARE_CLASS, 0, 3}, {FM_PLAN_UNIFORM, 0, 3}};
  /* 1/6 + 1/4 = 5/12 thrice, 1/2 + 1/4 = 9/12: of 24, with 5 5 5 9. */
  const fm_planner_options blend = {
      .policy = FM_PLAN_BLEND, .budget = 24, .blend = half_uniform, .blend_count = 2};
  expect_by_hand(&w, &blend, (const int64_t[]){5, 5, 5, 9});
  /* Class 1 has twice the pixels, a share of 2/3 to 1/3: e^(-(1/3) / (1/3)) of the chance. A mask
   * of class 0 weighs 1/3, that of class 1 e^-1: 0.906 times as much are 9.06 of 10. */
  w.pixels[3][1] = 60;
  HAND(&w, (10, 10, 10, 11), .policy = FM_PLAN_RARE_CLASS, .budget = 41, .temperature = 1 / 3.0);
}
END_TEST

/* Kept images are a least count, also above n_max. */
START_TEST(kept_by_hand) {
  const world w = {.n = 4, .hardness = {1, 2, 3, 4}, .kept = {9, 0, 0, 25}};
  HAND(&w, (9, 11, 16, 25), .policy = FM_PLAN_RANK);
  HAND(&w, (9, 4, 6, 25), .policy = FM_PLAN_PROPORTIONAL, .budget = 44);
}
END_TEST

/* ---- At random
 * ------------------------------------------------------------------------------------ */

/* Hardness has ties and zeros; squares, so that a root is exact. */
static world random_world(uint64_t *random) {
  world w = {.n = 1 + (int)kit_below(random, MOST)};
  int64_t range = 1 + kit_below(random, 9);
  for (int i = 0; i < w.n; i++) {
    int64_t root = kit_below(random, range);
    w.hardness[i] = (double)(root * root) / 16;
    for (int k = 0; k < CLASSES; k++)
      if (kit_below(random, 4 + 2 * k) == 0) w.pixels[i][k] = 1 + kit_below(random, 5000);
    w.pixels[i][0] += 1;
  }
  if (kit_below(random, 2))
    for (int i = 0; i < w.n; i++) w.kept[i] = kit_below(random, 3) ? 0 : kit_below(random, 40);
  return w;
}

static bool looks_at(const fm_planner_options *o, int32_t policy) {
  for (int64_t p = 0; p < o->blend_count; p++)
    if (o->blend[p].policy == policy) return true;
  return o->policy == policy;
}

static fm_planner_options random_options(uint64_t *random, const world *w, int32_t policy,
                                         const int64_t *seeds, fm_plan_part *parts) {
  static const double gammas[] = {0, 1, 2, 3, 0.5, 1.5}, thresholds[] = {0, 0.1, 0.5, 1};
  static const double temperatures[] = {0, 0.01, 0.1, 1};
  fm_planner_options o = {.size = sizeof o, .policy = policy, .seeds = seeds, .seed_count = 64};
  o.n_max = 1 + (int32_t)kit_below(random, 60);
  o.n_min = kit_below(random, 2) ? 0 : (int32_t)kit_below(random, o.n_max + 1);
  o.plan_seed = kit_random(random);
  if (policy == FM_PLAN_BLEND) {
    o.blend = parts;
    for (int32_t p = FM_PLAN_RANK; p < FM_PLAN_BLEND; p++)
      if (kit_below(random, 2) || p == FM_PLAN_UNIFORM)
        parts[o.blend_count++] = (fm_plan_part){p, 0, (double)(1 + kit_below(random, 8)) / 4};
  }
  if (looks_at(&o, FM_PLAN_PROPORTIONAL)) o.gamma = gammas[kit_below(random, 6)];
  if (looks_at(&o, FM_PLAN_REPEAT_FACTOR)) o.threshold = thresholds[kit_below(random, 4)];
  if (looks_at(&o, FM_PLAN_RARE_CLASS)) o.temperature = temperatures[kit_below(random, 4)];
  if (looks_at(&o, FM_PLAN_REPEAT_FACTOR) || looks_at(&o, FM_PLAN_RARE_CLASS))
    o.min_class_pixels = kit_below(random, 2) ? 0 : 1 + kit_below(random, 2000);
  int64_t least = 0, most = 0;
  for (int i = 0; i < w->n; i++) {
    least += w->kept[i] > o.n_min ? w->kept[i] : o.n_min;
    most += w->kept[i] > o.n_max ? w->kept[i] : o.n_max;
  }
  if (kit_below(random, 4)) o.budget = least + kit_below(random, most - least + 1);
  return o;
}

/* Loop: policies. Fractions decide the last image, so weights may not be off by one: those that
 * are computed in long double here have 64 bits or more. */
START_TEST(random_masks) {
  uint64_t random = 77 + (uint64_t)_i;
  int64_t seeds[64];
  for (int i = 0; i < 64; i++) seeds[i] = 42 + i;
  for (int round = 0; round < 300; round++) {
    world w = random_world(&random);
    fm_plan_part parts[FM_PLAN_BLEND];
    fm_planner_options o = random_options(&random, &w, _i, seeds, parts);
    expect_counts(&w, &o);
  }
}
END_TEST

/* ---- Budgets that cannot be met, tables that lack something
 * ------------------------------------------ */

static void refuse(const fm_planner_options *options, const fm_planner_table *table,
                   fm_status status, const char *text) {
  fm_planner_options o = *options;
  fm_planner_table t = *table;
  uint32_t counts[MOST] = {0};
  o.size = sizeof o;
  t.size = sizeof t;
  KIT_FAILS(status, text, fm_planner_count_images(context, &o, &t, counts, &err));
  for (int i = 0; i < MOST; i++) ck_assert_uint_eq(counts[i], 0);
}

START_TEST(bad_tables_are_refused) {
  static const double hardness[] = {1, -1}, wild[] = {1, (double)INFINITY};
  static const int64_t pixels[] = {3, -1}, huge[] = {INT64_C(1) << 62, 1};
  static const uint64_t classes[] = {1, 2};
  static const uint32_t kept[] = {0, (1 << 20) + 1};
  const fm_planner_table two = {.mask_count = 2, .hardness = hardness};
  const fm_planner_options paper = {.n_max = 3}, rare = {.policy = FM_PLAN_RARE_CLASS};
  const fm_planner_options uniform = {
      .policy = FM_PLAN_UNIFORM, .n_max = 3, .n_min = 1, .budget = 7};
  const fm_planner_options power = {.policy = FM_PLAN_PROPORTIONAL};
  refuse(&uniform, &two, FM_ERR_ARGUMENT, "budget of 7 images does not fit 2 masks");
  refuse(&power, &two, FM_ERR_ARGUMENT, "hardness[1] is -1");
  fm_planner_table table = two;
  table.hardness = NULL;
  refuse(&paper, &table, FM_ERR_ARGUMENT, "uses hardness, which is NULL");
  table.hardness = wild;
  refuse(&paper, &table, FM_ERR_ARGUMENT, "hardness[1] is inf");
  table = two;
  table.mask_count = 0;
  refuse(&paper, &table, FM_ERR_EMPTY, "no mask");
  table.mask_count = -1;
  refuse(&paper, &table, FM_ERR_ARGUMENT, "mask_count is -1");
  table.mask_count = INT64_C(1) << 31;
  refuse(&paper, &table, FM_ERR_LIMIT, "2^31 - 1");
  table = two;
  table.reserved = 1;
  refuse(&paper, &table, FM_ERR_ARGUMENT, "reserved");
  table = two;
  table.kept = kept;
  refuse(&paper, &table, FM_ERR_LIMIT, "kept[1]");
  refuse(&rare, &two, FM_ERR_ARGUMENT, "uses classes");
  table = two;
  table.classes = classes;
  table.class_count = 2;
  refuse(&rare, &table, FM_ERR_ARGUMENT, "class_pixels, which is NULL");
  table.class_pixels = pixels;
  refuse(&rare, &table, FM_ERR_ARGUMENT, "class_pixels[1] is -1");
  table.class_pixels = huge;
  refuse(&rare, &table, FM_ERR_ARGUMENT, "class_pixels[1]");
  table.class_count = 65536;
  refuse(&rare, &table, FM_ERR_ARGUMENT, "class_count is 65536");
}
END_TEST

START_TEST(bad_classes_are_refused) {
  fm_planner_options options = {.size = sizeof options, .policy = FM_PLAN_RARE_CLASS};
  static const int64_t pixels[] = {1, 2}, below[] = {1, -2}, huge[] = {(INT64_C(1) << 62) - 2, 0};
  fm_planner *planner = NULL;
  KIT_OK(fm_planner_create(context, &options, &planner, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "class_pixels is NULL",
            fm_planner_add(planner, "a", 1, NULL, 0, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "class_count is 2", fm_planner_add(planner, "a", 1, NULL, 2, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "class_count is 0", fm_planner_add(planner, "a", 1, pixels, 0, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "class_count is 65536",
            fm_planner_add(planner, "a", 1, pixels, 65536, &err));
  KIT_OK(fm_planner_add(planner, "a", 1, pixels, 2, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "the masks before it have 2",
            fm_planner_add(planner, "b", 1, pixels, 1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "class_pixels[1] is -2",
            fm_planner_add(planner, "b", 1, below, 2, &err));
  KIT_FAILS(FM_ERR_LIMIT, "2^62", fm_planner_add(planner, "b", 1, huge, 2, &err));
  ck_assert_int_eq(fm_planner_mask_count(planner), 1);
  fm_planner_destroy(planner);
}
END_TEST

Suite *policies_suite(void) {
  Suite *suite = suite_create("policies");
  TCase *tests = tcase_create("policies");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, small_cases_by_hand);
  tcase_add_test(tests, repeat_factors_by_hand);
  tcase_add_test(tests, rare_classes_by_hand);
  tcase_add_test(tests, kept_by_hand);
  tcase_add_loop_test(tests, random_masks, FM_PLAN_RANK, POLICIES_AT_RANDOM);
  tcase_add_test(tests, bad_tables_are_refused);
  tcase_add_test(tests, bad_classes_are_refused);
  suite_add_tcase(suite, tests);
  return suite;
}
