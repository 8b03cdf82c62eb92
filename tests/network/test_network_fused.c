/* network/test_network_fused.c - the fused calls against a loss map and the call that takes it, to
 * the bit: sums of losses are exact, so one loss that differs in its last bit changes them.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { IGNORED = 60000 };

/* What a network puts out, and how it is told apart. */
typedef enum form { LOGITS, PROBS, SCORES, BINARY, QUERIES, QUERIES_COMPOSED, FORMS } form;

static const char *const form_names[FORMS] = {"logits", "probs",   "scores",
                                              "binary", "queries", "queries, composed first"};

typedef struct trial {
  form how;
  int classes, queries; /* queries: of the two forms that have them */
  int h, w, height, width;
  bool corners;
  uint32_t kernels;
} trial;

typedef struct scene {
  const trial *t;
  fm_labels *labels;
  fm_network_loss *model;
  float *values, *class_logits, *loss;
  uint16_t *mask;
  fm_network_output output;
  fm_plane mask_view, loss_view;
} scene;

static bool is_queries(form how) { return how >= QUERIES; }

static float number(uint64_t *state, float low, float high) {
  return low + (high - low) * (float)kit_below(state, 1 << 20) * 0x1p-20F;
}

static void fill_output(scene *s, int channels) {
  const trial *t = s->t;
  uint64_t state = 17;
  size_t pixels = (size_t)t->h * (size_t)t->w, count = pixels * (size_t)channels;
  bool shares = t->how == PROBS || t->how == SCORES;
  s->values = malloc(count * sizeof *s->values);
  ck_assert_ptr_nonnull(s->values);
  for (size_t i = 0; i < count; i++)
    s->values[i] = shares ? number(&state, 0.001F, 1) : number(&state, -6, 6);
  for (size_t p = 0; p < pixels && t->how == PROBS; p++) {
    float sum = 0;
    for (int c = 0; c < channels; c++) sum += s->values[(size_t)c * pixels + p];
    for (int c = 0; c < channels; c++) s->values[(size_t)c * pixels + p] /= sum;
  }
  s->output = kit_output(fm_volume_make(s->values, FM_F32, channels, t->h, t->w));
  if (!is_queries(t->how)) return;
  size_t logits = (size_t)channels * (size_t)(t->classes + 1);
  s->class_logits = malloc(logits * sizeof *s->class_logits);
  ck_assert_ptr_nonnull(s->class_logits);
  for (size_t i = 0; i < logits; i++) s->class_logits[i] = number(&state, -3, 3);
  s->output.class_logits = fm_plane_make(s->class_logits, FM_F32, channels, t->classes + 1);
}

/* Patches of every size, some pixels ignored. */
static void fill_mask(scene *s) {
  const trial *t = s->t;
  size_t pixels = (size_t)t->height * (size_t)t->width;
  uint64_t state = 99;
  uint16_t label = 0;
  s->mask = malloc(pixels * sizeof *s->mask);
  s->loss = malloc(pixels * sizeof *s->loss);
  ck_assert(s->mask && s->loss);
  for (size_t i = 0; i < pixels; i++) {
    if (kit_below(&state, 30) == 0) label = (uint16_t)kit_below(&state, t->classes);
    s->mask[i] = kit_below(&state, 40) == 0 ? IGNORED : label;
  }
  s->mask_view = fm_plane_make(s->mask, FM_U16, t->height, t->width);
  s->loss_view = fm_plane_make(s->loss, FM_F32, t->height, t->width);
}

static fm_network_loss_options options_of(const trial *t) {
  static const int32_t kinds[FORMS] = {FM_OUTPUT_LOGITS, FM_OUTPUT_PROBS,  FM_OUTPUT_SCORES,
                                       FM_OUTPUT_LOGITS, FM_OUTPUT_SCORES, FM_OUTPUT_SCORES};
  fm_network_loss_options o = {.size = sizeof o,
                               .kind = kinds[t->how],
                               .align_corners = t->corners,
                               .binary = t->how == BINARY,
                               .trust_kind = 1,
                               .compose_first = t->how == QUERIES_COMPOSED};
  return o;
}

