/* plan/test_schedule_errors.c - freemask/schedule.h: what is refused, and with which sentence.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test_schedule_kit.h"

static const double NOTHING[2] = {0, 0}, NEGATIVE[2] = {1, -1};
static const double NOT_A_NUMBER[2] = {1, (double)NAN}, ENDLESS[2] = {(double)INFINITY, 1};

static const struct {
  fm_schedule_options options;
  fm_status status;
  const char *text;
} wrong[] = {
    {{.mix = 7}, FM_ERR_ARGUMENT, "mix is 7"},
    {{.mix = -1}, FM_ERR_ARGUMENT, "mix is -1"},
    {{.tail = 3}, FM_ERR_ARGUMENT, "tail is 3"},
    {{.real_count = -1}, FM_ERR_ARGUMENT, "real_count is -1"},
    {{.real_count = INT64_C(1) << 41}, FM_ERR_ARGUMENT, "real_count"},
    {{.synthetic_count = INT64_MIN}, FM_ERR_ARGUMENT, "synthetic_count"},
    {{.real_repeats = -1}, FM_ERR_ARGUMENT, "real_repeats is -1"},
    {{.world = -1}, FM_ERR_ARGUMENT, "world is -1"},
    {{.rank = 1}, FM_ERR_ARGUMENT, "rank is 1, expected 0 to 0"},
    {{.world = 4, .rank = 4}, FM_ERR_ARGUMENT, "rank is 4"},
    {{.in_order = 2}, FM_ERR_ARGUMENT, "in_order"},
    {{.reserved = 1}, FM_ERR_ARGUMENT, "reserved"},
    {{.pretraining_epochs = -1}, FM_ERR_ARGUMENT, "pretraining_epochs"},
    {{.mix = FM_MIX_REAL, .real_repeats = 2},
     FM_ERR_ARGUMENT,
     "real_repeats is set, but FM_MIX_REAL does"},
    {{.real_share = 1, .synthetic_share = 1},
     FM_ERR_ARGUMENT,
     "real_share is set, but FM_MIX_JOINT"},
    {{.mix = FM_MIX_RATIO, .real_share = 1}, FM_ERR_ARGUMENT, "both"},
    {{.epoch_length = 4}, FM_ERR_ARGUMENT, "epoch_length is set, but FM_MIX_JOINT"},
    {{.weights = NOTHING, .weight_count = 2}, FM_ERR_ARGUMENT, "weights"},
    {{.mix = FM_MIX_WEIGHTED}, FM_ERR_ARGUMENT, "0 weights"},
    {{.mix = FM_MIX_WEIGHTED, .weights = NOTHING, .weight_count = 3}, FM_ERR_ARGUMENT, "3 weights"},
    {{.mix = FM_MIX_WEIGHTED, .weights = NOTHING, .weight_count = 2},
     FM_ERR_EMPTY,
     "weights are 0"},
    {{.mix = FM_MIX_SHARES, .weights = NEGATIVE, .weight_count = 2}, FM_ERR_ARGUMENT, "weights[1]"},
    {{.mix = FM_MIX_SHARES, .weights = NOT_A_NUMBER, .weight_count = 2}, FM_ERR_ARGUMENT, "nan"},
    {{.mix = FM_MIX_SHARES, .weights = ENDLESS, .weight_count = 2}, FM_ERR_ARGUMENT, "inf"},
    {{.tail = FM_TAIL_TRUNCATE, .world = 3},
     FM_ERR_EMPTY,
     "2 entries leaves nothing for each of 3"},
    {{.mix = FM_MIX_RATIO, .real_share = 1, .synthetic_share = 9}, FM_ERR_EMPTY, "leave none"},
    {{.real_count = INT64_C(1) << 40, .real_repeats = 1 << 20}, FM_ERR_LIMIT, "2^48"},
    {{.mix = FM_MIX_SHARES, .epoch_length = (INT64_C(1) << 31) + 1},
     FM_ERR_ARGUMENT,
     "epoch_length"},
};
enum { WRONG = sizeof wrong / sizeof *wrong };

START_TEST(bad_options_are_refused) {
  fm_context *context = kit_plain_context();
  fm_schedule *schedule = KIT_SENTINEL;
  fm_schedule_options options = wrong[_i].options;
  options.size = sizeof options;
  if (!options.real_count) options.real_count = 1;
  if (!options.synthetic_count) options.synthetic_count = 1;
  KIT_FAILS(wrong[_i].status, wrong[_i].text,
            fm_schedule_create(context, NULL, &options, &schedule, &err));
  ck_assert_ptr_eq(schedule, KIT_SENTINEL);
  fm_context_destroy(context);
}
END_TEST

START_TEST(empty_sets_are_refused) {
  fm_context *context = kit_plain_context();
  fm_schedule *schedule = KIT_SENTINEL;
  fm_schedule_options options = schedule_options(FM_MIX_JOINT, 0, 5);
  KIT_FAILS(FM_ERR_EMPTY, "real_count",
            fm_schedule_create(context, NULL, &options, &schedule, &err));
  options = schedule_options(FM_MIX_JOINT, 5, 0);
  KIT_FAILS(FM_ERR_EMPTY, "synthetic_count",
            fm_schedule_create(context, NULL, &options, &schedule, &err));
  options = schedule_options(FM_MIX_REAL, 5, 0);
  options.pretraining_epochs = 1;
  KIT_FAILS(FM_ERR_EMPTY, "synthetic_count",
            fm_schedule_create(context, NULL, &options, &schedule, &err));
  KIT_FAILS(FM_ERR_EMPTY, "real_count", fm_schedule_create(context, NULL, NULL, &schedule, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_schedule_create(NULL, NULL, &options, &schedule, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_schedule_create(context, NULL, &options, NULL, &err));
  fm_plan *plan = schedule_plan(3, 2);
  options = schedule_options(FM_MIX_JOINT, 0, 77);
  KIT_FAILS(FM_ERR_MISMATCH, "77", fm_schedule_create(context, plan, &options, &schedule, &err));
  ck_assert_ptr_eq(schedule, KIT_SENTINEL);
  fm_plan_destroy(plan);
  fm_context_destroy(context);
}
END_TEST

START_TEST(positions_out_of_range) {
  fm_schedule_options options = schedule_options(FM_MIX_JOINT, 3, 4);
  options.world = 4;
  fm_schedule *schedule = schedule_of(&options);
  const int64_t end = INT64_C(1) << 60;
  fm_schedule_entry entry = {.size = sizeof entry};
  fm_schedule_arrays none = {.size = sizeof none};
  KIT_OK(fm_schedule_at(schedule, end - 1, &entry, &err));
  ck_assert_int_eq(entry.epoch, (end - 1) / 2);
  fm_schedule_entry before = entry;
  KIT_FAILS(FM_ERR_ARGUMENT, "position", fm_schedule_at(schedule, end, &entry, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "position", fm_schedule_at(schedule, -1, &entry, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "position", fm_schedule_at(schedule, INT64_MAX, &entry, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "position", fm_schedule_fill(schedule, end - 3, 4, &none, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "count is -1", fm_schedule_fill(schedule, 0, -1, &none, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "position", fm_schedule_seek(schedule, -1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "position", fm_schedule_seek(schedule, end + 1, &err));
  KIT_OK(fm_schedule_seek(schedule, end, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "position", fm_schedule_next(schedule, &entry, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "position", fm_schedule_next_many(schedule, 1, &none, &err));
  ck_assert_int_eq(fm_schedule_position(schedule), end);
  ck_assert_mem_eq(&entry, &before, sizeof entry);
  entry.size = 0;
  KIT_FAILS(FM_ERR_ARGUMENT, "size", fm_schedule_at(schedule, 0, &entry, &err));
  none.size = 3;
  KIT_FAILS(FM_ERR_ARGUMENT, "size", fm_schedule_fill(schedule, 0, 1, &none, &err));
  static const int64_t epochs[] = {-1, INT64_MIN, INT64_MAX, INT64_MAX - 1, INT64_C(1) << 60};
  for (size_t i = 0; i < 5; i++) {
    ck_assert_int_eq(fm_schedule_epoch_start(schedule, epochs[i]), -1);
    ck_assert_int_eq(fm_schedule_epoch_length(schedule, epochs[i]), -1);
  }
  fm_schedule_destroy(schedule);
}
END_TEST

/* 2^31 epochs of 2^40 entries are more than 64 bits count: no epoch begins at a remainder of that.
 */
