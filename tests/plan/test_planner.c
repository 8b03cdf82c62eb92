/* plan/test_planner.c - freemask/planner.h: counts, ranks, seeds, reading a plan, errors.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "plan/generator.h"
#include "suites.h"

static fm_context *context;

static void set_up(void) { context = kit_plain_context(); }
static void tear_down(void) { fm_context_destroy(context); }

static fm_planner *planner_with(const fm_planner_options *options) {
  fm_planner *planner = NULL;
  KIT_OK(fm_planner_create(context, options, &planner, &err));
  return planner;
}

static void add(fm_planner *planner, const char *id, double hardness) {
  KIT_OK(fm_planner_add(planner, id, hardness, NULL, 0, &err));
}

static fm_plan *make(const fm_planner *planner) {
  fm_plan *plan = NULL;
  KIT_OK(fm_planner_make_plan(planner, &plan, &err));
  return plan;
}

static fm_plan_entry row(const fm_plan *plan, int64_t index) {
  fm_plan_entry entry = {.size = sizeof entry};
  KIT_OK(fm_plan_get(plan, index, &entry, &err));
  ck_assert_uint_eq(entry.size, sizeof entry);
  return entry;
}

static fm_plan_entry row_of(const fm_plan *plan, const char *id) {
  int64_t index = fm_plan_find(plan, id);
  ck_assert_msg(index >= 0, "%s is not in the plan", id);
  fm_plan_entry entry = row(plan, index);
  ck_assert_str_eq(entry.mask_id, id);
  return entry;
}

/* ---- Counts ---------------------------------------------------------------------------- */

/* Half to even by the platform: nearbyint under the default rounding mode. */
static int64_t formula(int64_t i, int64_t masks, int64_t n_max) {
  double share = (double)(i + 1) / (double)masks;
  int64_t count = 1 + (int64_t)nearbyint(share * (double)n_max);
  return count < n_max ? count : n_max;
}

static void expect_counts(int64_t masks, int32_t n_max, const int64_t *expected) {
  fm_planner_options options = {.size = sizeof options, .n_max = n_max};
  fm_planner *planner = planner_with(&options);
  char id[32];
  for (int64_t i = 0; i < masks; i++) {
    snprintf(id, sizeof id, "mask%05lld", (long long)(masks - i));
    add(planner, id, (double)i);
  }
  fm_plan *plan = make(planner);
  ck_assert_int_eq(fm_plan_mask_count(plan), masks);
  int64_t images = 0;
  for (int64_t i = 0; i < masks; i++) {
    snprintf(id, sizeof id, "mask%05lld", (long long)(masks - i));
    fm_plan_entry entry = row_of(plan, id);
    ck_assert_int_eq(entry.rank, i + 1);
    ck_assert(entry.hardness == (double)i);
    int64_t count = expected ? expected[i] : formula(i, masks, n_max);
    ck_assert_msg(entry.count == count, "N %d, place %d: %d, expected %d", (int)masks, (int)i,
                  (int)entry.count, (int)count);
    images += count;
  }
  ck_assert_int_eq(fm_plan_image_count(plan), images);
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
}

START_TEST(small_cases_of_the_paper) {
  static const int64_t one[] = {20}, two[] = {11, 20}, five[] = {5, 9, 13, 17, 20};
  expect_counts(1, 20, one);
  expect_counts(2, 20, two);
  expect_counts(5, 20, five);
  static const int64_t three_of_one[] = {1, 1, 1};
  expect_counts(3, 1, three_of_one);
}
END_TEST

/* Loop: n_max. Rounding half away from zero would differ for 10 of 40 masks at 20; multiplying
 * before dividing at N 22, 26 and 38. */
START_TEST(counts_round_half_to_even) {
  static const int64_t sizes[] = {3, 4, 7, 8, 16, 22, 26, 38, 40, 64, 99, 160};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) expect_counts(sizes[i], _i, NULL);
  if (_i != 20) return;
  int differ = 0;
  for (int64_t i = 0; i < 40; i++) {
    int64_t away = 1 + (int64_t)round((double)(i + 1) / 40.0 * 20.0);
    differ += (away < 20 ? away : 20) != formula(i, 40, 20);
  }
  ck_assert_int_eq(differ, 10);
}
END_TEST

