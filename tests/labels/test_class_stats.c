/* labels/test_class_stats.c - freemask/class_stats.h: adding, strata, histograms, words, errors.
 * That the sums are exact is test_class_stats_exact.c's matter.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { CLASSES = 3, IGNORE = 9 };

static fm_context *context;
static fm_labels *labels;

static void set_up(void) {
  context = kit_plain_context();
  static const char *const names[] = {"sky", "road", "car"};
  fm_labels_options options = {.size = sizeof options,
                               .name = "street",
                               .class_count = CLASSES,
                               .ignored_labels = (const int64_t[]){IGNORE},
                               .ignored_count = 1,
                               .class_names = names};
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
}

static void tear_down(void) {
  fm_labels_destroy(labels);
  fm_context_destroy(context);
}

static fm_class_stats *make_stats(int32_t strata, int32_t histogram) {
  fm_class_stats_options options = {
      .size = sizeof options, .strata = strata, .histogram = histogram};
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, &options, &stats, &err));
  return stats;
}

/* A state to compare with; free() it. */
static int64_t *words_of(const fm_class_stats *stats) {
  size_t count = (size_t)fm_class_stats_word_count(stats);
  int64_t *words = malloc(count * sizeof *words);
  KIT_OK(fm_class_stats_export(stats, words, (int64_t)count, &err));
  return words;
}

static void expect_words(const fm_class_stats *stats, const int64_t *words) {
  int64_t *now = words_of(stats);
  ck_assert_mem_eq(now, words, (size_t)fm_class_stats_word_count(stats) * sizeof *words);
  free(now);
}

/* ---- Making -------------------------------------------------------------------------- */

START_TEST(word_count_follows_the_options) {
  static const struct {
    int32_t strata, histogram;
    size_t words;
  } cases[] = {{0, 0, 1 + 3 * 12},           {1, 0, 1 + 3 * 12},
               {5, 0, 1 + 3 * 5 * 12},       {255, 0, 1 + 3 * 255 * 12},
               {0, 1, 1 + 3 * (12 + 34)},    {2, 4, 1 + 3 * 2 * (12 + 130)},
               {1, 32, 1 + 3 * (12 + 1026)}, {1, 8, 1 + 3 * (12 + 258)}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_class_stats *stats = make_stats(cases[i].strata, cases[i].histogram);
    ck_assert_uint_eq((size_t)fm_class_stats_word_count(stats), cases[i].words);
    int64_t *words = words_of(stats);
    for (size_t w = 0; w < cases[i].words; w++) ck_assert_int_eq(words[w], 0);
    free(words);
    fm_class_stats_destroy(stats);
  }
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  ck_assert_uint_eq((size_t)fm_class_stats_word_count(stats), 37);
  ck_assert_int_eq(fm_class_stats_image_count(stats), 0);
  ck_assert(fm_class_stats_mean(stats, 0, 0) == 0.0);
  fm_class_stats_destroy(stats);
  fm_class_stats_destroy(NULL);
}
END_TEST

