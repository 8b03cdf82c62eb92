/* map/test_map.c - resized and converted masks against formulas; Pillow and NumPy are in
 * ctypes/test_maps.py. SPDX-License-Identifier: MIT */
#include <check.h>
#include <freemask/freemask.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

static fm_context *context;

static void open_context(void) { context = kit_plain_context(); }
static void close_context(void) { fm_context_destroy(context); }

/* Powers of two are exact: the middle of each pixel decides. */
START_TEST(the_middle_of_a_pixel_decides) {
  uint8_t from[5][7], to[4][16];
  for (int y = 0; y < 5; y++)
    for (int x = 0; x < 7; x++) from[y][x] = (uint8_t)(10 * y + x);
  fm_plane in = fm_plane_make(from, FM_U8, 5, 7), out = fm_plane_make(to, FM_U8, 4, 16);
  KIT_OK(fm_map_resize_nearest(context, &in, &out, &err));
  for (int y = 0; y < 4; y++)
    for (int x = 0; x < 16; x++)
      ck_assert_int_eq(to[y][x], from[(2 * y + 1) * 5 / 8][(2 * x + 1) * 7 / 32]);
}
END_TEST

/* Equal sizes: the same labels in a wider type, through flipped and interleaved strides. */
START_TEST(equal_sizes_convert_the_type) {
  int16_t from[2][3] = {{-100, -1, 0}, {1, 255, 32767}};
  int64_t to[2][6];
  memset(to, 0x55, sizeof to);
  fm_plane in = fm_plane_make(from, FM_I16, 2, 3), out = fm_plane_make(&to[1][4], FM_I64, 2, 3);
  out.row_stride = -(int64_t)sizeof to[0];
  out.col_stride = -16;
  KIT_OK(fm_map_resize_nearest(context, &in, &out, &err));
  for (int y = 0; y < 2; y++)
    for (int x = 0; x < 3; x++) ck_assert_int_eq(to[1 - y][4 - 2 * x], from[y][x]);
  ck_assert_int_eq(to[0][1], 0x5555555555555555);
}
END_TEST

START_TEST(a_label_that_does_not_fit_is_named) {
  uint16_t from[2][4] = {{1, 2, 3, 4}, {5, 6, 300, 7}};
  uint8_t to[8], untouched[8];
  memset(to, 9, sizeof to);
  memset(untouched, 9, sizeof untouched);
  fm_plane in = fm_plane_make(from, FM_U16, 2, 4), out = fm_plane_make(to, FM_U8, 2, 4);
  KIT_FAILS(FM_ERR_LIMIT, "label 300 at pixel (x 2, y 1)",
            fm_map_resize_nearest(context, &in, &out, &err));
  ck_assert_mem_eq(to, untouched, sizeof to);
  /* A pixel that the result skips may hold anything. */
  out = fm_plane_make(to, FM_U8, 1, 2);
  KIT_OK(fm_map_resize_nearest(context, &in, &out, &err));
  ck_assert_int_eq(to[0], 6);
  ck_assert_int_eq(to[1], 7);
}
END_TEST

/* U64 is read as int64_t: the largest numbers must not pass for others. */
START_TEST(the_largest_numbers_stay) {
  uint64_t from[2] = {UINT64_MAX, (uint64_t)INT64_MAX}, same[2];
  int64_t signed_numbers[2];
  fm_plane in = fm_plane_make(from, FM_U64, 1, 2), out = fm_plane_make(same, FM_U64, 1, 2);
  KIT_OK(fm_map_resize_nearest(context, &in, &out, &err));
  ck_assert_mem_eq(same, from, sizeof from);
  out = fm_plane_make(signed_numbers, FM_I64, 1, 2);
  KIT_FAILS(FM_ERR_LIMIT, "does not fit", fm_map_resize_nearest(context, &in, &out, &err));
}
END_TEST

