/* plan/test_plan.c - freemask/plan.h: plans from rows.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

static fm_context *context;

static void set_up(void) { context = kit_plain_context(); }
static void tear_down(void) { fm_context_destroy(context); }

/* Four rows, not in the order of their ids: by bytes img_10 < img_9 < z < \xC3\xA4. */
static const char *const ids[] = {"z", "img_9", "img_10", "\xC3\xA4"};
static const double hardness[] = {1.5, -2, 1.5, 0};
static const int64_t counts[] = {2, 0, 3, 1};
static const int64_t seeds[] = {9, -4, INT64_MIN, INT64_MAX, 7, 9};

static fm_plan_rows rows_of_four(void) {
  return (fm_plan_rows){.size = sizeof(fm_plan_rows),
                        .row_count = 4,
                        .mask_ids = ids,
                        .hardness = hardness,
                        .counts = counts,
                        .seeds = seeds,
                        .seed_count = 6};
}

static fm_plan *create(const fm_plan_rows *rows) {
  fm_plan *plan = NULL;
  KIT_OK(fm_plan_create(context, rows, &plan, &err));
  return plan;
}

static fm_plan_entry row(const fm_plan *plan, int64_t index) {
  fm_plan_entry entry = {.size = sizeof entry};
  KIT_OK(fm_plan_get(plan, index, &entry, &err));
  return entry;
}

static void expect_row(const fm_plan *plan, int64_t index, const char *id, double value,
                       int64_t rank, int64_t count, const int64_t *expected) {
  fm_plan_entry entry = row(plan, index);
  ck_assert_str_eq(entry.mask_id, id);
  ck_assert(entry.hardness == value);
  ck_assert_int_eq(entry.rank, rank);
  ck_assert_int_eq(entry.count, count);
  for (int64_t i = 0; i < count; i++) ck_assert_int_eq(entry.seeds[i], expected[i]);
  ck_assert_int_eq(fm_plan_find(plan, id), index);
}

START_TEST(rows_are_sorted_by_the_bytes_of_their_ids) {
  static const int64_t of_10[] = {INT64_MIN, 7, INT64_MAX}, of_z[] = {-4, 9}, of_a[] = {9};
  static const int64_t ranks[] = {1, 4, 2, 3};
  for (int given = 0; given < 2; given++) {
    fm_plan_rows rows = rows_of_four();
    if (given) rows.ranks = ranks;
    fm_plan *plan = create(&rows);
    ck_assert_int_eq(fm_plan_mask_count(plan), 4);
    ck_assert_int_eq(fm_plan_image_count(plan), 6);
    ck_assert_int_eq(fm_plan_real_repeats(plan), 2); /* 6 / 4, half to even */
    /* By hardness -2 < 0 < 1.5 = 1.5, the tie by id. */
    expect_row(plan, 0, "img_10", 1.5, given ? 2 : 3, 3, of_10);
    expect_row(plan, 1, "img_9", -2, given ? 4 : 1, 0, NULL);
    expect_row(plan, 2, "z", 1.5, given ? 1 : 4, 2, of_z);
    expect_row(plan, 3, "\xC3\xA4", 0, given ? 3 : 2, 1, of_a);
    fm_plan_destroy(plan);
  }
}
END_TEST

START_TEST(rows_are_copied) {
  char id[] = "mask";
  const char *list[] = {id};
  double value = 2;
  int64_t rank = 1, count = 2, numbers[] = {5, 4};
  fm_plan_rows rows = {sizeof rows, 1, list, &value, &rank, &count, numbers, 2};
  fm_plan *plan = create(&rows);
  id[0] = 'X';
  list[0] = NULL;
  value = 3;
  rank = count = numbers[0] = numbers[1] = 0;
  static const int64_t expected[] = {4, 5};
  expect_row(plan, 0, "mask", 2, 1, 2, expected);
  fm_plan_destroy(plan);
}
END_TEST

