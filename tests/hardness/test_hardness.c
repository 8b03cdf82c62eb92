/* hardness/test_hardness.c - freemask/hardness.h: against a resize that really makes the mask, and
 * the measures against sorted losses in long double.
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
  fm_labels_options options = {.size = sizeof options,
                               .name = "street",
                               .class_count = CLASSES,
                               .ignored_labels = (const int64_t[]){IGNORE},
                               .ignored_count = 1};
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
}

static void tear_down(void) {
  fm_labels_destroy(labels);
  fm_context_destroy(context);
}

static fm_hardness *hardness_from(const double *class_means, const fm_hardness_options *options) {
  fm_mean_table table = kit_mean_table(CLASSES, class_means, NULL);
  fm_hardness *hardness = NULL;
  KIT_OK(fm_hardness_create_from_means(labels, &table, options, &hardness, &err));
  return hardness;
}

static fm_hardness *hardness_of(int32_t width, int32_t height) {
  fm_hardness_options options = {
      .size = sizeof options, .resize_width = width, .resize_height = height};
  return hardness_from(means, &options);
}

/* A measure of masks as they are. */
static fm_hardness *measure_of(const double *class_means, int32_t measure, double share) {
  fm_hardness_options options = {.size = sizeof options,
                                 .resize_width = FM_NO_RESIZE,
                                 .resize_height = FM_NO_RESIZE,
                                 .measure = measure,
                                 .share = share};
  return hardness_from(class_means, &options);
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

static const fm_dtype mask_types[] = {FM_U8, FM_U16, FM_I16, FM_I32, FM_I64, FM_U32, FM_U64};
enum { MASK_TYPES = 7 };

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
    kit_plane mask = kit_plane_new(mask_types[_i % MASK_TYPES], cases[i].height, cases[i].width,
                                   (kit_layout)(_i / MASK_TYPES));
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
  fm_hardness *paper = hardness_from(means, NULL);
  fm_hardness *zero = hardness_of(0, 0), *width = hardness_of(100, 0);
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
  KIT_OK(fm_class_stats_add(stats, &mask, &loss, NULL, &err));
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

/* The strata of a class are one class for hardness. */
START_TEST(strata_are_pooled) {
  enum { STRATA = 2 };
  static const double stratum_means[CLASSES][STRATA] = {{1, 3}, {2, 0}, {0, 0}, {0.5, 0.5}, {0, 0}};
  static const int64_t pixels[CLASSES][STRATA] = {{1, 3}, {5, 0}, {0, 0}, {2, 6}, {1, 1}};
  fm_mean_table table = kit_mean_table(CLASSES, stratum_means[0], pixels[0]);
  table.strata = STRATA;
  fm_hardness *hardness = NULL;
  double got[CLASSES];
  KIT_OK(fm_hardness_create_from_means(labels, &table, NULL, &hardness, &err));
  KIT_OK(fm_hardness_means(hardness, got, CLASSES, &err));
  for (int k = 0; k < CLASSES; k++) {
    long double sum = 0, count = 0;
    for (int s = 0; s < STRATA; s++) {
      if (pixels[k][s])
        sum += (long double)stratum_means[k][s] * ((long double)pixels[k][s] + 1e-5);
      count += (long double)pixels[k][s];
    }
    long double expected = sum / (count + 1e-5L);
    ck_assert(fabsl(got[k] - expected) <= 4e-16L * expected);
  }
  fm_hardness_destroy(hardness);
}
END_TEST

/* ---- Measures by the classes' means ------------------------------------------------------ */

static double measured(const fm_hardness *hardness, const uint8_t *pixels, int64_t count) {
  fm_plane mask = fm_plane_make(pixels, FM_U8, 1, count);
  double value = -1;
  KIT_OK(fm_hardness_measure(hardness, &mask, &value, NULL, &err));
  return value;
}

/* By hand: 5 pixels of class 0, 11 of class 1, 4 of class 2; 7 are ignored. */
START_TEST(measures_by_hand) {
  static const double table[CLASSES] = {3, 1, 2, 99, 99};
  static const struct {
    int32_t measure;
    double share, expected;
  } cases[] = {{FM_MEASURE_WORST_CLASS, 0, 3},
               {FM_MEASURE_WORST_CLASS, 0.25, 3}, /* exactly 5 of 20 */
               {FM_MEASURE_WORST_CLASS, 0.26, 1},
               {FM_MEASURE_WORST_CLASS, 0.55, 1},
               {FM_MEASURE_WORST_CLASS, 0.56, 3}, /* no class has as many: all count */
               {FM_MEASURE_TOP_SHARE, 0, 3},      /* 2 pixels */
               {FM_MEASURE_TOP_SHARE, 0.25, 3},
               {FM_MEASURE_TOP_SHARE, 0.45, (5 * 3 + 4 * 2) / 9.0},
               {FM_MEASURE_TOP_SHARE, 0.375, (5 * 3 + 2.5 * 2) / 7.5},
               {FM_MEASURE_TOP_SHARE, 1, (5 * 3 + 4 * 2 + 11 * 1) / 20.0}};
  uint8_t pixels[27];
  for (int i = 0; i < 27; i++) pixels[i] = i < 5 ? 0 : i < 16 ? 1 : i < 20 ? 2 : IGNORE;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_hardness *hardness = measure_of(table, cases[i].measure, cases[i].share);
    double value = measured(hardness, pixels, 27);
    ck_assert_msg(fabs(value - cases[i].expected) <= 1e-15 * cases[i].expected,
                  "case %zu: %.17g, expected %.17g", i, value, cases[i].expected);
    memset(pixels, IGNORE, sizeof pixels);
    ck_assert(measured(hardness, pixels, 27) == 0.0);
    for (int p = 0; p < 20; p++) pixels[p] = p < 5 ? 0 : p < 16 ? 1 : 2;
    fm_hardness_destroy(hardness);
  }
}
END_TEST

