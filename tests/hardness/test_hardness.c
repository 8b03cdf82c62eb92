/* hardness/test_hardness.c - freemask/hardness.h: against a resize that really makes the mask.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { CLASSES = 5, IGNORE = 200 };

static fm_context *context;
static fm_labels *labels;
static const double means[CLASSES] = {0.1, 2.5, 0.0, 1.0 / 3, 7.25};

static void set_up(void) {
  context = kit_plain_context();
  fm_labels_options options = {
      .size = sizeof options, .name = "street", .class_count = CLASSES, .ignore_label = IGNORE};
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
}

static void tear_down(void) {
  fm_labels_destroy(labels);
  fm_context_destroy(context);
}

static fm_hardness *hardness_of(int32_t width, int32_t height) {
  fm_hardness_options options = {
      .size = sizeof options, .resize_width = width, .resize_height = height};
  fm_hardness *hardness = NULL;
  KIT_OK(fm_hardness_create_from_means(labels, means, CLASSES, &options, &hardness, &err));
  return hardness;
}

static void fill(const fm_plane *mask, uint64_t *random) {
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x++) {
      int64_t label = kit_below(random, CLASSES + 1);
      kit_put_int(mask, y, x, label == CLASSES ? IGNORE : label);
    }
}

/* Source positions of the resized ones, as the header has it. Caller frees. */
static int64_t *sources(int64_t n, int64_t size) {
  int64_t *from = malloc((size_t)size * sizeof *from);
  double step = (double)n / (double)size, at = step * 0.5;
  for (int64_t i = 0; i < size; i++) {
    from[i] = (int64_t)at;
    at += step;
  }
  return from;
}

static double expected_hardness(const fm_plane *mask, int64_t width, int64_t height,
                                int64_t *valid) {
  int64_t count[CLASSES] = {0}, *rows = sources(mask->height, height);
  int64_t *columns = sources(mask->width, width);
  *valid = 0;
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++) {
      int64_t label = kit_get_int(mask, rows[y], columns[x]);
      if (label != IGNORE) count[label]++;
    }
  free(rows);
  free(columns);
  double sum = 0;
  for (int k = 0; k < CLASSES; k++) {
    sum += (double)count[k] * means[k];
    *valid += count[k];
  }
  return sum / ((double)*valid + 1e-5);
}

static const fm_dtype mask_types[] = {FM_U8, FM_U16, FM_I16, FM_I32, FM_I64};

/* Loop: mask dtype x layout. */
START_TEST(resized_as_documented) {
  static const struct {
    int64_t height, width;
    int32_t to_width, to_height;
  } cases[] = {{37, 41, 512, 512}, {512, 512, 512, 512}, {1, 1, 512, 512}, {300, 700, 512, 512},
               {1, 900, 512, 512}, {90, 70, 7, 3},       {90, 70, 1, 1},   {5, 4, 333, 2},
               {6, 10, 4, 9},      {64, 1000, 100, 1},   {3, 3, 65536, 2}};
  uint64_t random = (uint64_t)_i + 1;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    kit_plane mask =
        kit_plane_new(mask_types[_i % 5], cases[i].height, cases[i].width, (kit_layout)(_i / 5));
    fill(&mask.view, &random);
    fm_hardness *hardness = hardness_of(cases[i].to_width, cases[i].to_height);
    int64_t expected_valid, valid = -1;
    double expected =
        expected_hardness(&mask.view, cases[i].to_width, cases[i].to_height, &expected_valid);
    double value = -1;
    KIT_OK(fm_hardness_measure(hardness, &mask.view, &value, &valid, &err));
    ck_assert_msg(value == expected, "case %zu: %.17g, expected %.17g", i, value, expected);
    ck_assert_int_eq(valid, expected_valid);
    fm_hardness_destroy(hardness);
    kit_plane_free(&mask);
  }
}
END_TEST

/* How often Pillow 9.4 takes each pixel of a row: floor((i + 0.5) * n / size) alone would give
 * {3, 4}, {1, 1, 2, 1, 1, 1, 2, 1} and so on. */
