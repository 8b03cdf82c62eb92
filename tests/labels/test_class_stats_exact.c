/* labels/test_class_stats_exact.c - class statistics hold every sum to its last bit: against
 * a bit-by-bit sum, in any split and order, through merges and words.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

/* ---- A sum of floats, one bit at a time ---------------------------------------------- */

/* Bit i counts 2^(i - 149). 352 bits are the eleven digits of a state. */
enum { BITS = 352, DIGITS = 11 };

typedef struct sum {
  unsigned char bit[BITS];
  int64_t count;
} sum;

static void add_bit(sum *s, int at) {
  while (s->bit[at]) {
    s->bit[at++] = 0;
    ck_assert_int_lt(at, BITS);
  }
  s->bit[at] = 1;
}

static void add_float(sum *s, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  int exponent = (int)(bits >> 23 & 255);
  uint32_t fraction = bits & 0x7FFFFF;
  if (exponent)
    fraction |= 0x800000;
  else
    exponent = 1;
  for (int i = 0; i < 24; i++)
    if (fraction >> i & 1) add_bit(s, exponent - 1 + i);
  s->count++;
}

static int64_t digit(const sum *s, int index) {
  int64_t value = 0;
  for (int i = 31; i >= 0; i--) value = value * 2 + s->bit[32 * index + i];
  return value;
}

/* Rounded once, by the C library's reader of hexadecimal numbers. */
static double sum_value(const sum *s) {
  char text[BITS / 4 + 16] = "0x";
  for (int i = 0; i < BITS / 4; i++) {
    const unsigned char *nibble = s->bit + BITS - 4 * (i + 1);
    text[2 + i] = "0123456789abcdef"[nibble[0] + 2 * nibble[1] + 4 * nibble[2] + 8 * nibble[3]];
  }
  snprintf(text + 2 + BITS / 4, 8, "p-149");
  return strtod(text, NULL);
}

/* ---- One set of images ---------------------------------------------------------------- */

enum { CLASSES = 4, IGNORE = 200, IMAGES = 12 };

typedef struct image {
  kit_plane mask, loss;
} image;

static fm_context *context;
static fm_labels *labels;
static image images[IMAGES];
static sum sums[CLASSES];

static void make_image(image *made, uint64_t *random, bool wild) {
  int64_t height = 1 + kit_below(random, 12), width = 1 + kit_below(random, 400);
  made->mask = kit_plane_new(FM_U8, height, width, KIT_PACKED);
  made->loss = kit_plane_new(FM_F32, height, width, KIT_PACKED);
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++) {
      int64_t label = kit_below(random, CLASSES); /* the last class stays empty */
      float loss = wild ? kit_wild_loss(random) : kit_plain_loss(random);
      if (label == CLASSES - 1) {
        label = IGNORE;
        if (kit_below(random, 3) == 0) loss = (float)NAN;
        if (kit_below(random, 3) == 0) loss = -1;
      } else {
        add_float(&sums[label], loss);
      }
      kit_put_int(&made->mask.view, y, x, label);
      kit_put_real(&made->loss.view, y, x, loss);
    }
}

static void make_images(bool wild) {
  uint64_t random = wild ? 1 : 2;
  memset(sums, 0, sizeof sums);
  for (int i = 0; i < IMAGES; i++) make_image(&images[i], &random, wild);
}

static void set_up(void) {
  context = kit_plain_context();
  fm_labels_options options = {.size = sizeof options,
                               .class_count = CLASSES,
                               .ignored_labels = (const int64_t[]){IGNORE},
                               .ignored_count = 1};
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
}

static void tear_down(void) {
  for (int i = 0; i < IMAGES; i++) {
    kit_plane_free(&images[i].mask);
    kit_plane_free(&images[i].loss);
  }
  fm_labels_destroy(labels);
  fm_context_destroy(context);
}

static fm_class_stats *make_stats(int32_t histogram) {
  fm_class_stats_options options = {.size = sizeof options, .histogram = histogram};
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, &options, &stats, &err));
  return stats;
}

static void add_image(fm_class_stats *stats, int index) {
  KIT_OK(fm_class_stats_add(stats, &images[index].mask.view, &images[index].loss.view, NULL, &err));
}