static int downwards(const void *a, const void *b) {
  long double x = *(const long double *)a, y = *(const long double *)b;
  return (x < y) - (x > y);
}

/* The mean of the largest share of the values, which are sorted here. */
static long double top_mean(long double *values, size_t count, double share) {
  long double wanted = (long double)(share * (double)count), left = wanted, sum = 0;
  qsort(values, count, sizeof *values, downwards);
  for (size_t i = 0; i < count && left > 0; i++) {
    long double part = left < 1 ? left : 1;
    sum += part * values[i];
    left -= part;
  }
  return sum / wanted;
}

/* Loop: seeds. Every pixel has the mean of its class. */
START_TEST(top_share_of_class_means) {
  uint64_t random = (uint64_t)_i + 1;
  static long double values[2000];
  uint8_t pixels[2000];
  double table[CLASSES];
  for (int k = 0; k < CLASSES; k++) table[k] = (double)kit_plain_loss(&random);
  if (_i % 3 == 0) table[1] = table[3]; /* ties */
  int64_t count = 1 + kit_below(&random, 2000);
  size_t valid = 0;
  for (int64_t i = 0; i < count; i++) {
    int64_t k = kit_below(&random, CLASSES + 1);
    pixels[i] = k == CLASSES ? IGNORE : (uint8_t)k;
    if (k < CLASSES) values[valid++] = (long double)table[k];
  }
  double share = (double)(1 + kit_below(&random, 1000)) / 1000;
  fm_hardness *hardness = measure_of(table, FM_MEASURE_TOP_SHARE, share);
  double value = measured(hardness, pixels, count);
  long double expected = valid ? top_mean(values, valid, share) : 0;
  ck_assert_msg(fabsl((long double)value - expected) <= 1e-13L * expected, "%.17g, expected %.17Lg",
                value, expected);
  fm_hardness_destroy(hardness);
}
END_TEST

