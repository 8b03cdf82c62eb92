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

/* ---- One line of UTF-8 ------------------------------------------------------------------ */

/* A message with a class name in it, from a loss of NaN. */
static fm_error message_with(fm_context *context, const char *name) {
  const char *const names[] = {name};
  fm_labels_options options = {.size = sizeof options,
                               .class_count = 1,
                               .ignored_labels = (const int64_t[]){255},
                               .ignored_count = 1};
  options.class_names = names;
  uint8_t label = 0;
  float loss = kit_float(0x7FC00000);
  fm_plane mask = fm_plane_make(&label, FM_U8, 1, 1);
  fm_plane losses = fm_plane_make(&loss, FM_F32, 1, 1);
  fm_labels *labels = NULL;
  fm_class_stats *stats = NULL;
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  fm_error made = kit_error();
  ck_assert_int_eq(fm_class_stats_add(stats, &mask, &losses, NULL, &made), FM_ERR_LOSS);
  fm_class_stats_destroy(stats);
  fm_labels_destroy(labels);
  return made;
}

START_TEST(hostile_text_becomes_one_line) {
  static const struct {
    const char *name, *shown;
  } cases[] = {
      {"plain", "(plain)"},
      {"a\\b", "(a\\b)"},
      {"a\nb\r\t\x1B[31m", "(a\\x0Ab\\x0D\\x09\\x1B[31m)"},
      {"\x7F\x01", "(\\x7F\\x01)"},
      {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8C\xB3", "(\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8C\xB3)"},
      {"\xC2\x80\xC2\x85\xC2\x9F\xC2\xA0", "(\\u0080\\u0085\\u009F\xC2\xA0)"},
      {"\xE2\x80\xA7\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA",
       "(\xE2\x80\xA7\\u2028\\u2029\xE2\x80\xAA)"},
      {"\x80\xBF", "(\\x80\\xBF)"},                                       /* continuations alone */
      {"\xC0\xAF\xC1\xBF", "(\\xC0\\xAF\\xC1\\xBF)"},                     /* overlong, two bytes */
      {"\xE0\x9F\xBF", "(\\xE0\\x9F\\xBF)"},                              /* overlong, three */
      {"\xF0\x8F\xBF\xBF", "(\\xF0\\x8F\\xBF\\xBF)"},                     /* overlong, four */
      {"\xE0\xA0\x80\xF0\x90\x80\x80", "(\xE0\xA0\x80\xF0\x90\x80\x80)"}, /* the least */
      {"\xED\xA0\x80\xED\xBF\xBF", "(\\xED\\xA0\\x80\\xED\\xBF\\xBF)"},   /* surrogates */
      {"\xED\x9F\xBF\xEE\x80\x80", "(\xED\x9F\xBF\xEE\x80\x80)"},         /* beside them */
      {"\xF4\x90\x80\x80", "(\\xF4\\x90\\x80\\x80)"},                     /* above U+10FFFF */
      {"\xF4\x8F\xBF\xBF\xEF\xBF\xBF", "(\xF4\x8F\xBF\xBF\xEF\xBF\xBF)"},
      {"\xF5\x80\x80\x80\xFE\xFF", "(\\xF5\\x80\\x80\\x80\\xFE\\xFF)"},
      {"\xC3", "(\\xC3)"}, /* cut short, by the text itself */
      {"\xE2\x82", "(\\xE2\\x82)"},
      {"\xF0\x9F\x8C", "(\\xF0\\x9F\\x8C)"},
      {"\xE2\x82g\xC3\xC3\xA4", "(\\xE2\\x82g\\xC3\xC3\xA4)"},
  };
  fm_context *context = kit_plain_context();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_error err = message_with(context, cases[i].name);
    ck_assert_msg(strstr(err.message, cases[i].shown), "case %zu: %s", i, err.message);
  }
  fm_context_destroy(context);
}
END_TEST

/* Decodes by value, which is another way than the library's table of ranges. Returns the bytes of
 * the character at `at`, 0 if there is none or if it may not stay in a line. */
static size_t character_at(const unsigned char *at, size_t left) {
  size_t length = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : 4;
  uint32_t value = length == 1 ? at[0] : at[0] & (0x7FU >> length);
  if (length > left || (length == 4 && at[0] >> 3 != 30)) return 0;
  for (size_t i = 1; i < length; i++) {
    if (at[i] >> 6 != 2) return 0;
    value = value << 6 | (at[i] & 63U);
  }
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < least[length] || value > 0x10FFFF || (value >> 11) == 0x1B) return 0;
  if (value < 0x20 || (value >= 0x7F && value < 0xA0) || value == 0x2028 || value == 0x2029)
    return 0;
  return length;
}

START_TEST(random_bytes_become_one_line) {
  static const unsigned char likely[] = {0x0A, 0x7F, 0x80, 0x85, 0x8F, 0x90, 0x9F, 0xA0,
                                         0xA8, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE2, 0xED,
                                         0xEF, 0xF0, 0xF4, 0xF5, 0xFF, 0x5C, 0x41};
  fm_context *context = kit_plain_context();
  uint64_t state = 77;
  for (int round = 0; round < 400; round++) {
    char name[700];
    size_t size = (size_t)kit_below(&state, round % 2 ? 16 : (int64_t)sizeof name);
    for (size_t i = 0; i < size; i++)
      name[i] = (char)(kit_below(&state, 4) ? likely[kit_below(&state, sizeof likely)]
                                            : 1 + kit_below(&state, 255));
    name[size] = '\0';
    fm_error err = message_with(context, name);
    size_t length = strnlen(err.message, sizeof err.message);
    ck_assert_uint_lt(length, sizeof err.message);
    for (size_t at = 0; at < length;) {
      size_t step = character_at((unsigned char *)err.message + at, length - at);
      ck_assert_msg(step, "byte %zu of: %s", at, err.message);
      at += step;
    }
  }
  fm_context_destroy(context);
}
END_TEST

/* A name is shown up to a limit that falls between characters. */
START_TEST(names_are_cut_between_characters) {
  fm_context *context = kit_plain_context();
  for (int shift = 0; shift < 3; shift++) {
    char name[128] = "xx";
    name[shift] = '\0';
    for (int i = 0; i < 30; i++) strcat(name, "\xE2\x82\xAC");
    fm_labels *labels = KIT_SENTINEL;
    KIT_FAILS(FM_ERR_ARGUMENT, "\xE2\x82\xAC' is not known",
              fm_labels_create_from_preset(context, name, &labels, &err));
    ck_assert_ptr_eq(labels, KIT_SENTINEL);
  }
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
  tcase_add_test(tests, random_bytes_become_one_line);
  tcase_add_test(tests, names_are_cut_between_characters);
  tcase_add_test(tests, overlong_text_is_cut_between_characters);
  suite_add_tcase(suite, tests);
  return suite;
}