static int64_t *words_of(const fm_class_stats *stats) {
  size_t count = (size_t)fm_class_stats_word_count(stats);
  int64_t *words = malloc(count * sizeof *words);
  memset(words, 0xEE, count * sizeof *words);
  KIT_OK(fm_class_stats_export(stats, words, (int64_t)count, &err));
  return words;
}

static void expect_same_words(const fm_class_stats *a, const fm_class_stats *b) {
  size_t count = (size_t)fm_class_stats_word_count(a);
  ck_assert_uint_eq(count, (size_t)fm_class_stats_word_count(b));
  int64_t *x = words_of(a), *y = words_of(b);
  for (size_t i = 0; i < count; i++)
    ck_assert_msg(x[i] == y[i], "word %zu differs: %lld, %lld", i, (long long)x[i],
                  (long long)y[i]);
  free(x);
  free(y);
}

/* ---- The words and means of a set ------------------------------------------------------ */

START_TEST(words_are_the_exact_sums) {
  make_images(_i == 1);
  fm_class_stats *stats = make_stats(0);
  for (int i = 0; i < IMAGES; i++) add_image(stats, i);
  ck_assert_uint_eq((size_t)fm_class_stats_word_count(stats), 1 + CLASSES * 12);
  int64_t *words = words_of(stats);
  ck_assert_int_eq(words[0], IMAGES);
  ck_assert_int_eq(fm_class_stats_image_count(stats), IMAGES);
  for (int32_t k = 0; k < CLASSES; k++) {
    const int64_t *cell = words + 1 + 12 * k;
    ck_assert_int_eq(cell[0], sums[k].count);
    ck_assert_int_eq(fm_class_stats_pixel_count(stats, k, 0), sums[k].count);
    ck_assert_int_eq(fm_class_stats_pixel_count(stats, k, FM_ALL_STRATA), sums[k].count);
    for (int i = 0; i < DIGITS; i++) ck_assert_int_eq(cell[1 + i], digit(&sums[k], i));
    double mean = sum_value(&sums[k]) / ((double)sums[k].count + 1e-5);
    ck_assert(fm_class_stats_mean(stats, k, 0) == mean);
    ck_assert(fm_class_stats_mean(stats, k, FM_ALL_STRATA) == mean);
  }
  ck_assert_int_eq(sums[CLASSES - 1].count, 0);
  ck_assert(fm_class_stats_mean(stats, CLASSES - 1, 0) == 0.0);
  free(words);
  fm_class_stats_destroy(stats);
}
END_TEST

/* ---- Means round to nearest, ties to even ----------------------------------------------- */

static double mean_of_losses(const float *losses, int64_t count, double *expected) {
  uint8_t *mask = calloc((size_t)count, 1);
  sum exact;
  memset(&exact, 0, sizeof exact);
  for (int64_t i = 0; i < count; i++) add_float(&exact, losses[i]);
  fm_plane m = fm_plane_make(mask, FM_U8, 1, count), l = fm_plane_make(losses, FM_F32, 1, count);
  fm_class_stats *stats = make_stats(0);
  KIT_OK(fm_class_stats_add(stats, &m, &l, NULL, &err));
  double mean = fm_class_stats_mean(stats, 0, 0);
  fm_class_stats_destroy(stats);
  free(mask);
  *expected = sum_value(&exact) / ((double)count + 1e-5);
  return mean;
}