START_TEST(bad_options_are_refused) {
  fm_class_stats *stats = KIT_SENTINEL;
  static const int32_t strata[] = {-1, 256, INT32_MIN, INT32_MAX};
  static const int32_t histograms[] = {-1, 3, 5, 7, 33, 64, INT32_MAX};
  for (size_t i = 0; i < sizeof strata / sizeof *strata; i++) {
    fm_class_stats_options options = {.size = sizeof options, .strata = strata[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "strata", fm_class_stats_create(labels, &options, &stats, &err));
  }
  for (size_t i = 0; i < sizeof histograms / sizeof *histograms; i++) {
    fm_class_stats_options options = {.size = sizeof options, .histogram = histograms[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "histogram", fm_class_stats_create(labels, &options, &stats, &err));
  }
  fm_class_stats_options scored = {.size = sizeof scored, .score = 2};
  KIT_FAILS(FM_ERR_UNSUPPORTED, "score is 2", fm_class_stats_create(labels, &scored, &stats, &err));
  fm_class_stats_options filled = {.size = sizeof filled, .reserved = 1};
  KIT_FAILS(FM_ERR_ARGUMENT, "reserved is 1", fm_class_stats_create(labels, &filled, &stats, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_create(NULL, NULL, &stats, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_create(labels, NULL, NULL, &err));
  ck_assert_ptr_eq(stats, KIT_SENTINEL);
}
END_TEST

static fm_status make(const void *options, void *user, fm_error *err) {
  (void)user;
  fm_class_stats *stats = KIT_SENTINEL;
  fm_status status = fm_class_stats_create(labels, options, &stats, err);
  if (status)
    ck_assert_ptr_eq(stats, KIT_SENTINEL);
  else
    fm_class_stats_destroy(stats);
  return status;
}

START_TEST(options_follow_the_rule) {
  fm_class_stats_options options = {.size = sizeof options, .strata = 2, .histogram = 1};
  kit_options_rule("fm_class_stats_options", &options, sizeof options, make, NULL);
}
END_TEST

/* ---- Adding: every dtype, every layout ------------------------------------------------- */

static const fm_dtype mask_types[] = {FM_U8, FM_U16, FM_I16, FM_I32, FM_I64};
static const fm_dtype loss_types[] = {FM_F32, FM_F16, FM_BF16};

/* Loop: mask dtype x loss dtype. Losses are multiples of 1/8 below 16: exact in all three. */
START_TEST(dtypes_and_layouts_agree) {
  fm_dtype mask_type = mask_types[_i % 5], loss_type = loss_types[_i / 5];
  enum { HEIGHT = 6, WIDTH = 299 };
  int64_t *expected = NULL;
  for (int a = 0; a < KIT_LAYOUTS; a++)
    for (int b = 0; b < KIT_LAYOUTS; b++) {
      if (a && b && a != b && (a + b) % 3) continue; /* a third of the mixed pairs will do */
      uint64_t random = 31;
      kit_plane mask = kit_plane_new(mask_type, HEIGHT, WIDTH, (kit_layout)a);
      kit_plane loss = kit_plane_new(loss_type, HEIGHT, WIDTH, (kit_layout)b);
      for (int64_t y = 0; y < HEIGHT; y++)
        for (int64_t x = 0; x < WIDTH; x++) {
          int64_t label = kit_below(&random, CLASSES + 1);
          kit_put_int(&mask.view, y, x, label == CLASSES ? IGNORE : label);
          kit_put_real(&loss.view, y, x, (float)kit_below(&random, 128) / 8.0F);
        }
      fm_class_stats *stats = make_stats(0, 2);
      KIT_OK(fm_class_stats_add(stats, &mask.view, &loss.view, NULL, &err));
      if (expected)
        expect_words(stats, expected);
      else
        expected = words_of(stats);
      fm_class_stats_destroy(stats);
      kit_plane_free(&mask);
      kit_plane_free(&loss);
    }
  /* An independent value for one of them: class 0's count and sum, in eighths. */
  uint64_t random = 31;
  int64_t count = 0, eighths = 0;
  for (int i = 0; i < HEIGHT * WIDTH; i++) {
    int64_t label = kit_below(&random, CLASSES + 1), value = kit_below(&random, 128);
    if (label == 0) {
      count++;
      eighths += value;
    }
  }
  ck_assert_int_eq(expected[1], count);
  /* eighths * 2^-3 = 2^-149 * eighths * 2^146, and 146 = 4 * 32 + 18. */
  ck_assert_int_eq(expected[2 + 4], (eighths << 18) & INT64_C(0xFFFFFFFF));
  ck_assert_int_eq(expected[2 + 5], eighths >> 14);
  free(expected);
}
END_TEST

START_TEST(add_does_not_write_to_its_inputs) {
  kit_plane mask = kit_plane_new(FM_U8, 4, 9, KIT_PADDED),
            loss = kit_plane_new(FM_F32, 4, 9, KIT_PADDED);
  for (int64_t i = 0; i < 36; i++) {
    kit_put_int(&mask.view, i / 9, i % 9, i % 3);
    kit_put_real(&loss.view, i / 9, i % 9, (float)i);
  }
  unsigned char *before_mask = malloc(mask.size), *before_loss = malloc(loss.size);
  memcpy(before_mask, mask.memory, mask.size);
  memcpy(before_loss, loss.memory, loss.size);
  fm_class_stats *stats = make_stats(0, 0);
  KIT_OK(fm_class_stats_add(stats, &mask.view, &loss.view, NULL, &err));
  ck_assert_mem_eq(before_mask, mask.memory, mask.size);
  ck_assert_mem_eq(before_loss, loss.memory, loss.size);
  fm_class_stats_destroy(stats);
  free(before_mask);
  free(before_loss);
  kit_plane_free(&mask);
  kit_plane_free(&loss);
}
END_TEST

START_TEST(adding_allocates_nothing) {
  kit_allocator allocator;
  fm_context *counting = kit_context(&allocator);
  fm_labels *own = NULL;
  KIT_OK(fm_labels_create_from_preset(counting, "camvid", &own, &err));
  fm_class_stats *stats = NULL, *other = NULL;
  KIT_OK(fm_class_stats_create(own, NULL, &stats, &err));
  KIT_OK(fm_class_stats_create(own, NULL, &other, &err));
  uint8_t pixels[64] = {0};
  float losses[64] = {1};
  fm_plane mask = fm_plane_make(pixels, FM_U8, 8, 8), loss = fm_plane_make(losses, FM_F32, 8, 8);
  long before = atomic_load(&allocator.calls);
  for (int i = 0; i < 10; i++) KIT_OK(fm_class_stats_add(stats, &mask, &loss, NULL, &err));
  KIT_OK(fm_class_stats_merge(other, stats, &err));
  ck_assert_int_eq(atomic_load(&allocator.calls), before);
  fm_class_stats_destroy(stats);
  fm_class_stats_destroy(other);
  fm_labels_destroy(own);
  fm_context_destroy(counting);
  ck_assert_int_eq(atomic_load(&allocator.living), 0);
}
END_TEST

START_TEST(clear_empties) {
  uint8_t pixel = 1;
  float value = 2;
  fm_plane mask = fm_plane_make(&pixel, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_class_stats *stats = make_stats(1, 1), *fresh = make_stats(1, 1);
  KIT_OK(fm_class_stats_add(stats, &mask, &loss, NULL, &err));
  ck_assert_int_eq(fm_class_stats_image_count(stats), 1);
  fm_class_stats_clear(stats);
  fm_class_stats_clear(NULL);
  int64_t *empty = words_of(fresh);
  expect_words(stats, empty);
  ck_assert_int_eq(fm_class_stats_image_count(stats), 0);
  free(empty);
  fm_class_stats_destroy(stats);
  fm_class_stats_destroy(fresh);
}
END_TEST

/* ---- Adding: what is refused ------------------------------------------------------------ */

/* An image of zeros, statistics that hold something already, and what they hold. */
typedef struct trial {
  fm_class_stats *stats;
  kit_plane mask, loss, strata;
  int64_t *before;
} trial;

enum { H = 5, W = 270 };

static fm_status add_strata(const trial *t, fm_error *err) {
  fm_extra_planes extra = {.size = sizeof extra, .strata = &t->strata.view};
  return fm_class_stats_add(t->stats, &t->mask.view, &t->loss.view, &extra, err);
}

static trial new_trial(fm_dtype mask_type, fm_dtype loss_type, kit_layout layout) {
  trial t;
  t.stats = make_stats(3, 1);
  t.mask = kit_plane_new(mask_type, H, W, layout);
  t.loss = kit_plane_new(loss_type, H, W, layout);
  t.strata = kit_plane_new(FM_U8, H, W, layout);
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++) {
      kit_put_int(&t.mask.view, y, x, (x + y) % CLASSES);
      kit_put_real(&t.loss.view, y, x, 0.5F);
      kit_put_int(&t.strata.view, y, x, x % 3);
    }
  KIT_OK(add_strata(&t, &err));
  t.before = words_of(t.stats);
  return t;
}

static void end_trial(trial *t) {
  free(t->before);
  kit_plane_free(&t->mask);
  kit_plane_free(&t->loss);
  kit_plane_free(&t->strata);
  fm_class_stats_destroy(t->stats);
}

static void refuse(const trial *t, fm_status status, const char *text) {
  fm_class_stats *plain = make_stats(0, 1);
  int64_t *empty = words_of(plain);
  KIT_FAILS(status, text, fm_class_stats_add(plain, &t->mask.view, &t->loss.view, NULL, &err));
  expect_words(plain, empty);
  free(empty);
  fm_class_stats_destroy(plain);
  KIT_FAILS(status, text, add_strata(t, &err));
  expect_words(t->stats, t->before);
}

/* Loop: layouts. */
START_TEST(bad_losses_are_named) {
  static const struct {
    float value;
    const char *text;
  } bad[] = {{-1, "-1"},          {(float)INFINITY, "inf"}, {-(float)INFINITY, "-inf"},
             {(float)NAN, "nan"}, {-1.1e-5F, "e-05"},       {-FLT_MAX, "-3.4"}};
  trial t = new_trial(FM_U8, FM_F32, (kit_layout)_i);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    kit_put_real(&t.loss.view, 4, 269, bad[i].value);
    refuse(&t, FM_ERR_LOSS, "x 269, y 4");
    refuse(&t, FM_ERR_LOSS, bad[i].text);
    kit_put_real(&t.loss.view, 4, 0, bad[i].value);
    refuse(&t, FM_ERR_LOSS, "x 0, y 4");
    refuse(&t, FM_ERR_LOSS, "road");
    kit_put_real(&t.loss.view, 3, 268, bad[i].value);
    refuse(&t, FM_ERR_LOSS, "x 268, y 3");
    kit_put_real(&t.loss.view, 0, 1, bad[i].value);
    refuse(&t, FM_ERR_LOSS, "x 1, y 0");
    /* At an ignored pixel it does not matter. */
    kit_put_int(&t.mask.view, 0, 1, IGNORE);
    refuse(&t, FM_ERR_LOSS, "x 268, y 3");
    kit_put_int(&t.mask.view, 0, 1, 1);
    kit_put_real(&t.loss.view, 4, 269, 0);
    kit_put_real(&t.loss.view, 4, 0, 0);
    kit_put_real(&t.loss.view, 3, 268, 0);
    kit_put_real(&t.loss.view, 0, 1, 0);
  }
  /* What was refused left nothing behind: the next image counts as if alone. */
  fm_class_stats *fresh = make_stats(3, 1);
  fm_class_stats_clear(t.stats);
  KIT_OK(add_strata(&t, &err));
  trial alone = t;
  alone.stats = fresh;
  KIT_OK(add_strata(&alone, &err));
  int64_t *expected = words_of(fresh);
  expect_words(t.stats, expected);
  free(expected);
  fm_class_stats_destroy(fresh);
  end_trial(&t);
}
END_TEST

START_TEST(bad_short_losses_are_named) {
  static const uint16_t half[] = {0x7C00, 0xFC00, 0x7E00, 0x7C01, 0x80A8, 0xBC00};
  static const uint16_t bfloat[] = {0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0xB728, 0xBF80};
  fm_dtype dtype = _i ? FM_BF16 : FM_F16;
  for (size_t i = 0; i < 6; i++) {
    trial t = new_trial(FM_U16, dtype, KIT_PACKED);
    uint16_t *bits = t.loss.view.data;
    bits[2 * W + 100] = _i ? bfloat[i] : half[i];
    refuse(&t, FM_ERR_LOSS, "x 100, y 2");
    bits[2 * W + 100] = 0x8000; /* -0 */
    KIT_OK(add_strata(&t, &err));
    end_trial(&t);
  }
}
END_TEST

/* Loop: mask dtypes. */
START_TEST(bad_labels_are_named) {
  static const int64_t bad[] = {3, 65535, -1, INT32_MIN, INT64_MAX};
  trial t = new_trial(mask_types[_i], FM_F16, KIT_UNALIGNED);
  char text[64];
  snprintf(text, sizeof text, "label %lld ", (long long)bad[_i]);
  kit_put_int(&t.mask.view, 4, 3, bad[_i]);
  refuse(&t, FM_ERR_LABEL, "x 3, y 4");
  refuse(&t, FM_ERR_LABEL, text);
  refuse(&t, FM_ERR_LABEL, "street");
  kit_put_int(&t.mask.view, 2, 256, bad[_i]);
  refuse(&t, FM_ERR_LABEL, "x 256, y 2");
  end_trial(&t);
}
END_TEST

START_TEST(first_bad_pixel_whatever_its_fault) {
  trial t = new_trial(FM_U8, FM_F32, KIT_PACKED);
  kit_put_int(&t.mask.view, 3, 10, 77);
  kit_put_real(&t.loss.view, 3, 11, -1);
  refuse(&t, FM_ERR_LABEL, "x 10, y 3");
  kit_put_real(&t.loss.view, 3, 9, -1);
  refuse(&t, FM_ERR_LOSS, "x 9, y 3");
  kit_put_int(&t.mask.view, 2, 269, 77);
  refuse(&t, FM_ERR_LABEL, "x 269, y 2");
  end_trial(&t);
}
END_TEST

START_TEST(sizes_must_agree) {
  trial t = new_trial(FM_U8, FM_F32, KIT_PACKED);
  t.loss.view.width = W - 1;
  refuse(&t, FM_ERR_SHAPE, "269x5");
  t.loss.view.width = W;
  t.loss.view.height = H - 1;
  refuse(&t, FM_ERR_SHAPE, "270x4");
  t.loss.view.height = H;
  t.strata.view.height = H - 1;
  KIT_FAILS(FM_ERR_SHAPE, "strata", add_strata(&t, &err));
  expect_words(t.stats, t.before);
  end_trial(&t);
}
END_TEST

START_TEST(dtypes_must_fit) {
  trial t = new_trial(FM_U8, FM_F32, KIT_PACKED);
  t.mask.view.dtype = FM_F32;
  refuse(&t, FM_ERR_UNSUPPORTED, "mask");
  t.mask.view.dtype = FM_U8;
  t.loss.view.dtype = FM_U16;
  refuse(&t, FM_ERR_UNSUPPORTED, "loss");
  t.loss.view.dtype = 0;
  refuse(&t, FM_ERR_ARGUMENT, "loss");
  t.loss.view.dtype = FM_F32;
  t.strata.view.dtype = FM_U16;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "strata", add_strata(&t, &err));
  expect_words(t.stats, t.before);
  end_trial(&t);
}
END_TEST

START_TEST(null_arguments) {
  trial t = new_trial(FM_U8, FM_F32, KIT_PACKED);
  const fm_plane *m = &t.mask.view, *l = &t.loss.view, *s = &t.strata.view;
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_add(NULL, m, l, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "mask", fm_class_stats_add(t.stats, NULL, l, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "loss", fm_class_stats_add(t.stats, m, NULL, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "strata is NULL, but there are 3 strata",
            fm_class_stats_add(t.stats, m, l, NULL, &err));
  fm_extra_planes extra = {.size = sizeof extra, .strata = s, .reference = l};
  KIT_FAILS(FM_ERR_ARGUMENT, "reference is set", fm_class_stats_add(t.stats, m, l, &extra, &err));
  extra.reference = NULL;
  fm_class_stats *plain = make_stats(1, 0);
  KIT_FAILS(FM_ERR_ARGUMENT, "strata is set, but there is only one",
            fm_class_stats_add(plain, m, l, &extra, &err));
  ck_assert_int_eq(fm_class_stats_image_count(plain), 0);
  fm_class_stats_destroy(plain);
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_merge(NULL, t.stats, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_merge(t.stats, NULL, &err));
  int64_t word = 0;
  size_t count = (size_t)fm_class_stats_word_count(t.stats);
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_export(NULL, &word, 1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_export(t.stats, NULL, (int64_t)count, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_import(NULL, &word, 1, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_class_stats_import(t.stats, NULL, (int64_t)count, NULL, &err));
  expect_words(t.stats, t.before);
  end_trial(&t);
}
END_TEST

/* ---- Strata --------------------------------------------------------------------------- */

START_TEST(strata_divide_a_class) {
  trial t = new_trial(FM_U8, FM_F32, KIT_TRANSPOSED);
  fm_class_stats *plain = make_stats(0, 1);
  KIT_OK(fm_class_stats_add(plain, &t.mask.view, &t.loss.view, NULL, &err));
  for (int32_t k = 0; k < CLASSES; k++) {
    int64_t expected[3] = {0};
    for (int64_t y = 0; y < H; y++)
      for (int64_t x = 0; x < W; x++)
        if ((x + y) % CLASSES == k) expected[x % 3]++;
    int64_t total = 0;
    for (int32_t s = 0; s < 3; s++) {
      ck_assert_int_eq(fm_class_stats_pixel_count(t.stats, k, s), expected[s]);
      double mean = 0.5 * (double)expected[s] / ((double)expected[s] + 1e-5);
      ck_assert(fm_class_stats_mean(t.stats, k, s) == mean);
      total += expected[s];
    }
    ck_assert_int_eq(fm_class_stats_pixel_count(t.stats, k, FM_ALL_STRATA), total);
    ck_assert(fm_class_stats_mean(t.stats, k, FM_ALL_STRATA) == fm_class_stats_mean(plain, k, 0));
  }
  static const int32_t none[][2] = {
      {-1, 0},           {3, 0}, {0, 3}, {0, -2}, {INT32_MAX, INT32_MAX}, {-1, FM_ALL_STRATA},
      {3, FM_ALL_STRATA}};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    ck_assert_int_eq(fm_class_stats_pixel_count(t.stats, none[i][0], none[i][1]), 0);
    ck_assert(fm_class_stats_mean(t.stats, none[i][0], none[i][1]) == 0.0);
  }
  fm_class_stats_destroy(plain);
  end_trial(&t);
}
END_TEST

static fm_status add_extra(const void *options, void *user, fm_error *err) {
  const trial *t = user;
  return fm_class_stats_add(t->stats, &t->mask.view, &t->loss.view, options, err);
}

START_TEST(extra_planes_follow_the_rule) {
  trial t = new_trial(FM_U8, FM_F32, KIT_PACKED);
  fm_extra_planes extra = {.size = sizeof extra, .strata = &t.strata.view};
  kit_options_rule("fm_extra_planes", &extra, sizeof extra, add_extra, &t);
  end_trial(&t);
}
END_TEST

/* Where a pixel is ignored its stratum is not read. */
START_TEST(strata_of_ignored_pixels_do_not_matter) {
  trial t = new_trial(FM_U8, FM_F32, KIT_STRIDED);
  kit_put_int(&t.mask.view, 2, 7, IGNORE);
  kit_put_int(&t.strata.view, 2, 7, 255);
  KIT_OK(add_strata(&t, &err));
  end_trial(&t);
}
END_TEST

START_TEST(bad_strata_are_named) {
  trial t = new_trial(FM_U8, FM_F32, KIT_MIRRORED);
  kit_put_int(&t.strata.view, 4, 200, 255);
  kit_put_int(&t.strata.view, 3, 260, 3);
  KIT_FAILS(FM_ERR_ARGUMENT, "x 260, y 3", add_strata(&t, &err));
  expect_words(t.stats, t.before);
  end_trial(&t);
}
END_TEST

/* ---- Histograms -------------------------------------------------------------------------- */

/* The bin that one loss lands in. */
static size_t bin_of(fm_class_stats *stats, float value) {
  uint8_t pixel = 0;
  fm_plane mask = fm_plane_make(&pixel, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_class_stats_clear(stats);
  KIT_OK(fm_class_stats_add(stats, &mask, &loss, NULL, &err));
  int64_t *words = words_of(stats);
  size_t bins = ((size_t)fm_class_stats_word_count(stats) - 1) / CLASSES - 12, found = SIZE_MAX;
  for (size_t i = 0; i < bins; i++) {
    if (!words[13 + i]) continue;
    ck_assert_int_eq(words[13 + i], 1);
    ck_assert_uint_eq(found, SIZE_MAX);
    found = i;
  }
  ck_assert_uint_ne(found, SIZE_MAX);
  free(words);
  return found;
}

/* Loop: bins per factor of two, 2^_i. */
START_TEST(bins_span_the_octaves) {
  size_t per = (size_t)1 << _i;
  fm_class_stats *stats = make_stats(0, 1 << _i);
  ck_assert_uint_eq(bin_of(stats, 0.0F), 0);
  ck_assert_uint_eq(bin_of(stats, -0.0F), 0);
  ck_assert_uint_eq(bin_of(stats, kit_float(1)), 0);
  ck_assert_uint_eq(bin_of(stats, nextafterf(ldexpf(1, -24), 0)), 0);
  ck_assert_uint_eq(bin_of(stats, 256.0F), 32 * per + 1);
  ck_assert_uint_eq(bin_of(stats, FLT_MAX), 32 * per + 1);
  for (int octave = 0; octave < 32; octave++) {
    float low = ldexpf(1, octave - 24);
    size_t first = 1 + (size_t)octave * per;
    ck_assert_uint_eq(bin_of(stats, low), first);
    ck_assert_uint_eq(bin_of(stats, nextafterf(2 * low, 0)), first + per - 1);
    /* Bins rise with the loss and none is empty. */
    size_t last = first;
    for (int step = 1; step < 256; step++) {
      size_t bin = bin_of(stats, low + low * (float)step / 256.0F);
      ck_assert(bin == last || bin == last + 1);
      last = bin;
    }
    ck_assert_uint_eq(last, first + per - 1);
  }
  fm_class_stats_destroy(stats);
}
END_TEST

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Loop: bins per factor of two, 2^_i. */
START_TEST(quantiles_are_one_bin_off_at_most) {
  enum { N = 4000 };
  static float losses[N];
  static uint8_t pixels[N];
  uint64_t random = 17;
  for (int i = 0; i < N; i++)
    losses[i] = ldexpf(kit_plain_loss(&random), (int)kit_below(&random, 12) - 10);
  fm_plane mask = fm_plane_make(pixels, FM_U8, 1, N), loss = fm_plane_make(losses, FM_F32, 1, N);
  fm_class_stats *stats = make_stats(0, 1 << _i);
  KIT_OK(fm_class_stats_add(stats, &mask, &loss, NULL, &err));
  qsort(losses, N, sizeof *losses, compare);
  double last = 0;
  for (int step = 0; step <= 200; step++) {
    double q = step / 200.0, value = -1;
    KIT_OK(fm_class_stats_quantile(stats, 0, 0, q, &value, &err));
    int at = (int)ceil(q * N) - 1;
    double exact = (double)losses[at < 0 ? 0 : at], per = (double)(1 << _i);
    double bin = (exact > value ? exact : value) / per;
    ck_assert_msg(fabs(value - exact) <= bin, "q %g: %g, exactly %g", q, value, exact);
    ck_assert(value >= last);
    last = value;
    double all = -1;
    KIT_OK(fm_class_stats_quantile(stats, 0, FM_ALL_STRATA, q, &all, &err));
    ck_assert(all == value);
  }
  fm_class_stats_destroy(stats);
}
END_TEST

START_TEST(quantiles_beyond_the_bins) {
  float losses[4] = {0, kit_float(1), 1000, FLT_MAX};
  uint8_t pixels[4] = {0};
  fm_plane mask = fm_plane_make(pixels, FM_U8, 2, 2), loss = fm_plane_make(losses, FM_F32, 2, 2);
  fm_class_stats *stats = make_stats(0, 8);
  KIT_OK(fm_class_stats_add(stats, &mask, &loss, NULL, &err));
  double value = -1;
  KIT_OK(fm_class_stats_quantile(stats, 0, 0, 0.25, &value, &err));
  ck_assert(value == 0.0);
  KIT_OK(fm_class_stats_quantile(stats, 0, 0, 1.0, &value, &err));
  ck_assert(value == 256.0);
  fm_class_stats_destroy(stats);
}
END_TEST

START_TEST(quantile_errors) {
  float value = 1;
  uint8_t pixel = 0;
  fm_plane mask = fm_plane_make(&pixel, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_class_stats *with = make_stats(2, 2), *without = make_stats(0, 0);
  uint8_t first = 0;
  fm_plane strata = fm_plane_make(&first, FM_U8, 1, 1);
  fm_extra_planes extra = {.size = sizeof extra, .strata = &strata};
  KIT_OK(fm_class_stats_add(with, &mask, &loss, &extra, &err));
  KIT_OK(fm_class_stats_add(without, &mask, &loss, NULL, &err));
  double out = -123;
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_quantile(NULL, 0, 0, 0.5, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_quantile(with, 0, 0, 0.5, NULL, &err));
  static const double wrong[] = {-0.001, 1.001, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < 4; i++)
    KIT_FAILS(FM_ERR_ARGUMENT, "0 to 1", fm_class_stats_quantile(with, 0, 0, wrong[i], &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "class 3", fm_class_stats_quantile(with, 3, 0, 0.5, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "class -1", fm_class_stats_quantile(with, -1, 0, 0.5, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "2", fm_class_stats_quantile(with, 0, 2, 0.5, &out, &err));
  KIT_FAILS(FM_ERR_EMPTY, "class 1", fm_class_stats_quantile(with, 1, 0, 0.5, &out, &err));
  KIT_FAILS(FM_ERR_EMPTY, "no pixel", fm_class_stats_quantile(with, 0, 1, 0.5, &out, &err));
  KIT_FAILS(FM_ERR_UNSUPPORTED, "histogram",
            fm_class_stats_quantile(without, 0, 0, 0.5, &out, &err));
  ck_assert(out == -123);
  fm_class_stats_destroy(with);
  fm_class_stats_destroy(without);
}
END_TEST

/* ---- Merging and words -------------------------------------------------------------------- */

START_TEST(only_alike_statistics_merge) {
  trial t = new_trial(FM_U8, FM_F32, KIT_PACKED);
  fm_labels_options options = {.size = sizeof options,
                               .name = "other",
                               .class_count = CLASSES,
                               .ignored_labels = (const int64_t[]){IGNORE},
                               .ignored_count = 1};
  fm_labels *other_labels = NULL;
  KIT_OK(fm_labels_create(context, &options, &other_labels, &err));
  fm_class_stats *other = NULL;
  fm_class_stats_options like = {.size = sizeof like, .strata = 3, .histogram = 1};
  KIT_OK(fm_class_stats_create(other_labels, &like, &other, &err));
  KIT_FAILS(FM_ERR_MISMATCH, "other", fm_class_stats_merge(t.stats, other, &err));
  KIT_FAILS(FM_ERR_MISMATCH, "street", fm_class_stats_merge(t.stats, other, &err));
  fm_class_stats_destroy(other);
  other = make_stats(2, 1);
  KIT_FAILS(FM_ERR_MISMATCH, "strata", fm_class_stats_merge(t.stats, other, &err));
  fm_class_stats_destroy(other);
  other = make_stats(3, 2);
  KIT_FAILS(FM_ERR_MISMATCH, "bins", fm_class_stats_merge(t.stats, other, &err));
  fm_class_stats_destroy(other);
  other = make_stats(3, 0);
  KIT_FAILS(FM_ERR_MISMATCH, "bins", fm_class_stats_merge(t.stats, other, &err));
  fm_class_stats_destroy(other);
  expect_words(t.stats, t.before);

  /* A second label space of the same meaning is alike. */
  fm_labels_destroy(other_labels);
  static const char *const names[] = {"sky", "road", "car"};
  options.class_names = names;
  KIT_OK(fm_labels_create(context, &options, &other_labels, &err));
  KIT_OK(fm_class_stats_create(other_labels, &like, &other, &err));
  KIT_OK(fm_class_stats_merge(other, t.stats, &err));
  expect_words(other, t.before);
  fm_class_stats_destroy(other);
  fm_labels_destroy(other_labels);
  end_trial(&t);
}
END_TEST

/* Digit d_i counts 2^(32 i - 149), so FLT_MAX = 2^128 - 2^104 is 24 ones in d_7 and d_8. */
START_TEST(sums_are_at_most_those_of_the_largest_loss) {
  fm_class_stats *stats = make_stats(0, 0);
  for (int64_t pixels = 1; pixels <= 1 << 20; pixels <<= 10) {
    int64_t words[37] = {1, pixels};
    words[2 + 7] = pixels * (INT64_C(7) << 29);
    words[2 + 8] = pixels * ((1 << 21) - 1);
    KIT_OK(fm_class_stats_import(stats, words, 37, NULL, &err));
    ck_assert(fm_class_stats_mean(stats, 0, 0) > 0.99 * FLT_MAX);
    words[2 + 8] += pixels;
    KIT_FAILS(FM_ERR_FORMAT, "losses have this sum",
              fm_class_stats_import(stats, words, 37, NULL, &err));
    words[2 + 8] = 0;
    words[2 + 10] = 1;
    KIT_FAILS(FM_ERR_FORMAT, "losses have this sum",
              fm_class_stats_import(stats, words, 37, NULL, &err));
  }
  fm_class_stats_destroy(stats);
}
END_TEST

START_TEST(counts_of_words_must_agree) {
  fm_class_stats *stats = make_stats(0, 0);
  int64_t words[40], before[40];
  for (int i = 0; i < 40; i++) words[i] = before[i] = -5;
  static const size_t wrong[] = {0, 1, 36, 38, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    KIT_FAILS(FM_ERR_ARGUMENT, "expected 37",
              fm_class_stats_export(stats, words, (int64_t)wrong[i], &err));
    KIT_FAILS(FM_ERR_ARGUMENT, "expected 37",
              fm_class_stats_import(stats, words, (int64_t)wrong[i], NULL, &err));
  }
  ck_assert_mem_eq(words, before, sizeof words);
  KIT_OK(fm_class_stats_export(stats, words, 37, &err));
  for (int i = 37; i < 40; i++) ck_assert_int_eq(words[i], -5);
  fm_class_stats_destroy(stats);
}
END_TEST

START_TEST(words_that_no_export_gives_are_refused) {
  trial t = new_trial(FM_U8, FM_F32, KIT_PACKED);
  size_t count = (size_t)fm_class_stats_word_count(t.stats), cell = 12 + 34;
  int64_t *words = malloc(count * sizeof *words);
  /* Every single word negative. */
  for (size_t i = 0; i < count; i++) {
    memcpy(words, t.before, count * sizeof *words);
    words[i] = i % 2 ? -1 : INT64_MIN;
    KIT_FAILS(FM_ERR_FORMAT, "negative",
              fm_class_stats_import(t.stats, words, (int64_t)count, NULL, &err));
  }
  /* A sum without pixels, in every digit of the last cell. */
  for (size_t i = 1; i <= 11; i++) {
    memset(words, 0, count * sizeof *words);
    words[0] = 1;
    words[1 + 8 * cell + i] = 1;
    KIT_FAILS(FM_ERR_FORMAT, "class 2",
              fm_class_stats_import(t.stats, words, (int64_t)count, NULL, &err));
  }
  /* A histogram that holds more or fewer than the pixels. */
  for (int more = -1; more <= 1; more += 2) {
    memcpy(words, t.before, count * sizeof *words);
    for (size_t i = 13; i < 13 + 34; i++)
      if (words[i]) words[i] += more;
    KIT_FAILS(FM_ERR_FORMAT, "histogram",
              fm_class_stats_import(t.stats, words, (int64_t)count, NULL, &err));
  }
  /* A sum beyond what 2^62 of the largest losses give. */
  memcpy(words, t.before, count * sizeof *words);
  words[1 + 11] = INT64_MAX;
  KIT_FAILS(FM_ERR_FORMAT, "class 0",
            fm_class_stats_import(t.stats, words, (int64_t)count, NULL, &err));
  expect_words(t.stats, t.before);
  free(words);
  end_trial(&t);
}
END_TEST

START_TEST(counters_do_not_overflow) {
  fm_class_stats *stats = make_stats(0, 0), *other = make_stats(0, 0);
  size_t count = (size_t)fm_class_stats_word_count(stats);
  int64_t words[37] = {0};
  words[0] = 1;
  words[1] = INT64_C(1) << 62;
  KIT_OK(fm_class_stats_import(stats, words, (int64_t)count, NULL, &err));
  int64_t *before = words_of(stats);
  uint8_t pixel = 2;
  float value = 1;
  fm_plane mask = fm_plane_make(&pixel, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  KIT_FAILS(FM_ERR_LIMIT, "pixels", fm_class_stats_add(stats, &mask, &loss, NULL, &err));
  KIT_OK(fm_class_stats_add(other, &mask, &loss, NULL, &err));
  KIT_FAILS(FM_ERR_LIMIT, "pixels", fm_class_stats_merge(stats, other, &err));
  KIT_FAILS(FM_ERR_LIMIT, "pixels", fm_class_stats_merge(stats, stats, &err));
  int64_t *one = words_of(other);
  KIT_FAILS(FM_ERR_LIMIT, "2^62", fm_class_stats_import(stats, one, (int64_t)count, NULL, &err));
  expect_words(stats, before);
  words[1] = INT64_MAX;
  KIT_FAILS(FM_ERR_LIMIT, "2^62", fm_class_stats_import(other, words, (int64_t)count, NULL, &err));
  words[0] = INT64_MAX;
  words[1] = 1;
  KIT_FAILS(FM_ERR_LIMIT, "2^62", fm_class_stats_import(other, words, (int64_t)count, NULL, &err));
  expect_words(other, one);
  free(one);
  free(before);
  fm_class_stats_destroy(stats);
  fm_class_stats_destroy(other);
}
END_TEST

Suite *class_stats_suite(void) {
  Suite *suite = suite_create("class_stats");
  TCase *tests = tcase_create("class_stats");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, word_count_follows_the_options);
  tcase_add_test(tests, bad_options_are_refused);
  tcase_add_test(tests, options_follow_the_rule);
  tcase_add_loop_test(tests, dtypes_and_layouts_agree, 0, 15);
  tcase_add_test(tests, add_does_not_write_to_its_inputs);
  tcase_add_test(tests, adding_allocates_nothing);
  tcase_add_test(tests, clear_empties);
  tcase_add_loop_test(tests, bad_losses_are_named, 0, KIT_LAYOUTS);
  tcase_add_loop_test(tests, bad_short_losses_are_named, 0, 2);
  tcase_add_loop_test(tests, bad_labels_are_named, 0, 5);
  tcase_add_test(tests, first_bad_pixel_whatever_its_fault);
  tcase_add_test(tests, sizes_must_agree);
  tcase_add_test(tests, dtypes_must_fit);
  tcase_add_test(tests, null_arguments);
  tcase_add_test(tests, strata_divide_a_class);
  tcase_add_test(tests, extra_planes_follow_the_rule);
  tcase_add_test(tests, strata_of_ignored_pixels_do_not_matter);
  tcase_add_test(tests, bad_strata_are_named);
  tcase_add_loop_test(tests, bins_span_the_octaves, 0, 6);
  tcase_add_loop_test(tests, quantiles_are_one_bin_off_at_most, 0, 6);
  tcase_add_test(tests, quantiles_beyond_the_bins);
  tcase_add_test(tests, quantile_errors);
  tcase_add_test(tests, only_alike_statistics_merge);
  tcase_add_test(tests, counts_of_words_must_agree);
  tcase_add_test(tests, sums_are_at_most_those_of_the_largest_loss);
  tcase_add_test(tests, words_that_no_export_gives_are_refused);
  tcase_add_test(tests, counters_do_not_overflow);
  suite_add_tcase(suite, tests);
  return suite;
}
