/* filter/test_filter.c - freemask/filter.h: thresholds, options, getters, reach.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "filter/test_filter_kit.h"
#include "suites.h"

fm_context *filter_context;
fm_labels *filter_labels;
const double filter_means[CLASSES] = {0.4, 2.0, 0.0, 1.0 / 3.0};
const double filter_stratum_means[CLASSES][STRATA] = {
    {0.4, 1.5, 0.0}, {0, 2.0, 0.25}, {0, 0, 0}, {1.0 / 3.0, 0.7, 3}};
const int64_t filter_stratum_pixels[CLASSES][STRATA] = {{5, 7, 1}, {0, 4, 4}, {0, 0, 0}, {1, 1, 1}};

fm_labels *filter_labels_writing(int64_t ignore) {
  static const int32_t table[] = {0, 1, 2, 3, FM_CLASS_INVALID, FM_CLASS_IGNORE};
  fm_labels_options options = {.size = sizeof options,
                               .name = "street",
                               .class_count = CLASSES,
                               .label_count = 6,
                               .ignored_labels = (const int64_t[]){ignore},
                               .ignored_count = 1,
                               .classes = table};
  fm_labels *made = NULL;
  KIT_OK(fm_labels_create(filter_context, &options, &made, &err));
  return made;
}

void filter_set_up(void) {
  filter_context = kit_plain_context();
  filter_labels = filter_labels_writing(IGNORE);
}

void filter_set_up_plain(void) {
  fm_context_options options = {.size = sizeof options, .kernels = FM_KERNELS_C};
  KIT_OK(fm_context_create(&options, &filter_context, &err));
  filter_labels = filter_labels_writing(IGNORE);
}

void filter_tear_down(void) {
  fm_labels_destroy(filter_labels);
  fm_context_destroy(filter_context);
}

fm_mean_table filter_table(int strata) {
  fm_mean_table table = kit_mean_table(CLASSES, filter_means, NULL);
  if (strata == 1) return table;
  table.strata = strata;
  table.mean_loss = &filter_stratum_means[0][0];
  table.pixels = &filter_stratum_pixels[0][0];
  return table;
}

fm_filter *filter_with(int strata, const fm_filter_options *options) {
  fm_filter *filter = NULL;
  fm_mean_table table = filter_table(strata);
  KIT_OK(fm_filter_create_from_means(filter_labels, &table, options, &filter, &err));
  return filter;
}

/* Adds `count` real pixels of one loss to a class and stratum. */
static void add_pixels(fm_class_stats *stats, uint8_t class_index, uint8_t stratum, float value,
                       int count) {
  fm_plane mask = fm_plane_make(&class_index, FM_U8, 1, 1);
  fm_plane loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_plane strata = fm_plane_make(&stratum, FM_U8, 1, 1);
  fm_class_stats_options options = {.size = sizeof options};
  KIT_OK(fm_class_stats_get_options(stats, &options, &err));
  fm_extra_planes extra = {.size = sizeof extra, .strata = options.strata > 1 ? &strata : NULL};
  for (int i = 0; i < count; i++) KIT_OK(fm_class_stats_add(stats, &mask, &loss, &extra, &err));
}

static fm_class_stats *new_stats(int32_t strata, int32_t histogram) {
  fm_class_stats_options options = {
      .size = sizeof options, .strata = strata, .histogram = histogram};
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(filter_labels, &options, &stats, &err));
  return stats;
}

/* Real pixels: class k gets `count[k]` of the loss value[k]. */
static fm_class_stats *stats_of(const float *value, const int *count) {
  fm_class_stats *stats = new_stats(1, 0);
  for (uint8_t k = 0; k < CLASSES; k++) add_pixels(stats, k, 0, value[k], count[k]);
  return stats;
}

static fm_filter *filter_of(const fm_class_stats *stats) {
  fm_filter *filter = NULL;
  KIT_OK(fm_filter_create(stats, NULL, &filter, &err));
  return filter;
}

/* ---- Thresholds ---------------------------------------------------------------------- */

