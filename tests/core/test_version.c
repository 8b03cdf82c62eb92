/* core/test_version.c - freemask/version.h.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

START_TEST(loaded_release_is_the_compiled_one) {
  char expected[64];
  snprintf(expected, sizeof expected, "%d.%d.%d", FM_VERSION_MAJOR, FM_VERSION_MINOR,
           FM_VERSION_PATCH);
  ck_assert_str_eq(fm_version(), expected);
}
END_TEST

START_TEST(loaded_interface_is_the_compiled_one) {
  ck_assert_int_eq(fm_abi_version(), FM_ABI_VERSION);
}
END_TEST

START_TEST(storage_is_static) { ck_assert_ptr_eq(fm_version(), fm_version()); }
END_TEST

Suite *version_suite(void) {
  Suite *suite = suite_create("version");
  TCase *tests = tcase_create("version");
  tcase_add_test(tests, loaded_release_is_the_compiled_one);
  tcase_add_test(tests, loaded_interface_is_the_compiled_one);
  tcase_add_test(tests, storage_is_static);
  suite_add_tcase(suite, tests);
  return suite;
}
