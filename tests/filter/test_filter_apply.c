/* filter/test_filter_apply.c - freemask/filter.h: filtered masks, weights and reports against the
 * formula, pixel by pixel.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "filter/test_filter_kit.h"

enum { H = 6, W = 290 };

/* ---- The formula ----------------------------------------------------------------------- */

/* What it says about an image, floor included. */
typedef struct verdict {
  bool drop[H][W];
  int64_t valid[CLASSES][STRATA], dropped[CLASSES][STRATA];
} verdict;

static int class_of(int64_t label) { return label >= 0 && label < CLASSES ? (int)label : -1; }

static int stratum_of(const fm_plane *strata, int64_t y, int64_t x) {
  return strata ? (int)kit_get_int(strata, y, x) : 0;
}

/* Without a floor. Class 1 has no real pixel in stratum 0: there it takes its mean over all. */
static float threshold_of(bool stratified, int k, int s) {
  if (!stratified) return (float)(1.25 * filter_means[k]);
  if (k == 1 && s == 0) return (float)(1.25 * ((2.0 + 0.25) * (4 + 1e-5) / (8 + 1e-5)));
  return (float)(1.25 * filter_stratum_means[k][s]);
}

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Raised to the floor's order statistic of one class and stratum in this image. */
static float raised(const fm_plane *mask, const fm_plane *loss, const fm_plane *strata, int k,
                    int s, double share) {
  static float losses[H * W];
  size_t count = 0, kept = 0;
  float threshold = threshold_of(strata != NULL, k, s);
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++)
      if (class_of(kit_get_int(mask, y, x)) == k && stratum_of(strata, y, x) == s)
        losses[count++] = kit_get_real(loss, y, x);
  qsort(losses, count, sizeof *losses, compare);
  while (kept < count && !(losses[kept] > threshold)) kept++;
  size_t wanted = (size_t)ceil(share * (double)count);
  return kept < wanted ? losses[wanted - 1] : threshold;
}

static void judge(verdict *v, const fm_plane *mask, const fm_plane *loss, const fm_plane *strata,
                  double share) {
  float threshold[CLASSES][STRATA];
  memset(v, 0, sizeof *v);
  for (int k = 0; k < CLASSES; k++)
    for (int s = 0; s < (strata ? STRATA : 1); s++)
      threshold[k][s] = raised(mask, loss, strata, k, s, share);
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++) {
      int k = class_of(kit_get_int(mask, y, x)), s = stratum_of(strata, y, x);
      if (k < 0) continue;
      v->valid[k][s]++;
      v->drop[y][x] = kit_get_real(loss, y, x) > threshold[k][s];
      v->dropped[k][s] += v->drop[y][x];
    }
}

/* ---- Images ----------------------------------------------------------------------------- */

typedef struct image {
  kit_plane mask, loss, strata;
  bool stratified;
  fm_extra_planes extra;
} image;

static const fm_extra_planes *extra_of(const image *i) { return i->stratified ? &i->extra : NULL; }
static const fm_plane *strata_of(const image *i) { return i->stratified ? &i->strata.view : NULL; }

/* Losses at thresholds, just above them, and anywhere; ignored pixels without a good one, and with
 * a stratum that does not exist. */
static void fill(const image *i, uint64_t *random) {
  static const int64_t values[] = {0, 1, 2, 3, 0, 1, ALSO_IGNORED, IGNORE};
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++) {
      int64_t label = values[kit_below(random, 8)], stratum = kit_below(random, STRATA);
      float value = kit_plain_loss(random) / 2;
      int k = class_of(label), s = i->stratified ? (int)stratum : 0;
      float threshold = k < 0 ? 0 : threshold_of(i->stratified, k, s);
      if (k >= 0 && kit_below(random, 4) == 0) value = threshold; /* just kept */
      if (k >= 0 && kit_below(random, 8) == 0) value = nextafterf(threshold, 99);
      if (k < 0 && kit_below(random, 2)) value = (float)NAN;
      if (k < 0 && kit_below(random, 2)) stratum = 200;
      if (kit_below(random, 40) == 0) value = -0.0F;
      kit_put_int(&i->mask.view, y, x, label);
      kit_put_real(&i->loss.view, y, x, value);
      kit_put_int(&i->strata.view, y, x, stratum);
    }
}