START_TEST(rounding_of_sums) {
  float tiny = kit_float(1);
  /* 1 + 2^-53 is a tie: down to even; anything below it decides. 1 + 2^-52 + 2^-53: up. */
  const float cases[][5] = {
      {1, ldexpf(1, -53), 0, 0, 0},
      {1, ldexpf(1, -53), tiny, 0, 0},
      {1, ldexpf(1, -53), ldexpf(1, -100), 0, 0},
      {1, ldexpf(1, -52), ldexpf(1, -53), 0, 0},
      {1, ldexpf(1, -52), ldexpf(1, -54), ldexpf(1, -54), 0},
      {1, ldexpf(1, -54), ldexpf(1, -55), 0, 0},
      {FLT_MAX, FLT_MAX, FLT_MAX, FLT_MAX, tiny},
      {FLT_MAX, ldexpf(1, 127 - 52), tiny, 0, 0},
      {tiny, tiny, tiny, 0, 0},
      {FLT_MIN, tiny, FLT_MIN, 0, 0},
      {ldexpf(1, 64), ldexpf(1, 11), 0, 0, 0},
      {ldexpf(1, 64), ldexpf(1, 11), tiny, 0, 0},
      {ldexpf(1, 64), ldexpf(1, 12), ldexpf(1, 11), 0, 0},
      {ldexpf(1, 32), ldexpf(1, -21), 0, 0, 0},
      {ldexpf(1, 31), ldexpf(1, -22), ldexpf(1, -149), 0, 0},
      {0, -0.0F, 0, -0.0F, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double expected, mean = mean_of_losses(cases[i], 5, &expected);
    ck_assert_msg(mean == expected, "case %zu: %a, expected %a", i, mean, expected);
  }
  uint64_t random = 5;
  for (int round = 0; round < 3000; round++) {
    float losses[6];
    int top = (int)kit_below(&random, 250);
    for (int i = 0; i < 6; i++) {
      int exponent = top - (int)kit_below(&random, 90);
      if (exponent < 0) exponent = 0;
      uint32_t fraction = kit_below(&random, 2) ? 0 : (uint32_t)kit_below(&random, 1 << 23);
      losses[i] = kit_float((uint32_t)exponent << 23 | fraction);
    }
    double expected, mean = mean_of_losses(losses, 6, &expected);
    ck_assert_msg(mean == expected, "round %d: %a, expected %a", round, mean, expected);
  }
}
END_TEST

/* Every loss of F16 and BF16 that is allowed, and a sample of F32, exactly. */
START_TEST(every_value_of_the_short_types) {
  fm_dtype dtype = _i ? FM_BF16 : FM_F16;
  int64_t count = 0;
  kit_plane loss = kit_plane_new(dtype, 256, 256, KIT_PACKED);
  kit_plane mask = kit_plane_new(FM_U8, 256, 256, KIT_PACKED);
  uint16_t *bits = loss.view.data;
  memset(sums, 0, sizeof sums);
  for (int32_t i = 0; i < 65536; i++) {
    bits[i] = (uint16_t)i;
    float value =
        dtype == FM_F16 ? (float)kit_half_value((uint16_t)i) : kit_bfloat_value((uint16_t)i);
    bool good = isfinite(value) && value >= 0; /* -0 too */
    kit_put_int(&mask.view, i / 256, i % 256, good ? 1 : IGNORE);
    if (!good) continue;
    add_float(&sums[1], value);
    count++;
  }
  fm_class_stats *stats = make_stats(0);
  KIT_OK(fm_class_stats_add(stats, &mask.view, &loss.view, NULL, &err));
  int64_t *words = words_of(stats);
  ck_assert_int_eq(words[13], count);
  for (int i = 0; i < DIGITS; i++) ck_assert_int_eq(words[14 + i], digit(&sums[1], i));
  free(words);
  fm_class_stats_destroy(stats);
  kit_plane_free(&loss);
  kit_plane_free(&mask);
}
END_TEST

/* So many large losses of one class that any counter of 32 bits would overflow. */
START_TEST(many_large_losses) {
  enum { SIDE = 1024 };
  uint8_t *mask = calloc(SIDE * SIDE, 1);
  float *loss = malloc(SIDE * SIDE * sizeof *loss);
  for (int i = 0; i < SIDE * SIDE; i++) loss[i] = FLT_MAX;
  fm_plane m = fm_plane_make(mask, FM_U8, SIDE, SIDE), l = fm_plane_make(loss, FM_F32, SIDE, SIDE);
  fm_class_stats *stats = make_stats(1);
  for (int i = 0; i < 3; i++) KIT_OK(fm_class_stats_add(stats, &m, &l, NULL, &err));
  double count = 3.0 * SIDE * SIDE;
  ck_assert(fm_class_stats_mean(stats, 0, 0) == (double)FLT_MAX * count / (count + 1e-5));
  for (int i = 0; i < SIDE * SIDE; i++) loss[i] = kit_float(0x00FFFFFF);
  fm_class_stats_clear(stats);
  KIT_OK(fm_class_stats_add(stats, &m, &l, NULL, &err));
  count = SIDE * SIDE;
  ck_assert(fm_class_stats_mean(stats, 0, 0) ==
            (double)kit_float(0x00FFFFFF) * count / (count + 1e-5));
  fm_class_stats_destroy(stats);
  free(mask);
  free(loss);
}
END_TEST

/* One image of more pixels than a 64-bit digit takes without a carry: 2^31 + 2^16 of the
 * a loss that fills the top of a digit. Rows overlap, so it needs no memory. Takes some
 * seconds, and minutes under Valgrind: FREEMASK_TEST_QUICK leaves it out. */
START_TEST(an_image_of_two_billion_pixels) {
  enum { WIDTH = 1 << 16, HEIGHT = (1 << 15) + 1 };
  uint8_t *mask = calloc(WIDTH + HEIGHT, 1);
  float *loss = malloc((WIDTH + HEIGHT) * sizeof *loss);
  float value = kit_float(0x44FFFFFF); /* 2^11 - 2^-13: all 24 bits at the top of one digit */
  for (int i = 0; i < WIDTH + HEIGHT; i++) loss[i] = value;
  fm_plane m = fm_plane_make(mask, FM_U8, HEIGHT, WIDTH),
           l = fm_plane_make(loss, FM_F32, HEIGHT, WIDTH);
  m.row_stride = m.col_stride = 1;
  l.row_stride = l.col_stride = sizeof(float);
  fm_class_stats *stats = make_stats(0);
  KIT_OK(fm_class_stats_add(stats, &m, &l, NULL, &err));
  double count = (double)WIDTH * HEIGHT;
  ck_assert(fm_class_stats_mean(stats, 0, 0) == (double)value * count / (count + 1e-5));
  fm_class_stats_destroy(stats);
  free(mask);
  free(loss);
}
END_TEST

/* ---- Splits and orders ------------------------------------------------------------------ */

static fm_class_stats *whole(int32_t histogram) {
  fm_class_stats *stats = make_stats(histogram);
  for (int i = 0; i < IMAGES; i++) add_image(stats, i);
  return stats;
}

static void shuffle(int *order, int count, uint64_t *random) {
  for (int i = 0; i < count; i++) order[i] = i;
  for (int i = count - 1; i > 0; i--) {
    int j = (int)kit_below(random, i + 1), keep = order[i];
    order[i] = order[j];
    order[j] = keep;
  }
}

START_TEST(any_split_merges_to_the_same_words) {
  make_images(true);
  int32_t histogram = _i % 2 ? 4 : 0;
  fm_class_stats *expected = whole(histogram);
  uint64_t random = (uint64_t)_i + 1;
  for (int round = 0; round < 20; round++) {
    int parts = 1 + (int)kit_below(&random, IMAGES + 2), order[64];
    fm_class_stats *part[IMAGES + 2];
    for (int p = 0; p < parts; p++) part[p] = make_stats(histogram);
    shuffle(order, IMAGES, &random);
    for (int i = 0; i < IMAGES; i++) add_image(part[kit_below(&random, parts)], order[i]);
    /* As a random tree: any two until one is left. */
    for (int left = parts; left > 1; left--) {
      int a = (int)kit_below(&random, left), b = (int)kit_below(&random, left - 1);
      if (b >= a) b++;
      KIT_OK(fm_class_stats_merge(part[a], part[b], &err));
      fm_class_stats_destroy(part[b]);
      part[b] = part[left - 1];
      if (a == left - 1) a = b;
    }
    expect_same_words(part[0], expected);
    for (int32_t k = 0; k < CLASSES; k++)
      ck_assert(fm_class_stats_mean(part[0], k, 0) == fm_class_stats_mean(expected, k, 0));
    fm_class_stats_destroy(part[0]);
  }
  fm_class_stats_destroy(expected);
}
END_TEST

START_TEST(words_summed_outside_are_the_merge) {
  make_images(true);
  fm_class_stats *expected = whole(2);
  size_t count = (size_t)fm_class_stats_word_count(expected);
  uint64_t random = 77;
  for (int round = 0; round < 20; round++) {
    int parts = 1 + (int)kit_below(&random, 5);
    fm_class_stats *part[5];
    for (int p = 0; p < parts; p++) part[p] = make_stats(2);
    for (int i = 0; i < IMAGES; i++) add_image(part[kit_below(&random, parts)], i);
    int64_t *total = calloc(count, sizeof *total);
    for (int p = 0; p < parts; p++) {
      int64_t *words = words_of(part[p]);
      for (size_t i = 0; i < count; i++) total[i] += words[i];
      free(words);
      fm_class_stats_destroy(part[p]);
    }
    fm_class_stats *loaded = make_stats(2);
    KIT_OK(fm_class_stats_import(loaded, total, (int64_t)count, NULL, &err));
    expect_same_words(loaded, expected);
    free(total);
    fm_class_stats_destroy(loaded);
  }
  fm_class_stats_destroy(expected);
}
END_TEST

START_TEST(import_adds) {
  make_images(true);
  fm_class_stats *expected = whole(0), *half = make_stats(0), *rest = make_stats(0);
  for (int i = 0; i < IMAGES; i++) add_image(i < 5 ? half : rest, i);
  int64_t *words = words_of(half);
  KIT_OK(fm_class_stats_import(rest, words, (int64_t)((size_t)fm_class_stats_word_count(half)),
                               NULL, &err));
  expect_same_words(rest, expected);
  free(words);
  fm_class_stats_destroy(expected);
  fm_class_stats_destroy(half);
  fm_class_stats_destroy(rest);
}
END_TEST

/* The largest promised sum of exports: 2^30 of one, element by element. */
START_TEST(a_billion_exports_may_be_added) {
  float loss[2] = {FLT_MAX, kit_float(1)};
  uint8_t mask[2] = {0, 0};
  fm_plane m = fm_plane_make(mask, FM_U8, 1, 2), l = fm_plane_make(loss, FM_F32, 1, 2);
  fm_class_stats *one = make_stats(0), *all = make_stats(0), *doubled = make_stats(0);
  KIT_OK(fm_class_stats_add(one, &m, &l, NULL, &err));
  size_t count = (size_t)fm_class_stats_word_count(one);
  int64_t *words = words_of(one);
  for (size_t i = 0; i < count; i++) words[i] *= INT64_C(1) << 30;
  KIT_OK(fm_class_stats_import(all, words, (int64_t)count, NULL, &err));
  ck_assert_int_eq(fm_class_stats_image_count(all), INT64_C(1) << 30);
  KIT_OK(fm_class_stats_merge(doubled, one, &err));
  for (int i = 0; i < 30; i++) KIT_OK(fm_class_stats_merge(doubled, doubled, &err));
  expect_same_words(all, doubled);
  free(words);
  fm_class_stats_destroy(one);
  fm_class_stats_destroy(all);
  fm_class_stats_destroy(doubled);
}
END_TEST

START_TEST(merging_with_itself_doubles) {
  make_images(true);
  fm_class_stats *once = whole(1), *twice = whole(1);
  for (int i = 0; i < IMAGES; i++) add_image(twice, i);
  KIT_OK(fm_class_stats_merge(once, once, &err));
  expect_same_words(once, twice);
  fm_class_stats_destroy(once);
  fm_class_stats_destroy(twice);
}
END_TEST

Suite *class_stats_exact_suite(void) {
  Suite *suite = suite_create("class_stats_exact");
  TCase *tests = tcase_create("class_stats_exact");
  tcase_set_timeout(tests, 300);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_loop_test(tests, words_are_the_exact_sums, 0, 2);
  tcase_add_test(tests, rounding_of_sums);
  tcase_add_loop_test(tests, every_value_of_the_short_types, 0, 2);
  tcase_add_test(tests, many_large_losses);
  if (!getenv("FREEMASK_TEST_QUICK")) tcase_add_test(tests, an_image_of_two_billion_pixels);
  tcase_add_loop_test(tests, any_split_merges_to_the_same_words, 0, 4);
  tcase_add_test(tests, words_summed_outside_are_the_merge);
  tcase_add_test(tests, import_adds);
  tcase_add_test(tests, a_billion_exports_may_be_added);
  tcase_add_test(tests, merging_with_itself_doubles);
  suite_add_tcase(suite, tests);
  return suite;
}
