/* plan/test_schedule_state.c - saving and restoring, fingerprints, what is refused.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "test_schedule_kit.h"

typedef unsigned char saved[FM_SCHEDULE_STATE_SIZE];

static void save(const fm_schedule *schedule, unsigned char *state) {
  KIT_OK(fm_schedule_save(schedule, state, FM_SCHEDULE_STATE_SIZE, &err));
}

static void restore(fm_schedule *schedule, const unsigned char *state) {
  KIT_OK(fm_schedule_restore(schedule, state, FM_SCHEDULE_STATE_SIZE, &err));
}

/* ---- Going on ------------------------------------------------------------------------------ */

/* Loop: tails. From every position of some epochs, on every rank, by the bytes of rank 0. */
START_TEST(goes_on_where_it_was) {
  fm_plan *plan = schedule_plan(7, 4);
  fm_schedule_options options = {.size = sizeof options, .tail = _i, .world = 3, .seed = 4};
  options.pretraining_epochs = 1;
  options.mix = FM_MIX_REAL;
  fm_schedule *first = schedule_with(plan, &options);
  for (int32_t rank = 0; rank < 3; rank++) {
    options.rank = rank;
    fm_schedule *schedule = schedule_with(plan, &options), *again = schedule_with(plan, &options);
    for (int64_t position = 0; position < 40; position++) {
      saved state, own;
      KIT_OK(fm_schedule_seek(first, position, &err));
      KIT_OK(fm_schedule_seek(schedule, position, &err));
      save(first, state);
      save(schedule, own);
      ck_assert_mem_eq(state, own, sizeof own);
      restore(again, state);
      ck_assert_int_eq(fm_schedule_position(again), position);
      fm_schedule_entry a = {.size = sizeof a}, b = {.size = sizeof b};
      for (int i = 0; i < 5; i++) {
        KIT_OK(fm_schedule_next(schedule, &a, &err));
        KIT_OK(fm_schedule_next(again, &b, &err));
        ck_assert_mem_eq(&a, &b, sizeof a);
      }
    }
    fm_schedule_destroy(again);
    fm_schedule_destroy(schedule);
  }
  fm_schedule_destroy(first);
  fm_plan_destroy(plan);
}
END_TEST

/* Saved with one number of ranks, restored with another: before and after, each entry of the
 * epoch is used, and at most world - 1 are used twice. */
static void expect_whole(int32_t world, int32_t then, int64_t position, int32_t tail) {
  enum { ENTRIES = 101 };
  fm_schedule_options options = schedule_options(FM_MIX_REAL, ENTRIES, 0);
  options.tail = tail;
  int uses[ENTRIES] = {0};
  saved state;
  for (int32_t rank = 0; rank < world; rank++) {
    options.world = world;
    options.rank = rank;
    fm_schedule *schedule = schedule_of(&options);
    for (int64_t p = 0; p < position; p++) uses[schedule_at(schedule, p).number]++;
    KIT_OK(fm_schedule_seek(schedule, position, &err));
    save(schedule, state);
    fm_schedule_destroy(schedule);
  }
  for (int32_t rank = 0; rank < then; rank++) {
    options.world = then;
    options.rank = rank;
    fm_schedule *schedule = schedule_of(&options);
    restore(schedule, state);
    for (int64_t p = fm_schedule_position(schedule); p < fm_schedule_epoch_start(schedule, 1);
         p++) {
      fm_schedule_entry e = schedule_at(schedule, p);
      uses[e.number] += !e.padding;
    }
    fm_schedule_destroy(schedule);
  }
  int twice = 0;
  for (int i = 0; i < ENTRIES; i++) {
    if (uses[i] != 1 && uses[i] != 2) ck_abort_msg("entry %d: %d uses", i, uses[i]);
    twice += uses[i] == 2;
  }
  ck_assert_msg(twice < then, "%d twice", twice);
}

START_TEST(other_ranks_miss_nothing) {
  static const int32_t worlds[] = {1, 2, 3, 7, 8};
  for (size_t a = 0; a < 5; a++)
    for (size_t b = 0; b < 5; b++)
      for (int64_t position = 0; position <= 101 / worlds[a]; position += 9) {
        expect_whole(worlds[a], worlds[b], position, FM_TAIL_PAD);
        expect_whole(worlds[a], worlds[b], position, FM_TAIL_STREAM);
      }
}
END_TEST

/* The bytes, worked out by hand: little endian, FNV-1a over the first forty. */
START_TEST(saved_bytes_are_the_documented_ones) {
  fm_schedule_options options = schedule_options(FM_MIX_REAL, 1000, 0);
  options.world = 4;
  fm_schedule *schedule = schedule_of(&options);
  KIT_OK(fm_schedule_seek(schedule, 3 * 250 + 77, &err));
  saved state;
  save(schedule, state);
  ck_assert_mem_eq(state, "\xAASCHED01", 8);
  static const unsigned char none[8], three[8] = {3}, progress[8] = {308 % 256, 1};
  ck_assert_mem_eq(state + 8, none, 8); /* no plan */
  ck_assert_mem_eq(state + 24, three, 8);
  ck_assert_mem_eq(state + 32, progress, 8);
  uint64_t hash = UINT64_C(0xcbf29ce484222325), stored = 0;
  for (int i = 0; i < 40; i++) hash = (hash ^ state[i]) * UINT64_C(0x100000001b3);
  for (int i = 0; i < 8; i++) stored |= (uint64_t)state[40 + i] << (8 * i);
  ck_assert_uint_eq(stored, hash);
  fm_schedule_destroy(schedule);
}
END_TEST

