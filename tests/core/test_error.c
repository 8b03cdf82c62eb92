/* core/test_error.c - freemask/error.h: numbers, names, layout, messages.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

static const struct {
  fm_status status;
  int number;
  const char *name;
} pinned[] = {
    {FM_OK, 0, "FM_OK"},
    {FM_ERR_ARGUMENT, -1, "FM_ERR_ARGUMENT"},
    {FM_ERR_MEMORY, -2, "FM_ERR_MEMORY"},
    {FM_ERR_UNSUPPORTED, -3, "FM_ERR_UNSUPPORTED"},
    {FM_ERR_SHAPE, -4, "FM_ERR_SHAPE"},
    {FM_ERR_LABEL, -5, "FM_ERR_LABEL"},
    {FM_ERR_LOSS, -6, "FM_ERR_LOSS"},
    {FM_ERR_FORMAT, -7, "FM_ERR_FORMAT"},
    {FM_ERR_LIMIT, -8, "FM_ERR_LIMIT"},
    {FM_ERR_IO, -9, "FM_ERR_IO"},
    {FM_ERR_CALLBACK, -10, "FM_ERR_CALLBACK"},
    {FM_ERR_MISMATCH, -11, "FM_ERR_MISMATCH"},
    {FM_ERR_DUPLICATE, -12, "FM_ERR_DUPLICATE"},
    {FM_ERR_EMPTY, -13, "FM_ERR_EMPTY"},
};

START_TEST(numbers_are_pinned) { ck_assert_int_eq(pinned[_i].status, pinned[_i].number); }
END_TEST

START_TEST(names_are_the_constants) {
  ck_assert_str_eq(fm_status_name(pinned[_i].status), pinned[_i].name);
}
END_TEST

START_TEST(unknown_numbers_have_a_name) {
  static const int unknown[] = {1, 2, -14, -100, 12345, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    ck_assert_str_eq(fm_status_name((fm_status)unknown[i]), "FM_ERR_?");
}
END_TEST

START_TEST(layout_is_frozen) {
  ck_assert_uint_eq(sizeof(fm_error), 512);
  ck_assert_uint_eq(offsetof(fm_error, code), 0);
  ck_assert_uint_eq(offsetof(fm_error, host_code), 4);
  ck_assert_uint_eq(offsetof(fm_error, message), 8);
}
END_TEST

START_TEST(error_is_optional) {
  ck_assert_int_eq(fm_context_create(NULL, NULL, NULL), FM_ERR_ARGUMENT);
  fm_context *context = kit_plain_context();
  fm_labels *labels = NULL;
  ck_assert_int_eq(fm_labels_create_from_preset(context, "nowhere", &labels, NULL),
                   FM_ERR_ARGUMENT);
  ck_assert_ptr_null(labels);
  fm_context_destroy(context);
}
END_TEST

START_TEST(hostile_text_becomes_one_line) {
  fm_context *context = kit_plain_context();
  fm_labels *labels = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_ARGUMENT, "a b",
            fm_labels_create_from_preset(context, "a\nb\r\t\x1B[31m", &labels, &err));
  ck_assert_ptr_eq(labels, KIT_SENTINEL);
  fm_context_destroy(context);
}
END_TEST

/* An id of 4,095 bytes does not fit; the cut falls between characters. */
START_TEST(overlong_text_is_cut_between_characters) {
  fm_context *context = kit_plain_context();
  fm_planner *planner = NULL;
  KIT_OK(fm_planner_create(context, NULL, &planner, &err));
  for (size_t shift = 0; shift < 4; shift++) {
    char id[4096];
    memset(id, 'x', sizeof id);
    for (size_t i = shift; i + 4 < sizeof id; i += 4) memcpy(id + i, "\xF0\x9F\x8C\xB3", 4);
    id[4000 + shift] = '\0';
    KIT_OK(fm_planner_add(planner, id, 1.0, NULL, 0, &err));
    fm_error cut = kit_error();
    fm_status status = fm_planner_add(planner, id, 1.0, NULL, 0, &cut);
    kit_expect("overlong id", status, FM_ERR_DUPLICATE, &cut, "\xF0\x9F\x8C\xB3");
    /* Whatever follows a lead byte follows it completely. */
    for (const unsigned char *c = (const unsigned char *)cut.message; *c; c++)
      if (*c >= 0xF0) {
        ck_assert(c[1] == 0x9F && c[2] == 0x8C && c[3] == 0xB3);
        c += 3;
      } else {
        ck_assert_msg(*c < 0x80, "a continuation byte without its lead byte");
      }
    fm_planner_destroy(planner);
    planner = NULL;
    KIT_OK(fm_planner_create(context, NULL, &planner, &err));
  }
  fm_planner_destroy(planner);
  fm_context_destroy(context);
}
END_TEST

Suite *error_suite(void) {
  Suite *suite = suite_create("error");
  TCase *tests = tcase_create("error");
  int count = (int)(sizeof pinned / sizeof *pinned);
  tcase_add_loop_test(tests, numbers_are_pinned, 0, count);
  tcase_add_loop_test(tests, names_are_the_constants, 0, count);
  tcase_add_test(tests, unknown_numbers_have_a_name);
  tcase_add_test(tests, layout_is_frozen);
  tcase_add_test(tests, error_is_optional);
  tcase_add_test(tests, hostile_text_becomes_one_line);
  tcase_add_test(tests, overlong_text_is_cut_between_characters);
  suite_add_tcase(suite, tests);
  return suite;
}
