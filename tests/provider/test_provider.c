/* provider/test_provider.c - freemask/provider.h: callbacks, batches, shards, what failures leave.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { SAMPLES = 11, CLASSES = 3, IGNORE = 9, MOST_PIXELS = 13 * 30 };

/* ---- A host: a data loader and a segmenter that keep books -------------------------------- */

typedef struct host {
  uint8_t masks[SAMPLES][MOST_PIXELS];
  uint8_t strata[SAMPLES][MOST_PIXELS];
  float losses[SAMPLES][MOST_PIXELS];
  char ids[SAMPLES][16];
  int64_t heights[SAMPLES], widths[SAMPLES];
  int given[SAMPLES], taken[SAMPLES]; /* samples */
  int64_t order[64];                  /* indices in the order of get */
  int gets, calls, predicted, released;
  int64_t largest_batch;
  int stop_get_at, stop_predict_at, stop_filtered_at, stop_progress_at; /* -1: never */
  bool own_memory; /* predictions point to the host's losses */
  bool no_id;
  const char *unfilled; /* the id whose loss map predict leaves as it is */
  bool with_strata;
  int filtered, progress;
  int64_t last_done, last_total;
} host;

static host h;
static fm_context *context;
static fm_labels *labels;
static fm_source *source;
static fm_provider *provider;

static int get(int64_t index, fm_sample *sample, void *user) {
  ck_assert_ptr_eq(user, &h);
  ck_assert(index >= 0 && index < SAMPLES);
  ck_assert_uint_eq(sample->size, sizeof *sample);
  ck_assert(!sample->id && !sample->mask.data && !sample->image.data && !sample->user);
  ck_assert(!sample->strata.data && !sample->reference.data);
  if (h.gets == h.stop_get_at) return 71;
  h.order[h.gets++] = index;
  h.given[index]++;
  if (!h.no_id) sample->id = h.ids[index];
  sample->mask = fm_plane_make(h.masks[index], FM_U8, h.heights[index], h.widths[index]);
  if (h.with_strata)
    sample->strata = fm_plane_make(h.strata[index], FM_U8, h.heights[index], h.widths[index]);
  sample->user = &h.ids[index];
  return 0;
}

static void release(fm_sample *sample, void *user) {
  ck_assert_ptr_eq(user, &h);
  int64_t index = ((char *)sample->user - h.ids[0]) / (int64_t)sizeof h.ids[0];
  h.taken[index]++;
}

static int predict(const fm_sample *const *samples, fm_prediction *const *predictions,
                   int64_t count, void *user) {
  ck_assert_ptr_eq(user, &h);
  if (h.calls++ == h.stop_predict_at) return -5;
  if (count > h.largest_batch) h.largest_batch = count;
  for (int64_t i = 0; i < count; i++) {
    fm_prediction *p = predictions[i];
    const fm_sample *s = samples[i];
    ck_assert_uint_eq(p->size, sizeof *p);
    ck_assert_ptr_null(p->user);
    ck_assert_int_eq(p->loss.dtype, FM_F32);
    ck_assert_int_eq(p->loss.height, s->mask.height);
    ck_assert_int_eq(p->loss.width, s->mask.width);
    int64_t index = ((const char *)s->user - h.ids[0]) / (int64_t)sizeof h.ids[0];
    if (h.own_memory)
      p->loss = fm_plane_make(h.losses[index], FM_F32, s->mask.height, s->mask.width);
    else if (!h.unfilled || strcmp(h.unfilled, s->id) != 0)
      memcpy(p->loss.data, h.losses[index],
             (size_t)(s->mask.height * s->mask.width) * sizeof(float));
    p->user = &h.losses[index];
    h.predicted++;
  }
  return 0;
}

static void release_prediction(fm_prediction *prediction, void *user) {
  ck_assert_ptr_eq(user, &h);
  ck_assert_ptr_nonnull(prediction->user);
  h.released++;
}

static int on_progress(int64_t done, int64_t total, void *user) {
  ck_assert_ptr_eq(user, &h);
  ck_assert_int_eq(done, h.last_done + 1);
  h.last_done = done;
  h.last_total = total;
  return h.progress++ == h.stop_progress_at ? 99 : 0;
}

