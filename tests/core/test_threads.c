/* core/test_threads.c - immutable handles are shared freely; statistics merge to the same bits.
 * Made for ThreadSanitizer: threads meet only where the headers say they may.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { THREADS = 4, IMAGES = 24, SIDE = 40, CLASSES = 11, IGNORE = 11 };

static uint8_t masks[IMAGES][SIDE * SIDE];
static float losses[IMAGES][SIDE * SIDE];

static void make_images(void) {
  uint64_t random = 12;
  for (int i = 0; i < IMAGES; i++)
    for (int p = 0; p < SIDE * SIDE; p++) {
      masks[i][p] = (uint8_t)kit_below(&random, CLASSES + 1);
      losses[i][p] = kit_wild_loss(&random);
    }
}

static fm_plane mask_of(int i) { return fm_plane_make(masks[i], FM_U8, SIDE, SIDE); }
static fm_plane loss_of(int i) { return fm_plane_make(losses[i], FM_F32, SIDE, SIDE); }

/* What all threads share, and what each makes of it. Threads do not use Check's macros:
 * a failed assertion may leave a test only from the thread that runs it. */
typedef struct shared {
  fm_context *context;
  fm_labels *labels;
  const fm_class_stats *stats;
  const fm_filter *filter;
  const fm_hardness *hardness;
  fm_plan *plan;
  const fm_schedule *schedule;
} shared;

typedef struct worker {
  pthread_t thread;
  const shared *with;
  int index;
  fm_class_stats *part;
  double hardness[IMAGES];
  uint8_t filtered[IMAGES][SIDE * SIDE];
  int failures;
} worker;

static void add_share(worker *w) {
  w->failures += fm_class_stats_create(w->with->labels, NULL, &w->part, NULL) != FM_OK;
  for (int i = w->index; i < IMAGES; i += THREADS) {
    fm_plane mask = mask_of(i), loss = loss_of(i);
    w->failures += fm_class_stats_add(w->part, &mask, &loss, NULL, NULL) != FM_OK;
  }
}

static void use_all(worker *w) {
  const shared *s = w->with;
  for (int i = 0; i < IMAGES; i++) {
    fm_plane mask = mask_of(i), loss = loss_of(i);
    fm_plane out = fm_plane_make(w->filtered[i], FM_U8, SIDE, SIDE);
    w->failures += fm_filter_apply(s->filter, &mask, &loss, NULL, &out, NULL, NULL) != FM_OK;
    w->failures += fm_hardness_measure(s->hardness, &mask, &w->hardness[i], NULL, NULL) != FM_OK;
    w->failures += fm_labels_count(s->labels, &mask, NULL, NULL, NULL) != FM_OK;
    w->failures += !(fm_class_stats_mean(s->stats, i % CLASSES, 0) >= 0);
    fm_plan_entry entry = {.size = sizeof entry};
    w->failures += fm_plan_get(s->plan, i % 5, &entry, NULL) != FM_OK;
    w->failures += fm_plan_find(s->plan, entry.mask_id) != i % 5;
  }
}

/* Every thread reads the whole order, one by one and at once. */
static void read_order(worker *w) {
  enum { ENTRIES = 500 };
  int64_t numbers[ENTRIES];
  fm_schedule_arrays arrays = {.size = sizeof arrays, .numbers = numbers};
  w->failures += fm_schedule_fill(w->with->schedule, w->index, ENTRIES, &arrays, NULL) != FM_OK;
  for (int i = 0; i < ENTRIES; i++) {
    fm_schedule_entry entry = {.size = sizeof entry};
    w->failures += fm_schedule_at(w->with->schedule, w->index + i, &entry, NULL) != FM_OK;
    w->failures += entry.number != numbers[i];
  }
}

/* Handles are born and die on all threads at once. */
static void make_handles(worker *w) {
  for (int i = 0; i < 30; i++) {
    fm_labels *labels = NULL;
    fm_filter *filter = NULL;
    fm_planner *planner = NULL;
    fm_schedule *schedule = NULL;
    w->failures +=
        fm_schedule_create(w->with->context, w->with->plan, NULL, &schedule, NULL) != FM_OK;
    w->failures += fm_labels_create_from_preset(w->with->context, "ade20k", &labels, NULL) != FM_OK;
    w->failures += fm_filter_create(w->with->stats, NULL, &filter, NULL) != FM_OK;
    w->failures += fm_planner_create(w->with->context, NULL, &planner, NULL) != FM_OK;
    fm_labels_destroy(labels);
    fm_filter_destroy(filter);
    fm_planner_destroy(planner);
    fm_schedule_destroy(schedule);
  }
}

