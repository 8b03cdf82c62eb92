/* filter/test_filter.c - freemask/filter.h: thresholds, application, weights, floor, errors.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { CLASSES = 4, IGNORE = 9, ALSO_IGNORED = 5 };

static fm_context *context;
static fm_labels *labels;
static const double means[CLASSES] = {0.4, 2.0, 0.0, 1.0 / 3.0};

/* Labels 0 .. 3 are the classes, 5 and 9 are ignored, 9 is written. */
static fm_labels *labels_writing(int64_t ignore) {
  static const int32_t table[] = {0, 1, 2, 3, FM_CLASS_INVALID, FM_CLASS_IGNORE};
  fm_labels_options options = {.size = sizeof options,
                               .name = "street",
                               .class_count = CLASSES,
                               .label_count = 6,
                               .ignore_label = ignore,
                               .classes = table};
  fm_labels *made = NULL;
  KIT_OK(fm_labels_create(context, &options, &made, &err));
  return made;
}

static void set_up(void) {
  context = kit_plain_context();
  labels = labels_writing(IGNORE);
}

static void tear_down(void) {
  fm_labels_destroy(labels);
  fm_context_destroy(context);
}

static fm_filter *filter_with(const fm_filter_options *options) {
  fm_filter *filter = NULL;
  KIT_OK(fm_filter_create_from_means(labels, means, NULL, CLASSES, options, &filter, &err));
  return filter;
}

/* Real pixels: class k gets `count[k]` of the loss value[k]. */
static fm_class_stats *stats_of(const float *value, const int *count) {
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  for (uint8_t k = 0; k < CLASSES; k++)
    for (int i = 0; i < count[k]; i++) {
      fm_plane mask = fm_plane_make(&k, FM_U8, 1, 1), loss = fm_plane_make(&value[k], FM_F32, 1, 1);
      KIT_OK(fm_class_stats_add(stats, &mask, &loss, &err));
    }
  return stats;
}

/* ---- Thresholds ---------------------------------------------------------------------- */

START_TEST(thresholds_are_rounded_products) {
  static const double tolerances[] = {0, 1.25, 1, 0.1, 3.7, 1e-300, 1e-20};
  for (size_t i = 0; i < sizeof tolerances / sizeof *tolerances; i++) {
    fm_filter_options options = {.size = sizeof options, .tolerance = tolerances[i]};
    fm_filter *filter = filter_with(&options);
    double alpha = tolerances[i] > 0 ? tolerances[i] : 1.25;
    for (int32_t k = 0; k < CLASSES; k++)
      ck_assert(fm_filter_threshold(filter, k) == (float)(alpha * means[k]));
    ck_assert(isnan(fm_filter_threshold(filter, -1)));
    ck_assert(isnan(fm_filter_threshold(filter, CLASSES)));
    fm_filter_destroy(filter);
  }
  fm_filter *paper = filter_with(NULL);
  ck_assert(fm_filter_threshold(paper, 1) == 2.5F);
  fm_filter_destroy(paper);
  ck_assert(isnan(fm_filter_threshold(NULL, 0)));
  fm_filter_destroy(NULL);
}
END_TEST

START_TEST(statistics_give_their_means) {
  static const float value[] = {0.4F, 2.0F, 7.0F, 0.3F};
  static const int count[] = {3, 10, 0, 7};
  fm_class_stats *stats = stats_of(value, count);
  fm_filter *filter = NULL;
  KIT_OK(fm_filter_create(stats, NULL, &filter, &err));
  for (int32_t k = 0; k < CLASSES; k++) {
    double mean = fm_class_stats_mean(stats, k, FM_ALL_STRATA);
    double expected = (double)value[k] * count[k] / (count[k] + 1e-5);
    ck_assert(fabs(mean - expected) <= 1e-15 * expected);
    ck_assert(fm_filter_threshold(filter, k) == (float)(1.25 * mean));
  }
  /* A copy: what happens to the statistics later does not reach it. */
  float before = fm_filter_threshold(filter, 0);
  fm_class_stats_clear(stats);
  ck_assert(fm_filter_threshold(filter, 0) == before);
  fm_class_stats_destroy(stats);
  ck_assert(fm_filter_threshold(filter, 0) == before);
  fm_filter_destroy(filter);
}
END_TEST

