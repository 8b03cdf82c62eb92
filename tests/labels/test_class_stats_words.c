/* labels/test_class_stats_words.c - freemask/class_stats.h: what words belong to, blobs, sums from
 * elsewhere, getters.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { CLASSES = 3, IGNORE = 255, STRATA = 2, BINS = 34, CELL = 12 + BINS };

static fm_context *context;
static fm_labels *labels;

static fm_labels *labels_called(fm_context *of, const char *sky) {
  const char *const names[] = {sky, "road", "car"};
  fm_labels_options options = {.size = sizeof options,
                               .name = "street",
                               .class_count = CLASSES,
                               .ignored_labels = (const int64_t[]){IGNORE},
                               .ignored_count = 1,
                               .class_names = names};
  fm_labels *made = NULL;
  KIT_OK(fm_labels_create(of, &options, &made, &err));
  return made;
}

static void set_up(void) {
  context = kit_plain_context();
  labels = labels_called(context, "sky");
}

static void tear_down(void) {
  fm_labels_destroy(labels);
  fm_context_destroy(context);
}

static fm_class_stats *make_stats(const fm_labels *space, int32_t strata, int32_t histogram) {
  fm_class_stats_options options = {
      .size = sizeof options, .strata = strata, .histogram = histogram};
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(space, &options, &stats, &err));
  return stats;
}

/* Adds one pixel. */
static void add(fm_class_stats *stats, uint8_t label, uint8_t stratum, float value) {
  fm_plane mask = fm_plane_make(&label, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_plane strata = fm_plane_make(&stratum, FM_U8, 1, 1);
  fm_class_stats_options options = {.size = sizeof options};
  KIT_OK(fm_class_stats_get_options(stats, &options, &err));
  fm_extra_planes extra = {.size = sizeof extra, .strata = options.strata > 1 ? &strata : NULL};
  KIT_OK(fm_class_stats_add(stats, &mask, &loss, &extra, &err));
}

static void add_random(fm_class_stats *stats, uint64_t seed) {
  for (int i = 0; i < 60; i++)
    add(stats, (uint8_t)kit_below(&seed, CLASSES), (uint8_t)kit_below(&seed, STRATA),
        kit_wild_loss(&seed));
}

static bool same_words(const fm_class_stats *a, const fm_class_stats *b) {
  int64_t count = fm_class_stats_word_count(a);
  if (fm_class_stats_word_count(b) != count) return false;
  int64_t *left = malloc(2 * (size_t)count * sizeof *left), *right = left + count;
  KIT_OK(fm_class_stats_export(a, left, count, &err));
  KIT_OK(fm_class_stats_export(b, right, count, &err));
  bool same = !memcmp(left, right, (size_t)count * sizeof *left);
  free(left);
  return same;
}

/* ---- Getters ------------------------------------------------------------------------------ */

START_TEST(options_can_be_read_back) {
  static const int32_t made[][2] = {{0, 0}, {1, 32}, {255, 0}, {2, 1}, {7, 8}};
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
    fm_class_stats *stats = make_stats(labels, made[i][0], made[i][1]);
    fm_class_stats_options got = {.size = sizeof got, .score = 9, .reserved = 9};
    got.reserved = 0;
    KIT_OK(fm_class_stats_get_options(stats, &got, &err));
    ck_assert_int_eq(got.strata, made[i][0] ? made[i][0] : 1);
    ck_assert_int_eq(got.histogram, made[i][1]);
    ck_assert_int_eq(got.score, FM_SCORE_LOSS);
    ck_assert_ptr_eq(fm_class_stats_labels(stats), labels);
    fm_class_stats_layout layout = {.size = sizeof layout};
    KIT_OK(fm_class_stats_get_layout(stats, &layout, &err));
    ck_assert_uint_eq(layout.labels_fingerprint, fm_labels_fingerprint(labels));
    ck_assert_int_eq(layout.class_count, CLASSES);
    ck_assert_int_eq(layout.strata, got.strata);
    ck_assert_int_eq(layout.histogram, got.histogram);
    ck_assert_int_eq(layout.score, FM_SCORE_LOSS);
    KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_get_options(stats, NULL, &err));
    KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_get_layout(stats, NULL, &err));
    layout.size = 9;
    KIT_FAILS(FM_ERR_ARGUMENT, "size is 9", fm_class_stats_get_layout(stats, &layout, &err));
    fm_class_stats_destroy(stats);
  }
  fm_class_stats_options got = {.size = sizeof got};
  fm_class_stats_layout layout = {.size = sizeof layout};
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_get_options(NULL, &got, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_get_layout(NULL, &layout, &err));
  ck_assert_ptr_null(fm_class_stats_labels(NULL));
}
END_TEST