static void *run(void *user) {
  worker *w = user;
  add_share(w);
  use_all(w);
  read_order(w);
  make_handles(w);
  return NULL;
}

static fm_plan *five_masks(fm_context *context) {
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  KIT_OK(fm_planner_create(context, NULL, &planner, &err));
  static const char *const ids[] = {"a", "b", "c", "d", "e"};
  for (int i = 0; i < 5; i++) KIT_OK(fm_planner_add(planner, ids[i], i, NULL, 0, &err));
  KIT_OK(fm_planner_make_plan(planner, &plan, &err));
  fm_planner_destroy(planner);
  return plan;
}

static fm_class_stats *whole(fm_labels *labels) {
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  for (int i = 0; i < IMAGES; i++) {
    fm_plane mask = mask_of(i), loss = loss_of(i);
    KIT_OK(fm_class_stats_add(stats, &mask, &loss, NULL, &err));
  }
  return stats;
}

static void expect_same_words(const fm_class_stats *a, const fm_class_stats *b) {
  enum { WORDS = 1 + 12 * CLASSES };
  int64_t x[WORDS], y[WORDS];
  KIT_OK(fm_class_stats_export(a, x, (int64_t)WORDS, &err));
  KIT_OK(fm_class_stats_export(b, y, (int64_t)WORDS, &err));
  ck_assert_mem_eq(x, y, sizeof x);
}

START_TEST(threads_share_what_is_immutable) {
  make_images();
  kit_allocator allocator;
  fm_context *context = kit_context(&allocator);
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_create_from_preset(context, "camvid", &labels, &err));
  fm_class_stats *stats = whole(labels), *merged = NULL;
  fm_filter *filter = NULL;
  fm_hardness *hardness = NULL;
  KIT_OK(fm_filter_create(stats, NULL, &filter, &err));
  KIT_OK(fm_hardness_create(stats, NULL, &hardness, &err));
  fm_plan *plan = five_masks(context);
  fm_schedule *schedule = NULL;
  KIT_OK(fm_schedule_create(context, plan, NULL, &schedule, &err));
  shared with = {context, labels, stats, filter, hardness, plan, schedule};

  worker *workers = calloc(THREADS, sizeof *workers);
  for (int t = 0; t < THREADS; t++) {
    workers[t].with = &with;
    workers[t].index = t;
    ck_assert_int_eq(pthread_create(&workers[t].thread, NULL, run, &workers[t]), 0);
  }
  for (int t = 0; t < THREADS; t++) pthread_join(workers[t].thread, NULL);

  KIT_OK(fm_class_stats_create(labels, NULL, &merged, &err));
  for (int t = THREADS - 1; t >= 0; t--) {
    ck_assert_int_eq(workers[t].failures, 0);
    KIT_OK(fm_class_stats_merge(merged, workers[t].part, &err));
    fm_class_stats_destroy(workers[t].part);
    ck_assert_mem_eq(workers[t].hardness, workers[0].hardness, sizeof workers[0].hardness);
    ck_assert_mem_eq(workers[t].filtered, workers[0].filtered, sizeof workers[0].filtered);
  }
  expect_same_words(merged, stats);
  free(workers);
  fm_class_stats_destroy(merged);
  fm_class_stats_destroy(stats);
  fm_filter_destroy(filter);
  fm_hardness_destroy(hardness);
  fm_schedule_destroy(schedule);
  fm_plan_destroy(plan);
  fm_labels_destroy(labels);
  fm_context_destroy(context);
  ck_assert_int_eq(atomic_load(&allocator.living), 0);
}
END_TEST

Suite *threads_suite(void) {
  Suite *suite = suite_create("threads");
  TCase *tests = tcase_create("threads");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, threads_share_what_is_immutable);
  suite_add_tcase(suite, tests);
  return suite;
}