START_TEST(thresholds_are_rounded_products) {
  static const double tolerances[] = {0, 1.25, 1, 0.1, 3.7, 1e-300, 1e-20};
  for (size_t i = 0; i < sizeof tolerances / sizeof *tolerances; i++) {
    fm_filter_options options = {.size = sizeof options, .tolerance = tolerances[i]};
    fm_filter *filter = filter_with(1, &options);
    double alpha = tolerances[i] > 0 ? tolerances[i] : 1.25;
    for (int32_t k = 0; k < CLASSES; k++)
      ck_assert(fm_filter_threshold(filter, k, 0) == (float)(alpha * filter_means[k]));
    ck_assert(isnan(fm_filter_threshold(filter, -1, 0)));
    ck_assert(isnan(fm_filter_threshold(filter, CLASSES, 0)));
    ck_assert(isnan(fm_filter_threshold(filter, 0, 1)));
    ck_assert(isnan(fm_filter_threshold(filter, 0, FM_ALL_STRATA)));
    fm_filter_destroy(filter);
  }
  fm_filter *paper = filter_with(1, NULL);
  ck_assert(fm_filter_threshold(paper, 1, 0) == 2.5F);
  fm_filter_destroy(paper);
  ck_assert(isnan(fm_filter_threshold(NULL, 0, 0)));
  fm_filter_destroy(NULL);
}
END_TEST

START_TEST(statistics_give_their_means) {
  static const float value[] = {0.4F, 2.0F, 7.0F, 0.3F};
  static const int count[] = {3, 10, 0, 7};
  fm_class_stats *stats = stats_of(value, count);
  fm_filter *filter = filter_of(stats);
  for (int32_t k = 0; k < CLASSES; k++) {
    double mean = fm_class_stats_mean(stats, k, FM_ALL_STRATA);
    double expected = (double)value[k] * count[k] / (count[k] + 1e-5);
    ck_assert(fabs(mean - expected) <= 1e-15 * expected);
    ck_assert(fm_filter_threshold(filter, k, 0) == (float)(1.25 * mean));
  }
  /* A copy: what happens to the statistics later does not reach it. */
  float before = fm_filter_threshold(filter, 0, 0);
  fm_class_stats_clear(stats);
  ck_assert(fm_filter_threshold(filter, 0, 0) == before);
  fm_class_stats_destroy(stats);
  ck_assert(fm_filter_threshold(filter, 0, 0) == before);
  fm_filter_destroy(filter);
}
END_TEST

START_TEST(unseen_classes_as_asked) {
  static const float value[] = {0.5F, 2.0F, 9.0F, 0.0F};
  static const int count[] = {2, 6, 0, 4}; /* class 2 is unseen, class 3 has loss 0 */
  static const int64_t pixels[] = {2, 6, 0, 4};
  fm_class_stats *stats = stats_of(value, count);
  static const int32_t choices[] = {FM_UNSEEN_DROP, FM_UNSEEN_KEEP, FM_UNSEEN_GLOBAL_MEAN};
  double global = (2 * 0.5 + 6 * 2.0) / (12 + 1e-5); /* from a table, too */
  for (int i = 0; i < 3; i++) {
    fm_filter_options options = {.size = sizeof options, .unseen = choices[i]};
    fm_filter *filters[2] = {NULL, NULL};
    double means[CLASSES];
    for (int32_t k = 0; k < CLASSES; k++) means[k] = fm_class_stats_mean(stats, k, 0);
    fm_mean_table table = kit_mean_table(CLASSES, means, pixels);
    KIT_OK(fm_filter_create(stats, &options, &filters[0], &err));
    KIT_OK(fm_filter_create_from_means(filter_labels, &table, &options, &filters[1], &err));
    for (int f = 0; f < 2; f++) {
      float unseen = fm_filter_threshold(filters[f], 2, 0);
      if (i == 0) ck_assert(unseen == 0.0F);
      if (i == 1) ck_assert(isinf(unseen) && unseen > 0);
      if (i == 2) ck_assert(unseen == (float)(1.25 * global));
      ck_assert(fm_filter_threshold(filters[f], 3, 0) == 0.0F); /* seen, with loss 0 */
      ck_assert(fm_filter_threshold(filters[f], 0, 0) == (float)(1.25 * means[0]));
      fm_filter_destroy(filters[f]);
    }
  }
  /* Without pixel counts a mean of 0 means unseen. */
  fm_filter_options keep = {.size = sizeof keep, .unseen = FM_UNSEEN_KEEP};
  fm_filter *filter = filter_with(1, &keep);
  ck_assert(isinf(fm_filter_threshold(filter, 2, 0)));
  fm_filter_destroy(filter);
  fm_class_stats_destroy(stats);
}
END_TEST