/* Loop: seeds. Shares are n / 1000 of up to 2,000 pixels, so that classes lie on them, too. */
START_TEST(worst_class_of_class_means) {
  uint64_t random = (uint64_t)_i + 1;
  uint8_t pixels[2000];
  double table[CLASSES], largest = 0, large_enough = -1;
  int64_t in[CLASSES] = {0}, valid = 0;
  const int64_t count = 1000 * (1 + kit_below(&random, 2)), thousandths = kit_below(&random, 1001);
  for (int k = 0; k < CLASSES; k++) table[k] = (double)kit_plain_loss(&random);
  for (int64_t i = 0; i < count; i++) {
    int64_t k = kit_below(&random, 1 + kit_below(&random, CLASSES)); /* small numbers more often */
    pixels[i] = (uint8_t)k;
    in[k]++;
    valid++;
  }
  for (int k = 0; k < CLASSES; k++) {
    if (in[k] && table[k] > largest) largest = table[k];
    if (in[k] && in[k] * 1000 >= thousandths * valid && table[k] > large_enough)
      large_enough = table[k];
  }
  fm_hardness *hardness = measure_of(table, FM_MEASURE_WORST_CLASS, (double)thousandths / 1000);
  ck_assert(measured(hardness, pixels, count) == (large_enough >= 0 ? large_enough : largest));
  fm_hardness_destroy(hardness);
}
END_TEST

/* ---- Measures by the image's own losses --------------------------------------------------- */

typedef struct own {
  kit_plane mask, loss;
  int64_t valid;
} own;

static const fm_dtype loss_types[] = {FM_F32, FM_F16, FM_BF16, FM_F64};

/* Ties, zeros of both signs and very different sizes; ignored pixels have no loss. */
static void new_own(own *o, int seed, uint64_t *random) {
  int64_t height = 1 + kit_below(random, 40), width = 1 + kit_below(random, 60);
  if (seed == 0) width = 5000; /* more than a tile */
  fm_dtype type = loss_types[seed % 4];
  o->mask = kit_plane_new(mask_types[seed % MASK_TYPES], height, width, (kit_layout)(seed % 7));
  o->loss = kit_plane_new(type, height, width, (kit_layout)(seed / 7 % 7));
  o->valid = 0;
  int64_t classes = 1 + kit_below(random, CLASSES);
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++) {
      int64_t label = seed % 11 == 10 ? CLASSES : kit_below(random, classes + 1);
      float loss = kit_plain_loss(random);
      if (kit_below(random, 3) == 0) loss = (float)kit_below(random, 4);
      if (kit_below(random, 30) == 0) loss = type == FM_F16 ? 60000.0F : 1e30F;
      if (kit_below(random, 30) == 0) loss = -0.0F;
      bool ignored = label == classes || label == CLASSES;
      kit_put_int(&o->mask.view, y, x, ignored ? IGNORE : label);
      kit_put_real(&o->loss.view, y, x, ignored ? (float)NAN : loss);
      o->valid += !ignored;
    }
}

static void free_own(own *o) {
  kit_plane_free(&o->mask);
  kit_plane_free(&o->loss);
}

/* The losses of a class, or of all (-1), into `values`. */
static size_t gather(const own *o, int k, long double *values) {
  size_t count = 0;
  for (int64_t y = 0; y < o->mask.view.height; y++)
    for (int64_t x = 0; x < o->mask.view.width; x++) {
      int64_t label = kit_get_int(&o->mask.view, y, x);
      if (label != IGNORE && (k < 0 || label == k))
        values[count++] = (long double)kit_get_real(&o->loss.view, y, x);
    }
  return count;
}

static long double mean_of(const long double *values, size_t count) {
  long double sum = 0;
  for (size_t i = 0; i < count; i++) sum += values[i];
  return sum / ((long double)count + 1e-5L);
}

static long double expected_own(const own *o, int32_t measure, double share) {
  static long double values[200000];
  if (!o->valid) return 0;
  size_t count = gather(o, -1, values);
  if (measure == FM_MEASURE_MEAN) return mean_of(values, count);
  if (measure == FM_MEASURE_TOP_SHARE) return top_mean(values, count, share);
  long double all = 0, large = -1;
  for (int k = 0; k < CLASSES; k++) {
    size_t pixels = gather(o, k, values);
    long double mean = mean_of(values, pixels);
    if (pixels && mean > all) all = mean;
    if (pixels && (double)pixels >= share * (double)o->valid && mean > large) large = mean;
  }
  return large < 0 ? all : large;
}