/* False if this machine has no such kernels. */
static bool open_scene(scene *s, const trial *t) {
  memset(s, 0, sizeof *s);
  s->t = t;
  fm_context_options co = {.size = sizeof co, .kernels = t->kernels};
  fm_context *context;
  if (fm_context_create(&co, &context, NULL)) return false;
  fm_labels_options lo = {.size = sizeof lo,
                          .class_count = t->classes,
                          .ignored_labels = (const int64_t[]){IGNORED},
                          .ignored_count = 1};
  fm_network_loss_options no = options_of(t);
  KIT_OK(fm_labels_create(context, &lo, &s->labels, &err));
  KIT_OK(fm_network_loss_create(s->labels, &no, &s->model, &err));
  fm_context_destroy(context);
  fill_output(s, t->how == BINARY ? 1 : is_queries(t->how) ? t->queries : t->classes);
  fill_mask(s);
  return true;
}

static void close_scene(scene *s) {
  free(s->mask);
  free(s->loss);
  free(s->class_logits);
  free(s->values);
  fm_network_loss_destroy(s->model);
  fm_labels_destroy(s->labels);
}

/* ---- The two ways --------------------------------------------------------------------------- */

static fm_status map_losses(const scene *s, fm_error *err) {
  return fm_network_loss_map(s->model, &s->output, &s->mask_view, &s->loss_view, err);
}

static fm_status add_output(const scene *s, fm_class_stats *stats, fm_error *err) {
  return fm_class_stats_add_output(stats, s->model, &s->output, &s->mask_view, NULL, err);
}

static fm_status apply_output(const scene *s, const fm_filter *filter, const fm_plane *filtered,
                              fm_filter_report *report, fm_error *err) {
  return fm_filter_apply_output(filter, s->model, &s->output, &s->mask_view, NULL, filtered, report,
                                err);
}

static int64_t *words_of(const fm_class_stats *stats) {
  size_t count = (size_t)fm_class_stats_word_count(stats);
  int64_t *words = malloc(count * sizeof *words);
  ck_assert_ptr_nonnull(words);
  KIT_OK(fm_class_stats_export(stats, words, (int64_t)count, &err));
  return words;
}

static void expect_equal_words(const fm_class_stats *a, const fm_class_stats *b, const char *what) {
  int64_t *one = words_of(a), *other = words_of(b);
  size_t size = (size_t)fm_class_stats_word_count(a) * sizeof *one;
  ck_assert_msg(memcmp(one, other, size) == 0, "%s: sums of losses differ", what);
  free(other);
  free(one);
}

static fm_class_stats *compare_stats(scene *s, const char *what) {
  fm_class_stats *direct, *stepwise;
  fm_class_stats_options so = {.size = sizeof so, .histogram = 32};
  KIT_OK(fm_class_stats_create(s->labels, &so, &direct, &err));
  KIT_OK(fm_class_stats_create(s->labels, &so, &stepwise, &err));
  KIT_OK(fm_class_stats_add(stepwise, &s->mask_view, &s->loss_view, NULL, &err));
  KIT_OK(add_output(s, direct, &err));
  expect_equal_words(direct, stepwise, what);
  fm_class_stats_destroy(direct);
  return stepwise;
}

static void compare_filtered(scene *s, const fm_class_stats *stats, double floor,
                             const char *what) {
  fm_filter_options fo = {.size = sizeof fo, .min_kept_share = floor};
  fm_filter *filter;
  KIT_OK(fm_filter_create(stats, &fo, &filter, &err));
  size_t pixels = (size_t)s->t->height * (size_t)s->t->width;
  uint16_t *masks[2];
  fm_filter_report reports[2];
  for (int i = 0; i < 2; i++) {
    masks[i] = malloc(pixels * sizeof *masks[i]);
    ck_assert_ptr_nonnull(masks[i]);
    reports[i] = (fm_filter_report){.size = sizeof reports[i]};
    fm_plane to = fm_plane_make(masks[i], FM_U16, s->t->height, s->t->width);
    if (i)
      KIT_OK(apply_output(s, filter, &to, &reports[i], &err));
    else
      KIT_OK(fm_filter_apply(filter, &s->mask_view, &s->loss_view, NULL, &to, &reports[i], &err));
  }
  ck_assert_msg(memcmp(masks[0], masks[1], pixels * sizeof *masks[0]) == 0,
                "%s: filtered masks differ", what);
  ck_assert_int_eq(reports[0].valid, reports[1].valid);
  ck_assert_int_eq(reports[0].dropped, reports[1].dropped);
  free(masks[1]);
  free(masks[0]);
  fm_filter_destroy(filter);
}

