/* plan/test_schedule_real.c - freemask/schedule.h: real images by their ids, and the options as
 * they are resolved. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_schedule_kit.h"

enum { IMAGES = 12 };

/* By bytes: img_0, img_1, img_10, img_11, img_2, ... The host's list counts. */
static char names[IMAGES][16];
static const char *list[IMAGES];

static fm_plan *make_plan(void) {
  fm_context *context = kit_plain_context();
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  fm_planner_options options = {.size = sizeof options, .n_max = 4};
  KIT_OK(fm_planner_create(context, &options, &planner, &err));
  for (int i = 0; i < IMAGES; i++) {
    snprintf(names[i], sizeof names[i], "img_%d", i);
    list[i] = names[i];
    KIT_OK(fm_planner_add(planner, names[i], i * 5 % 7, NULL, 0, &err));
  }
  KIT_OK(fm_planner_make_plan(planner, &plan, &err));
  fm_planner_destroy(planner);
  fm_context_destroy(context);
  return plan;
}

static const char *id_of(const fm_plan *plan, int64_t row) {
  fm_plan_entry entry = {.size = sizeof entry};
  KIT_OK(fm_plan_get(plan, row, &entry, &err));
  return entry.mask_id;
}

static fm_schedule_options options_of(int32_t mix, int64_t count) {
  fm_schedule_options options = {
      .size = sizeof options, .mix = mix, .real_count = count, .real_ids = list, .seed = 9};
  return options;
}

