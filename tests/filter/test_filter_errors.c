/* filter/test_filter_errors.c - freemask/filter.h: what applying refuses; outputs and report stay.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/test_filter_kit.h"

enum { H = 6, W = 290 };

typedef struct trial {
  fm_filter *filter;
  kit_plane mask, loss, strata, out, weights;
  fm_extra_planes extra;
} trial;

static trial new_trial(fm_dtype mask_type, kit_layout layout, int strata, double share) {
  trial t;
  uint64_t random = 3;
  fm_filter_options options = {.size = sizeof options, .min_kept_share = share};
  t.filter = filter_with(strata, &options);
  t.mask = kit_plane_new(mask_type, H, W, layout);
  t.loss = kit_plane_new(FM_F32, H, W, layout);
  t.strata = kit_plane_new(FM_U8, H, W, layout);
  t.out = kit_plane_new(mask_type, H, W, layout);
  t.weights = kit_plane_new(FM_F32, H, W, layout);
  t.extra = (fm_extra_planes){.size = sizeof t.extra};
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++) {
      kit_put_int(&t.mask.view, y, x, kit_below(&random, CLASSES));
      kit_put_real(&t.loss.view, y, x, kit_plain_loss(&random));
      kit_put_int(&t.strata.view, y, x, kit_below(&random, STRATA));
    }
  return t;
}

/* Pointers into the trial, which has to stay where it is. */
static void use_strata(trial *t) { t->extra.strata = &t->strata.view; }

static void end_trial(trial *t) {
  fm_filter_destroy(t->filter);
  kit_plane_free(&t->mask);
  kit_plane_free(&t->loss);
  kit_plane_free(&t->strata);
  kit_plane_free(&t->out);
  kit_plane_free(&t->weights);
}

static void expect_untouched(const kit_plane *plane) {
  for (size_t i = 0; i < plane->size; i++)
    if (plane->memory[i] != 0xEE) ck_abort_msg("byte %zu was written", i);
}

/* Every way to apply refuses alike and writes nothing. */
static void refuse(const trial *t, fm_status status, const char *text) {
  int64_t counts[2][CLASSES] = {{-3, -3}, {-3, -3}}, before_counts[2][CLASSES];
  fm_filter_report report = {.size = sizeof report, .valid = -1, .dropped = -1};
  report.class_valid = counts[0];
  report.class_dropped = counts[1];
  fm_filter_report before = report;
  memcpy(before_counts, counts, sizeof counts);
  const fm_plane *m = &t->mask.view, *l = &t->loss.view;
  unsigned char *mask_before = malloc(t->mask.size);
  memcpy(mask_before, t->mask.memory, t->mask.size);
  KIT_FAILS(status, text, fm_filter_apply(t->filter, m, l, &t->extra, &t->out.view, &report, &err));
  KIT_FAILS(status, text, fm_filter_apply(t->filter, m, l, &t->extra, m, &report, &err));
  KIT_FAILS(status, text,
            fm_filter_weigh(t->filter, m, l, &t->extra, NULL, &t->weights.view, &report, &err));
  ck_assert_mem_eq(mask_before, t->mask.memory, t->mask.size);
  ck_assert_mem_eq(&report, &before, sizeof report);
  ck_assert_mem_eq(counts, before_counts, sizeof counts);
  expect_untouched(&t->out);
  expect_untouched(&t->weights);
  free(mask_before);
}

/* ---- Bad pixels ------------------------------------------------------------------------- */