START_TEST(borders_as_pillow) {
  static const struct {
    int32_t from, to;
    int32_t times[8];
  } cases[] = {
      {2, 7, {4, 3}}, {8, 10, {1, 1, 2, 1, 1, 2, 1, 1}}, {8, 12, {1, 2, 2, 1, 1, 2, 1, 2}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_hardness *across = hardness_of(cases[i].to, 1), *down = hardness_of(1, cases[i].to);
    for (int32_t x = 0; x < cases[i].from; x++) {
      uint8_t line[8];
      memset(line, IGNORE, sizeof line);
      line[x] = 0;
      fm_plane row = fm_plane_make(line, FM_U8, 1, cases[i].from);
      fm_plane column = fm_plane_make(line, FM_U8, cases[i].from, 1);
      int64_t valid;
      double value;
      KIT_OK(fm_hardness_measure(across, &row, &value, &valid, &err));
      ck_assert_int_eq(valid, cases[i].times[x]);
      KIT_OK(fm_hardness_measure(down, &column, &value, &valid, &err));
      ck_assert_int_eq(valid, cases[i].times[x]);
    }
    fm_hardness_destroy(across);
    fm_hardness_destroy(down);
  }
}
END_TEST

START_TEST(without_resizing) {
  uint64_t random = 8;
  fm_hardness *hardness = hardness_of(FM_NO_RESIZE, FM_NO_RESIZE);
  for (int64_t width = 1; width < 400; width += 57) {
    kit_plane mask = kit_plane_new(FM_U8, 31, width, KIT_PACKED);
    fill(&mask.view, &random);
    int64_t expected_valid, valid;
    double expected = expected_hardness(&mask.view, width, 31, &expected_valid), value;
    KIT_OK(fm_hardness_measure(hardness, &mask.view, &value, &valid, &err));
    ck_assert(value == expected);
    ck_assert_int_eq(valid, expected_valid);
    kit_plane_free(&mask);
  }
  fm_hardness_destroy(hardness);
}
END_TEST

START_TEST(paper_is_512_by_512) {
  uint64_t random = 9;
  kit_plane mask = kit_plane_new(FM_U8, 123, 457, KIT_PACKED);
  fill(&mask.view, &random);
  fm_hardness *paper = NULL, *zero = hardness_of(0, 0), *width = hardness_of(100, 0);
  KIT_OK(fm_hardness_create_from_means(labels, means, CLASSES, NULL, &paper, &err));
  int64_t unused;
  double a, b, c;
  KIT_OK(fm_hardness_measure(paper, &mask.view, &a, NULL, &err));
  KIT_OK(fm_hardness_measure(zero, &mask.view, &b, NULL, &err));
  KIT_OK(fm_hardness_measure(width, &mask.view, &c, NULL, &err));
  ck_assert(a == expected_hardness(&mask.view, 512, 512, &unused));
  ck_assert(a == b);
  ck_assert(c == expected_hardness(&mask.view, 100, 512, &unused));
  fm_hardness_destroy(paper);
  fm_hardness_destroy(zero);
  fm_hardness_destroy(width);
  fm_hardness_destroy(NULL);
  kit_plane_free(&mask);
}
END_TEST

START_TEST(ignored_masks_have_hardness_zero) {
  uint8_t pixels[64];
  memset(pixels, IGNORE, sizeof pixels);
  fm_plane mask = fm_plane_make(pixels, FM_U8, 8, 8);
  fm_hardness *hardness = hardness_of(0, 0);
  double value = -1;
  int64_t valid = -1;
  KIT_OK(fm_hardness_measure(hardness, &mask, &value, &valid, &err));
  ck_assert(value == 0.0);
  ck_assert_int_eq(valid, 0);
  memset(pixels, 2, sizeof pixels); /* valid, of mean loss 0 */
  KIT_OK(fm_hardness_measure(hardness, &mask, &value, &valid, &err));
  ck_assert(value == 0.0);
  ck_assert_int_eq(valid, 512 * 512);
  fm_hardness_destroy(hardness);
}
END_TEST

START_TEST(statistics_give_their_means) {
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  fm_hardness *hardness = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_EMPTY, "no pixel", fm_hardness_create(stats, NULL, &hardness, &err));
  ck_assert_ptr_eq(hardness, KIT_SENTINEL);
  float losses[6] = {0.5F, 1.5F, 3, 0, 0, 99};
  uint8_t pixels[6] = {0, 0, 4, 4, 4, IGNORE};
  fm_plane mask = fm_plane_make(pixels, FM_U8, 1, 6), loss = fm_plane_make(losses, FM_F32, 1, 6);
  KIT_OK(fm_class_stats_add(stats, &mask, &loss, &err));
  double h0 = 2.0 / (2 + 1e-5), h4 = 3.0 / (3 + 1e-5);
  fm_hardness_options options = {
      .size = sizeof options, .resize_width = FM_NO_RESIZE, .resize_height = FM_NO_RESIZE};
  KIT_OK(fm_hardness_create(stats, &options, &hardness, &err));
  fm_class_stats_destroy(stats); /* a copy */
  uint8_t wanted[4] = {0, 4, 4, IGNORE};
  fm_plane other = fm_plane_make(wanted, FM_U8, 2, 2);
  double value;
  KIT_OK(fm_hardness_measure(hardness, &other, &value, NULL, &err));
  ck_assert(value == (1 * h0 + 2 * h4) / (3 + 1e-5));
  fm_hardness_destroy(hardness);
}
END_TEST

