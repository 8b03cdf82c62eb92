/* core/test_lifetime.c - handles keep what they were made from alive, in whatever order they go.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { HANDLES = 10 };

static int get(int64_t index, fm_sample *sample, void *user) {
  static uint8_t pixels[] = {0, 1, 2, 3};
  (void)user;
  sample->id = index ? "b" : "a";
  sample->mask = fm_plane_make(pixels, FM_U8, 2, 2);
  return 0;
}

static int predict(const fm_sample *const *samples, fm_prediction *const *predictions,
                   int64_t count, void *user) {
  (void)samples;
  (void)user;
  for (int64_t i = 0; i < count; i++) memset(predictions[i]->loss.data, 0, 4 * sizeof(float));
  return 0;
}

/* One handle of each kind, made from one another. */
typedef struct family {
  fm_context *context;
  fm_labels *labels;
  fm_class_stats *stats;
  fm_filter *filter;
  fm_hardness *hardness;
  fm_planner *planner;
  fm_plan *plan;
  fm_source *source;
  fm_provider *provider;
  fm_schedule *schedule;
} family;

static family new_family(kit_allocator *allocator) {
  family f = {.context = kit_context(allocator)};
  KIT_OK(fm_labels_create_from_preset(f.context, "camvid", &f.labels, &err));
  KIT_OK(fm_class_stats_create(f.labels, NULL, &f.stats, &err));
  fm_source_options so = {.size = sizeof so, .count = 2, .get = get};
  fm_provider_options po = {.size = sizeof po, .predict = predict};
  KIT_OK(fm_source_create(f.context, &so, &f.source, &err));
  KIT_OK(fm_provider_create(f.context, &po, &f.provider, &err));
  KIT_OK(fm_source_collect_stats(f.source, f.provider, f.stats, NULL, &err));
  KIT_OK(fm_filter_create(f.stats, NULL, &f.filter, &err));
  KIT_OK(fm_hardness_create(f.stats, NULL, &f.hardness, &err));
  KIT_OK(fm_planner_create(f.context, NULL, &f.planner, &err));
  KIT_OK(fm_source_measure(f.source, f.hardness, f.planner, NULL, &err));
  KIT_OK(fm_planner_make_plan(f.planner, &f.plan, &err));
  KIT_OK(fm_schedule_create(f.context, f.plan, NULL, &f.schedule, &err));
  return f;
}

static void destroy(family *f, int which) {
  switch (which) {
    case 0:
      fm_context_destroy(f->context);
      f->context = NULL;
      break;
    case 1:
      fm_labels_destroy(f->labels);
      f->labels = NULL;
      break;
    case 2:
      fm_class_stats_destroy(f->stats);
      f->stats = NULL;
      break;
    case 3:
      fm_filter_destroy(f->filter);
      f->filter = NULL;
      break;
    case 4:
      fm_hardness_destroy(f->hardness);
      f->hardness = NULL;
      break;
    case 5:
      fm_planner_destroy(f->planner);
      f->planner = NULL;
      break;
    case 6:
      fm_plan_destroy(f->plan);
      f->plan = NULL;
      break;
    case 7:
      fm_source_destroy(f->source);
      f->source = NULL;
      break;
    case 8:
      fm_schedule_destroy(f->schedule);
      f->schedule = NULL;
      break;
    default:
      fm_provider_destroy(f->provider);
      f->provider = NULL;
  }
}

/* Uses whatever is still there. */
static void use(const family *f) {
  uint8_t pixels[4] = {0, 1, 2, 11}, out[4] = {0};
  float losses[4] = {0, 0, 1, 0};
  fm_plane mask = fm_plane_make(pixels, FM_U8, 2, 2), loss = fm_plane_make(losses, FM_F32, 2, 2);
  fm_plane filtered = fm_plane_make(out, FM_U8, 2, 2);
  if (f->labels) ck_assert_str_eq(fm_labels_class_name(f->labels, 0), "sky");
  if (f->stats) KIT_OK(fm_class_stats_add(f->stats, &mask, &loss, NULL, &err));
  if (f->filter) {
    KIT_OK(fm_filter_apply(f->filter, &mask, &loss, NULL, &filtered, NULL, &err));
    ck_assert_uint_eq(out[2], 11);
  }
  double value;
  if (f->hardness) KIT_OK(fm_hardness_measure(f->hardness, &mask, &value, NULL, &err));
  if (f->planner) {
    fm_plan *plan = NULL;
    KIT_OK(fm_planner_make_plan(f->planner, &plan, &err));
    fm_plan_destroy(plan);
  }
  if (f->plan) ck_assert_int_eq(fm_plan_find(f->plan, "b"), 1);
  if (f->schedule) {
    int64_t seeds[12];
    fm_schedule_arrays arrays = {.size = sizeof arrays, .seeds = seeds};
    KIT_OK(fm_schedule_fill(f->schedule, 0, 12, &arrays, &err));
  }
  if (f->source && f->provider && f->stats)
    KIT_OK(fm_source_collect_stats(f->source, f->provider, f->stats, NULL, &err));
}

/* Loop: orders; the first one takes the context first and goes down, the second up. */
START_TEST(handles_go_in_any_order) {
  kit_walk_off(); /* a stepwise use of all calls that others walk; what it collects before a failure stays */
  int order[HANDLES];
  for (int i = 0; i < HANDLES; i++) order[i] = _i == 1 ? HANDLES - 1 - i : i;
  uint64_t random = (uint64_t)_i;
  for (int i = HANDLES - 1; i > 0 && _i > 1; i--) {
    int j = (int)kit_below(&random, i + 1), keep = order[i];
    order[i] = order[j];
    order[j] = keep;
  }
  kit_allocator allocator;
  family f = new_family(&allocator);
  use(&f);
  for (int i = 0; i < HANDLES; i++) {
    ck_assert_int_gt(atomic_load(&allocator.living), 0);
    destroy(&f, order[i]);
    use(&f);
  }
  ck_assert_int_eq(atomic_load(&allocator.living), 0);
}
END_TEST

Suite *lifetime_suite(void) {
  Suite *suite = suite_create("lifetime");
  TCase *tests = tcase_create("lifetime");
  tcase_add_loop_test(tests, handles_go_in_any_order, 0, 60);
  suite_add_tcase(suite, tests);
  return suite;
}