static void make_sources(int32_t batch, bool with_release) {
  fm_source_destroy(source);
  fm_provider_destroy(provider);
  fm_source_options so = {.size = sizeof so, .count = SAMPLES, .get = get, .user = &h};
  fm_provider_options po = {.size = sizeof po, .batch = batch, .predict = predict, .user = &h};
  if (with_release) {
    so.release = release;
    po.release = release_prediction;
  }
  KIT_OK(fm_source_create(context, &so, &source, &err));
  KIT_OK(fm_provider_create(context, &po, &provider, &err));
}

static void reset_books(void) {
  memset(h.given, 0, sizeof h.given);
  memset(h.taken, 0, sizeof h.taken);
  h.gets = h.calls = h.predicted = h.released = h.filtered = h.progress = 0;
  h.largest_batch = 0;
  h.last_done = h.last_total = 0;
  h.stop_get_at = h.stop_predict_at = h.stop_filtered_at = h.stop_progress_at = -1;
  h.own_memory = h.no_id = h.with_strata = false;
  h.unfilled = NULL;
}

static void set_up(void) {
  context = kit_plain_context();
  fm_labels_options options = {.size = sizeof options,
                               .class_count = CLASSES,
                               .ignored_labels = (const int64_t[]){IGNORE},
                               .ignored_count = 1};
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
  uint64_t random = 21;
  for (int i = 0; i < SAMPLES; i++) {
    snprintf(h.ids[i], sizeof h.ids[i], "img %c", 'k' - i);
    h.heights[i] = 1 + kit_below(&random, 13);
    h.widths[i] = 1 + kit_below(&random, 30);
    for (int p = 0; p < MOST_PIXELS; p++) {
      int64_t label = kit_below(&random, CLASSES + 1);
      h.masks[i][p] = (uint8_t)(label == CLASSES ? IGNORE : label);
      h.losses[i][p] = label == CLASSES ? (float)NAN : kit_plain_loss(&random);
      h.strata[i][p] = (uint8_t)(label == CLASSES ? 99 : kit_below(&random, 2));
    }
  }
  reset_books();
  make_sources(1, true);
}

static void tear_down(void) {
  fm_source_destroy(source);
  fm_provider_destroy(provider);
  source = NULL;
  provider = NULL;
  fm_labels_destroy(labels);
  fm_context_destroy(context);
}

static void expect_balance(void) {
  for (int i = 0; i < SAMPLES; i++) ck_assert_int_eq(h.given[i], h.taken[i]);
  ck_assert_int_eq(h.predicted, h.released);
}

static fm_class_stats *new_stats(void) {
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  return stats;
}

/* Statistics of samples index, index + step, ..., by hand. */
static fm_class_stats *stats_by_hand(int index, int step) {
  fm_class_stats *stats = new_stats();
  for (int i = index; i < SAMPLES; i += step) {
    fm_plane mask = fm_plane_make(h.masks[i], FM_U8, h.heights[i], h.widths[i]);
    fm_plane loss = fm_plane_make(h.losses[i], FM_F32, h.heights[i], h.widths[i]);
    KIT_OK(fm_class_stats_add(stats, &mask, &loss, NULL, &err));
  }
  return stats;
}

static void expect_same(const fm_class_stats *a, const fm_class_stats *b) {
  int64_t x[1 + 12 * CLASSES], y[1 + 12 * CLASSES];
  KIT_OK(fm_class_stats_export(a, x, (int64_t)(1 + 12 * CLASSES), &err));
  KIT_OK(fm_class_stats_export(b, y, (int64_t)(1 + 12 * CLASSES), &err));
  ck_assert_mem_eq(x, y, sizeof x);
}

/* ---- Making ------------------------------------------------------------------------------- */

