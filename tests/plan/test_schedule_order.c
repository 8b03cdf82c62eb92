/* plan/test_schedule_order.c - an epoch is a permutation; one by one and many at a time agree.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "test_schedule_kit.h"

/* Each number below `length` comes once. */
static void expect_permutation(const int64_t *numbers, int64_t length) {
  unsigned char *seen = calloc((size_t)length, 1);
  int64_t wrong = 0;
  for (int64_t i = 0; i < length; i++)
    wrong += numbers[i] < 0 || numbers[i] >= length || seen[numbers[i]]++;
  ck_assert_msg(wrong == 0, "length %lld: %lld are wrong", (long long)length, (long long)wrong);
  free(seen);
}

/* One by one they are the same. */
static void expect_same(const fm_schedule *schedule, int64_t first, int64_t count, int64_t step,
                        const int64_t *numbers) {
  int64_t wrong = 0;
  for (int64_t i = 0; i < count; i += step)
    wrong += schedule_at(schedule, first + i).number != numbers[i];
  ck_assert_int_eq(wrong, 0);
}

/* Loop: hundreds of lengths. Two epochs of each, with tables and without. */
START_TEST(every_length_is_a_permutation) {
  static int64_t numbers[4000];
  for (int64_t length = 1 + 100 * _i; length <= 100 * (_i + 1); length++) {
    fm_schedule_options options = schedule_options(FM_MIX_REAL, length, 0);
    options.seed = (uint64_t)length;
    fm_schedule *schedule = schedule_of(&options);
    schedule_numbers(schedule, 0, 2 * length, numbers);
    for (int64_t epoch = 0; epoch < 2; epoch++)
      expect_permutation(numbers + epoch * length, length);
    expect_same(schedule, 0, 2 * length, 1, numbers);
    if (length > 8) /* 1 of 8! at most */
      ck_assert_mem_ne(numbers, numbers + length, (size_t)length * sizeof *numbers);
    fm_schedule_destroy(schedule);
  }
}
END_TEST

/* Sizes around powers of two, where the grid changes its shape, and around the largest table. */
START_TEST(large_lengths_are_permutations) {
  static const int64_t lengths[] = {4095,  4096,  4097,    8191,    8193,   65535,
                                    65537, 99991, 1 << 20, 1048577, 1000003};
  int64_t length = lengths[_i];
  int64_t *numbers = calloc((size_t)length, sizeof *numbers);
  fm_schedule_options options = schedule_options(FM_MIX_REAL, length, 0);
  fm_schedule *schedule = schedule_of(&options);
  schedule_numbers(schedule, 3 * length, length, numbers);
  expect_permutation(numbers, length);
  expect_same(schedule, 3 * length, length, 97, numbers);
  fm_schedule_destroy(schedule);
  free(numbers);
}
END_TEST

/* Every field, from any position, in pieces of any size, over the ends of epochs. */
START_TEST(many_are_as_one_by_one) {
  enum { MOST = 700 };
  fm_plan *plan = schedule_plan(30, 5);
  fm_schedule_options options = {.size = sizeof options, .seed = 5, .pretraining_epochs = 1};
  options.mix = _i % 4;
  options.tail = _i / 4 % 3;
  options.world = 1 + _i % 3;
  options.rank = _i % 3;
  fm_schedule *schedule = schedule_with(plan, &options);
  uint64_t random = (uint64_t)_i + 1;
  static int64_t numbers[MOST], indices[MOST], masks[MOST], seeds[MOST], repeats[MOST],
      epochs[MOST];
  static int32_t datasets[MOST], paddings[MOST];
  const fm_schedule_arrays all = {sizeof all, numbers, indices,  masks,   seeds,
                                  repeats,    epochs,  datasets, paddings};
  int64_t position = 0;
  for (int round = 0; round < 30; round++) {
    int64_t count = kit_below(&random, round % 3 ? 40 : MOST);
    numbers[count] = -7;
    ck_assert_int_eq(fm_schedule_position(schedule), position);
    KIT_OK(fm_schedule_next_many(schedule, count, &all, &err));
    ck_assert_int_eq(numbers[count], -7);
    for (int64_t i = 0; i < count; i++) {
      fm_schedule_entry e = schedule_at(schedule, position + i);
      bool same = e.number == numbers[i] && e.index == indices[i] && e.mask == masks[i] &&
                  e.seed == seeds[i] && e.repeat == repeats[i] && e.epoch == epochs[i] &&
                  e.dataset == datasets[i] && e.padding == paddings[i] &&
                  e.index == (e.dataset == FM_DATASET_REAL ? e.number : e.number - 30);
      if (!same) ck_abort_msg("position %lld differs", (long long)(position + i));
    }
    position += count;
    if (round % 5 == 4) {
      position = kit_below(&random, 100000);
      KIT_OK(fm_schedule_seek(schedule, position, &err));
    }
    fm_schedule_entry next = {.size = sizeof next}, expected = schedule_at(schedule, position);
    KIT_OK(fm_schedule_next(schedule, &next, &err));
    ck_assert_mem_eq(&next, &expected, sizeof next);
    position++;
  }
  fm_schedule_arrays none = {.size = sizeof none};
  KIT_OK(fm_schedule_fill(schedule, 0, 100, &none, &err));
  fm_schedule_destroy(schedule);
  fm_plan_destroy(plan);
}
END_TEST