START_TEST(unseen_classes_as_asked) {
  static const float value[] = {0.5F, 2.0F, 9.0F, 0.0F};
  static const int count[] = {2, 6, 0, 4}; /* class 2 is unseen, class 3 has loss 0 */
  fm_class_stats *stats = stats_of(value, count);
  static const int64_t pixels[] = {2, 6, 0, 4};
  static const int32_t choices[] = {FM_UNSEEN_DROP, FM_UNSEEN_KEEP, FM_UNSEEN_GLOBAL_MEAN};
  double global = (2 * 0.5 + 6 * 2.0) / (12 + 1e-5); /* from a table, too */
  for (int i = 0; i < 3; i++) {
    fm_filter_options options = {.size = sizeof options, .unseen = choices[i]};
    fm_filter *filters[2] = {NULL, NULL};
    double table[CLASSES];
    for (int32_t k = 0; k < CLASSES; k++) table[k] = fm_class_stats_mean(stats, k, 0);
    KIT_OK(fm_filter_create(stats, &options, &filters[0], &err));
    KIT_OK(
        fm_filter_create_from_means(labels, table, pixels, CLASSES, &options, &filters[1], &err));
    for (int f = 0; f < 2; f++) {
      float unseen = fm_filter_threshold(filters[f], 2);
      if (i == 0) ck_assert(unseen == 0.0F);
      if (i == 1) ck_assert(isinf(unseen) && unseen > 0);
      if (i == 2) ck_assert(unseen == (float)(1.25 * global));
      ck_assert(fm_filter_threshold(filters[f], 3) == 0.0F); /* seen, with loss 0 */
      ck_assert(fm_filter_threshold(filters[f], 0) == (float)(1.25 * table[0]));
      fm_filter_destroy(filters[f]);
    }
  }
  /* Without pixel counts a mean of 0 means unseen. */
  fm_filter_options keep = {.size = sizeof keep, .unseen = FM_UNSEEN_KEEP};
  fm_filter *filter = filter_with(&keep);
  ck_assert(isinf(fm_filter_threshold(filter, 2)));
  fm_filter_destroy(filter);
  fm_class_stats_destroy(stats);
}
END_TEST