static void new_image(image *i, fm_dtype mask, fm_dtype loss, int layout, bool stratified,
                      uint64_t *random) {
  i->stratified = stratified;
  i->mask = kit_plane_new(mask, H, W, (kit_layout)(layout % KIT_LAYOUTS));
  i->loss = kit_plane_new(loss, H, W, (kit_layout)((layout / 2) % KIT_LAYOUTS));
  i->strata = kit_plane_new(FM_U8, H, W, (kit_layout)((layout / 3) % KIT_LAYOUTS));
  i->extra = (fm_extra_planes){.size = sizeof i->extra, .strata = &i->strata.view};
  fill(i, random);
}

static void free_image(image *i) {
  kit_plane_free(&i->mask);
  kit_plane_free(&i->loss);
  kit_plane_free(&i->strata);
}

static fm_filter *filter_for(const image *i, double share) {
  fm_filter_options options = {.size = sizeof options, .min_kept_share = share};
  return filter_with(i->stratified ? STRATA : 1, &options);
}

/* ---- Reports ---------------------------------------------------------------------------- */

typedef struct counts {
  int64_t class_valid[CLASSES], class_dropped[CLASSES];
  int64_t stratum_valid[CLASSES * STRATA], stratum_dropped[CLASSES * STRATA];
} counts;

static fm_filter_report report_into(counts *c) {
  memset(c, 0xAB, sizeof *c);
  return (fm_filter_report){.size = sizeof(fm_filter_report),
                            .valid = -1,
                            .dropped = -1,
                            .class_valid = c->class_valid,
                            .class_dropped = c->class_dropped,
                            .stratum_valid = c->stratum_valid,
                            .stratum_dropped = c->stratum_dropped};
}

static void expect_report(const fm_filter_report *report, const verdict *v, bool stratified) {
  int64_t valid = 0, dropped = 0;
  int strata = stratified ? STRATA : 1;
  for (int k = 0; k < CLASSES; k++) {
    int64_t class_valid = 0, class_dropped = 0;
    for (int s = 0; s < strata; s++) {
      ck_assert_int_eq(report->stratum_valid[k * strata + s], v->valid[k][s]);
      ck_assert_int_eq(report->stratum_dropped[k * strata + s], v->dropped[k][s]);
      class_valid += v->valid[k][s];
      class_dropped += v->dropped[k][s];
    }
    ck_assert_int_eq(report->class_valid[k], class_valid);
    ck_assert_int_eq(report->class_dropped[k], class_dropped);
    valid += class_valid;
    dropped += class_dropped;
  }
  ck_assert_int_eq(report->valid, valid);
  ck_assert_int_eq(report->dropped, dropped);
}

/* ---- Filtered masks --------------------------------------------------------------------- */

static void expect_filtered(const fm_plane *out, const fm_plane *mask, const verdict *v,
                            int64_t ignore) {
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++) {
      int64_t expected = v->drop[y][x] ? ignore : kit_get_int(mask, y, x);
      if (kit_get_int(out, y, x) != expected)
        ck_abort_msg("x %d y %d: %d, expected %d", (int)x, (int)y, (int)kit_get_int(out, y, x),
                     (int)expected);
    }
}

/* In place, without a report. Without a floor, filtering again changes nothing. */
static void check_in_place(const fm_filter *filter, image *i, const fm_plane *filtered,
                           const fm_filter_report *report, double share) {
  counts c;
  fm_filter_report again = report_into(&c);
  const fm_plane *m = &i->mask.view, *l = &i->loss.view;
  KIT_OK(fm_filter_apply(filter, m, l, extra_of(i), m, NULL, &err));
  for (int64_t y = 0; y < H; y++)
    for (int64_t x = 0; x < W; x++)
      if (kit_get_int(m, y, x) != kit_get_int(filtered, y, x))
        ck_abort_msg("in place differs at x %d, y %d", (int)x, (int)y);
  KIT_OK(fm_filter_apply(filter, m, l, extra_of(i), m, &again, &err));
  if (!(share > 0)) ck_assert_int_eq(again.dropped, 0);
  ck_assert_int_eq(again.valid, report->valid - report->dropped);
}

