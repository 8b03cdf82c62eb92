/* network/test_network_loops.c - network outputs through the loops, from many threads, in little
 * memory, and the guard against outputs of another kind.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { SAMPLES = 5, CLASSES = 3, IGNORE = 9, INNER = 6, SIDE = 20, PIXELS = SIDE * SIDE };
enum { VALUES = CLASSES * INNER * INNER };

/* ---- A host whose segmenter gives outputs, not losses -------------------------------------- */

typedef struct host {
  uint8_t masks[SAMPLES][PIXELS];
  float outputs[SAMPLES][VALUES];
  char ids[SAMPLES][8];
  int32_t channels;
  int released;
  bool forgets; /* to point to the output */
  bool queries; /* outputs are mask logits, with these class logits */
  float class_logits[CLASSES * (CLASSES + 1)];
} host;

static host h;

static fm_plane mask_of(int64_t i) { return fm_plane_make(h.masks[i], FM_U8, SIDE, SIDE); }

static fm_volume output_of(int64_t i) {
  return fm_volume_make(h.outputs[i], FM_F32, h.channels, INNER, INNER);
}

static fm_network_output network_output_of(int64_t i) {
  fm_network_output output = kit_output(output_of(i));
  if (h.queries) output.class_logits = fm_plane_make(h.class_logits, FM_F32, CLASSES, CLASSES + 1);
  return output;
}

static int get(int64_t index, fm_sample *sample, void *user) {
  (void)user;
  sample->id = h.ids[index];
  sample->mask = mask_of(index);
  return 0;
}

static int predict(const fm_sample *const *samples, fm_prediction *const *predictions,
                   int64_t count, void *user) {
  (void)user;
  for (int64_t i = 0; i < count; i++)
    if (!h.forgets) *predictions[i]->output = network_output_of(samples[i]->id[3] - '0');
  return 0;
}

static void release(fm_prediction *prediction, void *user) {
  (void)prediction;
  (void)user;
  h.released++;
}

static float value_of(int32_t kind, uint64_t *random) {
  float share = (float)kit_below(random, 1 << 20) * 0x1p-20F;
  return kind == FM_OUTPUT_LOGITS ? 12 * share - 6 : share / CLASSES + 0.01F;
}

static void normalise(float *output) {
  for (int p = 0; p < INNER * INNER; p++) {
    float sum = 0;
    for (int c = 0; c < CLASSES; c++) sum += output[c * INNER * INNER + p];
    for (int c = 0; c < CLASSES; c++) output[c * INNER * INNER + p] /= sum;
  }
}

/* Instead of an fm_output_kind. */
enum { QUERIES = 100 };

static void fill_host(int32_t kind) {
  uint64_t random = 5;
  memset(&h, 0, sizeof h);
  h.queries = kind == QUERIES;
  if (h.queries) kind = FM_OUTPUT_LOGITS;
  for (int i = 0; i < CLASSES * (CLASSES + 1); i++)
    h.class_logits[i] = value_of(FM_OUTPUT_LOGITS, &random);
  h.channels = CLASSES;
  for (int i = 0; i < SAMPLES; i++) {
    snprintf(h.ids[i], sizeof h.ids[i], "img%d", i);
    for (int p = 0; p < PIXELS; p++) {
      int64_t label = kit_below(&random, CLASSES + 1);
      h.masks[i][p] = (uint8_t)(label == CLASSES ? IGNORE : label);
    }
    for (int v = 0; v < VALUES; v++) h.outputs[i][v] = value_of(kind, &random);
    if (kind == FM_OUTPUT_PROBS) normalise(h.outputs[i]);
  }
}

/* ---- Handles ------------------------------------------------------------------------------- */

typedef struct world {
  fm_context *context;
  fm_labels *labels;
  fm_network_loss *model;
  fm_source *source;
  fm_provider *provider;
  fm_class_stats *stats;
} world;

