/* plan/test_schedule_kit.h - what the tests of freemask/schedule.h share.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_PLAN_TEST_SCHEDULE_KIT_H
#define FM_TESTS_PLAN_TEST_SCHEDULE_KIT_H

#include "kit.h"

/* Options of a mix over counts. */
fm_schedule_options schedule_options(int32_t mix, int64_t real, int64_t synthetic);

/* A schedule without a plan, in a context that is released with it. */
fm_schedule *schedule_of(const fm_schedule_options *options);
fm_schedule *schedule_with(const fm_plan *plan, const fm_schedule_options *options);

/* A plan of that many masks, its seeds 42 to 42 + n_max - 1. */
fm_plan *schedule_plan(int masks, int32_t n_max);

fm_schedule_entry schedule_at(const fm_schedule *schedule, int64_t position);
void schedule_numbers(const fm_schedule *schedule, int64_t position, int64_t count,
                      int64_t *numbers);

/* The groups of tests, one file each. */
TCase *schedule_order_case(void);
TCase *schedule_mix_case(void);
TCase *schedule_rank_case(void);
TCase *schedule_state_case(void);
TCase *schedule_errors_case(void);
TCase *schedule_golden_case(void);
TCase *schedule_real_case(void);
TCase *schedule_many_case(void);

#endif