START_TEST(bad_planes_are_refused) {
  uint8_t pixels[4] = {1, 2, 3, 4};
  float losses[4];
  fm_plane in = fm_plane_make(pixels, FM_U8, 2, 2), out = fm_plane_make(pixels + 1, FM_U8, 1, 2);
  KIT_FAILS(FM_ERR_ARGUMENT, "overlap", fm_map_resize_nearest(context, &in, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "overlap", fm_map_resize_nearest(context, &in, &in, &err));
  out = fm_plane_make(losses, FM_F32, 2, 2);
  KIT_FAILS(FM_ERR_UNSUPPORTED, "f32", fm_map_resize_nearest(context, &in, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_map_resize_nearest(NULL, &in, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_map_resize_nearest(context, NULL, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_map_resize_nearest(context, &in, NULL, &err));
  ck_assert_int_eq(pixels[1], 2);
}
END_TEST

/* ---- Classes and other label spaces -------------------------------------------------- */

/* Labels 3, 5 and 9 are the classes 1, 0 and 2; 4 and -1 are ignored. */
static fm_labels *odd_space(void) {
  static const int32_t classes[] = {FM_CLASS_INVALID, FM_CLASS_INVALID,
                                    FM_CLASS_INVALID, 1,
                                    FM_CLASS_IGNORE,  0,
                                    FM_CLASS_INVALID, 2,
                                    FM_CLASS_INVALID, 2};
  static const int64_t ignored[] = {4, -1};
  fm_labels_options options = {.size = sizeof options,
                               .ignored_labels = ignored,
                               .ignored_count = 2,
                               .class_count = 3,
                               .label_count = 10,
                               .classes = classes};
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
  return labels;
}

START_TEST(classes_in_place_and_wider) {
  fm_labels *labels = odd_space();
  int16_t mask[6] = {3, 5, -1, 9, 4, 7}, expected[6] = {1, 0, 255, 2, 255, 2};
  int64_t wide[6];
  fm_plane in = fm_plane_make(mask, FM_I16, 2, 3), out = fm_plane_make(wide, FM_I64, 2, 3);
  KIT_OK(fm_labels_to_classes(labels, &in, -100, &out, &err));
  for (int i = 0; i < 6; i++) ck_assert_int_eq(wide[i], expected[i] == 255 ? -100 : expected[i]);
  KIT_OK(fm_labels_to_classes(labels, &in, 255, &in, &err));
  ck_assert_mem_eq(mask, expected, sizeof expected);
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(other_labels_of_the_same_classes) {
  fm_labels *labels = odd_space();
  uint8_t mask[4] = {9, 4, 3, 5}, out_pixels[4] = {0};
  const int64_t ignored = 200;
  fm_labels_options options = {
      .size = sizeof options, .ignored_labels = &ignored, .ignored_count = 1, .class_count = 3};
  fm_labels *to = NULL, *four = NULL;
  KIT_OK(fm_labels_create(context, &options, &to, &err));
  options.class_count = 4;
  KIT_OK(fm_labels_create(context, &options, &four, &err));
  fm_plane in = fm_plane_make(mask, FM_U8, 1, 4), out = fm_plane_make(out_pixels, FM_U8, 1, 4);
  KIT_OK(fm_labels_convert(labels, &in, to, &out, &err));
  const uint8_t expected[4] = {2, 200, 1, 0}, back[4] = {7, 4, 3, 5};
  ck_assert_mem_eq(out_pixels, expected, 4);
  KIT_OK(fm_labels_convert(to, &out, labels, &in, &err)); /* the smallest label of a class */
  ck_assert_mem_eq(mask, back, 4);
  KIT_FAILS(FM_ERR_MISMATCH, "3 classes", fm_labels_convert(labels, &in, four, &out, &err));
  fm_labels_destroy(four);
  fm_labels_destroy(to);
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(bad_conversions_are_refused) {
  fm_labels *labels = odd_space();
  uint8_t mask[4] = {9, 4, 3, 6}, out_pixels[4] = {77, 77, 77, 77};
  fm_plane in = fm_plane_make(mask, FM_U8, 1, 4), out = fm_plane_make(out_pixels, FM_U8, 1, 4);
  KIT_FAILS(FM_ERR_LABEL, "label 6 at pixel (x 3, y 0)",
            fm_labels_to_classes(labels, &in, 255, &out, &err));
  mask[3] = 5;
  KIT_FAILS(FM_ERR_LIMIT, "-1", fm_labels_to_classes(labels, &in, -1, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "is a class", fm_labels_to_classes(labels, &in, 2, &out, &err));
  out = fm_plane_make(out_pixels, FM_U8, 2, 2);
  KIT_FAILS(FM_ERR_SHAPE, "classes", fm_labels_to_classes(labels, &in, 255, &out, &err));
  out = fm_plane_make(mask + 1, FM_U8, 1, 3);
  in.width = 3;
  KIT_FAILS(FM_ERR_ARGUMENT, "overlap", fm_labels_to_classes(labels, &in, 255, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_labels_to_classes(NULL, &in, 255, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_labels_convert(labels, &in, NULL, &out, &err));
  for (int i = 0; i < 4; i++) ck_assert_int_eq(out_pixels[i], 77);
  fm_labels_destroy(labels);
}
END_TEST

static fm_status scenario(fm_context *own, void *user, fm_error *e) {
  uint8_t pixels[6] = {0}, to[12];
  fm_plane in = fm_plane_make(pixels, FM_U8, 2, 3), out = fm_plane_make(to, FM_U8, 4, 3);
  fm_labels *labels = NULL;
  (void)user;
  fm_status status = fm_map_resize_nearest(own, &in, &out, e);
  if (!status) status = fm_labels_create_from_preset(own, "camvid", &labels, e);
  if (!status) status = fm_labels_to_classes(labels, &in, 255, &in, e);
  fm_labels_destroy(labels);
  return status;
}

START_TEST(every_allocation_fails) { kit_every_allocation_fails(scenario, NULL, 2); }
END_TEST

Suite *map_suite(void) {
  Suite *suite = suite_create("map");
  TCase *tests = tcase_create("map");
  tcase_add_checked_fixture(tests, open_context, close_context);
  tcase_add_test(tests, the_middle_of_a_pixel_decides);
  tcase_add_test(tests, equal_sizes_convert_the_type);
  tcase_add_test(tests, a_label_that_does_not_fit_is_named);
  tcase_add_test(tests, the_largest_numbers_stay);
  tcase_add_test(tests, bad_planes_are_refused);
  tcase_add_test(tests, classes_in_place_and_wider);
  tcase_add_test(tests, other_labels_of_the_same_classes);
  tcase_add_test(tests, bad_conversions_are_refused);
  tcase_add_test(tests, every_allocation_fails);
  suite_add_tcase(suite, tests);
  return suite;
}