/* Loop: layouts x floor or not x one stratum or several. */
START_TEST(bad_losses_are_named) {
  static const float bad[] = {-1, (float)INFINITY, (float)NAN, -1.1e-5F};
  int strata = _i < 2 * KIT_LAYOUTS ? 1 : STRATA;
  trial t = new_trial(FM_U8, (kit_layout)(_i / 2 % KIT_LAYOUTS), strata, _i % 2 ? 0.5 : 0);
  if (strata > 1) use_strata(&t);
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
  static const fm_dtype types[] = {FM_U8, FM_U16, FM_I16, FM_I32, FM_I64};
  static const int64_t bad[] = {255, 65535, -1, INT32_MIN, (INT64_C(1) << 32) + 1};
  trial t = new_trial(types[_i], KIT_TRANSPOSED, _i % 2 ? STRATA : 1, 0);
  if (_i % 2) use_strata(&t);
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

/* Loop: layouts. */
START_TEST(bad_strata_are_named) {
  trial t = new_trial(FM_U8, (kit_layout)_i, STRATA, 0.5);
  use_strata(&t);
  kit_put_int(&t.strata.view, 5, 3, 255);
  refuse(&t, FM_ERR_ARGUMENT, "x 3, y 5");
  kit_put_int(&t.strata.view, 5, 2, STRATA);
  refuse(&t, FM_ERR_ARGUMENT, "strata: 3 at pixel (x 2, y 5), expected 0 to 2");
  kit_put_int(&t.mask.view, 5, 2, IGNORE); /* then its stratum does not matter */
  refuse(&t, FM_ERR_ARGUMENT, "strata: 255 at pixel (x 3, y 5)");
  end_trial(&t);
}
END_TEST

/* ---- Planes that do not belong together -------------------------------------------------- */

START_TEST(sizes_and_dtypes_must_agree) {
  trial t = new_trial(FM_U16, KIT_PACKED, 1, 0);
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
  fm_plane narrow = t.out.view;
  narrow.width--;
  KIT_FAILS(FM_ERR_SHAPE, "filtered", fm_filter_apply(t.filter, m, l, NULL, &narrow, NULL, &err));
  narrow = t.out.view;
  narrow.dtype = FM_F32;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "filtered",
            fm_filter_apply(t.filter, m, l, NULL, &narrow, NULL, &err));
  narrow = t.weights.view;
  narrow.height--;
  KIT_FAILS(FM_ERR_SHAPE, "weights",
            fm_filter_weigh(t.filter, m, l, NULL, NULL, &narrow, NULL, &err));
  static const int32_t types[] = {FM_I8, FM_U16, FM_I32, FM_I64};
  for (int i = 0; i < 4; i++) {
    narrow = t.weights.view;
    narrow.dtype = types[i];
    KIT_FAILS(FM_ERR_UNSUPPORTED, "weights",
              fm_filter_weigh(t.filter, m, l, NULL, NULL, &narrow, NULL, &err));
  }
  expect_untouched(&t.out);
  expect_untouched(&t.weights);
  end_trial(&t);
}
END_TEST

START_TEST(strata_must_belong_to_the_filter) {
  trial one = new_trial(FM_U8, KIT_PACKED, 1, 0), several = new_trial(FM_U8, KIT_PACKED, STRATA, 0);
  use_strata(&one);
  refuse(&one, FM_ERR_ARGUMENT, "strata");
  refuse(&several, FM_ERR_ARGUMENT, "strata");
  use_strata(&several);
  several.strata.view.width--;
  refuse(&several, FM_ERR_SHAPE, "strata");
  several.strata.view.width++;
  several.strata.view.dtype = FM_I8;
  refuse(&several, FM_ERR_UNSUPPORTED, "strata");
  several.strata.view.dtype = FM_U8;
  several.extra.reference = &several.loss.view;
  refuse(&several, FM_ERR_ARGUMENT, "reference");
  several.extra.reference = NULL;
  several.extra.size = 3;
  refuse(&several, FM_ERR_ARGUMENT, "fm_extra_planes");
  end_trial(&several);
  end_trial(&one);
}
END_TEST