static void compare(const trial *t) {
  char what[160];
  snprintf(what, sizeof what, "%s, %d classes, %dx%d to %dx%d, corners %d, kernels %u",
           form_names[t->how], t->classes, t->w, t->h, t->width, t->height, t->corners,
           (unsigned)t->kernels);
  scene s;
  if (!open_scene(&s, t)) return;
  KIT_OK(map_losses(&s, &err));
  fm_class_stats *stats = compare_stats(&s, what);
  compare_filtered(&s, stats, 0, what);
  if (t->kernels == 0) compare_filtered(&s, stats, 0.6, what);
  fm_class_stats_destroy(stats);
  close_scene(&s);
}

/* ---- Sizes ---------------------------------------------------------------------------------- */

/* Of the output and of the mask. Rows are cut at heights above 96 where the width is 512. */
static const int sizes[][4] = {
    {25, 128, 100, 512},   /* 4 */
    {128, 128, 512, 512},  /* 4 */
    {64, 64, 512, 512},    /* 8 */
    {32, 37, 515, 331},    /* 16.1 and 8.9 */
    {71, 97, 333, 515},    /* odd and odd */
    {100, 100, 101, 1500}, /* about 1, 15 */
    {150, 700, 301, 1401}, /* more than a strip */
    {3, 5, 517, 513},      /* blocks are many to an interval */
    {1, 1, 300, 300},      /* all one interval */
    {300, 400, 210, 313},  /* down */
    {130, 513, 130, 513},  /* as large as the mask */
    {2, 9001, 7, 36001},   /* rows of more than a part */
    {2, 60000, 2, 60000},  /* the same, as large as the mask */
};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static trial trial_of(int size, form how, int classes) {
  const int *s = sizes[size];
  trial t = {how, classes, 7, s[0], s[1], s[2], s[3], false, 0};
  return t;
}

START_TEST(fused_calls_equal_the_two_steps_to_the_bit) {
  for (int how = 0; how < FORMS; how++)
    for (int corners = 0; corners < 2; corners++) {
      if (how == QUERIES_COMPOSED && _i % 4 != 0) continue; /* slow: each pixel by itself */
      trial t = trial_of(_i, (form)how, how == BINARY ? 2 : 3);
      t.corners = corners;
      compare(&t);
    }
}
END_TEST

START_TEST(every_level_of_kernels_does_so) {
  static const form forms[] = {LOGITS, SCORES, QUERIES};
  for (uint32_t kernels = FM_KERNELS_C; kernels <= FM_KERNELS_NEON; kernels++)
    for (int i = 0; i < 3; i++) {
      trial t = trial_of(_i, forms[i], 5);
      t.kernels = kernels;
      compare(&t);
    }
}
END_TEST

/* So many that fewer columns fit a strip. */
START_TEST(many_channels_do_so) {
  trial t = trial_of(_i % 5, _i < 5 ? LOGITS : QUERIES, 400);
  t.queries = 300;
  compare(&t);
}
END_TEST

/* ---- Strata and weights ---------------------------------------------------------------------- */

enum { STRATA = 3, LATE_ROW = 400, LATE_COLUMN = 500 };

/* 0 .. STRATA - 1 for each pixel; what is ignored has one that does not exist. */
static unsigned char *strata_of(const scene *s) {
  size_t pixels = (size_t)s->t->height * (size_t)s->t->width;
  unsigned char *strata = malloc(pixels);
  ck_assert_ptr_nonnull(strata);
  for (size_t i = 0; i < pixels; i++)
    strata[i] = s->mask[i] == IGNORED ? 200 : (unsigned char)(i / 7 % STRATA);
  return strata;
}

static fm_filter *stratified_filter(const scene *s, double floor) {
  const double means[3 * STRATA] = {0.5, 1, 1.5, 1, 2, 3, 0.25, 4, 2};
  const int64_t pixels[3 * STRATA] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  fm_mean_table table = {.size = sizeof table,
                         .class_count = 3,
                         .strata = STRATA,
                         .mean_loss = means,
                         .pixels = pixels};
  fm_filter_options fo = {.size = sizeof fo, .min_kept_share = floor};
  fm_filter *filter = NULL;
  KIT_OK(fm_filter_create_from_means(s->labels, &table, &fo, &filter, &err));
  return filter;
}