static const fm_dtype mask_types[] = {FM_U8, FM_I8, FM_U16, FM_I16, FM_U32, FM_I32, FM_U64, FM_I64};
static const fm_dtype loss_types[] = {FM_F32, FM_F16, FM_BF16, FM_F64};
enum { MASK_TYPES = 8, LOSS_TYPES = 4 };

/* Loop: mask dtype x loss dtype x one stratum or several. */
START_TEST(every_pixel_follows_the_formula) {
  static const double shares[] = {0, 0.3, 0.75, 1};
  uint64_t random = (uint64_t)_i + 1;
  fm_dtype mask_type = mask_types[_i % MASK_TYPES];
  for (int round = 0; round < 21; round++) {
    double share = shares[round % 4];
    image i;
    new_image(&i, mask_type, loss_types[_i / MASK_TYPES % LOSS_TYPES], round,
              _i >= MASK_TYPES * LOSS_TYPES, &random);
    kit_plane out = kit_plane_new(mask_type, H, W, (kit_layout)((round + round / 7) % KIT_LAYOUTS));
    verdict v;
    judge(&v, &i.mask.view, &i.loss.view, strata_of(&i), share);
    fm_filter *filter = filter_for(&i, share);
    counts c;
    fm_filter_report report = report_into(&c);
    unsigned char *mask_before = malloc(i.mask.size);
    memcpy(mask_before, i.mask.memory, i.mask.size);
    KIT_OK(fm_filter_apply(filter, &i.mask.view, &i.loss.view, extra_of(&i), &out.view, &report,
                           &err));
    ck_assert_mem_eq(mask_before, i.mask.memory, i.mask.size);
    expect_report(&report, &v, i.stratified);
    expect_filtered(&out.view, &i.mask.view, &v, IGNORE);
    check_in_place(filter, &i, &out.view, &report, share);
    free(mask_before);
    fm_filter_destroy(filter);
    kit_plane_free(&out);
    free_image(&i);
  }
}
END_TEST

/* Loop: mask dtype x filtered dtype. All labels fit; -1 is what is written where it fits. */
START_TEST(filtered_masks_of_another_type) {
  uint64_t random = (uint64_t)_i + 77;
  fm_dtype from = mask_types[_i % MASK_TYPES], to = mask_types[_i / MASK_TYPES];
  bool is_signed = to == FM_I8 || to == FM_I16 || to == FM_I32 || to == FM_I64;
  int64_t ignore = is_signed ? -1 : IGNORE + 30;
  fm_labels *labels = filter_labels_writing(ignore);
  fm_mean_table table = filter_table(1);
  fm_filter_options options = {.size = sizeof options, .min_kept_share = _i % 3 ? 0 : 0.4};
  fm_filter *filter = NULL;
  KIT_OK(fm_filter_create_from_means(labels, &table, &options, &filter, &err));
  for (int layout = 0; layout < 2 * KIT_LAYOUTS; layout++) {
    image i;
    new_image(&i, from, FM_F32, layout, false, &random);
    for (int64_t y = 0; y < H; y++)
      for (int64_t x = 0; x < W; x++)
        if (kit_get_int(&i.mask.view, y, x) == IGNORE) kit_put_int(&i.mask.view, y, x, 0);
    for (int64_t y = 0; y < H; y++)
      for (int64_t x = 0; x < W; x++)
        if (isnan(kit_get_real(&i.loss.view, y, x))) kit_put_real(&i.loss.view, y, x, 0.1F);
    kit_plane out = kit_plane_new(to, H, W, (kit_layout)((layout + layout / 7) % KIT_LAYOUTS));
    verdict v;
    judge(&v, &i.mask.view, &i.loss.view, NULL, options.min_kept_share);
    KIT_OK(fm_filter_apply(filter, &i.mask.view, &i.loss.view, NULL, &out.view, NULL, &err));
    expect_filtered(&out.view, &i.mask.view, &v, ignore);
    kit_plane_free(&out);
    free_image(&i);
  }
  fm_filter_destroy(filter);
  fm_labels_destroy(labels);
}
END_TEST