START_TEST(bad_options_are_refused) {
  fm_filter *filter = KIT_SENTINEL;
  static const double tolerances[] = {-1, -1e-300, (double)INFINITY, (double)NAN};
  static const double shares[] = {-0.1, 1.1, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < 4; i++) {
    fm_filter_options options = {.size = sizeof options, .tolerance = tolerances[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "tolerance",
              fm_filter_create_from_means(labels, means, NULL, CLASSES, &options, &filter, &err));
    options = (fm_filter_options){.size = sizeof options, .min_kept_share = shares[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "min_kept_share",
              fm_filter_create_from_means(labels, means, NULL, CLASSES, &options, &filter, &err));
  }
  fm_filter_options options = {.size = sizeof options, .unseen = 3};
  KIT_FAILS(FM_ERR_ARGUMENT, "unseen",
            fm_filter_create_from_means(labels, means, NULL, CLASSES, &options, &filter, &err));
  options.unseen = -1;
  KIT_FAILS(FM_ERR_ARGUMENT, "unseen",
            fm_filter_create_from_means(labels, means, NULL, CLASSES, &options, &filter, &err));
  options.unseen = FM_UNSEEN_GLOBAL_MEAN;
  KIT_FAILS(FM_ERR_ARGUMENT, "pixels",
            fm_filter_create_from_means(labels, means, NULL, CLASSES, &options, &filter, &err));
  ck_assert_ptr_eq(filter, KIT_SENTINEL);
}
END_TEST

START_TEST(reserved_field_must_be_zero) {
  fm_filter *filter = KIT_SENTINEL;
  fm_filter_options options = {.size = sizeof options, .reserved = 1};
  fm_error err = kit_error();
  fm_status status =
      fm_filter_create_from_means(labels, means, NULL, CLASSES, &options, &filter, &err);
  ck_assert_msg(status == FM_ERR_ARGUMENT || status == FM_ERR_UNSUPPORTED,
                "a reserved field of 1 was accepted: it can never get a meaning");
  ck_assert_ptr_eq(filter, KIT_SENTINEL);
}
END_TEST

START_TEST(bad_tables_are_refused) {
  fm_filter *filter = KIT_SENTINEL;
  static const double wrong[] = {-1e-9, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < 3; i++) {
    double table[CLASSES] = {1, 1, 1, wrong[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "mean_loss[3]",
              fm_filter_create_from_means(labels, table, NULL, CLASSES, NULL, &filter, &err));
  }
  KIT_FAILS(FM_ERR_ARGUMENT, "4 classes",
            fm_filter_create_from_means(labels, means, NULL, 3, NULL, &filter, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "4 classes",
            fm_filter_create_from_means(labels, means, NULL, 5, NULL, &filter, &err));
  int64_t pixels[CLASSES] = {1, 1, -1, 1};
  KIT_FAILS(FM_ERR_ARGUMENT, "pixels[2]",
            fm_filter_create_from_means(labels, means, pixels, CLASSES, NULL, &filter, &err));
  int64_t none[CLASSES] = {0, 0, 0, 0};
  KIT_FAILS(FM_ERR_EMPTY, "pixel",
            fm_filter_create_from_means(labels, means, none, CLASSES, NULL, &filter, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_filter_create_from_means(NULL, means, NULL, CLASSES, NULL, &filter, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_filter_create_from_means(labels, NULL, NULL, CLASSES, NULL, &filter, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_filter_create_from_means(labels, means, NULL, CLASSES, NULL, NULL, &err));
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
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
  fm_status status =
      fm_filter_create_from_means(labels, means, NULL, CLASSES, options, &filter, err);
  if (status)
    ck_assert_ptr_eq(filter, KIT_SENTINEL);
  else
    fm_filter_destroy(filter);
  return status;
}

START_TEST(options_follow_the_rule) {
  fm_filter_options options = {.size = sizeof options, .tolerance = 2, .min_kept_share = 0.5};
  kit_options_rule("fm_filter_options", &options, sizeof options, make, NULL);
}
END_TEST

/* ---- Application: against the formula, pixel by pixel ----------------------------------- */

enum { H = 6, W = 290 };

/* What the formula says about an image, floor included. */
typedef struct verdict {
  bool drop[H][W];
  int64_t valid[CLASSES], dropped[CLASSES];
} verdict;

static int class_of(int64_t label) { return label < CLASSES ? (int)label : -1; }

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* The threshold of one class in one image: raised to the floor's order statistic. */
static float raised(const fm_plane *mask, const fm_plane *loss, int k, float threshold,
                    double share) {
  static float losses[H * W];
  size_t count = 0, kept = 0;
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++)
      if (class_of(kit_get_int(mask, y, x)) == k) losses[count++] = kit_get_real(loss, y, x);
  qsort(losses, count, sizeof *losses, compare);
  while (kept < count && !(losses[kept] > threshold)) kept++;
  size_t wanted = (size_t)ceil(share * (double)count);
  return kept < wanted ? losses[wanted - 1] : threshold;
}

static void judge(verdict *v, const fm_plane *mask, const fm_plane *loss, const double *table,
                  double alpha, double share) {
  memset(v, 0, sizeof *v);
  float threshold[CLASSES];
  for (int k = 0; k < CLASSES; k++)
    threshold[k] = raised(mask, loss, k, (float)(alpha * table[k]), share);
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++) {
      int k = class_of(kit_get_int(mask, y, x));
      if (k < 0) continue;
      v->valid[k]++;
      v->drop[y][x] = kit_get_real(loss, y, x) > threshold[k];
      v->dropped[k] += v->drop[y][x];
    }
}

static void fill(const fm_plane *mask, const fm_plane *loss, uint64_t *random) {
  static const int64_t values[] = {0, 1, 2, 3, 0, 1, ALSO_IGNORED, IGNORE};
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++) {
      int64_t label = values[kit_below(random, 8)];
      float value = kit_plain_loss(random) / 2;
      int k = class_of(label);
      if (k >= 0 && kit_below(random, 4) == 0) value = (float)(1.25 * means[k]); /* just kept */
      if (k >= 0 && kit_below(random, 8) == 0) value = nextafterf((float)(1.25 * means[k]), 99);
      if (k < 0 && kit_below(random, 2)) value = (float)NAN;
      if (kit_below(random, 40) == 0) value = -0.0F;
      kit_put_int(mask, y, x, label);
      kit_put_real(loss, y, x, value);
    }
}

typedef struct counts {
  int64_t valid[CLASSES], dropped[CLASSES];
} counts;

static fm_filter_report report_into(counts *c) {
  memset(c, 0xAB, sizeof *c);
  fm_filter_report report = {.size = sizeof report, .valid = -1, .dropped = -1};
  report.class_valid = c->valid;
  report.class_dropped = c->dropped;
  return report;
}

static void expect_report(const fm_filter_report *report, const verdict *v) {
  int64_t valid = 0, dropped = 0;
  for (int k = 0; k < CLASSES; k++) {
    ck_assert_int_eq(report->class_valid[k], v->valid[k]);
    ck_assert_int_eq(report->class_dropped[k], v->dropped[k]);
    valid += v->valid[k];
    dropped += v->dropped[k];
  }
  ck_assert_int_eq(report->valid, valid);
  ck_assert_int_eq(report->dropped, dropped);
}

static const fm_dtype mask_types[] = {FM_U8, FM_U16, FM_I16, FM_I32, FM_I64};
static const fm_dtype loss_types[] = {FM_F32, FM_F16, FM_BF16};

/* Loop: mask dtype x loss dtype. */
START_TEST(every_pixel_follows_the_formula) {
  static const double shares[] = {0, 0.3, 0.75, 1};
  uint64_t random = (uint64_t)_i + 1;
  for (int round = 0; round < 21; round++) {
    double share = shares[round % 4];
    kit_layout a = (kit_layout)(round % KIT_LAYOUTS), b = (kit_layout)((round / 2) % KIT_LAYOUTS),
               c = (kit_layout)((round + round / 7) % KIT_LAYOUTS);
    kit_plane mask = kit_plane_new(mask_types[_i % 5], H, W, a);
    kit_plane loss = kit_plane_new(loss_types[_i / 5], H, W, b);
    kit_plane out = kit_plane_new(mask_types[_i % 5], H, W, c);
    fill(&mask.view, &loss.view, &random);
    verdict v;
    judge(&v, &mask.view, &loss.view, means, 1.25, share);
    fm_filter_options options = {.size = sizeof options, .min_kept_share = share};
    fm_filter *filter = filter_with(&options);
    counts c1, c2;
    fm_filter_report report = report_into(&c1), again = report_into(&c2);
    unsigned char *mask_before = malloc(mask.size);
    memcpy(mask_before, mask.memory, mask.size);
    KIT_OK(fm_filter_apply(filter, &mask.view, &loss.view, &out.view, &report, &err));
    ck_assert_mem_eq(mask_before, mask.memory, mask.size);
    expect_report(&report, &v);
    for (int64_t y = 0; y < H; y++)
      for (int64_t x = 0; x < W; x++) {
        int64_t label = kit_get_int(&mask.view, y, x), expected = v.drop[y][x] ? IGNORE : label;
        if (kit_get_int(&out.view, y, x) != expected)
          ck_abort_msg("%s/%s/%s x %d y %d: %d, expected %d", kit_layout_name(a),
                       kit_layout_name(b), kit_layout_name(c), (int)x, (int)y,
                       (int)kit_get_int(&out.view, y, x), (int)expected);
      }
    /* In place, without a report; without a floor, filtering again changes nothing. */
    KIT_OK(fm_filter_apply(filter, &mask.view, &loss.view, &mask.view, NULL, &err));
    for (int64_t y = 0; y < H; y++)
      for (int64_t x = 0; x < W; x++)
        if (kit_get_int(&mask.view, y, x) != kit_get_int(&out.view, y, x))
          ck_abort_msg("in place differs at x %d, y %d", (int)x, (int)y);
    KIT_OK(fm_filter_apply(filter, &mask.view, &loss.view, &mask.view, &again, &err));
    if (!(share > 0)) ck_assert_int_eq(again.dropped, 0);
    ck_assert_int_eq(again.valid, report.valid - report.dropped);
    free(mask_before);
    fm_filter_destroy(filter);
    kit_plane_free(&mask);
    kit_plane_free(&loss);
    kit_plane_free(&out);
  }
}
END_TEST

/* Only pixels are written: not the gaps of a strided output, not what is around it. */
START_TEST(output_gaps_stay) {
  static const kit_layout gapped[] = {KIT_PADDED, KIT_STRIDED, KIT_UNALIGNED};
  uint64_t random = 4;
  fm_filter *filter = filter_with(NULL);
  for (int i = 0; i < 6; i++) {
    bool weights = i >= 3;
    kit_plane mask = kit_plane_new(FM_U16, H, W, KIT_PACKED);
    kit_plane loss = kit_plane_new(FM_F32, H, W, KIT_PACKED);
    kit_plane out = kit_plane_new(weights ? FM_F32 : FM_U16, H, W, gapped[i % 3]);
    fill(&mask.view, &loss.view, &random);
    if (weights)
      KIT_OK(fm_filter_weigh(filter, &mask.view, &loss.view, &out.view, NULL, &err));
    else
      KIT_OK(fm_filter_apply(filter, &mask.view, &loss.view, &out.view, NULL, &err));
    /* Put the fill pattern back over the pixels: nothing else may differ from it. */
    for (int64_t y = 0; y < H; y++)
      for (int64_t x = 0; x < W; x++) {
        unsigned char *at =
            (unsigned char *)out.view.data + y * out.view.row_stride + x * out.view.col_stride;
        memset(at, 0xEE, fm_dtype_size((fm_dtype)out.view.dtype));
      }
    for (size_t b = 0; b < out.size; b++)
      if (out.memory[b] != 0xEE) ck_abort_msg("byte %zu was written", b);
    kit_plane_free(&mask);
    kit_plane_free(&loss);
    kit_plane_free(&out);
  }
  fm_filter_destroy(filter);
}
END_TEST

/* Loop: weight dtypes. */
START_TEST(weights_are_one_or_zero) {
  static const fm_dtype types[] = {FM_F32, FM_F16, FM_U8};
  uint64_t random = 12;
  for (int layout = 0; layout < KIT_LAYOUTS; layout++) {
    kit_plane mask = kit_plane_new(FM_U8, H, W, (kit_layout)((layout + 2) % KIT_LAYOUTS));
    kit_plane loss = kit_plane_new(FM_F32, H, W, (kit_layout)((layout + 5) % KIT_LAYOUTS));
    kit_plane out = kit_plane_new(types[_i], H, W, (kit_layout)layout);
    fill(&mask.view, &loss.view, &random);
    double share = layout % 2 ? 0.6 : 0;
    verdict v;
    judge(&v, &mask.view, &loss.view, means, 1.25, share);
    fm_filter_options options = {.size = sizeof options, .min_kept_share = share};
    fm_filter *filter = filter_with(&options);
    counts c;
    fm_filter_report report = report_into(&c);
    KIT_OK(fm_filter_weigh(filter, &mask.view, &loss.view, &out.view, &report, &err));
    expect_report(&report, &v);
    for (int64_t y = 0; y < H; y++)
      for (int64_t x = 0; x < W; x++) {
        bool kept = class_of(kit_get_int(&mask.view, y, x)) >= 0 && !v.drop[y][x];
        double weight = types[_i] == FM_U8 ? (double)kit_get_int(&out.view, y, x)
                                           : (double)kit_get_real(&out.view, y, x);
        if (weight != (kept ? 1 : 0)) ck_abort_msg("x %d, y %d: weight %g", (int)x, (int)y, weight);
      }
    fm_filter_destroy(filter);
    kit_plane_free(&mask);
    kit_plane_free(&loss);
    kit_plane_free(&out);
  }
}
END_TEST

START_TEST(extreme_losses) {
  static const float losses[] = {0, -0.0F, 1e-45F, FLT_MIN, FLT_MAX, 2.5F, 2.5000002F, 2.4999998F};
  enum { N = 8 };
  uint8_t mask[N] = {0}, out[N] = {0};
  fm_plane m = fm_plane_make(mask, FM_U8, 1, N), o = fm_plane_make(out, FM_U8, 1, N);
  fm_plane l = fm_plane_make(losses, FM_F32, 1, N);
  fm_filter *filter = filter_with(NULL);
  memset(mask, 1, N); /* threshold 2.5 */
  KIT_OK(fm_filter_apply(filter, &m, &l, &o, NULL, &err));
  static const uint8_t expected1[] = {1, 1, 1, 1, 9, 1, 9, 1};
  ck_assert_mem_eq(out, expected1, N);
  memset(mask, 2, N); /* unseen: threshold 0; -0 and 0 stay */
  KIT_OK(fm_filter_apply(filter, &m, &l, &o, NULL, &err));
  static const uint8_t expected2[] = {2, 2, 9, 9, 9, 9, 9, 9};
  ck_assert_mem_eq(out, expected2, N);
  fm_filter_destroy(filter);
  fm_filter_options keep = {.size = sizeof keep, .unseen = FM_UNSEEN_KEEP};
  filter = filter_with(&keep);
  KIT_OK(fm_filter_apply(filter, &m, &l, &o, NULL, &err));
  ck_assert_mem_eq(out, mask, N);
  fm_filter_destroy(filter);
}
END_TEST

/* A share of 1 keeps all; one pixel is never dropped by a floor above 0; ties stay together. */
START_TEST(floor_edges) {
  fm_filter_options options = {.size = sizeof options, .min_kept_share = 1};
  fm_filter *filter = filter_with(&options);
  uint8_t mask[6] = {1, 1, 1, 2, 2, 0}, out[6] = {0};
  float loss[6] = {100, 50, 50, 3, 3, 99};
  fm_plane m = fm_plane_make(mask, FM_U8, 2, 3), l = fm_plane_make(loss, FM_F32, 2, 3);
  fm_plane o = fm_plane_make(out, FM_U8, 2, 3);
  KIT_OK(fm_filter_apply(filter, &m, &l, &o, NULL, &err));
  ck_assert_mem_eq(out, mask, 6);
  fm_filter_destroy(filter);
  options.min_kept_share = 1e-9;
  filter = filter_with(&options);
  KIT_OK(fm_filter_apply(filter, &m, &l, &o, NULL, &err));
  static const uint8_t one_each[] = {9, 1, 1, 2, 2, 0};
  ck_assert_mem_eq(out, one_each, 6);
  fm_filter_destroy(filter);
}
END_TEST

static int by_value(const void *a, const void *b) {
  float left = *(const float *)a, right = *(const float *)b;
  return (left > right) - (left < right);
}

/* More classes than are looked at together, against their sorted losses. */
START_TEST(floor_of_many_classes) {
  enum { MANY = 60000, SIDE = 400, SIZE = SIDE * SIDE };
  fm_labels_options many = {.size = sizeof many, .class_count = MANY, .ignore_label = 65535};
  fm_filter_options options = {.size = sizeof options, .min_kept_share = 0.6};
  fm_labels *space = NULL;
  fm_filter *filter = NULL;
  double *mean = malloc(MANY * sizeof *mean);
  for (int k = 0; k < MANY; k++) mean[k] = k % 3 ? 0.25 : 1.0; /* of a third enough is kept */
  KIT_OK(fm_labels_create(context, &many, &space, &err));
  KIT_OK(fm_filter_create_from_means(space, mean, NULL, MANY, &options, &filter, &err));
  uint16_t *pixels = malloc(SIZE * sizeof *pixels), *out = malloc(SIZE * sizeof *out);
  float *losses = malloc(SIZE * sizeof *losses), *sorted = malloc(SIZE * sizeof *sorted);
  uint64_t random = 12;
  for (int i = 0; i < SIZE; i++) {
    pixels[i] = (uint16_t)kit_below(&random, MANY);
    losses[i] = (float)kit_below(&random, 1 << 20) / (1 << 20);
  }
  fm_plane mask = fm_plane_make(pixels, FM_U16, SIDE, SIDE);
  fm_plane loss = fm_plane_make(losses, FM_F32, SIDE, SIDE);
  fm_plane filtered = fm_plane_make(out, FM_U16, SIDE, SIDE);
  KIT_OK(fm_filter_apply(filter, &mask, &loss, &filtered, NULL, &err));
  for (int k = 0; k < MANY; k += 251) {
    size_t n = 0;
    for (int i = 0; i < SIZE; i++)
      if (pixels[i] == k) sorted[n++] = losses[i];
    if (!n) continue;
    qsort(sorted, n, sizeof *sorted, by_value);
    float limit = fm_filter_threshold(filter, k), least = sorted[(size_t)ceil(0.6 * (double)n) - 1];
    if (least > limit) limit = least;
    for (int i = 0; i < SIZE; i++)
      if (pixels[i] == k) ck_assert_int_eq(out[i], losses[i] > limit ? 65535 : k);
  }
  free(pixels);
  free(out);
  free(losses);
  free(sorted);
  free(mean);
  fm_filter_destroy(filter);
  fm_labels_destroy(space);
}
END_TEST

START_TEST(report_arrays_are_optional) {
  uint8_t mask[4] = {0, 1, 9, 2}, out[4] = {0};
  float loss[4] = {9, 0, 0, 0};
  fm_plane m = fm_plane_make(mask, FM_U8, 2, 2), l = fm_plane_make(loss, FM_F32, 2, 2);
  fm_plane o = fm_plane_make(out, FM_U8, 2, 2);
  fm_filter *filter = filter_with(NULL);
  fm_filter_report report = {.size = sizeof report, .valid = 77, .dropped = 77};
  KIT_OK(fm_filter_apply(filter, &m, &l, &o, &report, &err));
  ck_assert_int_eq(report.valid, 3);
  ck_assert_int_eq(report.dropped, 1);
  int64_t only[CLASSES] = {-1, -1, -1, -1};
  report.class_dropped = only;
  KIT_OK(fm_filter_apply(filter, &m, &l, &o, &report, &err));
  ck_assert_int_eq(only[0], 1);
  ck_assert_int_eq(only[1] + only[2] + only[3], 0);
  ck_assert_ptr_null(report.class_valid);
  report.size = 0;
  report.valid = 77;
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_filter_report",
            fm_filter_apply(filter, &m, &l, &o, &report, &err));
  ck_assert_int_eq(report.valid, 77);
  fm_filter_destroy(filter);
}
END_TEST

/* ---- What is refused: outputs and report stay ---------------------------------------------- */

typedef struct trial {
  fm_filter *filter;
  kit_plane mask, loss, out, weights;
} trial;

static trial new_trial(fm_dtype mask_type, kit_layout layout, double share) {
  trial t;
  uint64_t random = 3;
  fm_filter_options options = {.size = sizeof options, .min_kept_share = share};
  t.filter = filter_with(&options);
  t.mask = kit_plane_new(mask_type, H, W, layout);
  t.loss = kit_plane_new(FM_F32, H, W, layout);
  t.out = kit_plane_new(mask_type, H, W, layout);
  t.weights = kit_plane_new(FM_F32, H, W, layout);
  fill(&t.mask.view, &t.loss.view, &random);
  return t;
}

static void end_trial(trial *t) {
  fm_filter_destroy(t->filter);
  kit_plane_free(&t->mask);
  kit_plane_free(&t->loss);
  kit_plane_free(&t->out);
  kit_plane_free(&t->weights);
}

static void expect_untouched(const kit_plane *plane) {
  for (size_t i = 0; i < plane->size; i++)
    if (plane->memory[i] != 0xEE) ck_abort_msg("byte %zu was written", i);
}

/* Every way to apply refuses alike and writes nothing. */
static void refuse(const trial *t, fm_status status, const char *text) {
  counts c, c_before;
  fm_filter_report report = report_into(&c), before = report;
  c_before = c;
  const fm_plane *m = &t->mask.view, *l = &t->loss.view;
  unsigned char *mask_before = malloc(t->mask.size);
  memcpy(mask_before, t->mask.memory, t->mask.size);
  KIT_FAILS(status, text, fm_filter_apply(t->filter, m, l, &t->out.view, &report, &err));
  KIT_FAILS(status, text, fm_filter_apply(t->filter, m, l, m, &report, &err));
  if (status != FM_ERR_LIMIT)
    KIT_FAILS(status, text, fm_filter_weigh(t->filter, m, l, &t->weights.view, &report, &err));
  ck_assert_mem_eq(mask_before, t->mask.memory, t->mask.size);
  ck_assert_mem_eq(&report, &before, sizeof report);
  ck_assert_mem_eq(&c, &c_before, sizeof c);
  expect_untouched(&t->out);
  expect_untouched(&t->weights);
  free(mask_before);
}

/* Loop: layouts x floor or not. */
START_TEST(bad_losses_are_named) {
  static const float bad[] = {-1, (float)INFINITY, (float)NAN, -1e-42F};
  trial t = new_trial(FM_U8, (kit_layout)(_i / 2), _i % 2 ? 0.5 : 0);
  for (size_t i = 0; i < 4; i++) {
    kit_put_int(&t.mask.view, H - 1, W - 1, 0);
    kit_put_real(&t.loss.view, H - 1, W - 1, bad[i]);
    refuse(&t, FM_ERR_LOSS, "x 289, y 5");
    kit_put_int(&t.mask.view, 5, 0, 1);
    kit_put_real(&t.loss.view, 5, 0, bad[i]);
    refuse(&t, FM_ERR_LOSS, "x 0, y 5");
    kit_put_int(&t.mask.view, 1, 288, 3);
    kit_put_real(&t.loss.view, 1, 288, bad[i]);
    refuse(&t, FM_ERR_LOSS, "x 288, y 1");
    refuse(&t, FM_ERR_LOSS, "class 3");
    kit_put_int(&t.mask.view, 1, 288, ALSO_IGNORED);
    refuse(&t, FM_ERR_LOSS, "x 0, y 5");
    kit_put_real(&t.loss.view, 5, 0, 0);
  }
  end_trial(&t);
}
END_TEST

/* Loop: mask dtypes. */
START_TEST(bad_labels_are_named) {
  static const int64_t bad[] = {255, 65535, -1, INT32_MIN, (INT64_C(1) << 32) + 1};
  trial t = new_trial(mask_types[_i], KIT_TRANSPOSED, 0);
  char text[64];
  snprintf(text, sizeof text, "label %lld ", (long long)bad[_i]);
  kit_put_int(&t.mask.view, 5, 1, bad[_i]);
  refuse(&t, FM_ERR_LABEL, "x 1, y 5");
  refuse(&t, FM_ERR_LABEL, text);
  kit_put_int(&t.mask.view, 4, 260, bad[_i]);
  refuse(&t, FM_ERR_LABEL, "x 260, y 4");
  kit_put_int(&t.mask.view, 0, 0, 4); /* invalid by the table */
  refuse(&t, FM_ERR_LABEL, "label 4 ");
  end_trial(&t);
}
END_TEST

START_TEST(sizes_and_dtypes_must_agree) {
  trial t = new_trial(FM_U16, KIT_PACKED, 0);
  t.loss.view.width--;
  refuse(&t, FM_ERR_SHAPE, "289x6");
  t.loss.view.width++;
  t.loss.view.height--;
  refuse(&t, FM_ERR_SHAPE, "290x5");
  t.loss.view.height++;
  t.loss.view.dtype = FM_U16;
  refuse(&t, FM_ERR_UNSUPPORTED, "loss");
  t.loss.view.dtype = FM_F32;
  const fm_plane *m = &t.mask.view, *l = &t.loss.view;
  fm_plane narrow = t.out.view, other = t.out.view;
  narrow.width--;
  KIT_FAILS(FM_ERR_SHAPE, "filtered", fm_filter_apply(t.filter, m, l, &narrow, NULL, &err));
  other.dtype = FM_I16;
  KIT_FAILS(FM_ERR_ARGUMENT, "dtype", fm_filter_apply(t.filter, m, l, &other, NULL, &err));
  narrow = t.weights.view;
  narrow.height--;
  KIT_FAILS(FM_ERR_SHAPE, "weights", fm_filter_weigh(t.filter, m, l, &narrow, NULL, &err));
  narrow = t.weights.view;
  narrow.dtype = FM_BF16;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "weights", fm_filter_weigh(t.filter, m, l, &narrow, NULL, &err));
  expect_untouched(&t.out);
  expect_untouched(&t.weights);
  end_trial(&t);
}
END_TEST

START_TEST(null_arguments) {
  trial t = new_trial(FM_U8, KIT_PACKED, 0);
  const fm_plane *m = &t.mask.view, *l = &t.loss.view, *o = &t.out.view, *w = &t.weights.view;
  KIT_FAILS(FM_ERR_ARGUMENT, "filter", fm_filter_apply(NULL, m, l, o, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "mask", fm_filter_apply(t.filter, NULL, l, o, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "loss", fm_filter_apply(t.filter, m, NULL, o, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "filtered", fm_filter_apply(t.filter, m, l, NULL, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "filter", fm_filter_weigh(NULL, m, l, w, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "weights", fm_filter_weigh(t.filter, m, l, NULL, NULL, &err));
  expect_untouched(&t.out);
  end_trial(&t);
}
END_TEST

START_TEST(ignore_label_must_fit) {
  static const struct {
    int64_t ignore;
    fm_dtype dtype;
    bool fits;
  } cases[] = {{255, FM_U8, true},     {256, FM_U8, false},   {-1, FM_U8, false},
               {-1, FM_U16, false},    {-1, FM_I16, true},    {65535, FM_U16, true},
               {65535, FM_I16, false}, {32767, FM_I16, true}, {65535, FM_I32, true},
               {-1, FM_I64, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_labels *writing = labels_writing(cases[i].ignore);
    fm_filter *filter = NULL;
    KIT_OK(fm_filter_create_from_means(writing, means, NULL, CLASSES, NULL, &filter, &err));
    kit_plane mask = kit_plane_new(cases[i].dtype, 1, 2, KIT_PACKED);
    kit_plane out = kit_plane_new(cases[i].dtype, 1, 2, KIT_PACKED);
    float losses[2] = {100, 0};
    fm_plane loss = fm_plane_make(losses, FM_F32, 1, 2);
    kit_put_int(&mask.view, 0, 0, 1);
    kit_put_int(&mask.view, 0, 1, 1);
    if (cases[i].fits) {
      KIT_OK(fm_filter_apply(filter, &mask.view, &loss, &out.view, NULL, &err));
      ck_assert_int_eq(kit_get_int(&out.view, 0, 0), cases[i].ignore);
      ck_assert_int_eq(kit_get_int(&out.view, 0, 1), 1);
    } else {
      KIT_FAILS(FM_ERR_LIMIT, "ignore label",
                fm_filter_apply(filter, &mask.view, &loss, &out.view, NULL, &err));
      expect_untouched(&out);
    }
    kit_plane_free(&mask);
    kit_plane_free(&out);
    fm_filter_destroy(filter);
    fm_labels_destroy(writing);
  }
}
END_TEST

/* ---- Reach ---------------------------------------------------------------------------- */

static fm_class_stats *histogram_of(int32_t bins, const float *losses, int count) {
  fm_class_stats_options options = {.size = sizeof options, .histogram = bins};
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, &options, &stats, &err));
  uint8_t mask[64];
  for (int i = 0; i < count; i++) mask[i] = (uint8_t)(i % 2);
  fm_plane m = fm_plane_make(mask, FM_U8, 1, count), l = fm_plane_make(losses, FM_F32, 1, count);
  KIT_OK(fm_class_stats_add(stats, &m, &l, &err));
  return stats;
}

static fm_filter *filter_of(const fm_class_stats *stats) {
  fm_filter *filter = NULL;
  KIT_OK(fm_filter_create(stats, NULL, &filter, &err));
  return filter;
}

/* Plain cross-entropy of scores: between 4.07 and 5.02 nats, whatever the pixel. */
START_TEST(scores_reach_no_threshold) {
  float losses[64];
  for (int i = 0; i < 64; i++) losses[i] = 4.1F + 0.9F * (float)i / 63;
  fm_class_stats *flat = histogram_of(32, losses, 64);
  fm_filter *filter = filter_of(flat);
  int32_t classes = -1, reached = -1;
  KIT_OK(fm_filter_reach(filter, flat, &classes, &reached, &err));
  ck_assert_int_eq(classes, 2);
  ck_assert_int_eq(reached, 0);
  losses[63] = 30; /* of class 1 */
  fm_class_stats *other = histogram_of(32, losses, 64);
  KIT_OK(fm_filter_reach(filter, other, &classes, &reached, &err));
  ck_assert_int_eq(classes, 2);
  ck_assert_int_eq(reached, 1);
  losses[62] = 1e9F; /* beyond the bins */
  fm_class_stats *far = histogram_of(1, losses, 64);
  KIT_OK(fm_filter_reach(filter, far, &classes, &reached, &err));
  ck_assert_int_eq(reached, 2);
  fm_class_stats_destroy(far);
  fm_class_stats_destroy(other);
  fm_class_stats_destroy(flat);
  fm_filter_destroy(filter);
}
END_TEST

START_TEST(reach_needs_a_histogram_of_the_same_classes) {
  static const float losses[2] = {1, 2};
  fm_class_stats *with = histogram_of(4, losses, 2), *without = histogram_of(0, losses, 2);
  fm_filter *filter = filter_of(with);
  int32_t classes = -1, reached = -1;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "without a histogram",
            fm_filter_reach(filter, without, &classes, &reached, &err));
  fm_labels_options few = {.size = sizeof few, .class_count = CLASSES + 1, .ignore_label = 99};
  fm_labels *others = NULL;
  fm_class_stats *foreign = NULL;
  KIT_OK(fm_labels_create(context, &few, &others, &err));
  KIT_OK(fm_class_stats_create(others, NULL, &foreign, &err));
  KIT_FAILS(FM_ERR_MISMATCH, "classes", fm_filter_reach(filter, foreign, &classes, &reached, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_filter_reach(NULL, with, &classes, &reached, &err));
  ck_assert(classes == -1 && reached == -1);
  fm_class_stats_destroy(foreign);
  fm_labels_destroy(others);
  fm_filter_destroy(filter);
  fm_class_stats_destroy(without);
  fm_class_stats_destroy(with);
}
END_TEST

Suite *filter_suite(void) {
  Suite *suite = suite_create("filter");
  TCase *tests = tcase_create("filter");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, thresholds_are_rounded_products);
  tcase_add_test(tests, statistics_give_their_means);
  tcase_add_test(tests, unseen_classes_as_asked);
  tcase_add_test(tests, bad_options_are_refused);
  tcase_add_test(tests, reserved_field_must_be_zero);
  tcase_add_test(tests, bad_tables_are_refused);
  tcase_add_test(tests, options_follow_the_rule);
  tcase_add_loop_test(tests, every_pixel_follows_the_formula, 0, 15);
  tcase_add_test(tests, output_gaps_stay);
  tcase_add_loop_test(tests, weights_are_one_or_zero, 0, 3);
  tcase_add_test(tests, extreme_losses);
  tcase_add_test(tests, floor_edges);
  tcase_add_test(tests, floor_of_many_classes);
  tcase_add_test(tests, report_arrays_are_optional);
  tcase_add_loop_test(tests, bad_losses_are_named, 0, 2 * KIT_LAYOUTS);
  tcase_add_loop_test(tests, bad_labels_are_named, 0, 5);
  tcase_add_test(tests, sizes_and_dtypes_must_agree);
  tcase_add_test(tests, null_arguments);
  tcase_add_test(tests, ignore_label_must_fit);
  tcase_add_test(tests, scores_reach_no_threshold);
  tcase_add_test(tests, reach_needs_a_histogram_of_the_same_classes);
  suite_add_tcase(suite, tests);
  return suite;
}