/* The first status that is not FM_OK; whatever was made is in `w`. */
static fm_status build(world *w, fm_context *context, int32_t kind, int32_t batch, fm_error *err) {
  memset(w, 0, sizeof *w);
  w->context = context;
  fm_labels_options lo = {.size = sizeof lo,
                          .class_count = CLASSES,
                          .ignored_labels = (const int64_t[]){IGNORE},
                          .ignored_count = 1};
  fm_network_loss_options no = {.size = sizeof no, .kind = kind};
  fm_source_options so = {.size = sizeof so, .count = SAMPLES, .get = get};
  fm_status status = fm_labels_create(context, &lo, &w->labels, err);
  if (!status) status = fm_network_loss_create(w->labels, &no, &w->model, err);
  fm_provider_options po = {.size = sizeof po,
                            .batch = batch,
                            .predict = predict,
                            .release = release,
                            .network_loss = w->model};
  if (!status) status = fm_source_create(context, &so, &w->source, err);
  if (!status) status = fm_provider_create(context, &po, &w->provider, err);
  if (!status) status = fm_class_stats_create(w->labels, NULL, &w->stats, err);
  return status;
}

static void demolish(world *w) {
  fm_class_stats_destroy(w->stats);
  fm_provider_destroy(w->provider);
  fm_source_destroy(w->source);
  fm_network_loss_destroy(w->model);
  fm_labels_destroy(w->labels);
}

static void open_world(world *w, int32_t kind, int32_t batch) {
  fill_host(kind);
  fm_context *context = kit_plain_context();
  KIT_OK(build(w, context, kind == QUERIES ? FM_OUTPUT_SCORES : kind, batch, &err));
}

static void close_world(world *w) {
  fm_context *context = w->context;
  demolish(w);
  fm_context_destroy(context);
}

/* ---- The loops ------------------------------------------------------------------------------ */

static void words_of(const fm_class_stats *stats, int64_t words[64]) {
  size_t count = (size_t)fm_class_stats_word_count(stats);
  ck_assert_uint_le(count, 64);
  memset(words, 0, 64 * sizeof *words);
  KIT_OK(fm_class_stats_export(stats, words, (int64_t)count, &err));
}

START_TEST(collecting_equals_map_and_add) {
  kit_walk_off(); /* what was collected before a failure stays, and calls are counted */
  world w;
  open_world(&w, _i % 4 == 3 ? QUERIES : FM_OUTPUT_LOGITS + _i % 4, 1 + _i / 4);
  fm_class_stats *stepwise;
  KIT_OK(fm_class_stats_create(w.labels, NULL, &stepwise, &err));
  for (int i = 0; i < SAMPLES; i++) {
    float loss[PIXELS];
    fm_plane mask = mask_of(i), map = fm_plane_make(loss, FM_F32, SIDE, SIDE);
    fm_network_output output = network_output_of(i);
    KIT_OK(fm_network_loss_map(w.model, &output, &mask, &map, &err));
    KIT_OK(fm_class_stats_add(stepwise, &mask, &map, NULL, &err));
  }
  KIT_OK(fm_source_collect_stats(w.source, w.provider, w.stats, NULL, &err));
  int64_t a[64], b[64];
  words_of(stepwise, a);
  words_of(w.stats, b);
  ck_assert_mem_eq(a, b, sizeof a);
  ck_assert_int_eq(h.released, SAMPLES);
  fm_class_stats_destroy(stepwise);
  close_world(&w);
}
END_TEST

typedef struct expected {
  const world *w;
  const fm_filter *filter;
  int seen;
  int64_t dropped;
} expected;

static int compare_filtered(const fm_sample *sample, const fm_plane *filtered,
                            const fm_filter_report *report, void *user) {
  expected *e = user;
  int i = sample->id[3] - '0';
  uint8_t direct[PIXELS] = {0};
  fm_plane mask = mask_of(i), into = fm_plane_make(direct, FM_U8, SIDE, SIDE);
  fm_network_output output = network_output_of(i);
  fm_filter_report r = {.size = sizeof r};
  KIT_OK(fm_filter_apply_output(e->filter, e->w->model, &output, &mask, NULL, &into, &r, &err));
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++)
      ck_assert_int_eq(kit_get_int(filtered, y, x), direct[y * SIDE + x]);
  ck_assert(r.dropped == report->dropped && r.valid == report->valid);
  e->seen++;
  e->dropped += r.dropped;
  return 0;
}