START_TEST(epochs_beyond_the_last_position_do_not_begin) {
  fm_schedule_options options = schedule_options(FM_MIX_REAL, 5, INT64_C(1) << 40);
  options.pretraining_epochs = INT64_C(1) << 31;
  for (options.tail = FM_TAIL_PAD; options.tail <= FM_TAIL_STREAM; options.tail++) {
    fm_schedule *schedule = schedule_of(&options);
    ck_assert_int_eq(fm_schedule_epoch_start(schedule, (1 << 22) - 1),
                     (INT64_C(1) << 62) - (INT64_C(1) << 40));
    for (int bits = 22; bits < 40; bits++)
      ck_assert_int_eq(fm_schedule_epoch_start(schedule, INT64_C(1) << bits), -1);
    fm_schedule_destroy(schedule);
  }
}
END_TEST

/* ---- The end of the positions ---------------------------------------------------- */

/* The last position is in an epoch that begins, that ends there, and that no other one follows; a
 * schedule that stands behind it can be saved and goes on standing there. */
static void check_end(const fm_schedule_options *options) {
  fm_schedule *schedule = schedule_of(options);
  const int64_t end = (INT64_C(1) << 62) / options->world;
  int64_t last = schedule_at(schedule, end - 1).epoch;
  int64_t start = fm_schedule_epoch_start(schedule, last);
  ck_assert(start >= 0 && start < end);
  ck_assert_int_eq(schedule_at(schedule, start).epoch, last);
  ck_assert_int_eq(fm_schedule_epoch_length(schedule, last), end - start);
  if (last) {
    int64_t before = fm_schedule_epoch_start(schedule, last - 1);
    ck_assert_int_eq(fm_schedule_epoch_length(schedule, last - 1), start - before);
  }
  ck_assert_int_eq(fm_schedule_epoch_start(schedule, last + 1), -1);
  ck_assert_int_eq(fm_schedule_epoch_length(schedule, last + 1), -1);
  for (int64_t position = end - 1; position <= end; position++) {
    unsigned char state[FM_SCHEDULE_STATE_SIZE];
    KIT_OK(fm_schedule_seek(schedule, position, &err));
    KIT_OK(fm_schedule_save(schedule, state, sizeof state, &err));
    KIT_OK(fm_schedule_seek(schedule, 0, &err));
    KIT_OK(fm_schedule_restore(schedule, state, sizeof state, &err));
    ck_assert_int_eq(fm_schedule_position(schedule), position);
  }
  fm_schedule_destroy(schedule);
}