/* Loop: measure x seeds. */
START_TEST(own_losses) {
  static const double shares[] = {0.01, 0.25, 0.7, 1, 1e-6};
  int32_t measure = _i % 3;
  uint64_t random = (uint64_t)_i + 99;
  own o;
  new_own(&o, _i / 3, &random);
  double share = measure == FM_MEASURE_MEAN ? 0 : shares[_i / 3 % 5];
  fm_hardness *hardness = measure_of(means, measure, share);
  double value = -1;
  int64_t valid = -1;
  KIT_OK(fm_hardness_measure_loss(hardness, &o.mask.view, &o.loss.view, &value, &valid, &err));
  long double expected = expected_own(&o, measure, share);
  ck_assert_msg(fabsl((long double)value - expected) <= 1e-12L * expected,
                "measure %d share %g: %.17g, expected %.17Lg", (int)measure, share, value,
                expected);
  ck_assert_int_eq(valid, o.valid);
  fm_hardness_destroy(hardness);
  free_own(&o);
}
END_TEST

START_TEST(bad_own_losses_are_named) {
  uint8_t pixels[20] = {0};
  float losses[20] = {0};
  fm_plane mask = fm_plane_make(pixels, FM_U8, 4, 5), loss = fm_plane_make(losses, FM_F32, 4, 5);
  double value = -3;
  int64_t valid = -3;
  for (int32_t measure = 0; measure < 3; measure++) {
    fm_hardness *hardness = measure_of(means, measure, 0);
    losses[13] = -1;
    pixels[6] = 0;
    KIT_FAILS(FM_ERR_LOSS, "x 3, y 2",
              fm_hardness_measure_loss(hardness, &mask, &loss, &value, &valid, &err));
    pixels[6] = 100;
    KIT_FAILS(FM_ERR_LABEL, "x 1, y 1",
              fm_hardness_measure_loss(hardness, &mask, &loss, &value, &valid, &err));
    fm_plane narrow = loss;
    narrow.width = 4;
    KIT_FAILS(FM_ERR_SHAPE, "4x4",
              fm_hardness_measure_loss(hardness, &mask, &narrow, &value, &valid, &err));
    KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
              fm_hardness_measure_loss(hardness, &mask, &loss, NULL, &valid, &err));
    KIT_FAILS(FM_ERR_ARGUMENT, "loss",
              fm_hardness_measure_loss(hardness, &mask, NULL, &value, &valid, &err));
    fm_hardness_destroy(hardness);
  }
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_hardness_measure_loss(NULL, &mask, &loss, &value, &valid, &err));
  ck_assert(value == -3 && valid == -3);
}
END_TEST

/* ---- What an estimator says of itself ----------------------------------------------------- */

