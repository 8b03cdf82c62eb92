/* plan/planner_table.c - counts alone, over a host's arrays. */
#include <inttypes.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/random.h"
#include "labels/labels.h"
#include "plan/counts.h"

static uint64_t draw(uint64_t seed, size_t i, const void *user) {
  (void)user;
  fm__random random = fm__random_for_number(seed, i);
  return fm__random_next(&random);
}

static fm_status check_classes(const fm__policy *policy, const fm_planner_table *t, fm_error *err) {
  if (t->class_count < 0 || t->class_count > FM__MOST_CLASSES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_table: class_count is %d, expected 0 to 65535",
                    (int)t->class_count);
  if (t->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_table: reserved is %d, expected 0",
                    (int)t->reserved);
  if (!policy->needs.classes) return FM_OK;
  if (!t->classes || !t->class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_table: the policy uses classes, which are "
                    "not given");
  if (!policy->needs.class_pixels) return FM_OK;
  if (!t->class_pixels)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_table: the policy uses class_pixels, which is NULL");
  int64_t left = INT64_C(1) << 62;
  for (int32_t k = 0; k < t->class_count; k++) {
    if (t->class_pixels[k] < 0 || t->class_pixels[k] > left)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_planner_table: class_pixels[%d] is %" PRId64
                      ", expected 0 or more, 2^62 in all",
                      (int)k, t->class_pixels[k]);
    left -= t->class_pixels[k];
  }
  return FM_OK;
}

static fm_status check_table(const fm__policy *policy, const fm_planner_table *t, fm_error *err) {
  if (!t->mask_count) return fm__fail(err, FM_ERR_EMPTY, "there is no mask to plan for");
  if (t->mask_count < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_table: mask_count is %" PRId64 ", expected 1 or more",
                    t->mask_count);
  if (t->mask_count > INT32_MAX)
    return fm__fail(err, FM_ERR_LIMIT,
                    "fm_planner_table: mask_count is %" PRId64 ", expected up to 2^31 - 1",
                    t->mask_count);
  for (int64_t i = 0; t->kept && i < t->mask_count; i++)
    if (t->kept[i] > FM__MOST_IMAGES_OF_MASK)
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
  fm_planner_options o;
  fm__policy policy;
  fm_status status = FM__OPTIONS_READ(&t, table, fm_planner_table, kept, err);
  if (!status) status = fm__policy_read(options, &o, &policy, err);
  if (!status) status = check_table(&policy, &t, err);
  if (status) return status;
  fm__masks masks = {.count = (size_t)t.mask_count,
                     .hardness = t.hardness,
                     .classes = t.classes,
                     .class_count = (size_t)t.class_count,
                     .class_pixels = t.class_pixels,
                     .kept = t.kept,
                     .draw = draw};
  return fm__count_images(context, &policy, &masks, counts, err);
}
