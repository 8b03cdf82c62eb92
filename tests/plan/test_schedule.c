/* plan/test_schedule.c - freemask/schedule.h: the suite, and what its groups share.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "suites.h"
#include "test_schedule_kit.h"

fm_schedule_options schedule_options(int32_t mix, int64_t real, int64_t synthetic) {
  return (fm_schedule_options){.size = sizeof(fm_schedule_options),
                               .mix = mix,
                               .real_count = real,
                               .synthetic_count = synthetic};
}

fm_schedule *schedule_with(const fm_plan *plan, const fm_schedule_options *options) {
  fm_context *context = kit_plain_context();
  fm_schedule *schedule = NULL;
  KIT_OK(fm_schedule_create(context, plan, options, &schedule, &err));
  fm_context_destroy(context);
  return schedule;
}

fm_schedule *schedule_of(const fm_schedule_options *options) {
  return schedule_with(NULL, options);
}

fm_plan *schedule_plan(int masks, int32_t n_max) {
  fm_context *context = kit_plain_context();
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  int64_t seeds[64];
  for (int i = 0; i < 64; i++) seeds[i] = 42 + i;
  fm_planner_options options = {
      .size = sizeof options, .n_max = n_max, .seeds = seeds, .seed_count = n_max};
  KIT_OK(fm_planner_create(context, &options, &planner, &err));
  char id[32];
  for (int i = 0; i < masks; i++) {
    snprintf(id, sizeof id, "mask_%06d", i);
    KIT_OK(fm_planner_add(planner, id, (i * 7919 % masks), NULL, 0, &err));
  }
  KIT_OK(fm_planner_make_plan(planner, &plan, &err));
  fm_planner_destroy(planner);
  fm_context_destroy(context);
  return plan;
}

fm_schedule_entry schedule_at(const fm_schedule *schedule, int64_t position) {
  fm_schedule_entry entry = {.size = sizeof entry};
  fm_error err = {.message = ""};
  /* Check's macros cost a system call each, and these are millions. */
  if (fm_schedule_at(schedule, position, &entry, &err) || entry.size != sizeof entry)
    ck_abort_msg("position %lld: %s", (long long)position, err.message);
  return entry;
}

void schedule_numbers(const fm_schedule *schedule, int64_t position, int64_t count,
                      int64_t *numbers) {
  fm_schedule_arrays arrays = {.size = sizeof arrays, .numbers = numbers};
  fm_error err = {.message = ""};
  if (fm_schedule_fill(schedule, position, count, &arrays, &err)) ck_abort_msg("%s", err.message);
}

Suite *schedule_suite(void) {
  Suite *suite = suite_create("schedule");
  suite_add_tcase(suite, schedule_order_case());
  suite_add_tcase(suite, schedule_mix_case());
  suite_add_tcase(suite, schedule_rank_case());
  suite_add_tcase(suite, schedule_state_case());
  suite_add_tcase(suite, schedule_errors_case());
  suite_add_tcase(suite, schedule_golden_case());
  suite_add_tcase(suite, schedule_real_case());
  suite_add_tcase(suite, schedule_many_case());
  return suite;
}