typedef struct tally {
  int64_t class_valid[3], class_dropped[3], valid[3 * STRATA], dropped[3 * STRATA];
} tally;

static fm_filter_report report_of(tally *t) {
  fm_filter_report report = {.size = sizeof report,
                             .class_valid = t->class_valid,
                             .class_dropped = t->class_dropped,
                             .stratum_valid = t->valid,
                             .stratum_dropped = t->dropped};
  return report;
}

/* Both ways into planes of `dtype`, by `call` 0: filtered, 1: weights. */
static void compare_stratified(scene *s, const fm_filter *filter, const fm_extra_planes *extra,
                               fm_dtype dtype, bool weigh) {
  size_t size = (size_t)s->t->height * (size_t)s->t->width * fm_dtype_size(dtype);
  fm_weight_options wo = {.size = sizeof wo, .dropped = dtype == FM_U8 ? 1 : 0.25};
  void *memory[2];
  tally tallies[2];
  fm_filter_report reports[2];
  for (int fused = 0; fused < 2; fused++) {
    memory[fused] = malloc(size);
    ck_assert_ptr_nonnull(memory[fused]);
    fm_plane out = fm_plane_make(memory[fused], dtype, s->t->height, s->t->width);
    fm_filter_report *report = &reports[fused];
    *report = report_of(&tallies[fused]);
    if (weigh && fused)
      KIT_OK(fm_filter_weigh_output(filter, s->model, &s->output, &s->mask_view, extra, &wo, &out,
                                    report, &err));
    else if (weigh)
      KIT_OK(fm_filter_weigh(filter, &s->mask_view, &s->loss_view, extra, &wo, &out, report, &err));
    else if (fused)
      KIT_OK(fm_filter_apply_output(filter, s->model, &s->output, &s->mask_view, extra, &out,
                                    report, &err));
    else
      KIT_OK(fm_filter_apply(filter, &s->mask_view, &s->loss_view, extra, &out, report, &err));
  }
  ck_assert_msg(memcmp(memory[0], memory[1], size) == 0, "dtype %d", (int)dtype);
  ck_assert_mem_eq(&tallies[0], &tallies[1], sizeof tallies[0]);
  ck_assert(reports[0].valid == reports[1].valid && reports[0].dropped == reports[1].dropped);
  ck_assert(reports[0].dropped > 0);
  free(memory[1]);
  free(memory[0]);
}

START_TEST(strata_and_weights_do_so) {
  trial t = trial_of(1, _i % 2 ? QUERIES : LOGITS, 3);
  scene s;
  ck_assert(open_scene(&s, &t));
  unsigned char *strata = strata_of(&s);
  fm_plane plane = fm_plane_make(strata, FM_U8, t.height, t.width);
  fm_extra_planes extra = {.size = sizeof extra, .strata = &plane};
  KIT_OK(map_losses(&s, &err));
  fm_class_stats_options so = {.size = sizeof so, .strata = STRATA};
  fm_class_stats *direct, *stepwise;
  KIT_OK(fm_class_stats_create(s.labels, &so, &direct, &err));
  KIT_OK(fm_class_stats_create(s.labels, &so, &stepwise, &err));
  KIT_OK(fm_class_stats_add(stepwise, &s.mask_view, &s.loss_view, &extra, &err));
  KIT_OK(fm_class_stats_add_output(direct, s.model, &s.output, &s.mask_view, &extra, &err));
  expect_equal_words(direct, stepwise, "strata");
  fm_filter *filter = stratified_filter(&s, _i / 2 ? 0.6 : 0);
  static const fm_dtype masks[] = {FM_U16, FM_I32, FM_I64};
  static const fm_dtype weights[] = {FM_F32, FM_F16, FM_BF16, FM_F64, FM_U8};
  for (int i = 0; i < 3; i++) compare_stratified(&s, filter, &extra, masks[i], false);
  for (int i = 0; i < 5; i++) compare_stratified(&s, filter, &extra, weights[i], true);
  fm_filter_destroy(filter);
  fm_class_stats_destroy(stepwise);
  fm_class_stats_destroy(direct);
  free(strata);
  close_scene(&s);
}
END_TEST