/* ---- Weights ---------------------------------------------------------------------------- */

static const fm_dtype weight_types[] = {FM_F32, FM_F16, FM_U8, FM_BF16, FM_F64};
enum { WEIGHT_TYPES = 5 };

static double weight_at(const fm_plane *weights, int64_t y, int64_t x) {
  if (weights->dtype == FM_U8) return (double)kit_get_int(weights, y, x);
  if (weights->dtype != FM_F64) return (double)kit_get_real(weights, y, x);
  double value;
  int64_t row = weights->row_stride ? weights->row_stride : W * (int64_t)sizeof value;
  int64_t col = weights->col_stride ? weights->col_stride : (int64_t)sizeof value;
  memcpy(&value, (const char *)weights->data + y * row + x * col, sizeof value);
  return value;
}

/* Loop: weight dtypes x one stratum or several. */
START_TEST(weights_follow_the_formula) {
  uint64_t random = 12;
  fm_dtype type = weight_types[_i % WEIGHT_TYPES];
  for (int layout = 0; layout < 2 * KIT_LAYOUTS; layout++) {
    image i;
    new_image(&i, FM_U8, FM_F32, layout + 2, _i >= WEIGHT_TYPES, &random);
    kit_plane out = kit_plane_new(type, H, W, (kit_layout)(layout % KIT_LAYOUTS));
    double share = layout % 2 ? 0.6 : 0;
    fm_weight_options options = {.size = sizeof options, .dropped = type == FM_U8 ? 1 : 0.375};
    const fm_weight_options *given = layout % 3 ? &options : NULL;
    double dropped = given ? options.dropped : 0;
    verdict v;
    judge(&v, &i.mask.view, &i.loss.view, strata_of(&i), share);
    fm_filter *filter = filter_for(&i, share);
    counts c;
    fm_filter_report report = report_into(&c);
    KIT_OK(fm_filter_weigh(filter, &i.mask.view, &i.loss.view, extra_of(&i), given, &out.view,
                           &report, &err));
    expect_report(&report, &v, i.stratified);
    for (int64_t y = 0; y < H; y++)
      for (int64_t x = 0; x < W; x++) {
        double expected = v.drop[y][x] ? dropped : 1;
        if (class_of(kit_get_int(&i.mask.view, y, x)) < 0) expected = 0;
        if (weight_at(&out.view, y, x) != expected)
          ck_abort_msg("x %d, y %d: weight %g, expected %g", (int)x, (int)y,
                       weight_at(&out.view, y, x), expected);
      }
    fm_filter_destroy(filter);
    kit_plane_free(&out);
    free_image(&i);
  }
}
END_TEST