/* The n images that come n-th in the order of ids' bytes, by strcmp alone. */
static int by_bytes(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The same images in the same order as with a sorted list, each under the host's index; one by one
 * and many at a time. */
static void expect_same_images(const fm_plan *plan, int32_t mix, const double *weights) {
  const char *sorted[IMAGES];
  memcpy(sorted, list, sizeof sorted);
  qsort(sorted, IMAGES, sizeof *sorted, by_bytes);
  int64_t images = fm_plan_image_count(plan), all = IMAGES + images;
  static double by_row[400];
  fm_schedule_options by_id = options_of(mix, IMAGES), plain = by_id;
  plain.real_ids = NULL;
  if (weights) {
    by_id.weights = weights;
    by_id.weight_count = plain.weight_count = all;
    for (int64_t i = 0; i < all; i++) by_row[i] = weights[i];
    for (int i = 0; i < IMAGES; i++)
      for (int at = 0; at < IMAGES; at++)
        if (!strcmp(sorted[i], list[at])) by_row[i] = weights[at];
    plain.weights = by_row;
  }
  fm_schedule *ours = schedule_with(plan, &by_id);
  fm_schedule *expected = schedule_with(plan, &plain);
  ck_assert_uint_eq(fm_schedule_fingerprint(ours), fm_schedule_fingerprint(expected));
  int64_t numbers[200], indices[200], masks[200], seeds[200];
  int32_t datasets[200];
  fm_schedule_arrays arrays = {.size = sizeof arrays,
                               .numbers = numbers,
                               .indices = indices,
                               .masks = masks,
                               .seeds = seeds,
                               .datasets = datasets};
  KIT_OK(fm_schedule_fill(ours, 0, 200, &arrays, &err));
  for (int64_t p = 0; p < 200; p++) {
    fm_schedule_entry e = schedule_at(ours, p), other = schedule_at(expected, p);
    ck_assert(e.number == numbers[p] && e.index == indices[p] && e.mask == masks[p] &&
              e.seed == seeds[p] && e.dataset == datasets[p]);
    ck_assert(e.dataset == other.dataset && e.mask == other.mask && e.seed == other.seed &&
              e.repeat == other.repeat);
    if (e.dataset == FM_DATASET_REAL) {
      ck_assert_str_eq(list[e.index], sorted[other.index]);
      ck_assert_str_eq(list[e.index], id_of(plan, e.mask));
      ck_assert_int_eq(e.number, e.index);
    } else {
      ck_assert(e.index == other.index && e.number == other.number);
    }
  }
  fm_schedule_destroy(ours);
  fm_schedule_destroy(expected);
}

/* Loop: orders of the list. */
START_TEST(ids_find_their_rows) {
  fm_plan *plan = make_plan();
  uint64_t random = (uint64_t)_i + 1;
  for (int i = IMAGES - 1; i > 0 && _i; i--) {
    int64_t j = kit_below(&random, i + 1);
    const char *keep = list[i];
    list[i] = list[j];
    list[j] = keep;
  }
  static double weights[400];
  for (int i = 0; i < 400; i++) weights[i] = (double)kit_below(&random, 100);
  weights[3] = 5;
  static const int32_t mixes[] = {FM_MIX_JOINT, FM_MIX_REAL, FM_MIX_RATIO, FM_MIX_RANDOM};
  for (size_t m = 0; m < sizeof mixes / sizeof *mixes; m++)
    expect_same_images(plan, mixes[m], NULL);
  expect_same_images(plan, FM_MIX_WEIGHTED, weights);
  expect_same_images(plan, FM_MIX_SHARES, weights);
  fm_plan_destroy(plan);
}
END_TEST

/* Without ids img_10 takes the third place of the plan, which in a list that counts is img_2. */
START_TEST(a_list_that_counts_needs_its_ids) {
  fm_plan *plan = make_plan();
  fm_schedule_options options = options_of(FM_MIX_REAL, IMAGES);
  options.in_order = 1;
  options.real_ids = NULL;
  fm_schedule *schedule = schedule_with(plan, &options);
  ck_assert_str_eq(id_of(plan, schedule_at(schedule, 2).mask), "img_10");
  ck_assert_str_eq(list[schedule_at(schedule, 2).index], "img_2");
  fm_schedule_destroy(schedule);
  options.real_ids = list;
  schedule = schedule_with(plan, &options);
  ck_assert_str_eq(id_of(plan, schedule_at(schedule, 2).mask), "img_10");
  ck_assert_str_eq(list[schedule_at(schedule, 2).index], "img_10");
  fm_schedule_destroy(schedule);
  fm_plan_destroy(plan);
}
END_TEST

/* Some of the plan's masks: without ids their rows would not be known. */
START_TEST(part_of_the_plan) {
  fm_plan *plan = make_plan();
  static const char *const some[] = {"img_9", "img_10", "img_3"};
  static const char *const others[] = {"img_9", "img_10", "img_4"};
  static const char *const mixed[] = {"img_3", "img_9", "img_10"};
  fm_schedule_options options = options_of(FM_MIX_REAL, 3);
  options.in_order = 1;
  options.real_ids = some;
  fm_schedule *schedule = schedule_with(plan, &options);
  static const int64_t index[] = {1, 2, 0}; /* img_10 < img_3 < img_9 */
  for (int64_t p = 0; p < 6; p++) {
    fm_schedule_entry e = schedule_at(schedule, p);
    ck_assert_int_eq(e.index, index[p % 3]);
    ck_assert_str_eq(id_of(plan, e.mask), some[e.index]);
  }
  options.real_ids = others;
  fm_schedule *other = schedule_with(plan, &options);
  options.real_ids = mixed;
  fm_schedule *same = schedule_with(plan, &options);
  ck_assert_uint_ne(fm_schedule_fingerprint(schedule), fm_schedule_fingerprint(other));
  ck_assert_uint_eq(fm_schedule_fingerprint(schedule), fm_schedule_fingerprint(same));
  fm_schedule_destroy(schedule);
  fm_schedule_destroy(other);
  fm_schedule_destroy(same);
  fm_plan_destroy(plan);
}
END_TEST

static void refuse(const fm_plan *plan, fm_schedule_options options, fm_status status,
                   const char *text) {
  fm_context *context = kit_plain_context();
  fm_schedule *schedule = KIT_SENTINEL;
  KIT_FAILS(status, text, fm_schedule_create(context, plan, &options, &schedule, &err));
  ck_assert_ptr_eq(schedule, KIT_SENTINEL);
  fm_context_destroy(context);
}

START_TEST(bad_ids_are_refused) {
  fm_plan *plan = make_plan();
  fm_schedule_options options = options_of(FM_MIX_JOINT, IMAGES);
  list[4] = "img_4.png";
  refuse(plan, options, FM_ERR_MISMATCH, "real_ids[4] is img_4.png");
  list[4] = NULL;
  refuse(plan, options, FM_ERR_ARGUMENT, "real_ids[4] is NULL");
  list[4] = "img_3";
  refuse(plan, options, FM_ERR_DUPLICATE, "real_ids[3] and real_ids[4] are both img_3");
  list[4] = names[4];
  options.synthetic_count = 1;
  refuse(NULL, options, FM_ERR_ARGUMENT, "no plan");
  options = options_of(FM_MIX_JOINT, 0);
  refuse(plan, options, FM_ERR_ARGUMENT, "real_count, their number, is 0");
  refuse(plan, options_of(FM_MIX_SYNTHETIC, IMAGES), FM_ERR_ARGUMENT,
         "real_ids is set, but FM_MIX_SYNTHETIC");
  fm_plan_destroy(plan);
}
END_TEST

/* ---- Options ----------------------------------------------------------------------------- */

static fm_schedule_options resolved(const fm_schedule *schedule) {
  fm_schedule_options options = {.size = sizeof options};
  KIT_OK(fm_schedule_get_options(schedule, &options, &err));
  ck_assert_uint_eq(options.size, sizeof options);
  return options;
}

START_TEST(options_are_resolved) {
  fm_plan *plan = make_plan();
  int64_t images = fm_plan_image_count(plan); /* by hand: 1 + 3 * 2 + 3 * 3 + 5 * 4 */
  ck_assert_int_eq(images, 36);
  fm_schedule *schedule = schedule_with(plan, NULL);
  fm_schedule_options o = resolved(schedule);
  ck_assert(o.mix == FM_MIX_JOINT && o.real_count == 12 && o.synthetic_count == 36 &&
            o.real_repeats == 3 && o.world == 1 && o.rank == 0 && !o.real_ids && !o.weights &&
            !o.epoch_length && !o.real_share && !o.synthetic_share);
  fm_schedule_destroy(schedule);
  fm_schedule_options given = options_of(FM_MIX_RANDOM, IMAGES);
  given.rank = 1;
  given.world = 2;
  given.tail = FM_TAIL_STREAM;
  given.pretraining_epochs = 3;
  schedule = schedule_with(plan, &given);
  o = resolved(schedule);
  ck_assert(o.real_share == 1 && o.synthetic_share == 1 && o.epoch_length == 48 && o.rank == 1 &&
            o.world == 2 && o.tail == FM_TAIL_STREAM && o.pretraining_epochs == 3 && o.seed == 9 &&
            !o.real_repeats);
  ck_assert_ptr_ne(o.real_ids, list);
  for (int i = 0; i < IMAGES; i++) ck_assert_str_eq(o.real_ids[i], list[i]);
  fm_schedule *again = schedule_with(plan, &o);
  ck_assert_uint_eq(fm_schedule_fingerprint(again), fm_schedule_fingerprint(schedule));
  fm_schedule_destroy(again);
  o.size = 8;
  KIT_FAILS(FM_ERR_ARGUMENT, "size", fm_schedule_get_options(schedule, &o, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_schedule_get_options(schedule, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_schedule_get_options(NULL, &o, &err));
  fm_schedule_destroy(schedule);
  fm_plan_destroy(plan);
}
END_TEST

START_TEST(weights_are_given_again) {
  const double weights[] = {1, 2, 3};
  fm_schedule_options given = {.size = sizeof given,
                               .mix = FM_MIX_SHARES,
                               .real_count = 1,
                               .synthetic_count = 2,
                               .weights = weights,
                               .weight_count = 3};
  fm_schedule *schedule = schedule_of(&given);
  fm_schedule_options o = resolved(schedule);
  ck_assert(!o.weights && o.weight_count == 3 && o.epoch_length == 3);
  o.weights = weights;
  fm_schedule *again = schedule_of(&o);
  ck_assert_uint_eq(fm_schedule_fingerprint(again), fm_schedule_fingerprint(schedule));
  fm_schedule_destroy(again);
  fm_schedule_destroy(schedule);
}
END_TEST

/* Tables of rounds are taken from the allocator: without one the same entries come. */
START_TEST(tables_are_not_needed) {
  enum { ENTRIES = 60000 };
  static int64_t with[ENTRIES], without[ENTRIES];
  kit_allocator allocator;
  fm_context *context = kit_context(&allocator);
  fm_schedule_options options = {
      .size = sizeof options, .real_count = 20000, .synthetic_count = 40000, .real_repeats = 1};
  fm_schedule *schedule = NULL;
  KIT_OK(fm_schedule_create(context, NULL, &options, &schedule, &err));
  fm_schedule_arrays arrays = {.size = sizeof arrays, .numbers = with};
  long before = atomic_load(&allocator.calls);
  KIT_OK(fm_schedule_fill(schedule, 0, ENTRIES, &arrays, &err));
  ck_assert_int_eq(atomic_load(&allocator.calls), before + 1);
  allocator.fail_at = before + 1;
  arrays.numbers = without;
  KIT_OK(fm_schedule_fill(schedule, 0, ENTRIES, &arrays, &err));
  ck_assert_int_eq(atomic_load(&allocator.refused), 1);
  ck_assert(memcmp(with, without, sizeof with) == 0);
  fm_schedule_destroy(schedule);
  fm_context_destroy(context);
  ck_assert_int_eq(atomic_load(&allocator.living), 0);
}
END_TEST

TCase *schedule_real_case(void) {
  TCase *tests = tcase_create("real images");
  tcase_add_loop_test(tests, ids_find_their_rows, 0, 5);
  tcase_add_test(tests, a_list_that_counts_needs_its_ids);
  tcase_add_test(tests, part_of_the_plan);
  tcase_add_test(tests, bad_ids_are_refused);
  tcase_add_test(tests, options_are_resolved);
  tcase_add_test(tests, weights_are_given_again);
  tcase_add_test(tests, tables_are_not_needed);
  return tests;
}