START_TEST(bad_options_are_refused) {
  fm_source *s = KIT_SENTINEL;
  fm_provider *p = KIT_SENTINEL;
  fm_source_options so = {.size = sizeof so, .count = -1, .get = get};
  KIT_FAILS(FM_ERR_ARGUMENT, "count is -1", fm_source_create(context, &so, &s, &err));
  so.count = 1;
  so.get = NULL;
  KIT_FAILS(FM_ERR_ARGUMENT, "get", fm_source_create(context, &so, &s, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_source_create(context, NULL, &s, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_source_create(NULL, &so, &s, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_source_create(context, &so, NULL, &err));
  static const int32_t batches[] = {-1, 4097, INT32_MAX};
  for (size_t i = 0; i < 3; i++) {
    fm_provider_options po = {.size = sizeof po, .predict = predict, .batch = batches[i]};
    KIT_FAILS(FM_ERR_ARGUMENT, "batch", fm_provider_create(context, &po, &p, &err));
  }
  fm_provider_options po = {.size = sizeof po};
  KIT_FAILS(FM_ERR_ARGUMENT, "predict", fm_provider_create(context, &po, &p, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_provider_create(context, NULL, &p, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_provider_create(NULL, &po, &p, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_provider_create(context, &po, NULL, &err));
  ck_assert_ptr_eq(s, KIT_SENTINEL);
  ck_assert_ptr_eq(p, KIT_SENTINEL);
  ck_assert_int_eq(fm_source_count(source), SAMPLES);
  fm_source_destroy(NULL);
  fm_provider_destroy(NULL);
}
END_TEST

static fm_status make_source(const void *options, void *user, fm_error *err) {
  (void)user;
  fm_source *made = KIT_SENTINEL;
  fm_status status = fm_source_create(context, options, &made, err);
  if (status)
    ck_assert_ptr_eq(made, KIT_SENTINEL);
  else
    fm_source_destroy(made);
  return status;
}

static fm_status make_provider(const void *options, void *user, fm_error *err) {
  (void)user;
  fm_provider *made = KIT_SENTINEL;
  fm_status status = fm_provider_create(context, options, &made, err);
  if (status)
    ck_assert_ptr_eq(made, KIT_SENTINEL);
  else
    fm_provider_destroy(made);
  return status;
}

static fm_status run_loop(const void *options, void *user, fm_error *err) {
  return fm_source_collect_stats(source, provider, user, options, err);
}

START_TEST(options_follow_the_rule) {
  fm_source_options so = {.size = sizeof so, .count = 1, .get = get};
  kit_options_rule("fm_source_options", &so, sizeof so, make_source, NULL);
  fm_provider_options po = {.size = sizeof po, .predict = predict};
  kit_options_rule("fm_provider_options", &po, sizeof po, make_provider, NULL);
  fm_class_stats *stats = new_stats();
  fm_loop_options lo = {.size = sizeof lo, .shard_count = SAMPLES};
  kit_options_rule("fm_loop_options", &lo, sizeof lo, run_loop, stats);
  fm_class_stats_destroy(stats);
}
END_TEST

/* ---- Statistics ----------------------------------------------------------------------------- */

/* Loop: batch sizes. */
START_TEST(loop_equals_adding_by_hand) {
  static const int32_t batches[] = {0, 1, 2, 3, 7, 11, 12, 4096};
  fm_class_stats *expected = stats_by_hand(0, 1);
  for (int variant = 0; variant < 4; variant++) {
    reset_books();
    make_sources(batches[_i], variant != 2);
    h.own_memory = variant == 1;
    fm_class_stats *stats = new_stats();
    fm_loop_options options = {
        .size = sizeof options, .progress = on_progress, .progress_user = &h};
    KIT_OK(fm_source_collect_stats(source, provider, stats, variant == 3 ? NULL : &options, &err));
    expect_same(stats, expected);
    if (variant != 2) expect_balance();
    ck_assert_int_eq(h.gets, SAMPLES);
    for (int i = 0; i < SAMPLES; i++) {
      ck_assert_int_eq(h.given[i], 1);
      ck_assert_int_eq(h.order[i], i);
    }
    ck_assert_int_eq(h.progress, variant == 3 ? 0 : SAMPLES);
    if (variant != 3) ck_assert_int_eq(h.last_total, SAMPLES);
    int32_t batch = batches[_i] ? batches[_i] : 1;
    ck_assert_int_eq(h.calls, (SAMPLES + batch - 1) / batch);
    ck_assert_int_le(h.largest_batch, batch);
    fm_class_stats_destroy(stats);
  }
  fm_class_stats_destroy(expected);
}
END_TEST

START_TEST(loop_adds_to_what_is_there) {
  fm_class_stats *stats = stats_by_hand(0, 1), *expected = stats_by_hand(0, 1);
  KIT_OK(fm_class_stats_merge(expected, expected, &err));
  KIT_OK(fm_source_collect_stats(source, provider, stats, NULL, &err));
  expect_same(stats, expected);
  fm_class_stats_destroy(stats);
  fm_class_stats_destroy(expected);
}
END_TEST

/* Loop: shard counts. */
START_TEST(shards_make_the_whole) {
  fm_class_stats *all = new_stats(), *expected = stats_by_hand(0, 1);
  make_sources(3, true);
  for (int64_t shard = _i - 1; shard >= 0; shard--) {
    reset_books();
    fm_class_stats *part = new_stats(), *by_hand = stats_by_hand((int)shard, _i);
    fm_loop_options options = {.size = sizeof options,
                               .shard_index = shard,
                               .shard_count = _i,
                               .progress = on_progress,
                               .progress_user = &h};
    KIT_OK(fm_source_collect_stats(source, provider, part, &options, &err));
    expect_same(part, by_hand);
    expect_balance();
    for (int i = 0; i < h.gets; i++) ck_assert_int_eq(h.order[i], shard + (int64_t)i * _i);
    KIT_OK(fm_class_stats_merge(all, part, &err));
    fm_class_stats_destroy(part);
    fm_class_stats_destroy(by_hand);
  }
  expect_same(all, expected);
  fm_class_stats_destroy(all);
  fm_class_stats_destroy(expected);
}
END_TEST

START_TEST(bad_shards_are_refused) {
  static const int64_t wrong[][2] = {{1, 1}, {-1, 2}, {2, 2}, {0, -1}, {INT64_MAX, 3}, {1, 0}};
  fm_class_stats *stats = new_stats(), *empty = new_stats();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    fm_loop_options options = {
        .size = sizeof options, .shard_index = wrong[i][0], .shard_count = wrong[i][1]};
    KIT_FAILS(FM_ERR_ARGUMENT, "shard",
              fm_source_collect_stats(source, provider, stats, &options, &err));
  }
  ck_assert_int_eq(h.gets, 0);
  expect_same(stats, empty);
  fm_class_stats_destroy(stats);
  fm_class_stats_destroy(empty);
}
END_TEST

/* Runs a loop that has to fail; the statistics stay and everything is taken back. */
static void expect_failure(fm_status status, int host_code, const char *text) {
  fm_class_stats *stats = stats_by_hand(1, 2), *before = stats_by_hand(1, 2);
  fm_loop_options options = {.size = sizeof options, .progress = on_progress, .progress_user = &h};
  fm_error err = kit_error();
  fm_status answer = fm_source_collect_stats(source, provider, stats, &options, &err);
  kit_expect(text, answer, status, &err, text);
  ck_assert_int_eq(err.host_code, host_code);
  expect_same(stats, before);
  expect_balance();
  fm_class_stats_destroy(stats);
  fm_class_stats_destroy(before);
}

/* Loop: batch sizes. */
START_TEST(callbacks_stop_the_loop) {
  for (int at = 0; at < SAMPLES; at++) {
    reset_books();
    make_sources(_i, true);
    h.stop_get_at = at;
    char text[32];
    snprintf(text, sizeof text, "sample %d ", at);
    expect_failure(FM_ERR_CALLBACK, 71, text);
    reset_books();
    h.stop_progress_at = at;
    expect_failure(FM_ERR_CALLBACK, 99, "progress");
    reset_books();
    if (at >= (SAMPLES + _i - 1) / _i) continue;
    h.stop_predict_at = at;
    expect_failure(FM_ERR_CALLBACK, -5, h.ids[at * _i]);
  }
}
END_TEST

START_TEST(bad_samples_are_named) {
  kit_walk_off(); /* the host's books count its calls */
  for (int32_t batch = 1; batch < 5; batch += 3) {
    reset_books();
    make_sources(batch, true);
    float keep_loss = h.losses[6][0];
    uint8_t keep_label = h.masks[6][0];
    h.masks[6][0] = 1;
    h.losses[6][0] = -3;
    expect_failure(FM_ERR_LOSS, 0, h.ids[6]);
    reset_books();
    expect_failure(FM_ERR_LOSS, 0, "x 0, y 0");
    reset_books();
    h.losses[6][0] = keep_loss;
    h.masks[6][0] = 77;
    expect_failure(FM_ERR_LABEL, 0, h.ids[6]);
    h.masks[6][0] = keep_label;
    reset_books();
    int64_t keep_width = h.widths[4];
    h.widths[4] = 0;
    /* stats_by_hand would trip over it as well: the books are what counts here. */
    fm_class_stats *stats = new_stats();
    KIT_FAILS(FM_ERR_ARGUMENT, h.ids[4],
              fm_source_collect_stats(source, provider, stats, NULL, &err));
    expect_balance();
    ck_assert_int_eq(fm_class_stats_image_count(stats), 0);
    h.widths[4] = keep_width;
    reset_books();
    h.no_id = true;
    KIT_FAILS(FM_ERR_ARGUMENT, "sample 0",
              fm_source_collect_stats(source, provider, stats, NULL, &err));
    expect_balance();
    fm_class_stats_destroy(stats);
  }
}
END_TEST

/* What a provider does not fill is not the loss map of another sample. */
START_TEST(unfilled_loss_maps_are_refused) {
  for (int32_t batch = 1; batch < 5; batch += 3)
    for (int i = 0; i < SAMPLES; i++) {
      make_sources(batch, true);
      reset_books();
      h.masks[i][0] = 1;
      h.losses[i][0] = 0.5F;
      h.unfilled = h.ids[i];
      expect_failure(FM_ERR_LOSS, 0, h.ids[i]);
      reset_books();
      h.unfilled = h.ids[i];
      expect_failure(FM_ERR_LOSS, 0, "nan");
    }
  /* Nothing is asked for where all is ignored. */
  reset_books();
  h.unfilled = h.ids[3];
  memset(h.masks[3], IGNORE, sizeof h.masks[3]);
  fm_class_stats *stats = new_stats();
  KIT_OK(fm_source_collect_stats(source, provider, stats, NULL, &err));
  fm_class_stats_destroy(stats);
}
END_TEST

START_TEST(empty_sources_are_refused) {
  fm_source_options so = {.size = sizeof so, .count = 0, .get = get, .user = &h};
  fm_source *empty = NULL;
  KIT_OK(fm_source_create(context, &so, &empty, &err));
  ck_assert_int_eq(fm_source_count(empty), 0);
  fm_class_stats *stats = new_stats();
  KIT_FAILS(FM_ERR_EMPTY, "sample", fm_source_collect_stats(empty, provider, stats, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_source_collect_stats(NULL, provider, stats, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_source_collect_stats(source, NULL, stats, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_source_collect_stats(source, provider, NULL, NULL, &err));
  fm_class_stats_destroy(stats);
  fm_source_destroy(empty);
}
END_TEST

/* ---- Filter --------------------------------------------------------------------------------- */

static const double means[CLASSES] = {3, 0.5, 6};

static int on_filtered(const fm_sample *sample, const fm_plane *filtered,
                       const fm_filter_report *report, void *user) {
  ck_assert_ptr_eq(user, &h);
  int64_t i = h.filtered;
  ck_assert_str_eq(sample->id, h.ids[i]);
  ck_assert_int_eq(filtered->height, h.heights[i]);
  ck_assert_int_eq(filtered->width, h.widths[i]);
  ck_assert_int_eq(filtered->dtype, FM_U8);
  int64_t valid[CLASSES] = {0}, dropped[CLASSES] = {0};
  for (int64_t p = 0; p < h.heights[i] * h.widths[i]; p++) {
    uint8_t label = h.masks[i][p];
    bool noisy = label != IGNORE && h.losses[i][p] > (float)(1.25 * means[label]);
    ck_assert_int_eq(kit_get_int(filtered, p / h.widths[i], p % h.widths[i]),
                     noisy ? IGNORE : label);
    if (label == IGNORE) continue;
    valid[label]++;
    dropped[label] += noisy;
  }
  ck_assert_ptr_nonnull(report->class_valid);
  ck_assert_ptr_nonnull(report->class_dropped);
  ck_assert_mem_eq(report->class_valid, valid, sizeof valid);
  ck_assert_mem_eq(report->class_dropped, dropped, sizeof dropped);
  ck_assert_int_eq(report->valid, valid[0] + valid[1] + valid[2]);
  ck_assert_int_eq(report->dropped, dropped[0] + dropped[1] + dropped[2]);
  if (h.filtered == h.stop_filtered_at) return 1234;
  h.filtered++;
  return 0;
}

static fm_filter *new_filter(void) {
  fm_filter *filter = NULL;
  fm_mean_table table = kit_mean_table(CLASSES, means, NULL);
  KIT_OK(fm_filter_create_from_means(labels, &table, NULL, &filter, &err));
  return filter;
}

START_TEST(filter_hands_over_every_mask) {
  fm_filter *filter = new_filter();
  static uint8_t before[SAMPLES][MOST_PIXELS];
  memcpy(before, h.masks, sizeof before);
  for (int32_t batch = 1; batch < 14; batch += 4) {
    reset_books();
    make_sources(batch, true);
    KIT_OK(fm_source_filter(source, provider, filter, on_filtered, &h, NULL, &err));
    ck_assert_int_eq(h.filtered, SAMPLES);
    expect_balance();
    ck_assert_mem_eq(before, h.masks, sizeof before);
  }
  fm_filter_destroy(filter);
}
END_TEST

START_TEST(filter_stops) {
  kit_walk_off(); /* the host's books count its calls */
  fm_filter *filter = new_filter();
  make_sources(4, true);
  for (int at = 0; at < SAMPLES; at++) {
    reset_books();
    h.stop_filtered_at = at;
    fm_error err = kit_error();
    fm_status status = fm_source_filter(source, provider, filter, on_filtered, &h, NULL, &err);
    kit_expect("filtered", status, FM_ERR_CALLBACK, &err, h.ids[at]);
    ck_assert_int_eq(err.host_code, 1234);
    ck_assert_int_eq(h.filtered, at);
    expect_balance();
  }
  reset_books();
  h.masks[5][0] = 0;
  h.losses[5][0] = (float)NAN;
  KIT_FAILS(FM_ERR_LOSS, h.ids[5],
            fm_source_filter(source, provider, filter, on_filtered, &h, NULL, &err));
  ck_assert_int_eq(h.filtered, 5);
  expect_balance();
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_source_filter(source, provider, filter, NULL, &h, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL",
            fm_source_filter(source, provider, NULL, on_filtered, &h, NULL, &err));
  fm_filter_destroy(filter);
}
END_TEST

/* ---- Strata -----------------------------------------------------------------------------------
 */

enum { STRATA = 2 };

static const double strata_means[CLASSES * STRATA] = {3, 1, 0.5, 2, 6, 4};

static fm_filter *stratified_filter(void) {
  static const int64_t pixels[CLASSES * STRATA] = {1, 1, 1, 1, 1, 1};
  fm_mean_table table = {.size = sizeof table,
                         .class_count = CLASSES,
                         .strata = STRATA,
                         .mean_loss = strata_means,
                         .pixels = pixels};
  fm_filter *filter = NULL;
  KIT_OK(fm_filter_create_from_means(labels, &table, NULL, &filter, &err));
  return filter;
}

START_TEST(strata_reach_the_statistics) {
  kit_walk_off(); /* what was collected before a failure stays */
  fm_class_stats_options so = {.size = sizeof so, .strata = STRATA};
  fm_class_stats *stats = NULL;
  KIT_OK(fm_class_stats_create(labels, &so, &stats, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, h.ids[0],
            fm_source_collect_stats(source, provider, stats, NULL, &err));
  reset_books();
  h.with_strata = true;
  make_sources(3, true);
  KIT_OK(fm_source_collect_stats(source, provider, stats, NULL, &err));
  expect_balance();
  for (int32_t k = 0; k < CLASSES; k++)
    for (int32_t s = 0; s < STRATA; s++) {
      int64_t pixels = 0;
      for (int i = 0; i < SAMPLES; i++)
        for (int64_t p = 0; p < h.heights[i] * h.widths[i]; p++)
          pixels += h.masks[i][p] == k && h.strata[i][p] == s;
      ck_assert_int_eq(fm_class_stats_pixel_count(stats, k, s), pixels);
    }
  fm_class_stats_destroy(stats);
  stats = new_stats();
  KIT_FAILS(FM_ERR_ARGUMENT, "only one stratum",
            fm_source_collect_stats(source, provider, stats, NULL, &err));
  fm_class_stats_destroy(stats);
}
END_TEST

static int on_stratified(const fm_sample *sample, const fm_plane *filtered,
                         const fm_filter_report *report, void *user) {
  const int32_t *dtype = user;
  int64_t i = h.filtered++, valid[CLASSES * STRATA] = {0}, dropped[CLASSES * STRATA] = {0};
  ck_assert_str_eq(sample->id, h.ids[i]);
  ck_assert_int_eq(filtered->dtype, *dtype);
  for (int64_t p = 0; p < h.heights[i] * h.widths[i]; p++) {
    int label = h.masks[i][p], cell = label * STRATA + h.strata[i][p];
    bool noisy = label != IGNORE && h.losses[i][p] > (float)(1.25 * strata_means[cell]);
    ck_assert_int_eq(kit_get_int(filtered, p / h.widths[i], p % h.widths[i]),
                     noisy ? IGNORE : label);
    if (label == IGNORE) continue;
    valid[cell]++;
    dropped[cell] += noisy;
  }
  ck_assert_mem_eq(report->stratum_valid, valid, sizeof valid);
  ck_assert_mem_eq(report->stratum_dropped, dropped, sizeof dropped);
  return 0;
}

/* Loop: types of the filtered masks. */
START_TEST(strata_reach_the_filter) {
  static const int32_t dtypes[] = {0, FM_U8, FM_I16, FM_I64};
  int32_t expected = dtypes[_i] ? dtypes[_i] : FM_U8;
  fm_filter *filter = stratified_filter();
  fm_loop_options options = {.size = sizeof options, .filtered_dtype = dtypes[_i]};
  h.with_strata = true;
  make_sources(2, true);
  KIT_OK(fm_source_filter(source, provider, filter, on_stratified, &expected, &options, &err));
  ck_assert_int_eq(h.filtered, SAMPLES);
  expect_balance();
  fm_filter_destroy(filter);
}
END_TEST

START_TEST(loop_options_need_a_meaning) {
  fm_filter *filter = new_filter();
  fm_class_stats *stats = new_stats();
  fm_loop_options options = {.size = sizeof options, .filtered_dtype = FM_I32};
  KIT_FAILS(FM_ERR_ARGUMENT, "filtered_dtype",
            fm_source_collect_stats(source, provider, stats, &options, &err));
  static const int32_t wrong[] = {-1, FM_F32, 13, 1000};
  for (int i = 0; i < 4; i++) {
    options.filtered_dtype = wrong[i];
    KIT_FAILS(FM_ERR_ARGUMENT, "filtered_dtype",
              fm_source_filter(source, provider, filter, on_filtered, &h, &options, &err));
  }
  options = (fm_loop_options){.size = sizeof options, .progress_user = &h};
  KIT_FAILS(FM_ERR_ARGUMENT, "progress_user",
            fm_source_collect_stats(source, provider, stats, &options, &err));
  ck_assert_int_eq(h.gets, 0);
  fm_class_stats_destroy(stats);
  fm_filter_destroy(filter);
}
END_TEST

/* ---- Hardness -------------------------------------------------------------------------------- */

START_TEST(plan_gets_every_hardness) {
  kit_walk_off(); /* what was measured before a failure stays */
  fm_hardness *hardness = NULL;
  fm_mean_table table = kit_mean_table(CLASSES, means, NULL);
  KIT_OK(fm_hardness_create_from_means(labels, &table, NULL, &hardness, &err));
  fm_planner *planner = NULL, *by_hand = NULL;
  KIT_OK(fm_planner_create(context, NULL, &planner, &err));
  KIT_OK(fm_planner_create(context, NULL, &by_hand, &err));
  for (int64_t shard = 0; shard < 2; shard++) {
    fm_loop_options options = {.size = sizeof options, .shard_index = shard, .shard_count = 2};
    KIT_OK(fm_source_measure(source, hardness, planner, &options, &err));
  }
  expect_balance();
  ck_assert_int_eq(h.calls, 0);
  for (int i = 0; i < SAMPLES; i++) {
    fm_plane mask = fm_plane_make(h.masks[i], FM_U8, h.heights[i], h.widths[i]);
    double value;
    KIT_OK(fm_hardness_measure(hardness, &mask, &value, NULL, &err));
    KIT_OK(fm_planner_add(by_hand, h.ids[i], value, NULL, 0, &err));
  }
  fm_plan *plan = NULL, *expected = NULL;
  KIT_OK(fm_planner_make_plan(planner, &plan, &err));
  KIT_OK(fm_planner_make_plan(by_hand, &expected, &err));
  ck_assert_int_eq(fm_plan_mask_count(plan), SAMPLES);
  ck_assert_uint_eq(fm_plan_fingerprint(plan), fm_plan_fingerprint(expected));
  fm_plan_destroy(plan);
  fm_plan_destroy(expected);

  reset_books();
  KIT_FAILS(FM_ERR_DUPLICATE, h.ids[0], fm_source_measure(source, hardness, by_hand, NULL, &err));
  expect_balance();
  fm_planner_destroy(planner);
  KIT_OK(fm_planner_create(context, NULL, &planner, &err));
  reset_books();
  h.masks[7][0] = 44;
  KIT_FAILS(FM_ERR_LABEL, h.ids[7], fm_source_measure(source, hardness, planner, NULL, &err));
  expect_balance();
  fm_planner_destroy(planner);
  KIT_OK(fm_planner_create(context, NULL, &planner, &err));
  reset_books();
  h.stop_get_at = 3;
  fm_error err = kit_error();
  fm_status status = fm_source_measure(source, hardness, planner, NULL, &err);
  kit_expect("get", status, FM_ERR_CALLBACK, &err, "sample 3");
  ck_assert_int_eq(err.host_code, 71);
  expect_balance();
  fm_planner_destroy(planner);
  fm_planner_destroy(by_hand);
  fm_hardness_destroy(hardness);
}
END_TEST

/* A policy that looks at classes gets them, of the masks as they are. */
START_TEST(plan_gets_the_classes) {
  fm_planner_options options = {
      .size = sizeof options, .policy = FM_PLAN_RARE_CLASS, .temperature = 0.3};
  fm_hardness *hardness = NULL;
  fm_mean_table table = kit_mean_table(CLASSES, means, NULL);
  KIT_OK(fm_hardness_create_from_means(labels, &table, NULL, &hardness, &err));
  fm_planner *planner = NULL, *by_hand = NULL;
  KIT_OK(fm_planner_create(context, &options, &planner, &err));
  KIT_OK(fm_planner_create(context, &options, &by_hand, &err));
  KIT_OK(fm_source_measure(source, hardness, planner, NULL, &err));
  for (int i = 0; i < SAMPLES; i++) {
    fm_plane mask = fm_plane_make(h.masks[i], FM_U8, h.heights[i], h.widths[i]);
    int64_t pixels[CLASSES];
    double value;
    KIT_OK(fm_hardness_measure(hardness, &mask, &value, NULL, &err));
    KIT_OK(fm_labels_count(labels, &mask, pixels, NULL, &err));
    KIT_OK(fm_planner_add(by_hand, h.ids[i], value, pixels, CLASSES, &err));
  }
  fm_plan *plan = NULL, *expected = NULL;
  KIT_OK(fm_planner_make_plan(planner, &plan, &err));
  KIT_OK(fm_planner_make_plan(by_hand, &expected, &err));
  ck_assert_int_eq(fm_plan_mask_count(plan), SAMPLES);
  ck_assert_uint_eq(fm_plan_fingerprint(plan), fm_plan_fingerprint(expected));
  fm_plan_destroy(plan);
  fm_plan_destroy(expected);
  fm_planner_destroy(planner);
  fm_planner_destroy(by_hand);
  fm_hardness_destroy(hardness);
}
END_TEST

START_TEST(plan_loop_needs_its_arguments) {
  fm_hardness *hardness = NULL;
  fm_planner *planner = NULL;
  fm_mean_table table = kit_mean_table(CLASSES, means, NULL);
  KIT_OK(fm_hardness_create_from_means(labels, &table, NULL, &hardness, &err));
  KIT_OK(fm_planner_create(context, NULL, &planner, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_source_measure(NULL, hardness, planner, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_source_measure(source, NULL, planner, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_source_measure(source, hardness, NULL, NULL, &err));
  fm_planner_destroy(planner);
  fm_hardness_destroy(hardness);
}
END_TEST

Suite *provider_suite(void) {
  Suite *suite = suite_create("provider");
  TCase *tests = tcase_create("provider");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, bad_options_are_refused);
  tcase_add_test(tests, options_follow_the_rule);
  tcase_add_loop_test(tests, loop_equals_adding_by_hand, 0, 8);
  tcase_add_test(tests, loop_adds_to_what_is_there);
  tcase_add_loop_test(tests, shards_make_the_whole, 1, 16);
  tcase_add_test(tests, bad_shards_are_refused);
  tcase_add_loop_test(tests, callbacks_stop_the_loop, 1, 5);
  tcase_add_test(tests, bad_samples_are_named);
  tcase_add_test(tests, unfilled_loss_maps_are_refused);
  tcase_add_test(tests, empty_sources_are_refused);
  tcase_add_test(tests, filter_hands_over_every_mask);
  tcase_add_test(tests, filter_stops);
  tcase_add_test(tests, strata_reach_the_statistics);
  tcase_add_loop_test(tests, strata_reach_the_filter, 0, 4);
  tcase_add_test(tests, loop_options_need_a_meaning);
  tcase_add_test(tests, plan_gets_every_hardness);
  tcase_add_test(tests, plan_gets_the_classes);
  tcase_add_test(tests, plan_loop_needs_its_arguments);
  suite_add_tcase(suite, tests);
  return suite;
}
