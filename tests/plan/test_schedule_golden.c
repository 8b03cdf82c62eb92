/* plan/test_schedule_golden.c - schedules against golden/make_schedule_golden.py.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_schedule_kit.h"

enum { MOST_WEIGHTS = 128 };

static int64_t integer(char **at) { return strtoll(*at, at, 10); }

/* "options ..." as the script writes it. */
static fm_schedule *open_line(char *line) {
  double weights[MOST_WEIGHTS];
  fm_schedule_options o = {.size = sizeof o};
  o.mix = (int32_t)integer(&line);
  o.tail = (int32_t)integer(&line);
  o.real_count = integer(&line);
  o.synthetic_count = integer(&line);
  o.real_repeats = integer(&line);
  o.real_share = integer(&line);
  o.synthetic_share = integer(&line);
  o.epoch_length = integer(&line);
  o.pretraining_epochs = integer(&line);
  o.seed = strtoull(line, &line, 10);
  o.in_order = (int32_t)integer(&line);
  o.rank = (int32_t)integer(&line);
  o.world = (int32_t)integer(&line);
  o.weight_count = integer(&line);
  ck_assert_int_le(o.weight_count, MOST_WEIGHTS);
  for (int64_t i = 0; i < o.weight_count; i++) weights[i] = strtod(line, &line);
  if (o.weight_count) o.weights = weights;
  return schedule_of(&o);
}

static void check_line(const fm_schedule *schedule, char *line, int number) {
  int64_t position = integer(&line), expected[4];
  for (int i = 0; i < 4; i++) expected[i] = integer(&line);
  fm_schedule_entry entry = schedule_at(schedule, position);
  ck_assert_msg(entry.number == expected[0] && entry.repeat == expected[1] &&
                    entry.epoch == expected[2] && entry.padding == expected[3],
                "line %d: position %lld: %lld %lld %lld %d", number, (long long)position,
                (long long)entry.number, (long long)entry.repeat, (long long)entry.epoch,
                (int)entry.padding);
}

START_TEST(as_python_works_it_out) {
  FILE *file = fopen(FM_TEST_GOLDEN "/schedule.golden", "r");
  ck_assert_ptr_nonnull(file);
  static char line[1 << 14];
  fm_schedule *schedule = NULL;
  int number = 0, entries = 0, schedules = 0;
  while (fgets(line, sizeof line, file)) {
    number++;
    if (strncmp(line, "options ", 8) == 0) {
      fm_schedule_destroy(schedule);
      schedule = open_line(line + 8);
      schedules++;
    } else if (strncmp(line, "at ", 3) == 0) {
      check_line(schedule, line + 3, number);
      entries++;
    }
  }
  fclose(file);
  fm_schedule_destroy(schedule);
  ck_assert_int_ge(schedules, 30);
  ck_assert_int_ge(entries, 1000);
}
END_TEST

TCase *schedule_golden_case(void) {
  TCase *tests = tcase_create("golden");
  tcase_add_test(tests, as_python_works_it_out);
  return tests;
}