START_TEST(null_arguments) {
  trial t = new_trial(FM_U8, KIT_PACKED, 1, 0);
  const fm_plane *m = &t.mask.view, *l = &t.loss.view, *o = &t.out.view, *w = &t.weights.view;
  KIT_FAILS(FM_ERR_ARGUMENT, "filter", fm_filter_apply(NULL, m, l, NULL, o, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "mask", fm_filter_apply(t.filter, NULL, l, NULL, o, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "loss", fm_filter_apply(t.filter, m, NULL, NULL, o, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "filtered", fm_filter_apply(t.filter, m, l, NULL, NULL, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "filter", fm_filter_weigh(NULL, m, l, NULL, NULL, w, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "weights",
            fm_filter_weigh(t.filter, m, l, NULL, NULL, NULL, NULL, &err));
  expect_untouched(&t.out);
  end_trial(&t);
}
END_TEST

/* ---- Labels that do not fit --------------------------------------------------------------- */

START_TEST(ignore_label_must_fit) {
  static const struct {
    int64_t ignore;
    fm_dtype dtype; /* of the filtered mask; the mask itself is U8 */
    bool fits;
  } cases[] = {
      {255, FM_U8, true},    {256, FM_U8, false},   {-1, FM_U8, false},     {-1, FM_U16, false},
      {-1, FM_I16, true},    {65535, FM_U16, true}, {65535, FM_I16, false}, {32767, FM_I16, true},
      {65535, FM_I32, true}, {-1, FM_I64, true},    {127, FM_I8, true},     {128, FM_I8, false},
      {-1, FM_I8, true},     {-1, FM_U32, false},   {-1, FM_U64, false},    {65535, FM_U64, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_labels_options options = {.size = sizeof options, .class_count = 4};
    options.ignored_labels = &cases[i].ignore;
    options.ignored_count = 1;
    fm_labels *writing = NULL;
    KIT_OK(fm_labels_create(filter_context, &options, &writing, &err));
    fm_mean_table table = filter_table(1);
    fm_filter *filter = NULL;
    KIT_OK(fm_filter_create_from_means(writing, &table, NULL, &filter, &err));
    uint8_t pixels[2] = {1, 1};
    fm_plane mask = fm_plane_make(pixels, FM_U8, 1, 2);
    kit_plane out = kit_plane_new(cases[i].dtype, 1, 2, KIT_PACKED);
    float losses[2] = {100, 0};
    fm_plane loss = fm_plane_make(losses, FM_F32, 1, 2);
    if (cases[i].fits) {
      KIT_OK(fm_filter_apply(filter, &mask, &loss, NULL, &out.view, NULL, &err));
      ck_assert_int_eq(kit_get_int(&out.view, 0, 0), cases[i].ignore);
      ck_assert_int_eq(kit_get_int(&out.view, 0, 1), 1);
    } else {
      char text[80];
      snprintf(text, sizeof text, "ignore label %lld ", (long long)cases[i].ignore);
      KIT_FAILS(FM_ERR_LIMIT, text,
                fm_filter_apply(filter, &mask, &loss, NULL, &out.view, NULL, &err));
      expect_untouched(&out);
    }
    kit_plane_free(&out);
    fm_filter_destroy(filter);
    fm_labels_destroy(writing);
  }
}
END_TEST

/* Of several ignored labels the first that the type can hold is written. */
START_TEST(the_first_ignored_label_that_fits_is_written) {
  static const int64_t ignored[] = {-1, 256, 255, 9};
  static const struct {
    fm_dtype dtype;
    int64_t written;
  } cases[] = {{FM_I8, -1}, {FM_I16, -1}, {FM_I64, -1}, {FM_U8, 255}, {FM_U16, 256}, {FM_U32, 256}};
  fm_labels_options options = {.size = sizeof options, .class_count = 4};
  options.ignored_labels = ignored;
  options.ignored_count = 4;
  fm_labels *labels = NULL;
  fm_filter *filter = NULL;
  fm_mean_table table = filter_table(1);
  KIT_OK(fm_labels_create(filter_context, &options, &labels, &err));
  KIT_OK(fm_filter_create_from_means(labels, &table, NULL, &filter, &err));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t pixels[2] = {1, 1};
    float losses[2] = {100, 0};
    fm_plane mask = fm_plane_make(pixels, FM_U8, 1, 2), loss = fm_plane_make(losses, FM_F32, 1, 2);
    kit_plane out = kit_plane_new(cases[i].dtype, 1, 2, KIT_PACKED);
    KIT_OK(fm_filter_apply(filter, &mask, &loss, NULL, &out.view, NULL, &err));
    ck_assert_int_eq(kit_get_int(&out.view, 0, 0), cases[i].written);
    ck_assert_int_eq(fm_labels_ignore_label_in(labels, (int32_t)cases[i].dtype), cases[i].written);
    kit_plane_free(&out);
  }
  fm_filter_destroy(filter);
  fm_labels_destroy(labels);
}
END_TEST

/* A label of the mask, also an ignored one, that the filtered mask cannot hold. */
START_TEST(labels_must_fit) {
  int32_t classes[302];
  for (int i = 0; i < 302; i++) classes[i] = i == 300 || i == 99 ? FM_CLASS_IGNORE : 0;
  fm_labels_options options = {.size = sizeof options,
                               .class_count = 1,
                               .label_count = 302,
                               .ignored_labels = (const int64_t[]){99},
                               .ignored_count = 1,
                               .classes = classes};
  static const double means[] = {1};
  fm_mean_table table = kit_mean_table(1, means, NULL);
  fm_labels *labels = NULL;
  fm_filter *filter = NULL;
  KIT_OK(fm_labels_create(filter_context, &options, &labels, &err));
  KIT_OK(fm_filter_create_from_means(labels, &table, NULL, &filter, &err));
  int32_t pixels[2][3] = {{5, 99, 127}, {0, 1, 2}};
  float losses[2][3] = {{0, 0, 9}, {0, 0, 0}};
  fm_plane mask = fm_plane_make(pixels, FM_I32, 2, 3), loss = fm_plane_make(losses, FM_F32, 2, 3);
  static const fm_dtype small[] = {FM_I8, FM_U8};
  static const int32_t too_large[] = {128, 300};
  for (int i = 0; i < 2; i++) {
    kit_plane out = kit_plane_new(small[i], 2, 3, KIT_PACKED);
    pixels[1][1] = too_large[i];
    char text[80];
    snprintf(text, sizeof text, "label %d at pixel (x 1, y 1)", (int)too_large[i]);
    KIT_FAILS(FM_ERR_LIMIT, text,
              fm_filter_apply(filter, &mask, &loss, NULL, &out.view, NULL, &err));
    expect_untouched(&out);
    pixels[1][1] = i ? 255 : 127;
    KIT_OK(fm_filter_apply(filter, &mask, &loss, NULL, &out.view, NULL, &err));
    ck_assert_int_eq(kit_get_int(&out.view, 0, 2), 99);
    ck_assert_int_eq(kit_get_int(&out.view, 1, 1), i ? 255 : 127);
    kit_plane_free(&out);
  }
  fm_filter_destroy(filter);
  fm_labels_destroy(labels);
}
END_TEST

/* ---- Overlap -------------------------------------------------------------------------------- */

enum { SIDE = 16, ROOM = 8 * SIDE * SIDE };

/* A plane in the shared memory. */
static fm_plane at(unsigned char *memory, size_t offset, fm_dtype dtype, int64_t row, int64_t col) {
  fm_plane plane = fm_plane_make(memory + offset, dtype, SIDE, SIDE);
  plane.row_stride = row;
  plane.col_stride = col;
  return plane;
}

static void expect_overlap(const fm_filter *filter, const fm_plane *mask, const fm_plane *loss,
                           const fm_extra_planes *extra, const fm_plane *out, const char *text,
                           const unsigned char *memory) {
  unsigned char before[ROOM];
  memcpy(before, memory, ROOM);
  bool weights = out->dtype == FM_F32 || out->dtype == FM_F16;
  if (!weights)
    KIT_FAILS(FM_ERR_ARGUMENT, text, fm_filter_apply(filter, mask, loss, extra, out, NULL, &err));
  if (weights || out->dtype == FM_U8)
    KIT_FAILS(FM_ERR_ARGUMENT, text,
              fm_filter_weigh(filter, mask, loss, extra, NULL, out, NULL, &err));
  ck_assert_mem_eq(before, memory, ROOM);
}

START_TEST(outputs_may_not_overlap_inputs) {
  static unsigned char memory[ROOM];
  memset(memory, 0, sizeof memory);
  fm_filter *one = filter_with(1, NULL), *several = filter_with(STRATA, NULL);
  fm_plane mask = at(memory, 0, FM_U8, SIDE, 1);
  fm_plane loss = at(memory, (size_t)SIDE * SIDE, FM_F32, 4 * SIDE, 4);
  fm_plane strata = at(memory, (size_t)5 * SIDE * SIDE, FM_U8, SIDE, 1);
  fm_extra_planes extra = {.size = sizeof extra, .strata = &strata};
  fm_plane shifted = at(memory, 1, FM_U8, SIDE, 1);
  expect_overlap(one, &mask, &loss, NULL, &shifted, "overlaps the mask", memory);
  shifted = at(memory, SIDE, FM_U8, SIDE, 1);
  expect_overlap(one, &mask, &loss, NULL, &shifted, "overlaps the mask", memory);
  fm_plane flipped = at(memory, SIDE * (SIDE - 1), FM_U8, -SIDE, 1);
  expect_overlap(one, &mask, &loss, NULL, &flipped, "overlaps the mask", memory);
  fm_plane turned = at(memory, 0, FM_U8, 1, SIDE);
  expect_overlap(one, &mask, &loss, NULL, &turned, "overlaps the mask", memory);
  fm_plane other_type = at(memory, 0, FM_I8, SIDE, 1);
  expect_overlap(one, &mask, &loss, NULL, &other_type, "overlaps the mask", memory);
  fm_plane wider = at(memory, 0, FM_U16, 2 * SIDE, 2);
  expect_overlap(one, &mask, &loss, NULL, &wider, "overlaps the mask", memory);
  fm_plane over_losses = at(memory, (size_t)2 * SIDE * SIDE, FM_U8, SIDE, 1);
  expect_overlap(one, &mask, &loss, NULL, &over_losses, "overlaps the loss", memory);
  expect_overlap(one, &mask, &loss, NULL, &loss, "overlaps the loss", memory); /* weights */
  expect_overlap(several, &mask, &loss, &extra, &strata, "overlaps the strata", memory);
  fm_plane halves = at(memory, (size_t)5 * SIDE * SIDE + 8, FM_F16, 2 * SIDE, 2);
  expect_overlap(several, &mask, &loss, &extra, &halves, "overlaps the strata", memory);
  /* Weights may not be the mask, either; a filtered mask may. */
  KIT_FAILS(FM_ERR_ARGUMENT, "overlaps the mask",
            fm_filter_weigh(one, &mask, &loss, NULL, NULL, &mask, NULL, &err));
  KIT_OK(fm_filter_apply(one, &mask, &loss, NULL, &mask, NULL, &err));
  KIT_OK(fm_filter_apply(several, &mask, &loss, &extra, &mask, NULL, &err));
  fm_plane packed =
      fm_plane_make(memory, FM_U8, SIDE, SIDE); /* the same strides, not spelled out */
  KIT_OK(fm_filter_apply(one, &mask, &loss, NULL, &packed, NULL, &err));
  fm_filter_destroy(several);
  fm_filter_destroy(one);
}
END_TEST

/* Views of one buffer that share no byte: channels of interleaved pixels, halves of rows, every
 * second row. */
START_TEST(interleaved_views_are_fine) {
  static unsigned char memory[ROOM];
  float losses[SIDE * SIDE];
  static const struct {
    size_t mask, out;
    int64_t row, col;
  } cases[] = {
      {0, 1, 2 * SIDE, 2}, {0, SIDE, 2 * SIDE, 1}, {2, 0, 3 * SIDE, 3}, {0, 2 * SIDE, 4 * SIDE, 1}};
  fm_filter *filter = filter_with(1, NULL);
  fm_plane loss = fm_plane_make(losses, FM_F32, SIDE, SIDE);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memset(memory, 7, sizeof memory);
    fm_plane mask = at(memory, cases[i].mask, FM_U8, cases[i].row, cases[i].col);
    fm_plane out = at(memory, cases[i].out, FM_U8, cases[i].row, cases[i].col);
    for (int p = 0; p < SIDE * SIDE; p++) {
      kit_put_int(&mask, p / SIDE, p % SIDE, 1);
      losses[p] = p % 3 ? 0 : 9;
    }
    KIT_OK(fm_filter_apply(filter, &mask, &loss, NULL, &out, NULL, &err));
    for (int p = 0; p < SIDE * SIDE; p++) {
      ck_assert_int_eq(kit_get_int(&mask, p / SIDE, p % SIDE), 1);
      ck_assert_int_eq(kit_get_int(&out, p / SIDE, p % SIDE), p % 3 ? 1 : IGNORE);
    }
  }
  fm_filter_destroy(filter);
}
END_TEST

/* ---- Weight options ---------------------------------------------------------------------- */

START_TEST(bad_weight_options_are_refused) {
  trial t = new_trial(FM_U8, KIT_PACKED, 1, 0);
  const fm_plane *m = &t.mask.view, *l = &t.loss.view, *w = &t.weights.view;
  kit_plane bytes = kit_plane_new(FM_U8, H, W, KIT_PACKED);
  static const double dropped[] = {-1e-9, 1.0000001, (double)NAN, (double)INFINITY};
  for (int i = 0; i < 4; i++) {
    fm_weight_options options = {.size = sizeof options, .dropped = dropped[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "dropped",
              fm_filter_weigh(t.filter, m, l, NULL, &options, w, NULL, &err));
  }
  fm_weight_options options = {.size = sizeof options, .kind = 3};
  KIT_FAILS(FM_ERR_UNSUPPORTED, "kind",
            fm_filter_weigh(t.filter, m, l, NULL, &options, w, NULL, &err));
  static const double wrong[] = {-1e-9, 64.1, (double)NAN, (double)INFINITY};
  for (int i = 0; i < 4; i++) {
    options =
        (fm_weight_options){.size = sizeof options, .kind = FM_WEIGHT_RAMP, .width = wrong[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "width",
              fm_filter_weigh(t.filter, m, l, NULL, &options, w, NULL, &err));
    options =
        (fm_weight_options){.size = sizeof options, .kind = FM_WEIGHT_POWER, .gamma = wrong[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "gamma",
              fm_filter_weigh(t.filter, m, l, NULL, &options, w, NULL, &err));
  }
  options = (fm_weight_options){.size = sizeof options, .gamma = 1};
  KIT_FAILS(FM_ERR_ARGUMENT, "gamma",
            fm_filter_weigh(t.filter, m, l, NULL, &options, w, NULL, &err));
  options = (fm_weight_options){.size = sizeof options, .reserved = 1};
  KIT_FAILS(FM_ERR_ARGUMENT, "reserved",
            fm_filter_weigh(t.filter, m, l, NULL, &options, w, NULL, &err));
  options = (fm_weight_options){.size = sizeof options, .dropped = 0.5};
  KIT_FAILS(FM_ERR_ARGUMENT, "u8",
            fm_filter_weigh(t.filter, m, l, NULL, &options, &bytes.view, NULL, &err));
  expect_untouched(&t.weights);
  expect_untouched(&bytes);
  kit_plane_free(&bytes);
  end_trial(&t);
}
END_TEST

static fm_status weigh_with(const void *options, void *user, fm_error *err) {
  const trial *t = user;
  return fm_filter_weigh(t->filter, &t->mask.view, &t->loss.view, NULL, options, &t->weights.view,
                         NULL, err);
}

static fm_status apply_with(const void *extra, void *user, fm_error *err) {
  const trial *t = user;
  return fm_filter_apply(t->filter, &t->mask.view, &t->loss.view, extra, &t->out.view, NULL, err);
}

START_TEST(structures_follow_the_rule) {
  trial t = new_trial(FM_U8, KIT_PACKED, 1, 0);
  fm_weight_options options = {.size = sizeof options, .dropped = 0.5};
  kit_options_rule("fm_weight_options", &options, sizeof options, weigh_with, &t);
  fm_extra_planes extra = {.size = sizeof extra};
  kit_options_rule("fm_extra_planes", &extra, sizeof extra, apply_with, &t);
  end_trial(&t);
}
END_TEST

TCase *filter_errors_case(void) {
  TCase *tests = tcase_create("errors");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, filter_set_up, filter_tear_down);
  tcase_add_loop_test(tests, bad_losses_are_named, 0, 4 * KIT_LAYOUTS);
  tcase_add_loop_test(tests, bad_labels_are_named, 0, 5);
  tcase_add_loop_test(tests, bad_strata_are_named, 0, KIT_LAYOUTS);
  tcase_add_test(tests, sizes_and_dtypes_must_agree);
  tcase_add_test(tests, strata_must_belong_to_the_filter);
  tcase_add_test(tests, null_arguments);
  tcase_add_test(tests, ignore_label_must_fit);
  tcase_add_test(tests, the_first_ignored_label_that_fits_is_written);
  tcase_add_test(tests, labels_must_fit);
  tcase_add_test(tests, outputs_may_not_overlap_inputs);
  tcase_add_test(tests, interleaved_views_are_fine);
  tcase_add_test(tests, bad_weight_options_are_refused);
  tcase_add_test(tests, structures_follow_the_rule);
  return tests;
}
