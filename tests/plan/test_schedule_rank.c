/* plan/test_schedule_rank.c - ranks: padding, truncating, streaming; nothing missed or doubled.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "test_schedule_kit.h"

static fm_schedule *rank_of(fm_schedule_options options, int32_t rank, int32_t world) {
  options.rank = rank;
  options.world = world;
  return schedule_of(&options);
}

/* What PyTorch's DistributedSampler returns for ten items on four ranks, unshuffled. */
START_TEST(padding_is_pytorchs) {
  static const int64_t padded[4][3] = {{0, 4, 8}, {1, 5, 9}, {2, 6, 0}, {3, 7, 1}};
  fm_schedule_options options = schedule_options(FM_MIX_REAL, 10, 0);
  options.in_order = 1;
  for (int32_t rank = 0; rank < 4; rank++) {
    options.tail = FM_TAIL_PAD;
    fm_schedule *schedule = rank_of(options, rank, 4);
    int64_t numbers[6];
    schedule_numbers(schedule, 3, 3, numbers);
    ck_assert_mem_eq(numbers, padded[rank], sizeof padded[rank]);
    ck_assert_int_eq(schedule_at(schedule, 2).padding, rank >= 2);
    ck_assert_int_eq(schedule_at(schedule, 1).padding, 0);
    fm_schedule_destroy(schedule);
    options.tail = FM_TAIL_TRUNCATE;
    schedule = rank_of(options, rank, 4);
    ck_assert_int_eq(fm_schedule_epoch_length(schedule, 0), 2);
    schedule_numbers(schedule, 0, 4, numbers);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(numbers[i], rank + i % 2 * 4);
    fm_schedule_destroy(schedule);
  }
}
END_TEST

/* DistributedSampler's list: the epoch, as often as it takes to reach length * world. */
static void expect_dealt(const fm_schedule_options *options, int32_t world, const int64_t *whole) {
  int64_t n = options->real_count;
  int64_t length = options->tail == FM_TAIL_PAD ? (n + world - 1) / world : n / world;
  for (int32_t rank = 0; rank < world; rank++) {
    fm_schedule *schedule = rank_of(*options, rank, world);
    for (int64_t epoch = 0; epoch < 2; epoch++) {
      ck_assert_int_eq(fm_schedule_epoch_start(schedule, epoch), epoch * length);
      ck_assert_int_eq(fm_schedule_epoch_length(schedule, epoch), length);
      int64_t numbers[64];
      schedule_numbers(schedule, epoch * length, length, numbers);
      for (int64_t i = 0; i < length; i++)
        if (numbers[i] != whole[epoch * n + (i * world + rank) % n])
          ck_abort_msg("%d of %d ranks: entry %d differs", (int)rank, (int)world, (int)i);
    }
    fm_schedule_destroy(schedule);
  }
}

START_TEST(ranks_deal_out_one_order) {
  for (int64_t n = 1; n < 40; n++) {
    fm_schedule_options options = schedule_options(FM_MIX_REAL, n, 0);
    options.seed = (uint64_t)n;
    fm_schedule *one = schedule_of(&options);
    int64_t whole[80];
    schedule_numbers(one, 0, 2 * n, whole);
    fm_schedule_destroy(one);
    static const int32_t worlds[] = {1, 2, 3, 5, 8, 39, 100};
    for (size_t w = 0; w < sizeof worlds / sizeof *worlds; w++) {
      options.tail = FM_TAIL_PAD;
      expect_dealt(&options, worlds[w], whole);
      options.tail = FM_TAIL_TRUNCATE;
      if (n >= worlds[w]) expect_dealt(&options, worlds[w], whole);
    }
  }
}
END_TEST

/* The ranks of a stream, put together again, are what a single one has; each rank's epochs
 * begin where its first entry of them is. */
START_TEST(stream_loses_and_doubles_nothing) {
  fm_schedule_options options = schedule_options(FM_MIX_JOINT, 5, 12);
  options.pretraining_epochs = 2;
  int64_t whole[1000];
  fm_schedule *one = schedule_of(&options);
  schedule_numbers(one, 0, 1000, whole);
  options.tail = FM_TAIL_STREAM;
  for (int32_t world = 1; world < 50; world += 3)
    for (int32_t rank = 0; rank < world; rank++) {
      fm_schedule *schedule = rank_of(options, rank, world);
      for (int64_t p = 0; p * world + rank < 1000; p++) {
        fm_schedule_entry e = schedule_at(schedule, p), o = schedule_at(one, p * world + rank);
        bool good = e.number == whole[p * world + rank] && e.epoch == o.epoch && !e.padding &&
                    p >= fm_schedule_epoch_start(schedule, e.epoch) &&
                    p < fm_schedule_epoch_start(schedule, e.epoch + 1);
        if (!good) ck_abort_msg("%d of %d ranks: position %d", (int)rank, (int)world, (int)p);
      }
      fm_schedule_destroy(schedule);
    }
  fm_schedule_destroy(one);
}
END_TEST

/* A million entries on 64 ranks in each way: a bit for each. `./dev long` does 10^9. */
START_TEST(a_million_on_64_ranks) {
  enum { ENTRIES = 1000000 + 37, WORLD = 64 };
  fm_schedule_options options = schedule_options(FM_MIX_REAL, ENTRIES, 0);
  options.tail = _i;
  unsigned char *seen = calloc(ENTRIES, 1);
  int64_t *numbers = calloc(ENTRIES / WORLD + 1, sizeof *numbers), doubled = 0, all = 0;
  for (int32_t rank = 0; rank < WORLD; rank++) {
    fm_schedule *schedule = rank_of(options, rank, WORLD);
    int64_t length = fm_schedule_epoch_length(schedule, 7);
    schedule_numbers(schedule, fm_schedule_epoch_start(schedule, 7), length, numbers);
    for (int64_t i = 0; i < length; i++) doubled += seen[numbers[i]]++;
    all += length;
    fm_schedule_destroy(schedule);
  }
  int64_t missed = 0;
  for (int64_t i = 0; i < ENTRIES; i++) missed += !seen[i];
  int64_t over = (WORLD - ENTRIES % WORLD) % WORLD;
  ck_assert_int_eq(doubled, _i == FM_TAIL_PAD ? over : 0);
  ck_assert_int_eq(missed, _i == FM_TAIL_TRUNCATE ? WORLD - over : 0);
  ck_assert_int_eq(all, ENTRIES + doubled - missed);
  free(numbers);
  free(seen);
}
END_TEST

TCase *schedule_rank_case(void) {
  TCase *tests = tcase_create("rank");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, padding_is_pytorchs);
  tcase_add_test(tests, ranks_deal_out_one_order);
  tcase_add_test(tests, stream_loses_and_doubles_nothing);
  tcase_add_loop_test(tests, a_million_on_64_ranks, FM_TAIL_PAD, FM_TAIL_STREAM + 1);
  return tests;
}