/* Loop: the two data sets of the paper. */
START_TEST(totals_of_the_paper) {
  static const struct {
    int64_t masks;
    int32_t n_max;
    int64_t images, with_one, with_most, repeats;
  } sets[] = {{20210, 20, 221814, 505, 1516, 11}, {118287, 6, 463293, 9857, 29572, 4}};
  fm_planner_options options = {.size = sizeof options, .n_max = sets[_i].n_max};
  fm_planner *planner = planner_with(&options);
  uint64_t random = 5;
  char id[32];
  for (int64_t i = 0; i < sets[_i].masks; i++) {
    snprintf(id, sizeof id, "ADE_train_%08lld", (long long)i);
    add(planner, id, (double)kit_plain_loss(&random));
  }
  fm_plan *plan = make(planner);
  ck_assert_int_eq(fm_plan_mask_count(plan), sets[_i].masks);
  ck_assert_int_eq(fm_plan_image_count(plan), sets[_i].images);
  ck_assert_int_eq(fm_plan_real_repeats(plan), sets[_i].repeats);
  int64_t with_one = 0, with_most = 0;
  for (int64_t i = 0; i < sets[_i].masks; i++) {
    fm_plan_entry entry = row(plan, i);
    with_one += entry.count == 1;
    with_most += entry.count == sets[_i].n_max;
  }
  ck_assert_int_eq(with_one, sets[_i].with_one);
  ck_assert_int_eq(with_most, sets[_i].with_most);
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
}
END_TEST

/* round(images / masks), half to even. One mask of n_max 1 to 3 gives n_max; two
 * masks of n_max 2 give 2, 2; two of 4: 3, 4 -> 3.5 -> 4; two of 3: round(1.5) = 2 -> 3, 3. */
START_TEST(real_repeats_round_half_to_even) {
  static const struct {
    int masks;
    int32_t n_max;
    int64_t images, repeats;
  } cases[] = {{1, 1, 1, 1},  {1, 3, 3, 3},  {2, 2, 4, 2},    {2, 4, 7, 4},
               {2, 6, 10, 5}, {2, 8, 13, 6}, {2, 12, 19, 10}, {2, 16, 25, 12}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_planner_options options = {.size = sizeof options, .n_max = cases[i].n_max};
    fm_planner *planner = planner_with(&options);
    for (int m = 0; m < cases[i].masks; m++) add(planner, m ? "b" : "a", m);
    fm_plan *plan = make(planner);
    ck_assert_int_eq(fm_plan_image_count(plan), cases[i].images);
    ck_assert_int_eq(fm_plan_real_repeats(plan), cases[i].repeats);
    fm_plan_destroy(plan);
    fm_planner_destroy(planner);
  }
}
END_TEST

/* ---- Ranks ------------------------------------------------------------------------------ */

START_TEST(ties_go_by_id) {
  static const struct {
    const char *id;
    double hardness;
  } rows[] = {{"b", 1},       {"a", 1},      {"\xC3\xA4", 1},      {"B", 1},
              {"ba", 1},      {"zero", 0.0}, {"minus zero", -0.0}, {"least", -3},
              {"most", 1e300}};
  /* Hardness -3 < -0 = 0 < 1: ranks by hand. */
  static const int64_t ranks[] = {6, 5, 8, 4, 7, 3, 2, 1, 9};
  size_t count = sizeof rows / sizeof *rows;
  uint64_t random = 3;
  for (int round = 0; round < 20; round++) {
    int order[16];
    for (int i = 0; i < (int)count; i++) order[i] = i;
    for (int i = (int)count - 1; i > 0; i--) {
      int j = (int)kit_below(&random, i + 1), keep = order[i];
      order[i] = order[j];
      order[j] = keep;
    }
    fm_planner *planner = planner_with(NULL);
    for (size_t i = 0; i < count; i++) add(planner, rows[order[i]].id, rows[order[i]].hardness);
    fm_plan *plan = make(planner);
    for (size_t i = 0; i < count; i++) ck_assert_int_eq(row_of(plan, rows[i].id).rank, ranks[i]);
    /* Rows are in the order of the ids' bytes. */
    for (int64_t i = 1; i < (int64_t)count; i++)
      ck_assert_int_lt(strcmp(row(plan, i - 1).mask_id, row(plan, i).mask_id), 0);
    fm_plan_destroy(plan);
    fm_planner_destroy(planner);
  }
}
END_TEST

/* ---- Seeds ------------------------------------------------------------------------------ */

static uint32_t below(uint64_t *state, uint32_t bound) {
  for (;;) {
    uint64_t m = (generator_next(state) >> 32) * bound;
    uint64_t reject = (UINT64_C(0x100000000) - bound) % bound;
    if ((m & UINT64_C(0xFFFFFFFF)) >= reject) return (uint32_t)(m >> 32);
  }
}