/* Numbers by hand: class 0 has 2 + 2 + 5 in stratum 0 and 1 in stratum 2, class 1 has 8 times 0.5
 * in stratum 1, class 3 has a loss of 0 in stratum 0. */
static fm_class_stats *hand_made_stats(void) {
  fm_class_stats *stats = new_stats(STRATA, 0);
  add_pixels(stats, 0, 0, 2, 2);
  add_pixels(stats, 0, 0, 5, 1);
  add_pixels(stats, 0, 2, 1, 1);
  add_pixels(stats, 1, 1, 0.5F, 8);
  add_pixels(stats, 3, 0, 0, 1);
  return stats;
}

/* Thresholds over [class][stratum] of the statistics above. */
static void hand_made_thresholds(int32_t unseen, float expected[CLASSES][STRATA]) {
  double class0 = 10 / (4 + 1e-5), class1 = 4 / (8 + 1e-5), global = 14 / (13 + 1e-5);
  double means[CLASSES][STRATA] = {
      {9 / (3 + 1e-5), class0, 1 / (1 + 1e-5)}, {class1, class1, class1}, {0, 0, 0}, {0, 0, 0}};
  for (int k = 0; k < CLASSES; k++)
    for (int s = 0; s < STRATA; s++) {
      double mean = means[k][s];
      if (k == 2 && unseen == FM_UNSEEN_GLOBAL_MEAN) mean = global;
      expected[k][s] = k == 2 && unseen == FM_UNSEEN_KEEP ? INFINITY : (float)(1.25 * mean);
    }
}

/* Loop: an fm_unseen. From statistics, and from a table of their means. */
START_TEST(strata_have_thresholds_of_their_own) {
  fm_class_stats *stats = hand_made_stats();
  fm_filter_options options = {.size = sizeof options, .unseen = _i};
  fm_filter *filters[2] = {NULL, NULL};
  double means[CLASSES][STRATA];
  int64_t pixels[CLASSES][STRATA];
  for (int32_t k = 0; k < CLASSES; k++)
    for (int32_t s = 0; s < STRATA; s++) {
      means[k][s] = fm_class_stats_mean(stats, k, s);
      pixels[k][s] = fm_class_stats_pixel_count(stats, k, s);
    }
  fm_mean_table table = kit_mean_table(CLASSES, means[0], pixels[0]);
  table.strata = STRATA;
  KIT_OK(fm_filter_create(stats, &options, &filters[0], &err));
  KIT_OK(fm_filter_create_from_means(filter_labels, &table, &options, &filters[1], &err));
  fm_class_stats_destroy(stats);
  float expected[CLASSES][STRATA], all[CLASSES][STRATA];
  hand_made_thresholds(_i, expected);
  for (int f = 0; f < 2; f++) {
    ck_assert_int_eq(fm_filter_stratum_count(filters[f]), STRATA);
    KIT_OK(fm_filter_thresholds(filters[f], all[0], CLASSES * STRATA, &err));
    for (int32_t k = 0; k < CLASSES; k++)
      for (int32_t s = 0; s < STRATA; s++) {
        ck_assert_msg(all[k][s] == expected[k][s], "class %d stratum %d: %.9g, expected %.9g", k, s,
                      (double)all[k][s], (double)expected[k][s]);
        ck_assert(fm_filter_threshold(filters[f], k, s) == all[k][s]);
      }
    ck_assert(isnan(fm_filter_threshold(filters[f], 0, STRATA)));
    ck_assert(isnan(fm_filter_threshold(filters[f], 0, FM_ALL_STRATA)));
    fm_filter_destroy(filters[f]);
  }
}
END_TEST

/* ---- What a filter says of itself ------------------------------------------------------ */