START_TEST(filtering_equals_the_fused_form) {
  kit_walk_off(); /* its callback makes checks, and counts */
  world w;
  open_world(&w, _i == 3 ? QUERIES : FM_OUTPUT_LOGITS + _i, 2);
  KIT_OK(fm_source_collect_stats(w.source, w.provider, w.stats, NULL, &err));
  fm_filter *filter;
  KIT_OK(fm_filter_create(w.stats, NULL, &filter, &err));
  expected e = {&w, filter, 0, 0};
  KIT_OK(fm_source_filter(w.source, w.provider, filter, compare_filtered, &e, NULL, &err));
  ck_assert_int_eq(e.seen, SAMPLES);
  ck_assert(e.dropped > 0);
  fm_filter_destroy(filter);
  close_world(&w);
}
END_TEST

START_TEST(a_value_that_is_none_names_sample_class_and_pixel) {
  world w;
  open_world(&w, FM_OUTPUT_LOGITS, 2);
  h.outputs[3][1 * INNER * INNER + 2 * INNER + 4] = _i ? INFINITY : NAN;
  for (int p = 0; p < PIXELS; p++) h.masks[3][p] = 0;
  const char *said = _i ? "sample img3: output: inf in channel 1 (class class 1) at (x 4, y 2)"
                        : "sample img3: output: nan in channel 1 (class class 1) at (x 4, y 2)";
  KIT_FAILS(FM_ERR_LOSS, said, fm_source_collect_stats(w.source, w.provider, w.stats, NULL, &err));
  ck_assert_int_eq(fm_class_stats_image_count(w.stats), 0);
  close_world(&w);
}
END_TEST

START_TEST(an_output_that_is_missing_names_the_sample) {
  world w;
  open_world(&w, FM_OUTPUT_LOGITS, 1);
  h.forgets = true;
  KIT_FAILS(FM_ERR_ARGUMENT, "sample img0",
            fm_source_collect_stats(w.source, w.provider, w.stats, NULL, &err));
  close_world(&w);
}
END_TEST

START_TEST(scores_taken_for_logits_name_the_sample) {
  world w;
  open_world(&w, FM_OUTPUT_LOGITS, 1);
  uint64_t random = 8;
  for (int v = 0; v < VALUES; v++) h.outputs[2][v] = value_of(FM_OUTPUT_SCORES, &random);
  KIT_FAILS(FM_ERR_ARGUMENT, "sample img2: output: declared FM_OUTPUT_LOGITS",
            fm_source_collect_stats(w.source, w.provider, w.stats, NULL, &err));
  close_world(&w);
}
END_TEST

START_TEST(a_provider_keeps_what_it_uses_alive) {
  kit_walk_off(); /* what was collected before a failure stays */
  world w;
  open_world(&w, FM_OUTPUT_LOGITS, 1);
  fm_network_loss_destroy(w.model);
  fm_labels_destroy(w.labels);
  w.model = NULL;
  w.labels = NULL;
  KIT_OK(fm_source_collect_stats(w.source, w.provider, w.stats, NULL, &err));
  ck_assert_int_eq(fm_class_stats_image_count(w.stats), SAMPLES);
  close_world(&w);
}
END_TEST

static fm_status collect(fm_context *context, void *user, fm_error *err) {
  world w;
  (void)user;
  fm_status status = build(&w, context, FM_OUTPUT_LOGITS, 2, err);
  if (!status) status = fm_source_collect_stats(w.source, w.provider, w.stats, NULL, err);
  demolish(&w);
  return status;
}

