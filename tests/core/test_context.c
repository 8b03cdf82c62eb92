/* core/test_context.c - freemask/context.h: options, allocator, kernels.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

START_TEST(defaults_work) {
  fm_context *context = NULL;
  KIT_OK(fm_context_create(NULL, &context, &err));
  ck_assert_ptr_nonnull(context);
  ck_assert_uint_gt(strlen(fm_context_kernels(context)), 0);
  fm_context_destroy(context);
  fm_context_destroy(NULL);
}
END_TEST

START_TEST(out_is_needed) {
  KIT_FAILS(FM_ERR_ARGUMENT, "out", fm_context_create(NULL, NULL, &err));
}
END_TEST

START_TEST(allocator_is_used_and_balanced) {
  kit_allocator allocator;
  fm_context *context = kit_context(&allocator);
  ck_assert_int_ge(atomic_load(&allocator.living), 1);
  fm_context_destroy(context);
  ck_assert_int_eq(atomic_load(&allocator.living), 0);
}
END_TEST

START_TEST(allocator_may_refuse) {
  kit_walk_off(); /* it refuses memory itself */
  kit_allocator allocator;
  fm_context_destroy(kit_context(&allocator));
  atomic_store(&allocator.calls, 0);
  allocator.fail_at = 0;
  fm_context_options options = {.size = sizeof options};
  options.allocate = kit_allocate;
  options.release = kit_release;
  options.allocator_user = &allocator;
  fm_context *context = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_MEMORY, "memory", fm_context_create(&options, &context, &err));
  ck_assert_ptr_eq(context, KIT_SENTINEL);
  ck_assert_int_eq(atomic_load(&allocator.living), 0);
}
END_TEST

START_TEST(half_an_allocator_is_refused) {
  fm_context *context = KIT_SENTINEL;
  fm_context_options options = {.size = sizeof options, .allocate = kit_allocate};
  KIT_FAILS(FM_ERR_ARGUMENT, "release", fm_context_create(&options, &context, &err));
  options.allocate = NULL;
  options.release = kit_release;
  KIT_FAILS(FM_ERR_ARGUMENT, "allocate", fm_context_create(&options, &context, &err));
  ck_assert_ptr_eq(context, KIT_SENTINEL);
}
END_TEST

START_TEST(log_level_is_checked) {
  static const int32_t wrong[] = {-1, 5, 1000, INT32_MIN};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    fm_context *context = KIT_SENTINEL;
    fm_context_options options = {.size = sizeof options, .log_level = wrong[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "log_level", fm_context_create(&options, &context, &err));
    ck_assert_ptr_eq(context, KIT_SENTINEL);
  }
  for (int32_t level = 0; level <= FM_LOG_DEBUG; level++) {
    fm_context *context = NULL;
    fm_context_options options = {.size = sizeof options, .log_level = level};
    KIT_OK(fm_context_create(&options, &context, &err));
    fm_context_destroy(context);
  }
}
END_TEST

START_TEST(plain_c_kernels_exist_everywhere) {
  fm_context *context = NULL;
  fm_context_options options = {.size = sizeof options, .kernels = FM_KERNELS_C};
  KIT_OK(fm_context_create(&options, &context, &err));
  ck_assert_str_eq(fm_context_kernels(context), "c");
  fm_context_destroy(context);
}
END_TEST

START_TEST(kernels_are_given_as_asked_or_refused) {
  static const char *const names[] = {"", "c", "sse4.1", "avx2", "avx512", "neon"};
  for (uint32_t level = FM_KERNELS_C; level <= FM_KERNELS_NEON; level++) {
    fm_context *context = KIT_SENTINEL;
    fm_context_options options = {.size = sizeof options, .kernels = level};
    fm_error err = kit_error();
    fm_status status = fm_context_create(&options, &context, &err);
    if (status == FM_OK) {
      ck_assert_str_eq(fm_context_kernels(context), names[level]);
      fm_context_destroy(context);
    } else {
      kit_expect(names[level], status, FM_ERR_UNSUPPORTED, &err, NULL);
      ck_assert_ptr_eq(context, KIT_SENTINEL);
    }
  }
}
END_TEST

START_TEST(unknown_kernels_are_refused) {
  static const uint32_t wrong[] = {6, 99, UINT32_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    fm_context *context = KIT_SENTINEL;
    fm_context_options options = {.size = sizeof options, .kernels = wrong[i]};
    fm_error err = kit_error();
    fm_status status = fm_context_create(&options, &context, &err);
    ck_assert(status == FM_ERR_ARGUMENT || status == FM_ERR_UNSUPPORTED);
    kit_expect("kernels", status, status, &err, "kernels");
    ck_assert_ptr_eq(context, KIT_SENTINEL);
  }
}
END_TEST

static fm_status make(const void *options, void *user, fm_error *err) {
  (void)user;
  fm_context *context = KIT_SENTINEL;
  fm_status status = fm_context_create(options, &context, err);
  if (status)
    ck_assert_ptr_eq(context, KIT_SENTINEL);
  else
    fm_context_destroy(context);
  return status;
}

START_TEST(options_follow_the_rule) {
  fm_context_options options = {.size = sizeof options};
  kit_options_rule("fm_context_options", &options, sizeof options, make, NULL);
}
END_TEST

START_TEST(several_contexts_live_side_by_side) {
  kit_allocator first, second;
  fm_context *a = kit_context(&first), *b = kit_context(&second);
  long before = atomic_load(&first.calls);
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_create_from_preset(b, "camvid", &labels, &err));
  ck_assert_int_eq(atomic_load(&first.calls), before);
  fm_context_destroy(a);
  ck_assert_int_eq(fm_labels_class_count(labels), 11);
  fm_labels_destroy(labels);
  fm_context_destroy(b);
  ck_assert_int_eq(atomic_load(&first.living), 0);
  ck_assert_int_eq(atomic_load(&second.living), 0);
}
END_TEST

Suite *context_suite(void) {
  Suite *suite = suite_create("context");
  TCase *tests = tcase_create("context");
  tcase_add_test(tests, defaults_work);
  tcase_add_test(tests, out_is_needed);
  tcase_add_test(tests, allocator_is_used_and_balanced);
  tcase_add_test(tests, allocator_may_refuse);
  tcase_add_test(tests, half_an_allocator_is_refused);
  tcase_add_test(tests, log_level_is_checked);
  tcase_add_test(tests, plain_c_kernels_exist_everywhere);
  tcase_add_test(tests, kernels_are_given_as_asked_or_refused);
  tcase_add_test(tests, unknown_kernels_are_refused);
  tcase_add_test(tests, options_follow_the_rule);
  tcase_add_test(tests, several_contexts_live_side_by_side);
  suite_add_tcase(suite, tests);
  return suite;
}