START_TEST(getters) {
  fm_filter *paper = filter_with(1, NULL);
  fm_filter_options got = {.size = sizeof got};
  KIT_OK(fm_filter_get_options(paper, &got, &err));
  ck_assert(got.size == sizeof got && got.tolerance == 1.25 && got.unseen == FM_UNSEEN_DROP);
  ck_assert(got.policy == FM_FILTER_PAPER && got.min_kept_share == 0);
  ck_assert_ptr_eq(fm_filter_labels(paper), filter_labels);
  ck_assert_int_eq(fm_filter_stratum_count(paper), 1);
  ck_assert(got.real_share > 0.0499 && got.real_share < 0.0501 && got.without_reference == 0);
  fm_filter_options options = {.size = sizeof options,
                               .tolerance = 2,
                               .unseen = FM_UNSEEN_KEEP,
                               .min_kept_share = 0.25,
                               .real_share = 0.3,
                               .without_reference = FM_REFERENCE_OPTIONAL};
  fm_filter *filter = filter_with(STRATA, &options);
  KIT_OK(fm_filter_get_options(filter, &got, &err));
  ck_assert_mem_eq(&got, &options, sizeof got);
  float some[CLASSES * STRATA] = {-7};
  KIT_FAILS(FM_ERR_ARGUMENT, "expected 12",
            fm_filter_thresholds(filter, some, CLASSES * STRATA - 1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "count is -1", fm_filter_thresholds(filter, some, -1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_filter_thresholds(NULL, some, 12, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_filter_thresholds(filter, NULL, 12, &err));
  ck_assert(some[0] == -7);
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_filter_get_options(NULL, &got, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "", fm_filter_get_options(filter, NULL, &err));
  got.size = 1;
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_filter_options", fm_filter_get_options(paper, &got, &err));
  ck_assert(got.tolerance == 2);
  ck_assert_ptr_null(fm_filter_labels(NULL));
  ck_assert_int_eq(fm_filter_stratum_count(NULL), 0);
  fm_filter_destroy(filter);
  fm_filter_destroy(paper);
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------- */

START_TEST(bad_options_are_refused) {
  fm_filter *filter = KIT_SENTINEL;
  fm_mean_table table = filter_table(1);
  static const double tolerances[] = {-1, -1e-300, (double)INFINITY, (double)NAN};
  static const double shares[] = {-0.1, 1.1, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < 4; i++) {
    fm_filter_options options = {.size = sizeof options, .tolerance = tolerances[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "tolerance",
              fm_filter_create_from_means(filter_labels, &table, &options, &filter, &err));
    options = (fm_filter_options){.size = sizeof options, .min_kept_share = shares[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "min_kept_share",
              fm_filter_create_from_means(filter_labels, &table, &options, &filter, &err));
  }
  static const int32_t unseens[] = {3, -1, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < 4; i++) {
    fm_filter_options options = {.size = sizeof options, .unseen = unseens[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "unseen",
              fm_filter_create_from_means(filter_labels, &table, &options, &filter, &err));
    options = (fm_filter_options){.size = sizeof options, .policy = unseens[i]};
    KIT_FAILS(FM_ERR_UNSUPPORTED, "policy",
              fm_filter_create_from_means(filter_labels, &table, &options, &filter, &err));
  }
  fm_filter_options options = {.size = sizeof options, .unseen = FM_UNSEEN_GLOBAL_MEAN};
  KIT_FAILS(FM_ERR_ARGUMENT, "pixels",
            fm_filter_create_from_means(filter_labels, &table, &options, &filter, &err));
  ck_assert_ptr_eq(filter, KIT_SENTINEL);
}
END_TEST

static void refuse_table(const fm_mean_table *table, fm_status status, const char *text) {
  fm_filter *filter = KIT_SENTINEL;
  fm_hardness *hardness = KIT_SENTINEL;
  KIT_FAILS(status, text, fm_filter_create_from_means(filter_labels, table, NULL, &filter, &err));
  KIT_FAILS(status, text,
            fm_hardness_create_from_means(filter_labels, table, NULL, &hardness, &err));
  ck_assert_ptr_eq(filter, KIT_SENTINEL);
  ck_assert_ptr_eq(hardness, KIT_SENTINEL);
}

/* A table is checked in one place for filter and hardness. */
START_TEST(bad_tables_are_refused) {
  static const double wrong[] = {-1e-9, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < 3; i++) {
    double means[CLASSES] = {1, 1, 1, wrong[i]};
    fm_mean_table table = kit_mean_table(CLASSES, means, NULL);
    refuse_table(&table, FM_ERR_ARGUMENT, "mean_loss[3]");
  }
  fm_mean_table table = filter_table(1);
  table.class_count = 3;
  refuse_table(&table, FM_ERR_ARGUMENT, "4 classes");
  table.class_count = 5;
  refuse_table(&table, FM_ERR_ARGUMENT, "4 classes");
  table.class_count = CLASSES;
  int64_t pixels[CLASSES] = {1, 1, -1, 1};
  table.pixels = pixels;
  refuse_table(&table, FM_ERR_ARGUMENT, "pixels[2]");
  pixels[0] = pixels[1] = INT64_C(1) << 61;
  pixels[2] = 1;
  refuse_table(&table, FM_ERR_ARGUMENT, "pixels[2]");
  memset(pixels, 0, sizeof pixels);
  refuse_table(&table, FM_ERR_EMPTY, "no pixel");
  pixels[0] = 1; /* class 1 has a mean, of no pixel */
  refuse_table(&table, FM_ERR_ARGUMENT, "mean_loss[1]");
  table = filter_table(1);
  table.mean_loss = NULL;
  refuse_table(&table, FM_ERR_ARGUMENT, "mean_loss is NULL");
  table = filter_table(STRATA);
  table.pixels = NULL;
  refuse_table(&table, FM_ERR_ARGUMENT, "pixels is NULL");
  static const int32_t strata[] = {-1, 256, INT32_MAX};
  for (size_t i = 0; i < 3; i++) {
    table.strata = strata[i];
    refuse_table(&table, FM_ERR_ARGUMENT, "strata");
  }
  table = filter_table(1);
  table.size = 8;
  refuse_table(&table, FM_ERR_ARGUMENT, "fm_mean_table");
  refuse_table(NULL, FM_ERR_ARGUMENT, "NULL");
}
END_TEST

START_TEST(null_arguments_and_empty_statistics) {
  fm_filter *filter = KIT_SENTINEL;
  fm_mean_table table = filter_table(1);
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_filter_create_from_means(NULL, &table, NULL, &filter, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_filter_create_from_means(filter_labels, &table, NULL, NULL, &err));
  fm_class_stats *stats = new_stats(STRATA, 0);
  KIT_FAILS(FM_ERR_EMPTY, "no pixel", fm_filter_create(stats, NULL, &filter, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_filter_create(NULL, NULL, &filter, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_filter_create(stats, NULL, NULL, &err));
  fm_class_stats_destroy(stats);
  ck_assert_ptr_eq(filter, KIT_SENTINEL);
}
END_TEST

static fm_status make(const void *options, void *user, fm_error *err) {
  (void)user;
  fm_filter *filter = KIT_SENTINEL;
  fm_mean_table table = filter_table(1);
  fm_status status = fm_filter_create_from_means(filter_labels, &table, options, &filter, err);
  if (status)
    ck_assert_ptr_eq(filter, KIT_SENTINEL);
  else
    fm_filter_destroy(filter);
  return status;
}

static fm_status make_from(const void *table, void *user, fm_error *err) {
  (void)user;
  fm_filter *filter = KIT_SENTINEL;
  fm_status status = fm_filter_create_from_means(filter_labels, table, NULL, &filter, err);
  if (status)
    ck_assert_ptr_eq(filter, KIT_SENTINEL);
  else
    fm_filter_destroy(filter);
  return status;
}

START_TEST(structures_follow_the_rule) {
  fm_filter_options options = {.size = sizeof options, .tolerance = 2, .min_kept_share = 0.5};
  kit_options_rule("fm_filter_options", &options, sizeof options, make, NULL);
  fm_mean_table table = filter_table(STRATA);
  kit_options_rule("fm_mean_table", &table, sizeof table, make_from, NULL);
}
END_TEST

/* ---- Reach ---------------------------------------------------------------------------- */

static fm_class_stats *histogram_of(int32_t bins, const float *losses, int count) {
  fm_class_stats *stats = new_stats(1, bins);
  uint8_t mask[64];
  for (int i = 0; i < count; i++) mask[i] = (uint8_t)(i % 2);
  fm_plane m = fm_plane_make(mask, FM_U8, 1, count), l = fm_plane_make(losses, FM_F32, 1, count);
  KIT_OK(fm_class_stats_add(stats, &m, &l, NULL, &err));
  return stats;
}

static void expect_reach(const fm_filter *filter, const fm_class_stats *stats, int32_t classes,
                         int32_t reached) {
  int32_t class_count = -1, reached_count = -1;
  KIT_OK(fm_filter_reach(filter, stats, &class_count, &reached_count, &err));
  ck_assert_int_eq(class_count, classes);
  ck_assert_int_eq(reached_count, reached);
}

/* Plain cross-entropy of scores: between 4.07 and 5.02 nats, whatever the pixel. */
START_TEST(scores_reach_no_threshold) {
  float losses[64];
  for (int i = 0; i < 64; i++) losses[i] = 4.1F + 0.9F * (float)i / 63;
  fm_class_stats *flat = histogram_of(32, losses, 64);
  fm_filter *filter = filter_of(flat);
  expect_reach(filter, flat, 2, 0);
  losses[63] = 30; /* of class 1 */
  fm_class_stats *other = histogram_of(32, losses, 64);
  expect_reach(filter, other, 2, 1);
  losses[62] = 1e9F; /* beyond the bins */
  fm_class_stats *far = histogram_of(1, losses, 64);
  expect_reach(filter, far, 2, 2);
  fm_class_stats_destroy(far);
  fm_class_stats_destroy(other);
  fm_class_stats_destroy(flat);
  fm_filter_destroy(filter);
}
END_TEST

/* A loss that is usual in one stratum and too large in another. */
START_TEST(reach_looks_at_strata) {
  fm_class_stats *stats = new_stats(STRATA, 32);
  add_pixels(stats, 0, 0, 1, 8);
  add_pixels(stats, 0, 1, 8, 8);
  add_pixels(stats, 1, 2, 3, 4);
  fm_filter *filter = filter_of(stats);
  expect_reach(filter, stats, 2, 0);
  add_pixels(stats, 0, 1, 9, 1); /* below 1.25 * 8 */
  expect_reach(filter, stats, 2, 0);
  add_pixels(stats, 0, 0, 9, 1);
  expect_reach(filter, stats, 2, 1);
  add_pixels(stats, 1, 0, 3, 1); /* a stratum without real pixels: the class's mean */
  expect_reach(filter, stats, 2, 1);
  add_pixels(stats, 1, 0, 4, 1);
  expect_reach(filter, stats, 2, 2);
  fm_filter_destroy(filter);
  fm_class_stats_destroy(stats);
}
END_TEST

START_TEST(reach_needs_a_histogram_of_the_same_kind) {
  static const float losses[2] = {1, 2};
  fm_class_stats *with = histogram_of(4, losses, 2), *without = histogram_of(0, losses, 2);
  fm_class_stats *more_strata = new_stats(STRATA, 4);
  fm_filter *filter = filter_of(with);
  int32_t classes = -1, reached = -1;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "without a histogram",
            fm_filter_reach(filter, without, &classes, &reached, &err));
  KIT_FAILS(FM_ERR_MISMATCH, "1 strata",
            fm_filter_reach(filter, more_strata, &classes, &reached, &err));
  fm_labels *others = filter_labels_writing(99); /* as many classes */
  fm_class_stats *foreign = NULL;
  KIT_OK(fm_class_stats_create(others, NULL, &foreign, &err));
  KIT_FAILS(FM_ERR_MISMATCH, "label space",
            fm_filter_reach(filter, foreign, &classes, &reached, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_filter_reach(NULL, with, &classes, &reached, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_filter_reach(filter, with, NULL, &reached, &err));
  ck_assert(classes == -1 && reached == -1);
  fm_class_stats_destroy(foreign);
  fm_labels_destroy(others);
  fm_filter_destroy(filter);
  fm_class_stats_destroy(more_strata);
  fm_class_stats_destroy(without);
  fm_class_stats_destroy(with);
}
END_TEST

Suite *filter_suite(void) {
  Suite *suite = suite_create("filter");
  TCase *tests = tcase_create("filter");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, filter_set_up, filter_tear_down);
  tcase_add_test(tests, thresholds_are_rounded_products);
  tcase_add_test(tests, statistics_give_their_means);
  tcase_add_test(tests, unseen_classes_as_asked);
  tcase_add_loop_test(tests, strata_have_thresholds_of_their_own, 0, 3);
  tcase_add_test(tests, getters);
  tcase_add_test(tests, bad_options_are_refused);
  tcase_add_test(tests, bad_tables_are_refused);
  tcase_add_test(tests, null_arguments_and_empty_statistics);
  tcase_add_test(tests, structures_follow_the_rule);
  tcase_add_test(tests, scores_reach_no_threshold);
  tcase_add_test(tests, reach_looks_at_strata);
  tcase_add_test(tests, reach_needs_a_histogram_of_the_same_kind);
  suite_add_tcase(suite, tests);
  suite_add_tcase(suite, filter_apply_case());
  suite_add_tcase(suite, filter_plain_case());
  suite_add_tcase(suite, filter_errors_case());
  return suite;
}