/* Synthetic images are the plan's, row by row, seed by seed. */
START_TEST(images_are_the_plans) {
  fm_plan *plan = schedule_plan(_i, 7);
  fm_schedule_options options = {.size = sizeof options, .mix = FM_MIX_SYNTHETIC, .in_order = 1};
  fm_schedule *schedule = schedule_with(plan, &options);
  ck_assert_int_eq(fm_schedule_epoch_length(schedule, 0), fm_plan_image_count(plan));
  fm_plan_destroy(plan); /* the schedule holds it */
  int64_t position = 0;
  plan = schedule_plan(_i, 7);
  for (int64_t row = 0; row < fm_plan_mask_count(plan); row++) {
    fm_plan_entry entry = {.size = sizeof entry};
    KIT_OK(fm_plan_get(plan, row, &entry, &err));
    for (int64_t s = 0; s < entry.count; s++, position++) {
      fm_schedule_entry e = schedule_at(schedule, position);
      ck_assert(e.mask == row && e.seed == entry.seeds[s] && e.dataset == FM_DATASET_SYNTHETIC);
      ck_assert(e.index == position && e.number == _i + position);
    }
  }
  ck_assert_int_eq(position, fm_plan_image_count(plan));
  fm_schedule_destroy(schedule);
  fm_plan_destroy(plan);
}
END_TEST

/* Whatever is 0 in the options is what the paper does. */
START_TEST(no_options_are_the_paper) {
  fm_plan *plan = schedule_plan(40, 6);
  fm_schedule *schedule = schedule_with(plan, NULL);
  int64_t images = fm_plan_image_count(plan), times = fm_plan_real_repeats(plan);
  ck_assert_int_eq(fm_schedule_epoch_length(schedule, 0), 40 * times + images);
  ck_assert_int_eq(fm_schedule_epoch_start(schedule, 5), 5 * (40 * times + images));
  int64_t uses[40] = {0}, synthetic = 0;
  for (int64_t p = 0; p < fm_schedule_epoch_length(schedule, 0); p++) {
    fm_schedule_entry e = schedule_at(schedule, p);
    ck_assert(e.repeat >= 0 && e.repeat < times);
    if (e.dataset == FM_DATASET_SYNTHETIC)
      synthetic++;
    else
      uses[e.index] |= INT64_C(1) << e.repeat;
    if (e.dataset == FM_DATASET_REAL) ck_assert(e.mask == e.index && e.seed == 0);
  }
  ck_assert_int_eq(synthetic, images);
  for (int i = 0; i < 40; i++) ck_assert_int_eq(uses[i], (INT64_C(1) << times) - 1);
  fm_schedule_destroy(schedule);
  fm_plan_destroy(plan);
}
END_TEST

TCase *schedule_order_case(void) {
  TCase *tests = tcase_create("order");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, every_length_is_a_permutation, 0, 20);
  tcase_add_loop_test(tests, large_lengths_are_permutations, 0, 11);
  tcase_add_loop_test(tests, many_are_as_one_by_one, 0, 12);
  tcase_add_loop_test(tests, images_are_the_plans, 1, 60);
  tcase_add_test(tests, no_options_are_the_paper);
  return tests;
}