/* Loop: tails. */
START_TEST(the_last_epoch_ends_with_the_last_position) {
  static const int64_t counts[] = {1, 2, 3, 7, 1000, 1 << 20, (1 << 20) + 1, INT64_C(1) << 40};
  static const int32_t worlds[] = {1, 2, 3, 4, 7, 1 << 20};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    for (size_t j = 0; j < sizeof worlds / sizeof *worlds; j++)
      for (int64_t pretraining = 0; pretraining < 3; pretraining++) {
        fm_schedule_options options = schedule_options(FM_MIX_REAL, counts[i], 5);
        options.tail = _i;
        options.world = worlds[j];
        options.pretraining_epochs = pretraining;
        int64_t smallest = pretraining && counts[i] > 5 ? 5 : counts[i];
        if (_i == FM_TAIL_TRUNCATE && smallest < options.world) continue;
        for (options.rank = 0; options.rank < options.world && options.rank < 4; options.rank++)
          check_end(&options);
        options.rank = options.world - 1;
        check_end(&options);
      }
}
END_TEST

/* By numbers that need no formula: epochs of 2^20 entries fill 2^62 positions, those of 3 leave one. */
START_TEST(a_whole_epoch_at_the_end_has_its_length) {
  fm_schedule_options options = schedule_options(FM_MIX_REAL, 1 << 20, 0);
  for (options.tail = FM_TAIL_PAD; options.tail <= FM_TAIL_STREAM; options.tail++) {
    fm_schedule *schedule = schedule_of(&options);
    int64_t last = (INT64_C(1) << 42) - 1;
    ck_assert_int_eq(fm_schedule_epoch_start(schedule, last), (INT64_C(1) << 62) - (1 << 20));
    ck_assert_int_eq(fm_schedule_epoch_length(schedule, last), 1 << 20);
    ck_assert_int_eq(fm_schedule_epoch_length(schedule, last + 1), -1);
    fm_schedule_destroy(schedule);
  }
  options = schedule_options(FM_MIX_REAL, 3, 0);
  fm_schedule *schedule = schedule_of(&options);
  int64_t last = ((INT64_C(1) << 62) - 1) / 3;
  ck_assert_int_eq(fm_schedule_epoch_length(schedule, last - 1), 3);
  ck_assert_int_eq(fm_schedule_epoch_length(schedule, last), 1);
  fm_schedule_destroy(schedule);
}
END_TEST