/* Reads a planner's plan row by row, mixes the rows, and makes a plan of them. */
START_TEST(a_plan_comes_back_from_its_rows) {
  enum { MASKS = 300 };
  static char names[MASKS][32];
  const char *list[MASKS];
  double value[MASKS];
  int64_t rank[MASKS], count[MASKS], all[MASKS * 20];
  fm_planner *planner = NULL;
  KIT_OK(fm_planner_create(context, NULL, &planner, &err));
  for (int i = 0; i < MASKS; i++) {
    snprintf(names[i], sizeof names[i], "mask %d", i);
    KIT_OK(fm_planner_add(planner, names[i], i % 17 / 3.0, NULL, 0, &err));
  }
  fm_plan *plan = NULL;
  KIT_OK(fm_planner_make_plan(planner, &plan, &err));
  for (int ranked = 0; ranked < 2; ranked++) {
    int64_t seed_count = 0;
    for (int64_t i = 0; i < MASKS; i++) {
      fm_plan_entry entry = row(plan, (i * 7 + 3) % MASKS);
      list[i] = entry.mask_id;
      value[i] = entry.hardness;
      rank[i] = entry.rank;
      count[i] = entry.count;
      for (int64_t s = entry.count; s--;) all[seed_count++] = entry.seeds[s];
    }
    fm_plan_rows rows = {sizeof rows,          MASKS, list, value,
                         ranked ? rank : NULL, count, all,  seed_count};
    fm_plan *again = create(&rows);
    ck_assert_uint_eq(fm_plan_fingerprint(again), fm_plan_fingerprint(plan));
    fm_plan_destroy(again);
  }
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
}
END_TEST

static void refuse(fm_plan_rows rows, fm_status status, const char *text) {
  fm_plan *plan = KIT_SENTINEL;
  KIT_FAILS(status, text, fm_plan_create(context, &rows, &plan, &err));
  ck_assert_ptr_eq(plan, KIT_SENTINEL);
}