/* The weight of a dropped pixel is rounded to the type once: against a search for the nearest. */
START_TEST(weights_are_rounded_to_nearest) {
  uint8_t label = 0;
  float value = 100;
  fm_plane mask = fm_plane_make(&label, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_filter *filter = filter_with(1, NULL);
  uint64_t random = 5;
  for (int i = 0; i < 3000; i++) {
    double number = ldexp((double)(kit_random(&random) >> 11), -53 - (int)kit_below(&random, 32));
    if (i % 3 == 0) number = kit_half_value((uint16_t)kit_below(&random, 0x3C00)); /* halves and */
    if (i % 6 == 0) number += ldexp(1, -25); /* what is between two of them, or near to that */
    if (i == 0) number = 0x1.fffffffffffffp-1;
    if (i == 6) number = 0x1p-25;
    if (i == 12) number = 5e-324;
    fm_weight_options options = {.size = sizeof options, .dropped = number};
    uint16_t half = 1, brain = 1;
    float single = -1;
    double whole = -1;
    const fm_plane outs[] = {
        fm_plane_make(&half, FM_F16, 1, 1), fm_plane_make(&brain, FM_BF16, 1, 1),
        fm_plane_make(&single, FM_F32, 1, 1), fm_plane_make(&whole, FM_F64, 1, 1)};
    for (int t = 0; t < 4; t++)
      KIT_OK(fm_filter_weigh(filter, &mask, &loss, NULL, &options, &outs[t], NULL, &err));
    ck_assert(whole == number);
    ck_assert(single == (float)number);
    uint16_t best = 0, best_brain = 0;
    for (uint16_t b = 0; b <= 0x3C00; b++) { /* all halves up to 1 */
      double here = fabs(kit_half_value(b) - number), before = fabs(kit_half_value(best) - number);
      if (here < before || (here == before && b % 2 == 0)) best = b;
    }
    for (uint16_t b = 0; b <= 0x3F80; b++) {
      double here = fabs((double)kit_bfloat_value(b) - number);
      double before = fabs((double)kit_bfloat_value(best_brain) - number);
      if (here < before || (here == before && b % 2 == 0)) best_brain = b;
    }
    ck_assert_msg(half == best, "%a: half %04x, expected %04x", number, half, best);
    ck_assert_msg(brain == best_brain, "%a: bfloat %04x, expected %04x", number, brain, best_brain);
  }
  fm_filter_destroy(filter);
}
END_TEST

/* ---- Edges ------------------------------------------------------------------------------ */

/* Only pixels are written: not the gaps of a strided output, not what is around it. */
START_TEST(output_gaps_stay) {
  static const kit_layout gapped[] = {KIT_PADDED, KIT_STRIDED, KIT_UNALIGNED};
  static const fm_dtype types[] = {FM_U16, FM_F32, FM_I64, FM_F16};
  fm_weight_options options = {.size = sizeof options, .dropped = 0.5};
  uint64_t random = 4;
  fm_filter *filter = filter_with(1, NULL);
  for (int t = 0; t < 12; t++) {
    image i;
    new_image(&i, FM_U16, FM_F32, 0, false, &random);
    kit_plane out = kit_plane_new(types[t / 3], H, W, gapped[t % 3]);
    const fm_plane *m = &i.mask.view, *l = &i.loss.view;
    if (types[t / 3] == FM_F32 || types[t / 3] == FM_F16)
      KIT_OK(fm_filter_weigh(filter, m, l, NULL, &options, &out.view, NULL, &err));
    else
      KIT_OK(fm_filter_apply(filter, m, l, NULL, &out.view, NULL, &err));
    /* Put the fill pattern back over the pixels: nothing else may differ from it. */
    for (int64_t y = 0; y < H; y++)
      for (int64_t x = 0; x < W; x++) {
        unsigned char *at =
            (unsigned char *)out.view.data + y * out.view.row_stride + x * out.view.col_stride;
        memset(at, 0xEE, fm_dtype_size((fm_dtype)out.view.dtype));
      }
    for (size_t b = 0; b < out.size; b++)
      if (out.memory[b] != 0xEE) ck_abort_msg("byte %zu was written", b);
    kit_plane_free(&out);
    free_image(&i);
  }
  fm_filter_destroy(filter);
}
END_TEST

START_TEST(extreme_losses) {
  static const float losses[] = {0, -0.0F, 1e-45F, FLT_MIN, FLT_MAX, 2.5F, 2.5000002F, 2.4999998F};
  enum { N = 8 };
  uint8_t mask[N] = {0}, out[N] = {0};
  fm_plane m = fm_plane_make(mask, FM_U8, 1, N), o = fm_plane_make(out, FM_U8, 1, N);
  fm_plane l = fm_plane_make(losses, FM_F32, 1, N);
  fm_filter *filter = filter_with(1, NULL);
  memset(mask, 1, N); /* threshold 2.5 */
  KIT_OK(fm_filter_apply(filter, &m, &l, NULL, &o, NULL, &err));
  static const uint8_t expected1[] = {1, 1, 1, 1, 9, 1, 9, 1};
  ck_assert_mem_eq(out, expected1, N);
  memset(mask, 2, N); /* unseen: threshold 0; -0 and 0 stay */
  KIT_OK(fm_filter_apply(filter, &m, &l, NULL, &o, NULL, &err));
  static const uint8_t expected2[] = {2, 2, 9, 9, 9, 9, 9, 9};
  ck_assert_mem_eq(out, expected2, N);
  fm_filter_destroy(filter);
  fm_filter_options keep = {.size = sizeof keep, .unseen = FM_UNSEEN_KEEP};
  filter = filter_with(1, &keep);
  KIT_OK(fm_filter_apply(filter, &m, &l, NULL, &o, NULL, &err));
  ck_assert_mem_eq(out, mask, N);
  fm_filter_destroy(filter);
}
END_TEST

/* A share of 1 keeps all; one pixel is never dropped by a floor above 0; ties stay together. */
START_TEST(floor_edges) {
  fm_filter_options options = {.size = sizeof options, .min_kept_share = 1};
  fm_filter *filter = filter_with(1, &options);
  uint8_t mask[6] = {1, 1, 1, 2, 2, 0}, out[6] = {0};
  float loss[6] = {100, 50, 50, 3, 3, 99};
  fm_plane m = fm_plane_make(mask, FM_U8, 2, 3), l = fm_plane_make(loss, FM_F32, 2, 3);
  fm_plane o = fm_plane_make(out, FM_U8, 2, 3);
  KIT_OK(fm_filter_apply(filter, &m, &l, NULL, &o, NULL, &err));
  ck_assert_mem_eq(out, mask, 6);
  fm_filter_destroy(filter);
  options.min_kept_share = 1e-9;
  filter = filter_with(1, &options);
  KIT_OK(fm_filter_apply(filter, &m, &l, NULL, &o, NULL, &err));
  static const uint8_t one_each[] = {9, 1, 1, 2, 2, 0};
  ck_assert_mem_eq(out, one_each, 6);
  fm_filter_destroy(filter);
}
END_TEST

/* Loop: one stratum or two. More cells than are looked at together, against their sorted losses. */
START_TEST(floor_of_many_classes) {
  enum { MANY = 60000, SIDE = 400, SIZE = SIDE * SIDE };
  const int strata = _i + 1;
  fm_labels_options many = {.size = sizeof many,
                            .class_count = MANY,
                            .ignored_labels = (const int64_t[]){65535},
                            .ignored_count = 1};
  fm_filter_options options = {.size = sizeof options, .min_kept_share = 0.6};
  fm_labels *space = NULL;
  fm_filter *filter = NULL;
  size_t cells = (size_t)MANY * (size_t)strata;
  double *mean = malloc(cells * sizeof *mean);
  int64_t *seen = malloc(cells * sizeof *seen);
  for (size_t c = 0; c < cells; c++) {
    mean[c] = c % 3 ? 0.25 : 1.0; /* of a third enough is kept */
    seen[c] = 1;
  }
  fm_mean_table table = kit_mean_table(MANY, mean, seen);
  table.strata = strata;
  KIT_OK(fm_labels_create(filter_context, &many, &space, &err));
  KIT_OK(fm_filter_create_from_means(space, &table, &options, &filter, &err));
  uint16_t *pixels = malloc(SIZE * sizeof *pixels), *out = malloc(SIZE * sizeof *out);
  uint8_t *stratum = malloc(SIZE);
  float *losses = malloc(SIZE * sizeof *losses), *sorted = malloc(SIZE * sizeof *sorted);
  uint64_t random = 12;
  for (int i = 0; i < SIZE; i++) {
    pixels[i] = (uint16_t)kit_below(&random, i % 2 ? MANY : 9);
    stratum[i] = (uint8_t)kit_below(&random, strata);
    losses[i] = (float)kit_below(&random, 1 << 20) / (1 << 20);
  }
  fm_plane mask = fm_plane_make(pixels, FM_U16, SIDE, SIDE);
  fm_plane loss = fm_plane_make(losses, FM_F32, SIDE, SIDE);
  fm_plane filtered = fm_plane_make(out, FM_U16, SIDE, SIDE);
  fm_plane of = fm_plane_make(stratum, FM_U8, SIDE, SIDE);
  fm_extra_planes extra = {.size = sizeof extra, .strata = strata > 1 ? &of : NULL};
  KIT_OK(fm_filter_apply(filter, &mask, &loss, &extra, &filtered, NULL, &err));
  for (int k = 0; k < MANY; k += k < 9 ? 1 : 251)
    for (int s = 0; s < strata; s++) {
      size_t n = 0;
      for (int i = 0; i < SIZE; i++)
        if (pixels[i] == k && stratum[i] == s) sorted[n++] = losses[i];
      if (!n) continue;
      qsort(sorted, n, sizeof *sorted, compare);
      float limit = fm_filter_threshold(filter, k, s);
      float least = sorted[(size_t)ceil(0.6 * (double)n) - 1];
      if (least > limit) limit = least;
      for (int i = 0; i < SIZE; i++)
        if (pixels[i] == k && stratum[i] == s)
          ck_assert_int_eq(out[i], losses[i] > limit ? 65535 : k);
    }
  free(stratum);
  free(pixels);
  free(out);
  free(losses);
  free(sorted);
  free(seen);
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
  fm_filter *filter = filter_with(1, NULL);
  fm_filter_report report = {.size = sizeof report, .valid = 77, .dropped = 77};
  KIT_OK(fm_filter_apply(filter, &m, &l, NULL, &o, &report, &err));
  ck_assert_int_eq(report.valid, 3);
  ck_assert_int_eq(report.dropped, 1);
  int64_t only[CLASSES] = {-1, -1, -1, -1};
  int64_t **arrays[] = {&report.class_dropped, &report.stratum_dropped};
  for (int i = 0; i < 2; i++) {
    *arrays[i] = only;
    memset(only, 0xFF, sizeof only);
    KIT_OK(fm_filter_apply(filter, &m, &l, NULL, &o, &report, &err));
    ck_assert_int_eq(only[0], 1);
    ck_assert_int_eq(only[1] + only[2] + only[3], 0);
    *arrays[i] = NULL;
  }
  ck_assert_ptr_null(report.class_valid);
  report.size = 0;
  report.valid = 77;
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_filter_report",
            fm_filter_apply(filter, &m, &l, NULL, &o, &report, &err));
  ck_assert_int_eq(report.valid, 77);
  fm_filter_destroy(filter);
}
END_TEST

