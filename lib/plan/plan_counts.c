/* plan/plan_counts.c - counts alone, over a host's arrays. */
#include <inttypes.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/random.h"
#include "plan/counts.h"

enum { MOST_CLASSES = 65535, LARGEST_COUNT = 1 << 20 };

static uint64_t draw(uint64_t seed, size_t i, const void *user) {
  (void)user;
  fm__random random = fm__random_for_number(seed, i);
  return fm__random_next(&random);
}

static fm_status check_classes(const fm__policy *policy, const fm_planner_table *t, fm_error *err) {
  if (t->class_count < 0 || t->class_count > MOST_CLASSES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_table: class_count is %" PRId64 ", expected 0 to 65535",
                    t->class_count);
  if (!fm__policy_needs_classes(policy)) return FM_OK;
  if (!t->classes || !t->class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_table: the policy looks at classes, which are "
                    "not given");
  if (!fm__policy_has(policy, FM_PLAN_RARE_CLASS)) return FM_OK;
  if (!t->class_pixels)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_table: the policy looks at class_pixels, which is NULL");
  int64_t left = INT64_C(1) << 62;
  for (int64_t k = 0; k < t->class_count; k++) {
    if (t->class_pixels[k] < 0 || t->class_pixels[k] > left)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_planner_table: class_pixels[%" PRId64 "] is %" PRId64
                      ", expected 0 or more, 2^62 in all",
                      k, t->class_pixels[k]);
    left -= t->class_pixels[k];
  }
  return FM_OK;
}

static fm_status check_table(const fm__policy *policy, const fm_planner_table *t, fm_error *err) {
  if (!t->masks) return fm__fail(err, FM_ERR_EMPTY, "there is no mask to plan for");
  if (t->masks < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_table: masks is %" PRId64 ", expected 1 or more", t->masks);
  if (t->masks > INT32_MAX)
    return fm__fail(err, FM_ERR_LIMIT,
                    "fm_planner_table: masks is %" PRId64 ", expected up to 2^31 - 1", t->masks);
  for (int64_t i = 0; t->kept && i < t->masks; i++)
    if (t->kept[i] > LARGEST_COUNT)
      return fm__fail(err, FM_ERR_LIMIT,
                      "fm_planner_table: kept[%" PRId64 "] is %" PRIu32 ", expected up to 1048576",
                      i, t->kept[i]);
  return check_classes(policy, t, err);
}

fm_status fm_planner_count_images(const fm_context *context, const fm_planner_options *options,
                                  const fm_planner_table *table, uint32_t *counts, fm_error *err) {
  if (!context || !table || !counts)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_count_images: an argument is NULL");
  fm_planner_table t;
  fm__policy policy;
  fm_status status = FM__OPTIONS_READ(&t, table, fm_planner_table, kept, err);
  if (!status) status = fm__policy_read(options, &policy, err);
  if (!status) status = check_table(&policy, &t, err);
  if (status) return status;
  fm__masks masks = {.count = (size_t)t.masks,
                     .hardness = t.hardness,
                     .classes = t.classes,
                     .class_count = (size_t)t.class_count,
                     .class_pixels = t.class_pixels,
                     .kept = t.kept,
                     .draw = draw};
  return fm__count_images(context, &policy, &masks, counts, err);
}