/* Puts a value into a copy of an array of four. */
#define CHANGED(type, from, at, value) \
  (memcpy(changed.type##s, from, sizeof(from)), changed.type##s[at] = (value), changed.type##s)

START_TEST(bad_rows_are_refused) {
  struct {
    int64_t numbers[6];
    double reals[4];
    const char *texts[4];
  } changed;
  const fm_plan_rows good = rows_of_four();
  fm_plan_rows rows = good;
#define REFUSE(field, value, status, text) \
  rows = good;                             \
  rows.field = (value);                    \
  refuse(rows, status, text)
  REFUSE(row_count, 0, FM_ERR_EMPTY, "row_count is 0");
  REFUSE(row_count, -1, FM_ERR_ARGUMENT, "row_count is -1");
  REFUSE(row_count, INT64_C(1) << 31, FM_ERR_LIMIT, "2^31 - 1");
  REFUSE(mask_ids, NULL, FM_ERR_ARGUMENT, "mask_ids is NULL");
  REFUSE(hardness, NULL, FM_ERR_ARGUMENT, "hardness is NULL");
  REFUSE(counts, NULL, FM_ERR_ARGUMENT, "counts is NULL");
  REFUSE(seeds, NULL, FM_ERR_ARGUMENT, "seeds is NULL");
  REFUSE(seed_count, -1, FM_ERR_ARGUMENT, "seed_count -1");
  REFUSE(seed_count, 5, FM_ERR_MISMATCH, "sum up to 6, but seed_count is 5");
  REFUSE(seed_count, 7, FM_ERR_MISMATCH, "sum up to 6, but seed_count is 7");
  REFUSE(mask_ids, CHANGED(text, ids, 2, "z"), FM_ERR_DUPLICATE, "mask z");
  REFUSE(mask_ids, CHANGED(text, ids, 2, ""), FM_ERR_ARGUMENT, "mask_ids[2] has 0 bytes");
  REFUSE(mask_ids, CHANGED(text, ids, 3, NULL), FM_ERR_ARGUMENT, "mask_ids[3]");
  REFUSE(hardness, CHANGED(real, hardness, 1, (double)NAN), FM_ERR_ARGUMENT,
         "mask img_9: hardness");
  REFUSE(hardness, CHANGED(real, hardness, 1, (double)INFINITY), FM_ERR_ARGUMENT, "is inf");
  REFUSE(counts, CHANGED(number, counts, 3, -1), FM_ERR_ARGUMENT, "count is -1");
  REFUSE(counts, CHANGED(number, counts, 3, (1 << 20) + 1), FM_ERR_ARGUMENT, "1048577");
  REFUSE(seeds, CHANGED(number, seeds, 4, INT64_MIN), FM_ERR_DUPLICATE, "mask img_10: seed -92");
  static const int64_t ranks[] = {1, 2, 3, 4};
  REFUSE(ranks, CHANGED(number, ranks, 3, 0), FM_ERR_ARGUMENT, "rank is 0, expected 1 to 4");
  REFUSE(ranks, CHANGED(number, ranks, 3, 5), FM_ERR_ARGUMENT, "rank is 5");
  REFUSE(ranks, CHANGED(number, ranks, 3, 2), FM_ERR_DUPLICATE,
         "img_9 and \xC3\xA4 both have rank 2");
#undef REFUSE
  fm_plan *plan = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_plan_create(NULL, &good, &plan, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_plan_create(context, NULL, &plan, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_plan_create(context, &good, NULL, &err));
  ck_assert_ptr_eq(plan, KIT_SENTINEL);
}
END_TEST

START_TEST(ids_may_be_long) {
  static char longest[4097];
  memset(longest, 'x', 4096);
  const char *list[] = {longest};
  const double value = 1;
  const int64_t count = 0;
  fm_plan_rows rows = {
      .size = sizeof rows, .row_count = 1, .mask_ids = list, .hardness = &value, .counts = &count};
  refuse(rows, FM_ERR_ARGUMENT, "mask_ids[0] has 4096 bytes");
  longest[4095] = '\0';
  fm_plan *plan = create(&rows);
  ck_assert_int_eq(fm_plan_find(plan, longest), 0);
  ck_assert_int_eq(fm_plan_image_count(plan), 0);
  ck_assert_int_eq(fm_plan_real_repeats(plan), 1);
  fm_plan_destroy(plan);
}
END_TEST

/* A schedule of a plan without images says so; with them it maps each to its mask and seed. */
START_TEST(a_schedule_takes_it) {
  fm_plan_rows rows = rows_of_four();
  fm_plan *plan = create(&rows);
  fm_schedule_options options = {.size = sizeof options, .mix = FM_MIX_SYNTHETIC, .in_order = 1};
  fm_schedule *schedule = NULL;
  KIT_OK(fm_schedule_create(context, plan, &options, &schedule, &err));
  fm_plan_destroy(plan);
  static const int64_t masks[] = {0, 0, 0, 2, 2, 3};
  static const int64_t numbers[] = {INT64_MIN, 7, INT64_MAX, -4, 9, 9};
  for (int64_t i = 0; i < 6; i++) {
    fm_schedule_entry entry = {.size = sizeof entry};
    KIT_OK(fm_schedule_at(schedule, i, &entry, &err));
    ck_assert_int_eq(entry.mask, masks[i]);
    ck_assert_int_eq(entry.seed, numbers[i]);
  }
  fm_schedule_destroy(schedule);
}
END_TEST

Suite *plan_suite(void) {
  Suite *suite = suite_create("plan");
  TCase *tests = tcase_create("plan");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, rows_are_sorted_by_the_bytes_of_their_ids);
  tcase_add_test(tests, rows_are_copied);
  tcase_add_test(tests, a_plan_comes_back_from_its_rows);
  tcase_add_test(tests, bad_rows_are_refused);
  tcase_add_test(tests, ids_may_be_long);
  tcase_add_test(tests, a_schedule_takes_it);
  suite_add_tcase(suite, tests);
  return suite;
}