static void permutation(uint64_t plan_seed, const char *id, const int64_t *seeds, size_t count,
                        int64_t *out) {
  uint64_t state = generator_of(plan_seed, id, strlen(id));
  memcpy(out, seeds, count * sizeof *out);
  for (size_t j = 0; j < count; j++) {
    size_t pick = j + below(&state, (uint32_t)(count - j));
    int64_t keep = out[pick];
    out[pick] = out[j];
    out[j] = keep;
  }
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Loop: plan seeds. */
START_TEST(seeds_follow_the_documented_generator) {
  static const uint64_t plan_seeds[] = {0, 1, 42, UINT64_MAX};
  static const int64_t odd_seeds[] = {7, -5, INT64_MAX, INT64_MIN, 0, 1000000, 3};
  for (int own = 0; own < 2; own++) {
    int64_t paper_seeds[20];
    for (int i = 0; i < 20; i++) paper_seeds[i] = 42 + i;
    const int64_t *seeds = own ? odd_seeds : paper_seeds;
    size_t seed_count = own ? 7 : 20;
    fm_planner_options options = {
        .size = sizeof options, .plan_seed = plan_seeds[_i], .n_max = (int32_t)(own ? 5 : 20)};
    if (own) {
      options.seeds = seeds;
      options.seed_count = (int64_t)seed_count;
    }
    fm_planner *planner = planner_with(&options);
    char id[64];
    for (int i = 0; i < 300; i++) {
      snprintf(id, sizeof id, "folder/m\xC3\xA4sk %d", i);
      add(planner, id, i);
    }
    fm_plan *plan = make(planner);
    for (int64_t i = 0; i < 300; i++) {
      fm_plan_entry entry = row(plan, i);
      int64_t expected[20];
      permutation(plan_seeds[_i], entry.mask_id, seeds, seed_count, expected);
      qsort(expected, (size_t)entry.count, sizeof *expected, ascending);
      ck_assert_mem_eq(entry.seeds, expected, (size_t)entry.count * sizeof *expected);
    }
    fm_plan_destroy(plan);
    fm_planner_destroy(planner);
  }
}
END_TEST

/* A large pool, so that the generator has to reject numbers now and then. */
START_TEST(seeds_of_a_large_pool) {
  enum { POOL = 1000003, COUNT = 500000 };
  int64_t *seeds = malloc(POOL * sizeof *seeds), *expected = malloc(POOL * sizeof *expected);
  for (int64_t i = 0; i < POOL; i++) seeds[i] = i * 7 - 1000;
  fm_planner_options options = {
      .size = sizeof options, .n_max = COUNT, .seeds = seeds, .seed_count = POOL};
  fm_planner *planner = planner_with(&options);
  add(planner, "one", 1);
  fm_plan *plan = make(planner);
  fm_plan_entry entry = row(plan, 0);
  ck_assert_int_eq(entry.count, COUNT);
  permutation(0, "one", seeds, POOL, expected);
  qsort(expected, COUNT, sizeof *expected, ascending);
  ck_assert(memcmp(entry.seeds, expected, COUNT * sizeof *expected) == 0);
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
  free(seeds);
  free(expected);
}
END_TEST

static bool contains(const fm_plan_entry *entry, int64_t seed) {
  for (int64_t i = 0; i < entry->count; i++)
    if (entry->seeds[i] == seed) return true;
  return false;
}

/* A mask whose count grows keeps the seeds it had, whatever the other masks are. */
START_TEST(seeds_are_nested_and_independent) {
  for (int round = 0; round < 20; round++) {
    char id[32];
    snprintf(id, sizeof id, "mask %d", round);
    fm_plan_entry last = {0};
    fm_plan *last_plan = NULL;
    for (int harder = 30; harder >= 0; harder--) {
      fm_planner *planner = planner_with(NULL);
      if (harder % 2) add(planner, id, 1); /* before or after the others */
      char other[32];
      for (int i = 0; i < harder; i++) {
        snprintf(other, sizeof other, "other %d of %d", i, harder);
        add(planner, other, 2 + i);
      }
      if (harder % 2 == 0) add(planner, id, 1);
      fm_plan *plan = make(planner);
      fm_plan_entry entry = row_of(plan, id);
      ck_assert_int_eq(entry.rank, 1);
      ck_assert(entry.count >= last.count);
      for (int64_t i = 0; i < last.count; i++) ck_assert(contains(&entry, last.seeds[i]));
      for (int64_t i = 1; i < entry.count; i++) ck_assert(entry.seeds[i - 1] < entry.seeds[i]);
      fm_plan_destroy(last_plan);
      last_plan = plan;
      last = entry;
      fm_planner_destroy(planner);
    }
    ck_assert_int_eq(last.count, 20);
    fm_plan_destroy(last_plan);
  }
}
END_TEST

START_TEST(seeds_differ_between_masks_and_plan_seeds) {
  int same_mask = 0, same_seed = 0;
  fm_plan *plans[2];
  for (uint64_t s = 0; s < 2; s++) {
    fm_planner_options options = {.size = sizeof options, .plan_seed = s};
    fm_planner *planner = planner_with(&options);
    char id[32];
    for (int i = 0; i < 200; i++) {
      snprintf(id, sizeof id, "%04d", i);
      add(planner, id, i);
    }
    plans[s] = make(planner);
    fm_planner_destroy(planner);
  }
  for (int64_t i = 80; i < 120; i++) { /* about ten of twenty: 184,756 choices */
    fm_plan_entry a = row(plans[0], i), b = row(plans[1], i), c = row(plans[0], i + 1);
    size_t bytes = (size_t)a.count * sizeof *a.seeds;
    same_seed += memcmp(a.seeds, b.seeds, bytes) == 0;
    same_mask += a.count == c.count && memcmp(a.seeds, c.seeds, bytes) == 0;
  }
  ck_assert_int_le(same_seed, 1);
  ck_assert_int_le(same_mask, 1);
  fm_plan_destroy(plans[0]);
  fm_plan_destroy(plans[1]);
}
END_TEST

/* Each of twenty seeds is drawn about as often: 4,000 masks, five standard deviations. */
START_TEST(seeds_are_even) {
  fm_planner_options options = {.size = sizeof options, .n_max = 20};
  fm_planner *planner = planner_with(&options);
  char id[32];
  for (int i = 0; i < 4000; i++) {
    snprintf(id, sizeof id, "mask_%d", i);
    add(planner, id, i);
  }
  fm_plan *plan = make(planner);
  int64_t drawn[20] = {0};
  for (int64_t i = 0; i < 4000; i++) {
    fm_plan_entry entry = row(plan, i);
    for (int64_t s = 0; s < entry.count; s++) drawn[entry.seeds[s] - 42]++;
  }
  double expected = (double)fm_plan_image_count(plan) / 20;
  for (int i = 0; i < 20; i++)
    ck_assert_msg(fabs((double)drawn[i] - expected) < 5 * sqrt(4000 * 0.25),
                  "seed %d: %d times, expected about %g", 42 + i, (int)drawn[i], expected);
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
}
END_TEST

/* ---- Order of adding, more plans from one planner, fingerprints ---------------------------- */

static fm_plan *plan_of(int first, int count, int step, const fm_planner_options *options) {
  fm_planner *planner = planner_with(options);
  char id[32];
  for (int i = 0; i < count; i++) {
    int at = (first + i * step) % count;
    snprintf(id, sizeof id, "%d", at);
    add(planner, id, at % 7);
  }
  fm_plan *plan = make(planner);
  fm_planner_destroy(planner);
  return plan;
}

static void expect_same(const fm_plan *a, const fm_plan *b) {
  ck_assert_int_eq(fm_plan_mask_count(a), fm_plan_mask_count(b));
  ck_assert_uint_eq(fm_plan_fingerprint(a), fm_plan_fingerprint(b));
  for (int64_t i = 0; i < fm_plan_mask_count(a); i++) {
    fm_plan_entry x = row(a, i), y = row(b, i);
    ck_assert_str_eq(x.mask_id, y.mask_id);
    ck_assert(x.hardness == y.hardness);
    ck_assert_int_eq(x.rank, y.rank);
    ck_assert_int_eq(x.count, y.count);
    ck_assert_mem_eq(x.seeds, y.seeds, (size_t)x.count * sizeof *x.seeds);
  }
}

START_TEST(order_of_adding_does_not_matter) {
  fm_plan *base = plan_of(0, 101, 1, NULL);
  for (int step = 2; step < 9; step++) {
    fm_plan *plan = plan_of(step, 101, step, NULL);
    expect_same(base, plan);
    fm_plan_destroy(plan);
  }
  fm_plan_destroy(base);
}
END_TEST

START_TEST(planner_goes_on_after_a_plan) {
  fm_planner *planner = planner_with(NULL), *other = planner_with(NULL);
  add(planner, "a", 1);
  add(planner, "b", 2);
  fm_plan *first = make(planner), *again = make(planner);
  expect_same(first, again);
  add(planner, "c", 0);
  fm_plan *second = make(planner);
  add(other, "c", 0);
  add(other, "a", 1);
  add(other, "b", 2);
  fm_plan *expected = make(other);
  fm_planner_destroy(planner); /* plans stay */
  fm_planner_destroy(other);
  fm_planner_destroy(NULL);
  expect_same(second, expected);
  ck_assert_int_eq(fm_plan_mask_count(first), 2);
  ck_assert_int_eq(row_of(first, "a").rank, 1);
  ck_assert_int_eq(row_of(second, "a").rank, 2);
  fm_plan_destroy(first);
  fm_plan_destroy(again);
  fm_plan_destroy(second);
  fm_plan_destroy(expected);
  fm_plan_destroy(NULL);
}
END_TEST

START_TEST(fingerprints_tell_plans_apart) {
  fm_planner_options seeded = {.size = sizeof seeded, .plan_seed = 1};
  fm_planner_options smaller = {.size = sizeof smaller, .n_max = 19};
  fm_plan *plans[] = {plan_of(0, 50, 1, NULL), plan_of(0, 50, 1, &seeded),
                      plan_of(0, 50, 1, &smaller), plan_of(0, 51, 1, NULL)};
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < i; j++)
      ck_assert_uint_ne(fm_plan_fingerprint(plans[i]), fm_plan_fingerprint(plans[j]));
  for (int i = 0; i < 4; i++) fm_plan_destroy(plans[i]);
}
END_TEST