START_TEST(every_allocation_of_the_loop_may_fail) {
  fill_host(FM_OUTPUT_LOGITS);
  kit_every_allocation_fails(collect, NULL, 10);
}
END_TEST

/* ---- Threads -------------------------------------------------------------------------------- */

enum { THREADS = 4, WIDE = 37 };

typedef struct worker {
  pthread_t thread;
  const fm_network_loss *model;
  const fm_volume *output;
  const fm_plane *mask;
  float loss[WIDE * WIDE];
  int failures;
} worker;

static void *map_often(void *user) {
  worker *w = user;
  fm_plane loss = fm_plane_make(w->loss, FM_F32, WIDE, WIDE);
  for (int i = 0; i < 5; i++)
    w->failures += kit_map(w->model, w->output, w->mask, &loss, NULL) != FM_OK;
  return NULL;
}

START_TEST(threads_share_one_and_get_the_same_bits) {
  world w;
  open_world(&w, FM_OUTPUT_LOGITS, 1);
  static uint8_t labels[WIDE * WIDE];
  static worker workers[THREADS];
  for (int p = 0; p < WIDE * WIDE; p++) labels[p] = (uint8_t)(p % CLASSES);
  fm_plane mask = fm_plane_make(labels, FM_U8, WIDE, WIDE);
  fm_volume output = output_of(0);
  for (int i = 0; i < THREADS; i++) {
    workers[i].model = w.model;
    workers[i].output = &output;
    workers[i].mask = &mask;
    ck_assert(!pthread_create(&workers[i].thread, NULL, map_often, &workers[i]));
  }
  for (int i = 0; i < THREADS; i++) {
    ck_assert(!pthread_join(workers[i].thread, NULL));
    ck_assert_int_eq(workers[i].failures, 0);
    ck_assert_mem_eq(workers[i].loss, workers[0].loss, sizeof workers[0].loss);
  }
  close_world(&w);
}
END_TEST

/* ---- Memory --------------------------------------------------------------------------------- */

typedef struct meter {
  size_t now, peak;
} meter;

static void *metered(size_t size, void *user) {
  meter *m = user;
  size_t *block = malloc(size + 64);
  if (!block) return NULL;
  *block = size;
  m->now += size;
  if (m->now > m->peak) m->peak = m->now;
  return (char *)block + 64;
}

static void unmetered(void *memory, void *user) {
  meter *m = user;
  char *block = (char *)memory - 64;
  size_t size;
  memcpy(&size, block, sizeof size);
  m->now -= size;
  free(block);
}

/* Channels, the output's height and width, scale, queries. */
static const int memory_cases[][5] = {
    {2, 100, 100, 4, 0},    {150, 64, 64, 4, 0},   {150, 300, 300, 1, 0}, {847, 40, 50, 3, 0},
    {3, 1, 5000, 2, 0},     {14000, 3, 4, 2, 0},   {14000, 2, 40, 1, 0},  {150, 64, 64, 4, 100},
    {847, 20, 20, 8, 1000}, {150, 2, 40, 3, 3000}, {3, 2, 1 << 18, 4, 0}, {3, 2, 1 << 20, 1, 0}};
enum { MEMORY_CASES = sizeof memory_cases / sizeof memory_cases[0] };

/* One image, all logits equal, and the three calls that take it. */
typedef struct image {
  float *values, *class_logits, *loss;
  uint16_t *mask, *filtered;
  fm_network_output output;
  fm_plane mask_view, loss_view, filtered_view;
} image;

static void *zeros(size_t count, size_t size) {
  void *memory = calloc(count, size);
  ck_assert_ptr_nonnull(memory);
  return memory;
}