/* Parts have coordinates of their own, which no message shows. */
START_TEST(messages_name_pixels_of_the_mask) {
  trial t = trial_of(1, LOGITS, 3);
  scene s;
  ck_assert(open_scene(&s, &t));
  unsigned char *strata = strata_of(&s), *narrow = calloc((size_t)t.height, (size_t)t.width);
  ck_assert_ptr_nonnull(narrow);
  fm_plane plane = fm_plane_make(strata, FM_U8, t.height, t.width);
  fm_plane out = fm_plane_make(narrow, FM_U8, t.height, t.width);
  fm_extra_planes extra = {.size = sizeof extra, .strata = &plane};
  fm_filter *filter = stratified_filter(&s, 0);
  tally numbers;
  fm_filter_report report = report_of(&numbers);
  report.valid = -7;
  size_t late = (size_t)(LATE_ROW * t.width + LATE_COLUMN);
  s.mask[late] = 1;
  strata[late] = STRATA;
  KIT_FAILS(FM_ERR_ARGUMENT, "strata: 3 at pixel (x 500, y 400), expected 0 to 2",
            fm_filter_weigh_output(filter, s.model, &s.output, &s.mask_view, &extra, NULL, &out,
                                   &report, &err));
  strata[late] = 0;
  KIT_FAILS(FM_ERR_LIMIT, "the ignore label 60000",
            fm_filter_apply_output(filter, s.model, &s.output, &s.mask_view, &extra, &out, &report,
                                   &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "strata is NULL",
            fm_filter_apply_output(filter, s.model, &s.output, &s.mask_view, NULL, &s.mask_view,
                                   &report, &err));
  fm_plane on_strata = fm_plane_make(strata, FM_U8, t.height, t.width);
  KIT_FAILS(FM_ERR_ARGUMENT, "strata",
            fm_filter_weigh_output(filter, s.model, &s.output, &s.mask_view, &extra, NULL,
                                   &on_strata, &report, &err));
  s.mask[late] = 7;
  KIT_FAILS(FM_ERR_LABEL, "(x 500, y 400)",
            fm_filter_weigh_output(filter, s.model, &s.output, &s.mask_view, &extra, NULL, &out,
                                   &report, &err));
  ck_assert_int_eq(report.valid, -7);
  for (size_t i = 0; i < late; i++) ck_assert(narrow[i] == 0);
  free(narrow);
  fm_filter_destroy(filter);
  free(strata);
  close_scene(&s);
}
END_TEST

START_TEST(label_spaces_have_to_agree) {
  trial t = trial_of(0, LOGITS, 3), other = trial_of(0, LOGITS, 5);
  scene s, five;
  ck_assert(open_scene(&s, &t) && open_scene(&five, &other));
  fm_filter *filter = stratified_filter(&s, 0);
  fm_class_stats *stats;
  KIT_OK(fm_class_stats_create(s.labels, NULL, &stats, &err));
  KIT_FAILS(FM_ERR_MISMATCH, "label spaces differ", add_output(&five, stats, &err));
  KIT_FAILS(FM_ERR_MISMATCH, "label spaces differ",
            apply_output(&five, filter, &five.mask_view, NULL, &err));
  ck_assert_int_eq(fm_class_stats_image_count(stats), 0);
  fm_class_stats_destroy(stats);
  fm_filter_destroy(filter);
  close_scene(&five);
  close_scene(&s);
}
END_TEST

Suite *network_fused_suite(void) {
  Suite *suite = suite_create("network_fused");
  TCase *c = tcase_create("bits");
  tcase_set_timeout(c, 120);
  tcase_add_loop_test(c, fused_calls_equal_the_two_steps_to_the_bit, 0, SIZES);
  tcase_add_loop_test(c, every_level_of_kernels_does_so, 0, 8);
  tcase_add_loop_test(c, many_channels_do_so, 0, 10);
  tcase_add_loop_test(c, strata_and_weights_do_so, 0, 4);
  tcase_add_test(c, messages_name_pixels_of_the_mask);
  tcase_add_test(c, label_spaces_have_to_agree);
  suite_add_tcase(suite, c);
  return suite;
}