/* ---- Reading and errors --------------------------------------------------------------------- */

START_TEST(rows_out_of_range) {
  fm_plan *plan = plan_of(0, 5, 1, NULL);
  fm_plan_entry entry, before;
  memset(&entry, 0x77, sizeof entry);
  entry.size = sizeof entry;
  before = entry;
  static const int64_t wrong[] = {-1, 5, INT64_MIN, INT64_MAX};
  for (size_t i = 0; i < 4; i++)
    KIT_FAILS(FM_ERR_ARGUMENT, "row", fm_plan_get(plan, wrong[i], &entry, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_plan_get(NULL, 0, &entry, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_plan_get(plan, 0, NULL, &err));
  ck_assert_mem_eq(&entry, &before, sizeof entry);
  entry.size = 0;
  KIT_FAILS(FM_ERR_ARGUMENT, "size", fm_plan_get(plan, 0, &entry, &err));
  ck_assert_int_eq(fm_plan_find(plan, "5"), -1);
  ck_assert_int_eq(fm_plan_find(plan, ""), -1);
  ck_assert_int_eq(fm_plan_find(plan, "00"), -1);
  for (int64_t i = 0; i < 5; i++) ck_assert_int_eq(fm_plan_find(plan, row(plan, i).mask_id), i);
  fm_plan_destroy(plan);
}
END_TEST

START_TEST(ids_of_all_lengths) {
  fm_planner *planner = planner_with(NULL);
  static char id[5000];
  KIT_FAILS(FM_ERR_ARGUMENT, "id has 0", fm_planner_add(planner, "", 1, NULL, 0, &err));
  memset(id, 'x', sizeof id);
  id[4096] = '\0';
  KIT_FAILS(FM_ERR_ARGUMENT, "id has 4096", fm_planner_add(planner, id, 1, NULL, 0, &err));
  for (int length = 4095; length > 0; length -= 13) {
    id[length] = '\0';
    add(planner, id, 1);
  }
  fm_plan *plan = make(planner);
  ck_assert_int_eq(fm_plan_mask_count(plan), 315);
  ck_assert_uint_eq(strlen(row(plan, 314).mask_id), 4095);
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
}
END_TEST

START_TEST(bad_rows_are_refused) {
  fm_planner *planner = planner_with(NULL);
  fm_plan *plan = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_EMPTY, "no mask", fm_planner_make_plan(planner, &plan, &err));
  static const double wrong[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
  for (size_t i = 0; i < 3; i++)
    KIT_FAILS(FM_ERR_ARGUMENT, "hard one",
              fm_planner_add(planner, "hard one", wrong[i], NULL, 0, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_add(planner, NULL, 1, NULL, 0, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_add(NULL, "x", 1, NULL, 0, &err));
  KIT_FAILS(FM_ERR_EMPTY, "no mask", fm_planner_make_plan(planner, &plan, &err));
  add(planner, "once", 1);
  add(planner, "twice", 1);
  add(planner, "zwice", 1);
  KIT_FAILS(FM_ERR_DUPLICATE, "twice", fm_planner_add(planner, "twice", 2, NULL, 0, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_make_plan(NULL, &plan, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_make_plan(planner, NULL, &err));
  ck_assert_ptr_eq(plan, KIT_SENTINEL);
  fm_planner_destroy(planner);
}
END_TEST

/* A duplicate is refused when it is given, and changes nothing. */
START_TEST(duplicates_change_nothing) {
  static const int64_t one[] = {7, 3}, two[] = {8};
  fm_planner *planner = planner_with(NULL), *calm = planner_with(NULL);
  char id[32];
  for (int i = 0; i < 500; i++) {
    snprintf(id, sizeof id, "mask %d", i);
    add(planner, id, i);
    add(calm, id, i);
    if (i % 3 == 0) KIT_OK(fm_planner_keep(planner, id, one, 2, &err));
    if (i % 3 == 0) KIT_OK(fm_planner_keep(calm, id, one, 2, &err));
    snprintf(id, sizeof id, "mask %d", i * 7919 % (i + 1));
    KIT_FAILS(FM_ERR_DUPLICATE, id, fm_planner_add(planner, id, -1, NULL, 0, &err));
    snprintf(id, sizeof id, "mask %d", i / 3 * 3);
    KIT_FAILS(FM_ERR_DUPLICATE, id, fm_planner_keep(planner, id, two, 1, &err));
  }
  ck_assert_int_eq(fm_planner_mask_count(planner), 500);
  fm_plan *plan = make(planner), *expected = make(calm);
  expect_same(plan, expected);
  fm_plan_destroy(plan);
  fm_plan_destroy(expected);
  fm_planner_destroy(planner);
  fm_planner_destroy(calm);
}
END_TEST

/* ---- Reading a planner -------------------------------------------------------------------- */

static fm_planner_row row_at(const fm_planner *planner, int64_t index) {
  fm_planner_row found = {.size = sizeof found};
  KIT_OK(fm_planner_get(planner, index, &found, &err));
  ck_assert_uint_eq(found.size, sizeof found);
  return found;
}

START_TEST(masks_can_be_read) {
  fm_planner_options options = {
      .size = sizeof options, .policy = FM_PLAN_REPEAT_FACTOR, .min_class_pixels = 3};
  fm_planner *planner = planner_with(&options);
  static const int64_t kept[] = {60, 5};
  char id[32];
  for (int i = 0; i < 100; i++) { /* classes i % 70 and, too small, the next one */
    int64_t pixels[71] = {0};
    pixels[i % 70] = 3;
    pixels[i % 70 + 1] = 2;
    snprintf(id, sizeof id, "%d", 7 * i);
    KIT_OK(fm_planner_add(planner, id, i / 2.0, pixels, 71, &err));
  }
  KIT_OK(fm_planner_keep(planner, "28", kept, 2, &err));
  ck_assert_int_eq(fm_planner_mask_count(planner), 100);
  for (int i = 0; i < 100; i++) {
    fm_planner_row found = row_at(planner, i);
    snprintf(id, sizeof id, "%d", 7 * i);
    ck_assert_str_eq(found.mask_id, id);
    ck_assert(found.hardness == i / 2.0);
    ck_assert_int_eq(found.class_count, 71);
    int k = i % 70;
    ck_assert_uint_eq(found.classes[0], k < 64 ? UINT64_C(1) << k : 0);
    ck_assert_uint_eq(found.classes[1], k < 64 ? 0 : UINT64_C(1) << (k - 64));
    ck_assert_int_eq(found.kept_count, i == 4 ? 2 : 0);
    if (i == 4) ck_assert(found.kept_seeds[0] == 5 && found.kept_seeds[1] == 60);
    if (i != 4) ck_assert_ptr_null(found.kept_seeds);
    ck_assert_int_eq(fm_planner_find(planner, id), i);
  }
  ck_assert_int_eq(fm_planner_find(planner, "1"), -1);
  ck_assert_int_eq(fm_planner_find(NULL, "1"), -1);
  ck_assert_int_eq(fm_planner_find(planner, NULL), -1);
  ck_assert_int_eq(fm_planner_mask_count(NULL), 0);
  fm_planner_row untouched = {.size = sizeof untouched, .hardness = 4};
  KIT_FAILS(FM_ERR_ARGUMENT, "no mask 100", fm_planner_get(planner, 100, &untouched, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "no mask -1", fm_planner_get(planner, -1, &untouched, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_get(planner, 0, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_get(NULL, 0, &untouched, &err));
  untouched.size = 8;
  KIT_FAILS(FM_ERR_ARGUMENT, "size", fm_planner_get(planner, 0, &untouched, &err));
  ck_assert(untouched.hardness == 4);
  fm_planner_destroy(planner);
}
END_TEST

static fm_planner_options resolved(const fm_planner *planner) {
  fm_planner_options options = {.size = sizeof options};
  KIT_OK(fm_planner_get_options(planner, &options, &err));
  ck_assert_uint_eq(options.size, sizeof options);
  return options;
}

START_TEST(options_are_resolved) {
  fm_planner *planner = planner_with(NULL);
  fm_planner_options o = resolved(planner);
  ck_assert(o.policy == FM_PLAN_RANK && o.n_max == 20 && o.seed_count == 20 && o.gamma == 0 &&
            o.threshold == 0 && o.temperature == 0 && !o.min_class_pixels && !o.blend &&
            !o.blend_count);
  for (int i = 0; i < 20; i++) ck_assert_int_eq(o.seeds[i], 42 + i);
  fm_planner_destroy(planner);

  fm_plan_part parts[] = {{FM_PLAN_RARE_CLASS, 0, 2}, {FM_PLAN_PROPORTIONAL, 0, 1}};
  int64_t seeds[] = {3, 9, 1};
  fm_planner_options given = {.size = sizeof given,
                              .policy = FM_PLAN_BLEND,
                              .n_max = 2,
                              .n_min = 1,
                              .budget = 5,
                              .seeds = seeds,
                              .seed_count = 3,
                              .plan_seed = 77,
                              .blend = parts,
                              .blend_count = 2};
  planner = planner_with(&given);
  memset(parts, 0, sizeof parts);
  memset(seeds, 0, sizeof seeds);
  o = resolved(planner);
  ck_assert(o.n_max == 2 && o.n_min == 1 && o.budget == 5 && o.plan_seed == 77 && o.gamma == 1 &&
            o.temperature == 0.01 && o.threshold == 0 && o.min_class_pixels == 1);
  ck_assert(o.seed_count == 3 && o.seeds[0] == 3 && o.seeds[1] == 9 && o.seeds[2] == 1);
  ck_assert(o.blend_count == 2 && o.blend[0].policy == FM_PLAN_RARE_CLASS && o.blend[0].share == 2);
  fm_planner *again = planner_with(&o); /* what was resolved can be given */
  fm_planner_destroy(again);
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_get_options(NULL, &o, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_get_options(planner, NULL, &err));
  fm_planner_destroy(planner);
}
END_TEST

START_TEST(bad_options_are_refused) {
  fm_planner *planner = KIT_SENTINEL;
  static const int64_t seeds[] = {1, 2, 3, 2};
  fm_planner_options options = {.size = sizeof options, .n_max = 21};
  KIT_FAILS(FM_ERR_ARGUMENT, "20 seeds", fm_planner_create(context, &options, &planner, &err));
  options.seeds = seeds;
  options.seed_count = 3;
  options.n_max = 4;
  KIT_FAILS(FM_ERR_ARGUMENT, "3 seeds", fm_planner_create(context, &options, &planner, &err));
  options.n_max = 3;
  options.seed_count = 4;
  KIT_FAILS(FM_ERR_DUPLICATE, "seed 2", fm_planner_create(context, &options, &planner, &err));
  options.seeds = NULL;
  KIT_FAILS(FM_ERR_ARGUMENT, "seed", fm_planner_create(context, &options, &planner, &err));
  options = (fm_planner_options){.size = sizeof options, .policy = 6};
  KIT_FAILS(FM_ERR_ARGUMENT, "policy", fm_planner_create(context, &options, &planner, &err));
  static const int32_t wrong[] = {-1, (1 << 20) + 1, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < 4; i++) {
    options = (fm_planner_options){.size = sizeof options, .n_max = wrong[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "n_max", fm_planner_create(context, &options, &planner, &err));
  }
  static const struct {
    fm_planner_options options;
    const char *text;
  } unused[] = {
      {{.policy = FM_PLAN_UNIFORM, .gamma = 1}, "gamma is set, but only FM_PLAN_PROPORTIONAL"},
      {{.policy = FM_PLAN_RARE_CLASS, .threshold = 0.5},
       "threshold is set, but only FM_PLAN_REPEAT"},
      {{.temperature = 1}, "temperature is set, but only FM_PLAN_RARE_CLASS"},
      {{.policy = FM_PLAN_PROPORTIONAL, .min_class_pixels = 1}, "min_class_pixels is set"},
      {{.blend_count = 1}, "blend is given, but policy is FM_PLAN_RANK"},
      {{.seed_count = 1}, "seeds is NULL"},
      {{.policy = FM_PLAN_BLEND}, "no parts"},
      {{.policy = FM_PLAN_RARE_CLASS, .temperature = (double)NAN}, "temperature is"},
      {{.policy = FM_PLAN_RARE_CLASS, .temperature = -1}, "temperature is -1"},
      {{.policy = FM_PLAN_PROPORTIONAL, .gamma = 65}, "gamma is 65, expected above 0, up to 64"},
      {{.n_min = 21}, "n_min is 21"},
      {{.reserved = 1}, "reserved is 1"},
  };
  for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
    options = unused[i].options;
    options.size = sizeof options;
    KIT_FAILS(FM_ERR_ARGUMENT, unused[i].text,
              fm_planner_create(context, &options, &planner, &err));
  }
  static const struct {
    fm_plan_part parts[2];
    fm_status status;
    const char *text;
  } blends[] = {
      {{{FM_PLAN_RANK, 0, 1}, {FM_PLAN_RANK, 0, 2}}, FM_ERR_DUPLICATE, "FM_PLAN_RANK is in"},
      {{{FM_PLAN_RANK, 0, 1}, {FM_PLAN_BLEND, 0, 2}}, FM_ERR_ARGUMENT, "blend[1].policy is 5"},
      {{{-1, 0, 1}, {FM_PLAN_RANK, 0, 2}}, FM_ERR_ARGUMENT, "blend[0].policy is -1"},
      {{{FM_PLAN_RANK, 1, 1}, {FM_PLAN_UNIFORM, 0, 2}}, FM_ERR_ARGUMENT, "blend[0].reserved"},
      {{{FM_PLAN_RANK, 0, 1}, {FM_PLAN_UNIFORM, 0, 0}}, FM_ERR_ARGUMENT, "blend[1].share is 0"},
      {{{FM_PLAN_RANK, 0, (double)NAN}, {1, 0, 1}}, FM_ERR_ARGUMENT, "blend[0].share is"},
  };
  for (size_t i = 0; i < sizeof blends / sizeof *blends; i++) {
    options = (fm_planner_options){.size = sizeof options,
                                   .policy = FM_PLAN_BLEND,
                                   .blend = blends[i].parts,
                                   .blend_count = 2};
    KIT_FAILS(blends[i].status, blends[i].text,
              fm_planner_create(context, &options, &planner, &err));
  }
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_create(NULL, NULL, &planner, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_planner_create(context, NULL, NULL, &err));
  ck_assert_ptr_eq(planner, KIT_SENTINEL);
}
END_TEST

static fm_status create(const void *options, void *user, fm_error *err) {
  (void)user;
  fm_planner *planner = KIT_SENTINEL;
  fm_status status = fm_planner_create(context, options, &planner, err);
  if (status)
    ck_assert_ptr_eq(planner, KIT_SENTINEL);
  else
    fm_planner_destroy(planner);
  return status;
}

START_TEST(options_follow_the_rule) {
  fm_planner_options options = {.size = sizeof options, .n_max = 3, .plan_seed = 9};
  kit_options_rule("fm_planner_options", &options, sizeof options, create, NULL);
}
END_TEST

START_TEST(seeds_are_copied) {
  int64_t seeds[] = {5, 6, 7};
  fm_planner_options options = {
      .size = sizeof options, .n_max = 3, .seeds = seeds, .seed_count = 3};
  fm_planner *planner = planner_with(&options);
  memset(seeds, 0, sizeof seeds);
  char id[] = "mask";
  add(planner, id, 1);
  id[0] = 'X';
  fm_plan *plan = make(planner);
  fm_plan_entry entry = row_of(plan, "mask");
  ck_assert_int_eq(entry.count, 3);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(entry.seeds[i], 5 + i);
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
}
END_TEST

Suite *planner_suite(void) {
  Suite *suite = suite_create("planner");
  TCase *tests = tcase_create("planner");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, small_cases_of_the_paper);
  tcase_add_loop_test(tests, counts_round_half_to_even, 1, 21);
  tcase_add_loop_test(tests, totals_of_the_paper, 0, 2);
  tcase_add_test(tests, real_repeats_round_half_to_even);
  tcase_add_test(tests, ties_go_by_id);
  tcase_add_loop_test(tests, seeds_follow_the_documented_generator, 0, 4);
  tcase_add_test(tests, seeds_of_a_large_pool);
  tcase_add_test(tests, seeds_are_nested_and_independent);
  tcase_add_test(tests, seeds_differ_between_masks_and_plan_seeds);
  tcase_add_test(tests, seeds_are_even);
  tcase_add_test(tests, order_of_adding_does_not_matter);
  tcase_add_test(tests, planner_goes_on_after_a_plan);
  tcase_add_test(tests, fingerprints_tell_plans_apart);
  tcase_add_test(tests, rows_out_of_range);
  tcase_add_test(tests, ids_of_all_lengths);
  tcase_add_test(tests, bad_rows_are_refused);
  tcase_add_test(tests, duplicates_change_nothing);
  tcase_add_test(tests, masks_can_be_read);
  tcase_add_test(tests, options_are_resolved);
  tcase_add_test(tests, bad_options_are_refused);
  tcase_add_test(tests, options_follow_the_rule);
  tcase_add_test(tests, seeds_are_copied);
  suite_add_tcase(suite, tests);
  return suite;
}
