/* plan/test_schedule_many.c - freemask/schedule.h: many entries at a time against one by one, for
 * options at random and sets of all sizes: which way an epoch is worked out depends on them.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "test_schedule_kit.h"

enum { MIXES = 7, TRIES = 120, MOST_WEIGHTS = 3000, MOST_ENTRIES = 4400 };

typedef struct entries {
  int64_t numbers[MOST_ENTRIES], indices[MOST_ENTRIES], repeats[MOST_ENTRIES], epochs[MOST_ENTRIES];
  int32_t datasets[MOST_ENTRIES], paddings[MOST_ENTRIES];
} entries;

static bool chance(uint64_t *random, int64_t percent) { return kit_below(random, 100) < percent; }

/* Sizes of all orders, and those next to powers of two, where grids change their shape. */
static int64_t draw_size(uint64_t *random, int64_t bits) {
  int64_t power = INT64_C(1) << kit_below(random, bits + 1);
  int64_t size =
      chance(random, 30) ? power + kit_below(random, 3) - 1 : power + kit_below(random, power);
  return size < 1 ? 1 : size;
}

/* From 0 and hardly more than 0 to much. */
static void draw_weights(uint64_t *random, fm_schedule_options *o, double weights[MOST_WEIGHTS]) {
  int64_t count = o->real_count + o->synthetic_count;
  bool even = chance(random, 30);
  for (int64_t i = 0; i < count; i++) {
    double weight = (double)(1 + kit_below(random, 1000));
    if (!even && chance(random, 30)) weight = 0;
    if (!even && chance(random, 20)) weight *= 1e-9;
    if (!even && chance(random, 2)) weight *= 1e6;
    weights[i] = weight;
  }
  weights[kit_below(random, count)] = 1;
  o->weights = weights;
  o->weight_count = count;
}

static fm_schedule_options draw_options(uint64_t *random, int32_t mix,
                                        double weights[MOST_WEIGHTS]) {
  bool weighted = mix == FM_MIX_WEIGHTED || mix == FM_MIX_SHARES;
  int64_t bits = weighted ? 9 : chance(random, 60) ? 20 : 38;
  fm_schedule_options o = schedule_options(mix, draw_size(random, bits), draw_size(random, bits));
  o.tail = (int32_t)kit_below(random, 3);
  o.seed = (uint64_t)kit_below(random, INT64_MAX);
  o.in_order = chance(random, 10);
  o.world = chance(random, 40) ? 1 + (int32_t)kit_below(random, 40) : 1;
  o.rank = (int32_t)kit_below(random, o.world);
  if (mix == FM_MIX_JOINT && chance(random, 50)) o.real_repeats = 1 + kit_below(random, 40);
  if (mix == FM_MIX_RATIO || mix == FM_MIX_RANDOM) {
    o.real_share = 1 + kit_below(random, 9);
    o.synthetic_share = 1 + kit_below(random, 9);
  }
  if (weighted) draw_weights(random, &o, weights);
  if ((weighted || mix == FM_MIX_RANDOM) && chance(random, 50))
    o.epoch_length = draw_size(random, mix == FM_MIX_RANDOM ? 39 : 30);
  if (chance(random, 20) && mix != FM_MIX_REAL) o.pretraining_epochs = 1 + kit_below(random, 3);
  return o;
}

/* Where an epoch begins, or anywhere in the first ones. */
static int64_t draw_position(uint64_t *random, const fm_schedule *schedule) {
  int64_t end = fm_schedule_epoch_start(schedule, 1 + kit_below(random, 12));
  int64_t position = end > 0 && chance(random, 70) ? kit_below(random, end) : 0;
  return chance(random, 50) ? position - position % 32 : position;
}

static void compare(const fm_schedule *schedule, int64_t position, int64_t count, entries *found) {
  fm_schedule_arrays arrays = {.size = sizeof arrays,
                               .numbers = found->numbers,
                               .indices = found->indices,
                               .repeats = found->repeats,
                               .epochs = found->epochs,
                               .datasets = found->datasets,
                               .paddings = found->paddings};
  KIT_OK(fm_schedule_fill(schedule, position, count, &arrays, &err));
  for (int64_t i = 0; i < count; i += 1 + count / 50) {
    fm_schedule_entry e = schedule_at(schedule, position + i);
    if (e.number != found->numbers[i] || e.index != found->indices[i] ||
        e.repeat != found->repeats[i] || e.epoch != found->epochs[i] ||
        e.dataset != found->datasets[i] || e.padding != found->paddings[i])
      ck_abort_msg("position %lld differs", (long long)(position + i));
  }
}

START_TEST(any_many_are_as_one_by_one) {
  static double weights[MOST_WEIGHTS];
  static entries found;
  uint64_t random = 20240607 + (uint64_t)_i;
  int compared = 0;
  for (int try = 0; try < TRIES; try++) {
    fm_schedule_options options = draw_options(&random, _i, weights);
    fm_context *context = kit_plain_context();
    fm_schedule *schedule = NULL;
    fm_status status = fm_schedule_create(context, NULL, &options, &schedule, NULL);
    fm_context_destroy(context);
    if (status) continue; /* not every draw makes sense */
    int64_t position = draw_position(&random, schedule);
    compare(schedule, position, 1 + kit_below(&random, chance(&random, 50) ? 300 : MOST_ENTRIES),
            &found);
    fm_schedule_destroy(schedule);
    compared++;
  }
  ck_assert_int_ge(2 * compared, TRIES);
}
END_TEST

TCase *schedule_many_case(void) {
  TCase *tests = tcase_create("many");
  tcase_add_loop_test(tests, any_many_are_as_one_by_one, 0, MIXES);
  return tests;
}