static image new_image(const int *shape) {
  int64_t channels = shape[4] ? shape[4] : shape[0];
  int64_t height = shape[1] * shape[3], width = (int64_t)shape[2] * shape[3];
  size_t pixels = (size_t)(height * width);
  image i = {.values = zeros((size_t)(channels * shape[1] * shape[2]), sizeof(float)),
             .class_logits = zeros((size_t)(shape[4] + 1) * (size_t)(shape[0] + 1), sizeof(float)),
             .loss = zeros(pixels, sizeof(float)),
             .mask = zeros(pixels, sizeof(uint16_t)),
             .filtered = zeros(pixels, sizeof(uint16_t))};
  i.output = kit_output(fm_volume_make(i.values, FM_F32, channels, shape[1], shape[2]));
  if (shape[4])
    i.output.class_logits = fm_plane_make(i.class_logits, FM_F32, shape[4], shape[0] + 1);
  i.mask_view = fm_plane_make(i.mask, FM_U16, height, width);
  i.loss_view = fm_plane_make(i.loss, FM_F32, height, width);
  i.filtered_view = fm_plane_make(i.filtered, FM_U16, height, width);
  return i;
}

static void free_image(image *i) {
  free(i->filtered);
  free(i->mask);
  free(i->loss);
  free(i->class_logits);
  free(i->values);
}

static size_t statistics_size(const fm_labels *labels, meter *m) {
  size_t before = m->now;
  fm_class_stats *stats;
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  size_t size = m->now - before;
  fm_class_stats_destroy(stats);
  return size;
}

static fm_filter *any_filter(const fm_labels *labels, int classes) {
  double *means = zeros((size_t)classes, sizeof *means);
  means[0] = 1;
  fm_mean_table table = kit_mean_table(classes, means, NULL);
  fm_filter *filter;
  KIT_OK(fm_filter_create_from_means(labels, &table, NULL, &filter, &err));
  free(means);
  return filter;
}

/* What one of the three calls takes beyond what it needs for its receiver. */
static size_t measured_call(const fm_network_loss *model, const image *i, int which, int classes,
                            meter *m) {
  const fm_labels *labels = fm_network_loss_labels(model);
  size_t pixels = (size_t)(i->mask_view.height * i->mask_view.width), own = 0, before;
  fm_class_stats *stats;
  fm_filter *filter = any_filter(labels, classes);
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  if (which == 1) own = statistics_size(labels, m);
  if (which == 2) own = pixels * sizeof(uint16_t) + 32 * (size_t)classes;
  m->peak = before = m->now;
  if (which == 0)
    KIT_OK(fm_network_loss_map(model, &i->output, &i->mask_view, &i->loss_view, &err));
  else if (which == 1)
    KIT_OK(fm_class_stats_add_output(stats, model, &i->output, &i->mask_view, NULL, &err));
  else
    KIT_OK(fm_filter_apply_output(filter, model, &i->output, &i->mask_view, NULL, &i->filtered_view,
                                  NULL, &err));
  size_t taken = m->peak - before;
  ck_assert_uint_eq(m->now, before);
  fm_filter_destroy(filter);
  fm_class_stats_destroy(stats);
  return taken > own ? taken - own : 0;
}

START_TEST(a_call_takes_less_than_a_mebibyte) {
  kit_walk_off(); /* large, and it meters each block */
  const int *shape = memory_cases[_i];
  static const int64_t ignored = 65535;
  meter m = {0, 0};
  fm_context_options co = {
      .size = sizeof co, .allocate = metered, .release = unmetered, .allocator_user = &m};
  fm_labels_options lo = {
      .size = sizeof lo, .class_count = shape[0], .ignored_labels = &ignored, .ignored_count = 1};
  fm_network_loss_options no = {.size = sizeof no,
                                .kind = shape[4] ? FM_OUTPUT_SCORES : FM_OUTPUT_LOGITS};
  fm_context *context;
  fm_labels *labels;
  fm_network_loss *model;
  KIT_OK(fm_context_create(&co, &context, &err));
  KIT_OK(fm_labels_create(context, &lo, &labels, &err));
  KIT_OK(fm_network_loss_create(labels, &no, &model, &err));
  image i = new_image(shape);
  for (int which = 0; which < 3; which++) {
    size_t taken = measured_call(model, &i, which, shape[0], &m);
    ck_assert_msg(taken < 1 << 20, "call %d: %zu bytes", which, taken);
  }
  ck_assert(fabs((double)i.loss[i.mask_view.width - 1] - log(shape[0])) < 5e-6);
  free_image(&i);
  fm_network_loss_destroy(model);
  fm_labels_destroy(labels);
  fm_context_destroy(context);
  ck_assert_uint_eq(m.now, 0);
}
END_TEST