START_TEST(damaged_bytes_are_refused) {
  fm_schedule_options options = schedule_options(FM_MIX_REAL, 1000, 0);
  fm_schedule *schedule = schedule_of(&options);
  KIT_OK(fm_schedule_seek(schedule, 1234, &err));
  saved state;
  save(schedule, state);
  for (int bit = 0; bit < 8 * FM_SCHEDULE_STATE_SIZE; bit++) {
    state[bit / 8] ^= (unsigned char)(1 << bit % 8);
    KIT_FAILS(FM_ERR_FORMAT, "damaged", fm_schedule_restore(schedule, state, sizeof state, &err));
    state[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
  KIT_FAILS(FM_ERR_ARGUMENT, "size is 47", fm_schedule_restore(schedule, state, 47, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "size is 49", fm_schedule_save(schedule, state, 49, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_schedule_restore(schedule, NULL, 48, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_schedule_save(NULL, state, 48, &err));
  /* A good checksum over an epoch that cannot be. */
  memset(state + 24, 0xFF, 16);
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int i = 0; i < 40; i++) hash = (hash ^ state[i]) * UINT64_C(0x100000001b3);
  for (int i = 0; i < 8; i++) state[40 + i] = (unsigned char)(hash >> (8 * i));
  KIT_FAILS(FM_ERR_FORMAT, "beyond", fm_schedule_restore(schedule, state, sizeof state, &err));
  ck_assert_int_eq(fm_schedule_position(schedule), 1234);
  fm_schedule_destroy(schedule);
}
END_TEST

/* ---- Fingerprints ---------------------------------------------------------------------------- */

/* Loop: one option differs; from 12 on it makes no difference. */
START_TEST(other_options_are_another_order) {
  static const double even[] = {1, 1, 1, 1, 1}, odd[] = {1, 1, 1, 1, 2};
  fm_schedule_options base = schedule_options(FM_MIX_RANDOM, 2, 3);
  if (_i >= 8) base = schedule_options(_i >= 12 ? FM_MIX_JOINT : FM_MIX_SHARES, 2, 3);
  if (base.mix == FM_MIX_SHARES) {
    base.weights = even;
    base.weight_count = 5;
  }
  fm_schedule_options other = base;
  switch (_i) {
    case 0:
      other.seed = 1;
      break;
    case 1:
      other.in_order = 1;
      break;
    case 2:
      other.real_share = 2, other.synthetic_share = 1;
      break;
    case 3:
      other.real_count = 3;
      break;
    case 4:
      other.synthetic_count = 4;
      break;
    case 5:
      other.mix = FM_MIX_RATIO;
      break;
    case 6:
      other.epoch_length = 4;
      break;
    case 7:
      other.pretraining_epochs = 1;
      break;
    case 8:
      other.weights = odd;
      break;
    case 9:
      other.mix = FM_MIX_WEIGHTED;
      break;
    case 10:
      other.epoch_length = 4;
      break;
    case 11:
      other.real_count = 1, other.synthetic_count = 4;
      break;
    case 12:
      other.real_repeats = 2;
      break; /* the default here */
    case 13:
      other.world = 5, other.rank = 3;
      break;
    default:
      other.tail = FM_TAIL_STREAM;
  }
  fm_schedule *a = schedule_of(&base), *b = schedule_of(&other);
  saved state;
  save(a, state);
  if (_i < 12) {
    ck_assert_uint_ne(fm_schedule_fingerprint(a), fm_schedule_fingerprint(b));
    KIT_FAILS(FM_ERR_MISMATCH, "other options", fm_schedule_restore(b, state, 48, &err));
  } else {
    ck_assert_uint_eq(fm_schedule_fingerprint(a), fm_schedule_fingerprint(b));
    restore(b, state);
  }
  fm_schedule_destroy(a);
  fm_schedule_destroy(b);
}
END_TEST

START_TEST(another_plan_is_refused) {
  fm_plan *plans[2] = {schedule_plan(20, 5), schedule_plan(20, 6)};
  fm_schedule_options options = {.size = sizeof options, .mix = FM_MIX_REAL};
  fm_schedule *a = schedule_with(plans[0], &options), *b = schedule_with(plans[1], &options);
  saved state;
  save(a, state);
  ck_assert_uint_ne(fm_schedule_fingerprint(a), fm_schedule_fingerprint(b));
  KIT_FAILS(FM_ERR_MISMATCH, "another plan", fm_schedule_restore(b, state, 48, &err));
  for (int i = 0; i < 2; i++) fm_plan_destroy(plans[i]);
  fm_schedule_destroy(a);
  fm_schedule_destroy(b);
}
END_TEST

TCase *schedule_state_case(void) {
  TCase *tests = tcase_create("state");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, goes_on_where_it_was, FM_TAIL_PAD, FM_TAIL_STREAM + 1);
  tcase_add_test(tests, other_ranks_miss_nothing);
  tcase_add_test(tests, saved_bytes_are_the_documented_ones);
  tcase_add_test(tests, damaged_bytes_are_refused);
  tcase_add_loop_test(tests, other_options_are_another_order, 0, 15);
  tcase_add_test(tests, another_plan_is_refused);
  return tests;
}