START_TEST(getters) {
  fm_hardness *paper = hardness_from(means, NULL);
  fm_hardness_options got = {.size = sizeof got};
  KIT_OK(fm_hardness_get_options(paper, &got, &err));
  ck_assert(got.resize_width == 512 && got.resize_height == 512 && got.share == 0);
  ck_assert_int_eq(got.measure, FM_MEASURE_MEAN);
  fm_hardness *top = measure_of(means, FM_MEASURE_TOP_SHARE, 0);
  KIT_OK(fm_hardness_get_options(top, &got, &err));
  ck_assert(got.resize_width == FM_NO_RESIZE && got.resize_height == FM_NO_RESIZE);
  ck_assert(got.measure == FM_MEASURE_TOP_SHARE && got.share == 0.1 && got.size == sizeof got);
  double table[CLASSES] = {-1};
  KIT_FAILS(FM_ERR_ARGUMENT, "5 classes", fm_hardness_means(top, table, CLASSES - 1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_hardness_means(NULL, table, CLASSES, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_hardness_means(top, NULL, CLASSES, &err));
  ck_assert(table[0] == -1);
  KIT_OK(fm_hardness_means(top, table, CLASSES, &err));
  ck_assert_mem_eq(table, means, sizeof table);
  ck_assert_ptr_eq(fm_hardness_labels(top), labels);
  ck_assert_ptr_null(fm_hardness_labels(NULL));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_hardness_get_options(NULL, &got, &err));
  got.size = 8;
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_hardness_options", fm_hardness_get_options(top, &got, &err));
  fm_hardness_destroy(top);
  fm_hardness_destroy(paper);
}
END_TEST

/* ---- What is refused ---------------------------------------------------------------------- */

START_TEST(bad_options_are_refused) {
  static const struct {
    fm_hardness_options options;
    const char *text;
  } cases[] = {{{.resize_width = -1}, "resize"},
               {{.resize_height = -1}, "resize"},
               {{.resize_width = -1, .resize_height = 512}, "resize"},
               {{.resize_width = -2, .resize_height = -2}, "resize"},
               {{.resize_width = 65537, .resize_height = 1}, "resize"},
               {{.resize_width = 1, .resize_height = 65537}, "resize"},
               {{.resize_width = INT32_MIN, .resize_height = 1}, "resize"},
               {{.resize_width = INT32_MAX, .resize_height = 512}, "resize"},
               {{.resize_width = 512, .resize_height = -1}, "resize"},
               {{.measure = 3}, "measure is 3"},
               {{.measure = -1}, "measure is -1"},
               {{.share = 0.5}, "share is 0.5"},
               {{.measure = FM_MEASURE_WORST_CLASS, .share = 1.5}, "share is 1.5"},
               {{.measure = FM_MEASURE_WORST_CLASS, .share = -0.1}, "share is -0.1"},
               {{.measure = FM_MEASURE_TOP_SHARE, .share = (double)NAN}, "share is"},
               {{.reserved = 1}, "reserved is 1"}};
  fm_hardness *hardness = KIT_SENTINEL;
  fm_mean_table table = kit_mean_table(CLASSES, means, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_hardness_options options = cases[i].options;
    options.size = sizeof options;
    KIT_FAILS(FM_ERR_ARGUMENT, cases[i].text,
              fm_hardness_create_from_means(labels, &table, &options, &hardness, &err));
  }
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_hardness_create_from_means(NULL, &table, NULL, &hardness, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_hardness_create_from_means(labels, NULL, NULL, &hardness, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_hardness_create_from_means(labels, &table, NULL, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_hardness_create(NULL, NULL, &hardness, &err));
  ck_assert_ptr_eq(hardness, KIT_SENTINEL);
}
END_TEST

static fm_status make(const void *options, void *user, fm_error *err) {
  (void)user;
  fm_hardness *hardness = KIT_SENTINEL;
  fm_mean_table table = kit_mean_table(CLASSES, means, NULL);
  fm_status status = fm_hardness_create_from_means(labels, &table, options, &hardness, err);
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
  tcase_add_loop_test(tests, resized_as_documented, 0, MASK_TYPES * KIT_LAYOUTS);
  tcase_add_test(tests, borders_as_pillow);
  tcase_add_test(tests, without_resizing);
  tcase_add_test(tests, paper_is_512_by_512);
  tcase_add_test(tests, ignored_masks_have_hardness_zero);
  tcase_add_test(tests, statistics_give_their_means);
  tcase_add_test(tests, strata_are_pooled);
  tcase_add_test(tests, measures_by_hand);
  tcase_add_loop_test(tests, top_share_of_class_means, 0, 30);
  tcase_add_loop_test(tests, worst_class_of_class_means, 0, 60);
  tcase_add_loop_test(tests, own_losses, 0, 3 * 45);
  tcase_add_test(tests, bad_own_losses_are_named);
  tcase_add_test(tests, getters);
  tcase_add_test(tests, bad_options_are_refused);
  tcase_add_test(tests, options_follow_the_rule);
  tcase_add_loop_test(tests, bad_labels_are_named, 0, KIT_LAYOUTS);
  suite_add_tcase(suite, tests);
  return suite;
}