/* The same in a context without vector kernels. */
TCase *filter_plain_case(void) {
  TCase *tests = tcase_create("plain");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, filter_set_up_plain, filter_tear_down);
  tcase_add_loop_test(tests, every_pixel_follows_the_formula, 0, 2 * MASK_TYPES * LOSS_TYPES);
  tcase_add_loop_test(tests, filtered_masks_of_another_type, 0, MASK_TYPES * MASK_TYPES);
  tcase_add_loop_test(tests, weights_follow_the_formula, 0, 2 * WEIGHT_TYPES);
  return tests;
}

TCase *filter_apply_case(void) {
  TCase *tests = tcase_create("apply");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, filter_set_up, filter_tear_down);
  tcase_add_loop_test(tests, every_pixel_follows_the_formula, 0, 2 * MASK_TYPES * LOSS_TYPES);
  tcase_add_loop_test(tests, filtered_masks_of_another_type, 0, MASK_TYPES * MASK_TYPES);
  tcase_add_loop_test(tests, weights_follow_the_formula, 0, 2 * WEIGHT_TYPES);
  tcase_add_test(tests, weights_are_rounded_to_nearest);
  tcase_add_test(tests, output_gaps_stay);
  tcase_add_test(tests, extreme_losses);
  tcase_add_test(tests, floor_edges);
  tcase_add_loop_test(tests, floor_of_many_classes, 0, 2);
  tcase_add_test(tests, report_arrays_are_optional);
  return tests;
}