START_TEST(means_of_all_classes) {
  fm_class_stats *stats = make_stats(labels, STRATA, 1);
  add(stats, 0, 0, 1);
  add(stats, 0, 1, 3);
  add(stats, 2, 1, 0.5F);
  double means[CLASSES];
  KIT_OK(fm_class_stats_means(stats, FM_ALL_STRATA, means, CLASSES, &err));
  ck_assert(means[0] == 4 / (2 + 1e-5) && means[1] == 0 && means[2] == 0.5 / (1 + 1e-5));
  KIT_OK(fm_class_stats_means(stats, 1, means, CLASSES, &err));
  ck_assert(means[0] == 3 / (1 + 1e-5) && means[1] == 0 && means[2] == 0.5 / (1 + 1e-5));
  KIT_OK(fm_class_stats_means(stats, 0, means, CLASSES, &err));
  ck_assert(means[0] == 1 / (1 + 1e-5) && means[1] == 0 && means[2] == 0);
  KIT_FAILS(FM_ERR_ARGUMENT, "stratum is 2", fm_class_stats_means(stats, 2, means, CLASSES, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "stratum is -2",
            fm_class_stats_means(stats, -2, means, CLASSES, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "class_count is 2", fm_class_stats_means(stats, 0, means, 2, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_means(stats, 0, NULL, CLASSES, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_means(NULL, 0, means, CLASSES, &err));
  ck_assert(means[0] == 1 / (1 + 1e-5));
  fm_class_stats_destroy(stats);
}
END_TEST

/* Strata with histograms: each has its quantiles, and all together theirs. Losses lie at the start
 * of their bins, so that quantiles are known. */
START_TEST(quantiles_by_stratum_and_over_all) {
  fm_class_stats *stats = make_stats(labels, STRATA, 1);
  for (int i = 0; i < 4; i++) add(stats, 1, 0, 0.5F);
  for (int i = 0; i < 4; i++) add(stats, 1, 1, 2);
  double out;
  KIT_OK(fm_class_stats_quantile(stats, 1, 0, 0.5, &out, &err));
  ck_assert(out == 0.75); /* half of the bin [0.5, 1) */
  KIT_OK(fm_class_stats_quantile(stats, 1, 1, 0.25, &out, &err));
  ck_assert(out == 2.5); /* a quarter of [2, 4) */
  KIT_OK(fm_class_stats_quantile(stats, 1, FM_ALL_STRATA, 0.25, &out, &err));
  ck_assert(out == 0.75);
  KIT_OK(fm_class_stats_quantile(stats, 1, FM_ALL_STRATA, 0.75, &out, &err));
  ck_assert(out == 3);
  KIT_FAILS(FM_ERR_EMPTY, "class 0", fm_class_stats_quantile(stats, 0, 0, 0.5, &out, &err));
  fm_class_stats_destroy(stats);
}
END_TEST

/* ---- What words belong to ------------------------------------------------------------------ */

START_TEST(foreign_words_are_refused) {
  fm_class_stats *stats = make_stats(labels, STRATA, 1), *into = make_stats(labels, STRATA, 1);
  add_random(stats, 4);
  int64_t count = fm_class_stats_word_count(stats);
  int64_t *words = malloc((size_t)count * sizeof *words);
  KIT_OK(fm_class_stats_export(stats, words, count, &err));
  fm_class_stats_layout right = {.size = sizeof right}, wrong;
  KIT_OK(fm_class_stats_get_layout(stats, &right, &err));
  static const char *const texts[] = {
      "class_count 4, these statistics have 3", "strata 3, these statistics have 2",
      "histogram 2, these statistics have 1", "score 1, these statistics have 0", "fingerprint"};
  for (int i = 0; i < 5; i++) {
    wrong = right;
    if (i == 0) wrong.class_count++;
    if (i == 1) wrong.strata++;
    if (i == 2) wrong.histogram++;
    if (i == 3) wrong.score++;
    if (i == 4) wrong.labels_fingerprint ^= 1;
    KIT_FAILS(FM_ERR_MISMATCH, texts[i], fm_class_stats_import(into, words, count, &wrong, &err));
  }
  wrong = right;
  wrong.size = 8;
  KIT_FAILS(FM_ERR_ARGUMENT, "size is 8", fm_class_stats_import(into, words, count, &wrong, &err));
  ck_assert_int_eq(fm_class_stats_image_count(into), 0);

  /* Other names: as many words, of another meaning. */
  fm_labels *other = labels_called(context, "cloud");
  fm_class_stats *foreign = make_stats(other, STRATA, 1);
  KIT_FAILS(FM_ERR_MISMATCH, "street", fm_class_stats_import(foreign, words, count, &right, &err));
  KIT_OK(fm_class_stats_import(foreign, words, count, NULL, &err));
  KIT_OK(fm_class_stats_import(into, words, count, &right, &err));
  ck_assert(same_words(into, stats));
  free(words);
  fm_class_stats_destroy(foreign);
  fm_class_stats_destroy(into);
  fm_class_stats_destroy(stats);
  fm_labels_destroy(other);
}
END_TEST

/* ---- Blobs ---------------------------------------------------------------------------------- */

/* By the header's description, bit by bit. */
static void put(unsigned char *blob, size_t index, uint64_t number) {
  for (int b = 0; b < 64; b++) {
    unsigned char *byte = blob + 8 * index + b / 8;
    if (b % 8 == 0) *byte = 0;
    *byte |= (unsigned char)((number >> b & 1) << (b % 8));
  }
}

/* FNV-1a from its definition, over all numbers but number 7. */
static void sign(unsigned char *blob, size_t size) {
  uint64_t hash = 14695981039346656037U;
  for (size_t i = 0; i < size; i++)
    if (i / 8 != 7) hash = (hash ^ blob[i]) * 1099511628211U;
  put(blob, 7, hash);
}

typedef struct blob {
  unsigned char *bytes; /* not aligned */
  size_t size;
  unsigned char *memory;
} blob;

static blob save(const fm_class_stats *stats) {
  blob made = {.size = fm_class_stats_blob_size(stats)};
  made.memory = malloc(made.size + 1);
  made.bytes = made.memory + 1;
  KIT_OK(fm_class_stats_save(stats, made.bytes, made.size, &err));
  return made;
}

START_TEST(blobs_are_what_the_header_says) {
  fm_class_stats *stats = make_stats(labels, STRATA, 1);
  add_random(stats, 9);
  int64_t count = fm_class_stats_word_count(stats);
  int64_t *words = malloc((size_t)count * sizeof *words);
  KIT_OK(fm_class_stats_export(stats, words, count, &err));
  blob saved = save(stats);
  ck_assert_uint_eq(saved.size, 64 + 8 * (size_t)count);
  unsigned char *expected = malloc(saved.size);
  memcpy(expected, "\xAASTATS01", 8);
  put(expected, 1, fm_labels_fingerprint(labels));
  put(expected, 2, CLASSES);
  put(expected, 3, STRATA);
  put(expected, 4, 1);
  put(expected, 5, FM_SCORE_LOSS);
  put(expected, 6, (uint64_t)count);
  for (size_t i = 0; i < (size_t)count; i++) put(expected, 8 + i, (uint64_t)words[i]);
  sign(expected, saved.size);
  ck_assert_mem_eq(saved.bytes, expected, saved.size);
  fm_class_stats *back = NULL;
  KIT_OK(fm_class_stats_load(labels, saved.bytes, saved.size, &back, &err));
  ck_assert(same_words(back, stats));
  ck_assert_int_eq(fm_class_stats_image_count(back), 60);
  KIT_OK(fm_class_stats_merge(back, stats, &err));
  free(words);
  free(expected);
  free(saved.memory);
  fm_class_stats_destroy(back);
  fm_class_stats_destroy(stats);
}
END_TEST

START_TEST(blobs_of_all_options_come_back) {
  static const int32_t made[][2] = {{1, 0}, {1, 32}, {255, 0}, {3, 4}};
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
    fm_class_stats *stats = make_stats(labels, made[i][0], made[i][1]), *back = NULL;
    if (i % 2) add_random(stats, i);
    blob saved = save(stats);
    KIT_OK(fm_class_stats_load(labels, saved.bytes, saved.size, &back, &err));
    ck_assert(same_words(back, stats));
    fm_class_stats_options got = {.size = sizeof got};
    KIT_OK(fm_class_stats_get_options(back, &got, &err));
    ck_assert_int_eq(got.strata, made[i][0]);
    ck_assert_int_eq(got.histogram, made[i][1]);
    free(saved.memory);
    fm_class_stats_destroy(back);
    fm_class_stats_destroy(stats);
  }
}
END_TEST

START_TEST(damaged_blobs_are_refused) {
  fm_class_stats *stats = make_stats(labels, STRATA, 1), *out = KIT_SENTINEL;
  add_random(stats, 2);
  blob saved = save(stats);
  /* Every byte, and every length. */
  for (size_t i = 0; i < saved.size; i++) {
    saved.bytes[i] ^= (unsigned char)(1 << i % 8);
    KIT_FAILS(FM_ERR_FORMAT,
              "blob: ", fm_class_stats_load(labels, saved.bytes, saved.size, &out, &err));
    saved.bytes[i] ^= (unsigned char)(1 << i % 8);
  }
  for (size_t size = 0; size < saved.size; size++)
    KIT_FAILS(FM_ERR_FORMAT, "blob: ", fm_class_stats_load(labels, saved.bytes, size, &out, &err));

  /* Lies with a right checksum. */
  static const struct {
    size_t index;
    uint64_t number;
    fm_status status;
    const char *text;
  } lies[] = {{2, 4, FM_ERR_MISMATCH, "4 classes"},
              {3, 3, FM_ERR_FORMAT, "contradicts"},
              {3, 0, FM_ERR_FORMAT, "contradicts"},
              {3, UINT64_MAX, FM_ERR_FORMAT, "contradicts"},
              {3, UINT64_C(1) << 32 | STRATA, FM_ERR_FORMAT, "contradicts"},
              {4, 0, FM_ERR_FORMAT, "contradicts"},
              {4, 3, FM_ERR_FORMAT, "contradicts"},
              {5, 1, FM_ERR_FORMAT, "bytes"},
              {5, 2, FM_ERR_UNSUPPORTED, "score is 2"},
              {6, UINT64_MAX, FM_ERR_FORMAT, "bytes"},
              {8, UINT64_MAX, FM_ERR_FORMAT, "negative"},
              {9, UINT64_C(1) << 62, FM_ERR_FORMAT, "histogram"}};
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    blob lie = save(stats);
    put(lie.bytes, lies[i].index, lies[i].number);
    sign(lie.bytes, lie.size);
    KIT_FAILS(lies[i].status, lies[i].text,
              fm_class_stats_load(labels, lie.bytes, lie.size, &out, &err));
    free(lie.memory);
  }
  fm_labels *other = labels_called(context, "cloud");
  KIT_FAILS(FM_ERR_MISMATCH, "expected street",
            fm_class_stats_load(other, saved.bytes, saved.size, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_load(NULL, saved.bytes, 64, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_load(labels, NULL, 64, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_class_stats_load(labels, saved.bytes, saved.size, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_save(NULL, saved.bytes, saved.size, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_save(stats, NULL, saved.size, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "expected",
            fm_class_stats_save(stats, saved.bytes, saved.size - 1, &err));
  ck_assert_uint_eq(fm_class_stats_blob_size(NULL), 0);
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  fm_labels_destroy(other);
  free(saved.memory);
  fm_class_stats_destroy(stats);
}
END_TEST

static fm_status load_scenario(fm_context *own, void *user, fm_error *err) {
  const blob *saved = user;
  fm_labels *space = NULL;
  fm_class_stats *stats = NULL;
  const char *const names[] = {"sky", "road", "car"};
  fm_labels_options options = {.size = sizeof options,
                               .name = "street",
                               .class_count = CLASSES,
                               .ignored_labels = (const int64_t[]){IGNORE},
                               .ignored_count = 1,
                               .class_names = names};
  fm_status status = fm_labels_create(own, &options, &space, err);
  if (!status) status = fm_class_stats_load(space, saved->bytes, saved->size, &stats, err);
  fm_class_stats_destroy(stats);
  fm_labels_destroy(space);
  return status;
}

START_TEST(every_allocation_fails) {
  fm_class_stats *stats = make_stats(labels, STRATA, 1);
  add_random(stats, 2);
  blob saved = save(stats);
  kit_every_allocation_fails(load_scenario, &saved, 9);
  free(saved.memory);
  fm_class_stats_destroy(stats);
}
END_TEST

/* ---- Sums from elsewhere --------------------------------------------------------------------- */

typedef struct sums {
  int64_t pixels[CLASSES * STRATA], histograms[CLASSES * STRATA * BINS];
  double losses[CLASSES * STRATA];
  fm_class_sums view;
} sums;

static void view_sums(sums *s) {
  s->view = (fm_class_sums){.size = sizeof s->view,
                            .class_count = CLASSES,
                            .strata = STRATA,
                            .pixels = s->pixels,
                            .loss_sums = s->losses,
                            .histograms = s->histograms};
}

/* Losses whose sums are doubles: the words must be those of the pixels. */
START_TEST(sums_are_added_exactly) {
  uint64_t random = 3;
  for (int scale = -149; scale <= 100; scale += 7) {
    fm_class_stats *pixelwise = make_stats(labels, STRATA, 1),
                   *summed = make_stats(labels, STRATA, 1);
    static sums s;
    memset(&s, 0, sizeof s);
    view_sums(&s);
    for (int i = 0; i < 40; i++) {
      int32_t k = (int32_t)kit_below(&random, CLASSES), t = (int32_t)kit_below(&random, STRATA);
      float loss = (float)ldexp((double)kit_below(&random, 1 << 24), scale);
      add(pixelwise, (uint8_t)k, (uint8_t)t, loss);
      s.pixels[k * STRATA + t]++;
      s.losses[k * STRATA + t] += (double)loss;
      double at = loss > 0 ? floor(log2((double)loss)) + 25 : 0;
      int bin = at < 1 ? 0 : at > 33 ? 33 : (int)at;
      s.histograms[(k * STRATA + t) * BINS + bin]++;
      s.view.image_count++;
    }
    KIT_OK(fm_class_stats_add_sums(summed, &s.view, &err));
    ck_assert_msg(same_words(summed, pixelwise), "losses of about 2^%d", scale);
    KIT_OK(fm_class_stats_add_sums(summed, &s.view, &err));
    KIT_OK(fm_class_stats_merge(pixelwise, pixelwise, &err));
    ck_assert(same_words(summed, pixelwise));
    fm_class_stats_destroy(pixelwise);
    fm_class_stats_destroy(summed);
  }
}
END_TEST

/* One bit anywhere in the range is the digit that the header says. */
START_TEST(every_bit_of_a_sum_has_its_place) {
  fm_class_stats *stats = make_stats(labels, 0, 0);
  int64_t pixels[CLASSES] = {INT64_C(1) << 61, 0, 0};
  fm_class_sums view = {.size = sizeof view, .class_count = CLASSES, .pixels = pixels};
  for (int bit = 0; bit < 149 + 189; bit++)
    for (int wide = 0; wide < 2; wide++) {
      /* A second bit 52 places below, where there is room. */
      double sum = ldexp(1, bit - 149);
      bool two = wide && bit >= 52;
      if (two) sum += ldexp(1, bit - 149 - 52);
      double losses[CLASSES] = {sum, 0, 0};
      int64_t expected[37] = {0}, words[37];
      view.loss_sums = losses;
      expected[1] = pixels[0];
      expected[2 + bit / 32] += INT64_C(1) << (bit % 32);
      if (two) expected[2 + (bit - 52) / 32] += INT64_C(1) << ((bit - 52) % 32);
      fm_class_stats_clear(stats);
      KIT_OK(fm_class_stats_add_sums(stats, &view, &err));
      KIT_OK(fm_class_stats_export(stats, words, 37, &err));
      ck_assert_mem_eq(words, expected, sizeof words);
    }
  fm_class_stats_destroy(stats);
}
END_TEST

static void refuse_sums(fm_class_stats *stats, const fm_class_sums *view, fm_status status,
                        const char *text) {
  fm_class_stats *before = make_stats(labels, STRATA, 1);
  KIT_OK(fm_class_stats_merge(before, stats, &err));
  KIT_FAILS(status, text, fm_class_stats_add_sums(stats, view, &err));
  ck_assert(same_words(stats, before));
  fm_class_stats_destroy(before);
}

START_TEST(bad_sums_are_refused) {
  fm_class_stats *stats = make_stats(labels, STRATA, 1);
  add_random(stats, 6);
  static sums s;
  memset(&s, 0, sizeof s);
  view_sums(&s);
  s.pixels[0] = s.histograms[4] = 2;
  s.losses[0] = 1;
  static const struct {
    double sum;
    const char *text;
  } bad[] = {{-1, "loss_sums[0] is -1, expected 0 or more"},
             {(double)NAN, "loss_sums[0] is nan"},
             {(double)INFINITY, "loss_sums[0] is inf, more than"},
             {0x1p129, "more than the largest"},
             {0x1p-150, "multiple of 2^-149"},
             {0x1.8p-149, "multiple of 2^-149"},
             {4.9e-324, "multiple of 2^-149"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    s.losses[0] = bad[i].sum;
    refuse_sums(stats, &s.view, FM_ERR_ARGUMENT, bad[i].text);
  }
  s.losses[0] = 1;
  s.losses[5] = 1;
  refuse_sums(stats, &s.view, FM_ERR_ARGUMENT, "loss_sums[5] is 1, though there is no pixel");
  s.losses[5] = 0;
  s.pixels[5] = -1;
  refuse_sums(stats, &s.view, FM_ERR_ARGUMENT, "pixels[5] is -1");
  s.pixels[5] = INT64_C(1) << 62;
  refuse_sums(stats, &s.view, FM_ERR_LIMIT, "2^62 pixels");
  s.pixels[5] = 0;
  s.histograms[5 * BINS + 3] = 1;
  refuse_sums(stats, &s.view, FM_ERR_ARGUMENT, "histogram 5 does not hold 0 pixels");
  s.histograms[5 * BINS + 3] = 0;
  s.histograms[4] = 1;
  refuse_sums(stats, &s.view, FM_ERR_ARGUMENT, "histogram 0 does not hold 2 pixels");
  s.histograms[4] = 3;
  s.histograms[5] = -1;
  refuse_sums(stats, &s.view, FM_ERR_ARGUMENT, "histogram 0");
  s.histograms[4] = 2;
  s.histograms[5] = 0;

  fm_class_sums view = s.view;
  view.class_count = 2;
  refuse_sums(stats, &view, FM_ERR_ARGUMENT, "class_count is 2");
  view = s.view;
  view.strata = 0;
  refuse_sums(stats, &view, FM_ERR_ARGUMENT, "strata is 1, expected 2");
  view.strata = -2;
  refuse_sums(stats, &view, FM_ERR_ARGUMENT, "strata is -2");
  view = s.view;
  view.histograms = NULL;
  refuse_sums(stats, &view, FM_ERR_ARGUMENT, "histograms is NULL");
  view = s.view;
  view.pixels = NULL;
  refuse_sums(stats, &view, FM_ERR_ARGUMENT, "pixels is NULL");
  view = s.view;
  view.loss_sums = NULL;
  refuse_sums(stats, &view, FM_ERR_ARGUMENT, "loss_sums is NULL");
  view = s.view;
  view.image_count = -1;
  refuse_sums(stats, &view, FM_ERR_ARGUMENT, "image_count is -1");
  view.image_count = INT64_MAX;
  refuse_sums(stats, &view, FM_ERR_LIMIT, "2^62 images");
  refuse_sums(stats, NULL, FM_ERR_ARGUMENT, "NULL");
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_class_stats_add_sums(NULL, &s.view, &err));
  fm_class_stats *plain = make_stats(labels, STRATA, 0);
  KIT_FAILS(FM_ERR_ARGUMENT, "histograms is set", fm_class_stats_add_sums(plain, &s.view, &err));
  fm_class_stats_destroy(plain);
  KIT_OK(fm_class_stats_add_sums(stats, &s.view, &err));
  fm_class_stats_destroy(stats);
}
END_TEST

static fm_status make_sums(const void *structure, void *user, fm_error *err) {
  return fm_class_stats_add_sums(user, structure, err);
}

static fm_status import_as(const void *structure, void *user, fm_error *err) {
  int64_t words[1 + CLASSES * STRATA * CELL] = {0};
  return fm_class_stats_import(user, words, 1 + CLASSES * STRATA * CELL, structure, err);
}

START_TEST(structures_follow_the_rule) {
  fm_class_stats *stats = make_stats(labels, STRATA, 1);
  static sums s;
  memset(&s, 0, sizeof s);
  view_sums(&s);
  kit_options_rule("fm_class_sums", &s.view, sizeof s.view, make_sums, stats);
  fm_class_stats_layout layout = {.size = sizeof layout};
  KIT_OK(fm_class_stats_get_layout(stats, &layout, &err));
  kit_options_rule("fm_class_stats_layout", &layout, sizeof layout, import_as, stats);
  fm_class_stats_destroy(stats);
}
END_TEST

Suite *class_stats_words_suite(void) {
  Suite *suite = suite_create("class_stats_words");
  TCase *tests = tcase_create("class_stats_words");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, options_can_be_read_back);
  tcase_add_test(tests, means_of_all_classes);
  tcase_add_test(tests, quantiles_by_stratum_and_over_all);
  tcase_add_test(tests, foreign_words_are_refused);
  tcase_add_test(tests, blobs_are_what_the_header_says);
  tcase_add_test(tests, blobs_of_all_options_come_back);
  tcase_add_test(tests, damaged_blobs_are_refused);
  tcase_add_test(tests, every_allocation_fails);
  tcase_add_test(tests, sums_are_added_exactly);
  tcase_add_test(tests, every_bit_of_a_sum_has_its_place);
  tcase_add_test(tests, bad_sums_are_refused);
  tcase_add_test(tests, structures_follow_the_rule);
  suite_add_tcase(suite, tests);
  return suite;
}