START_TEST(null_is_refused) {
  fm_schedule_options options = schedule_options(FM_MIX_JOINT, 3, 4);
  fm_schedule *schedule = schedule_of(&options);
  fm_schedule_entry entry = {.size = sizeof entry};
  fm_schedule_arrays none = {.size = sizeof none};
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_schedule_at", fm_schedule_at(NULL, 0, &entry, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_schedule_at", fm_schedule_at(schedule, 0, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_schedule_fill", fm_schedule_fill(NULL, 0, 1, &none, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_schedule_fill", fm_schedule_fill(schedule, 0, 1, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_schedule_next", fm_schedule_next(NULL, &entry, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "next_many", fm_schedule_next_many(NULL, 1, &none, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_schedule_seek", fm_schedule_seek(NULL, 1, &err));
  ck_assert_int_eq(fm_schedule_position(NULL), -1);
  ck_assert_int_eq(fm_schedule_epoch_start(NULL, 0), -1);
  ck_assert_int_eq(fm_schedule_epoch_length(NULL, 0), -1);
  ck_assert_uint_eq(fm_schedule_fingerprint(NULL), 0);
  fm_schedule_destroy(schedule);
  fm_schedule_destroy(NULL);
}
END_TEST

/* An older program's entry and arrays: nothing beyond their ends is written or read. */
static fm_status make(const void *options, void *user, fm_error *err) {
  fm_schedule *schedule = KIT_SENTINEL;
  fm_status status = fm_schedule_create(user, NULL, options, &schedule, err);
  if (status)
    ck_assert_ptr_eq(schedule, KIT_SENTINEL);
  else
    fm_schedule_destroy(schedule);
  return status;
}

START_TEST(options_follow_the_rule) {
  fm_schedule_options options = schedule_options(FM_MIX_JOINT, 3, 4);
  fm_context *context = kit_plain_context();
  kit_options_rule("fm_schedule_options", &options, sizeof options, make, context);
  fm_context_destroy(context);
}
END_TEST

TCase *schedule_errors_case(void) {
  TCase *tests = tcase_create("errors");
  tcase_add_loop_test(tests, bad_options_are_refused, 0, WRONG);
  tcase_add_test(tests, empty_sets_are_refused);
  tcase_add_test(tests, positions_out_of_range);
  tcase_add_test(tests, epochs_beyond_the_last_position_do_not_begin);
  tcase_add_loop_test(tests, the_last_epoch_ends_with_the_last_position, 0, 3);
  tcase_add_test(tests, a_whole_epoch_at_the_end_has_its_length);
  tcase_add_test(tests, null_is_refused);
  tcase_add_test(tests, options_follow_the_rule);
  return tests;
}