/* ---- The guard --------------------------------------------------------------------------------
 */

/* Few pixels looked like shares, but not all do: these are logits. */
START_TEST(logits_that_look_like_shares_here_and_there_are_logits) {
  kit_walk_off(); /* what is walked elsewhere, of many more pixels */
  world w;
  open_world(&w, FM_OUTPUT_LOGITS, 1);
  enum { LARGE = 64 };
  static float output[CLASSES * LARGE * LARGE];
  static float loss[PIXELS];
  for (int c = 0; c < CLASSES; c++)
    for (int p = 0; p < LARGE * LARGE; p++) output[c * LARGE * LARGE + p] = c ? 0.125F : 0.75F;
  fm_volume v = fm_volume_make(output, FM_F32, CLASSES, LARGE, LARGE);
  fm_plane mask = mask_of(0), map = fm_plane_make(loss, FM_F32, SIDE, SIDE);
  KIT_FAILS(FM_ERR_ARGUMENT, "as after a softmax", kit_map(w.model, &v, &mask, &map, &err));
  output[LARGE + 1] = -2; /* between those that are looked at first */
  KIT_OK(kit_map(w.model, &v, &mask, &map, &err));
  close_world(&w);
}
END_TEST

/* Resized by padding: a frame of zeros around probabilities. */
START_TEST(probabilities_may_have_a_frame_of_zeros) {
  kit_walk_off(); /* what is walked elsewhere, of many more pixels */
  world w;
  open_world(&w, FM_OUTPUT_PROBS, 1);
  for (int c = 0; c < CLASSES; c++)
    for (int x = 0; x < INNER; x++) h.outputs[0][c * INNER * INNER + x] = 0;
  float loss[PIXELS];
  fm_plane mask = mask_of(0), map = fm_plane_make(loss, FM_F32, SIDE, SIDE);
  fm_volume output = output_of(0);
  KIT_OK(kit_map(w.model, &output, &mask, &map, &err));
  for (int v = 0; v < VALUES; v++) h.outputs[0][v] *= 0.5F;
  KIT_FAILS(FM_ERR_ARGUMENT, "pass FM_OUTPUT_SCORES", kit_map(w.model, &output, &mask, &map, &err));
  close_world(&w);
}
END_TEST

Suite *network_loops_suite(void) {
  Suite *suite = suite_create("network_loops");
  TCase *c = tcase_create("loops");
  tcase_add_loop_test(c, collecting_equals_map_and_add, 0, 12);
  tcase_add_loop_test(c, filtering_equals_the_fused_form, 0, 4);
  tcase_add_loop_test(c, a_value_that_is_none_names_sample_class_and_pixel, 0, 2);
  tcase_add_test(c, an_output_that_is_missing_names_the_sample);
  tcase_add_test(c, scores_taken_for_logits_name_the_sample);
  tcase_add_test(c, a_provider_keeps_what_it_uses_alive);
  tcase_add_test(c, every_allocation_of_the_loop_may_fail);
  suite_add_tcase(suite, c);
  c = tcase_create("resources");
  tcase_set_timeout(c, 60);
  tcase_add_test(c, threads_share_one_and_get_the_same_bits);
  tcase_add_loop_test(c, a_call_takes_less_than_a_mebibyte, 0, MEMORY_CASES);
  suite_add_tcase(suite, c);
  c = tcase_create("guard");
  tcase_add_test(c, logits_that_look_like_shares_here_and_there_are_logits);
  tcase_add_test(c, probabilities_may_have_a_frame_of_zeros);
  suite_add_tcase(suite, c);
  return suite;
}