START_TEST(bad_options_are_refused) {
  static const int32_t wrong[][2] = {{-1, 0},        {0, -1},          {-1, 512},
                                     {-2, -2},       {65537, 1},       {1, 65537},
                                     {INT32_MIN, 1}, {INT32_MAX, 512}, {512, -1}};
  fm_hardness *hardness = KIT_SENTINEL;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    fm_hardness_options options = {
        .size = sizeof options, .resize_width = wrong[i][0], .resize_height = wrong[i][1]};
    KIT_FAILS(FM_ERR_ARGUMENT, "resize",
              fm_hardness_create_from_means(labels, means, CLASSES, &options, &hardness, &err));
  }
  double table[CLASSES] = {0, 1, 2, 3, (double)NAN};
  KIT_FAILS(FM_ERR_ARGUMENT, "mean_loss[4]",
            fm_hardness_create_from_means(labels, table, CLASSES, NULL, &hardness, &err));
  table[4] = -1;
  KIT_FAILS(FM_ERR_ARGUMENT, "mean_loss[4]",
            fm_hardness_create_from_means(labels, table, CLASSES, NULL, &hardness, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "5 classes",
            fm_hardness_create_from_means(labels, means, 4, NULL, &hardness, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_hardness_create_from_means(NULL, means, CLASSES, NULL, &hardness, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_hardness_create_from_means(labels, NULL, CLASSES, NULL, &hardness, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_hardness_create_from_means(labels, means, CLASSES, NULL, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_hardness_create(NULL, NULL, &hardness, &err));
  ck_assert_ptr_eq(hardness, KIT_SENTINEL);
}
END_TEST

static fm_status make(const void *options, void *user, fm_error *err) {
  (void)user;
  fm_hardness *hardness = KIT_SENTINEL;
  fm_status status = fm_hardness_create_from_means(labels, means, CLASSES, options, &hardness, err);
  if (status)
    ck_assert_ptr_eq(hardness, KIT_SENTINEL);
  else
    fm_hardness_destroy(hardness);
  return status;
}

START_TEST(options_follow_the_rule) {
  fm_hardness_options options = {.size = sizeof options, .resize_width = 3};
  kit_options_rule("fm_hardness_options", &options, sizeof options, make, NULL);
}
END_TEST

/* Loop: layouts. The whole mask is checked, what resizing skips included. */
START_TEST(bad_labels_are_named) {
  kit_plane mask = kit_plane_new(FM_U16, 900, 1300, (kit_layout)_i);
  uint64_t random = 6;
  fill(&mask.view, &random);
  fm_hardness *hardness = hardness_of(2, 2);
  double value = -123;
  int64_t valid = -123;
  kit_put_int(&mask.view, 899, 1299, 65535);
  KIT_FAILS(FM_ERR_LABEL, "x 1299, y 899",
            fm_hardness_measure(hardness, &mask.view, &value, &valid, &err));
  kit_put_int(&mask.view, 7, 1, 5);
  KIT_FAILS(FM_ERR_LABEL, "x 1, y 7",
            fm_hardness_measure(hardness, &mask.view, &value, &valid, &err));
  KIT_FAILS(FM_ERR_LABEL, "label 5 ",
            fm_hardness_measure(hardness, &mask.view, &value, &valid, &err));
  kit_put_int(&mask.view, 6, 1298, 199);
  KIT_FAILS(FM_ERR_LABEL, "x 1298, y 6",
            fm_hardness_measure(hardness, &mask.view, &value, &valid, &err));
  mask.view.dtype = FM_F16;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "mask",
            fm_hardness_measure(hardness, &mask.view, &value, &valid, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "mask", fm_hardness_measure(hardness, NULL, &value, &valid, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_hardness_measure(NULL, &mask.view, &value, &valid, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_hardness_measure(hardness, &mask.view, NULL, &valid, &err));
  ck_assert(value == -123);
  ck_assert_int_eq(valid, -123);
  fm_hardness_destroy(hardness);
  kit_plane_free(&mask);
}
END_TEST

Suite *hardness_suite(void) {
  Suite *suite = suite_create("hardness");
  TCase *tests = tcase_create("hardness");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_loop_test(tests, resized_as_documented, 0, 5 * KIT_LAYOUTS);
  tcase_add_test(tests, borders_as_pillow);
  tcase_add_test(tests, without_resizing);
  tcase_add_test(tests, paper_is_512_by_512);
  tcase_add_test(tests, ignored_masks_have_hardness_zero);
  tcase_add_test(tests, statistics_give_their_means);
  tcase_add_test(tests, bad_options_are_refused);
  tcase_add_test(tests, options_follow_the_rule);
  tcase_add_loop_test(tests, bad_labels_are_named, 0, KIT_LAYOUTS);
  suite_add_tcase(suite, tests);
  return suite;
}
