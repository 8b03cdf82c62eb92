/* oom/test_oom.c - every single allocation fails once, alone and with all after it: the call
 * says FM_ERR_MEMORY, its outputs stay, nothing leaks.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { CLASSES = 11, SIDE = 20 };

static uint8_t pixels[SIDE * SIDE];
static float losses[SIDE * SIDE];

static void set_up(void) {
  uint64_t random = 3;
  for (int i = 0; i < SIDE * SIDE; i++) {
    pixels[i] = (uint8_t)kit_below(&random, CLASSES + 1);
    losses[i] = kit_plain_loss(&random);
  }
}

static fm_plane mask_plane(void) { return fm_plane_make(pixels, FM_U8, SIDE, SIDE); }
static fm_plane loss_plane(void) { return fm_plane_make(losses, FM_F32, SIDE, SIDE); }

/* Things that a scenario needs before the call that it is about. */
typedef struct base {
  fm_labels *labels;
  fm_class_stats *stats;
} base;

static fm_status make_base(fm_context *context, base *b, fm_error *err) {
  memset(b, 0, sizeof *b);
  fm_status status = fm_labels_create_from_preset(context, "camvid", &b->labels, err);
  if (status) return status;
  status = fm_class_stats_create(b->labels, NULL, &b->stats, err);
  fm_plane mask = mask_plane(), loss = loss_plane();
  if (!status) status = fm_class_stats_add(b->stats, &mask, &loss, NULL, err);
  return status;
}

static void free_base(base *b) {
  fm_class_stats_destroy(b->stats);
  fm_labels_destroy(b->labels);
}

/* ---- One scenario per call that allocates ------------------------------------------------ */

/* CREATE(type, call): makes a `type *made` from a sentinel, which has to survive failure. */
#define CREATE(type, destroy, call)         \
  do {                                      \
    type *made = KIT_SENTINEL;              \
    status = (call);                        \
    if (status)                             \
      ck_assert_ptr_eq(made, KIT_SENTINEL); \
    else                                    \
      destroy(made);                        \
  } while (0)

static fm_status preset(fm_context *context, void *user, fm_error *err) {
  (void)user;
  fm_status status;
  CREATE(fm_labels, fm_labels_destroy, fm_labels_create_from_preset(context, "ade20k", &made, err));
  return status;
}

static fm_status own_labels(fm_context *context, void *user, fm_error *err) {
  (void)user;
  static const char *const names[] = {"a", "b"};
  fm_labels_options options = {.size = sizeof options,
                               .class_count = 2,
                               .ignored_labels = (const int64_t[]){255},
                               .ignored_count = 1,
                               .class_names = names,
                               .name = "own"};
  fm_status status;
  CREATE(fm_labels, fm_labels_destroy, fm_labels_create(context, &options, &made, err));
  return status;
}

static fm_status stats(fm_context *context, void *user, fm_error *err) {
  (void)user;
  base b;
  fm_status status = make_base(context, &b, err);
  fm_class_stats_options options = {.size = sizeof options, .strata = 3, .histogram = 8};
  if (!status)
    CREATE(fm_class_stats, fm_class_stats_destroy,
           fm_class_stats_create(b.labels, &options, &made, err));
  free_base(&b);
  return status;
}

static fm_status count(fm_context *context, void *user, fm_error *err) {
  (void)user;
  base b;
  fm_status status = make_base(context, &b, err);
  int64_t counts[CLASSES] = {-4}, ignored = -4;
  fm_plane mask = mask_plane();
  if (!status) status = fm_labels_count(b.labels, &mask, counts, &ignored, err);
  if (status) ck_assert(counts[0] == -4 && ignored == -4);
  free_base(&b);
  return status;
}

static fm_status filter_from_stats(fm_context *context, void *user, fm_error *err) {
  (void)user;
  base b;
  fm_status status = make_base(context, &b, err);
  if (!status) CREATE(fm_filter, fm_filter_destroy, fm_filter_create(b.stats, NULL, &made, err));
  free_base(&b);
  return status;
}

static fm_status filter_from_means(fm_context *context, void *user, fm_error *err) {
  (void)user;
  static const double means[CLASSES] = {1};
  fm_mean_table table = kit_mean_table(CLASSES, means, NULL);
  base b;
  fm_status status = make_base(context, &b, err);
  if (!status)
    CREATE(fm_filter, fm_filter_destroy,
           fm_filter_create_from_means(b.labels, &table, NULL, &made, err));
  free_base(&b);
  return status;
}

/* `user`: the share to keep. */
static fm_status apply(fm_context *context, void *user, fm_error *err) {
  base b;
  fm_filter *filter = NULL;
  fm_status status = make_base(context, &b, err);
  fm_filter_options options = {
      .size = sizeof options, .tolerance = 0.1, .min_kept_share = *(const double *)user};
  if (!status) status = fm_filter_create(b.stats, &options, &filter, err);
  uint8_t out[SIDE * SIDE];
  float weights[SIDE * SIDE];
  memset(out, 0xEE, sizeof out);
  for (int i = 0; i < SIDE * SIDE; i++) weights[i] = 7;
  fm_plane mask = mask_plane(), loss = loss_plane();
  fm_plane to = fm_plane_make(out, FM_U8, SIDE, SIDE),
           w = fm_plane_make(weights, FM_F32, SIDE, SIDE);
  fm_filter_report report = {.size = sizeof report, .valid = -4, .dropped = -4};
  if (!status) {
    status = fm_filter_apply(filter, &mask, &loss, NULL, &to, &report, err);
    for (int i = 0; i < SIDE * SIDE && status; i++) ck_assert_uint_eq(out[i], 0xEE);
    if (status) ck_assert(report.valid == -4 && report.dropped == -4);
  }
  if (!status) {
    report.valid = report.dropped = -4;
    status = fm_filter_weigh(filter, &mask, &loss, NULL, NULL, &w, &report, err);
    for (int i = 0; i < SIDE * SIDE && status; i++) ck_assert(weights[i] == 7.0F);
    if (status) ck_assert(report.valid == -4 && report.dropped == -4);
  }
  fm_filter_destroy(filter);
  free_base(&b);
  return status;
}

/* Both leave their output alone. */
static fm_status maps(fm_context *context, void *user, fm_error *err) {
  (void)user;
  uint8_t strata[SIDE * SIDE] = {200};
  float means[SIDE * SIDE] = {-3};
  fm_plane mask = mask_plane(), loss = loss_plane();
  fm_plane s = fm_plane_make(strata, FM_U8, SIDE, SIDE),
           m = fm_plane_make(means, FM_F32, SIDE, SIDE);
  fm_status status = fm_map_boundary_strata(context, &mask, NULL, &s, err);
  if (status) ck_assert_uint_eq(strata[0], 200);
  if (!status) status = fm_map_window_mean(context, &mask, &loss, 3, &m, err);
  if (status) ck_assert(means[0] == -3.0F);
  return status;
}

static int sink(const void *data, size_t size, void *user) {
  (void)data;
  (void)size;
  (void)user;
  return 0;
}

/* What a score is made of and what is made of it. */
typedef struct scored {
  base b;
  fm_class_stats *ranks, *stats;
  fm_filter *filter;
  fm_calibration *calibration;
} scored;

static fm_status make_scored(fm_context *context, scored *s, fm_error *err) {
  fm_class_stats_options o = {.size = sizeof o, .strata = 2, .histogram = 1};
  fm_plane mask = mask_plane(), loss = loss_plane();
  static uint8_t zero[SIDE * SIDE];
  fm_plane strata = fm_plane_make(zero, FM_U8, SIDE, SIDE);
  fm_extra_planes extra = {.size = sizeof extra, .strata = &strata};
  fm_filter_options options = {.size = sizeof options, .policy = FM_FILTER_STRATA};
  fm_status status = make_base(context, &s->b, err);
  if (!status) status = fm_class_stats_create(s->b.labels, &o, &s->ranks, err);
  if (!status) status = fm_class_stats_add(s->ranks, &mask, &loss, &extra, err);
  o = (fm_class_stats_options){
      .size = sizeof o, .histogram = 1, .score = FM_SCORE_RANK, .ranks = s->ranks};
  if (!status) status = fm_class_stats_create(s->b.labels, &o, &s->stats, err);
  if (!status) status = fm_class_stats_add(s->stats, &mask, &loss, &extra, err);
  if (status) return status;
  status = fm_calibration_create(s->stats, &s->calibration, err);
  if (!status) status = fm_calibration_add(s->calibration, &mask, &loss, &extra, err);
  if (status) return status;
  ck_assert_int_eq(fm_class_stats_image_count(s->stats), 1);
  return fm_filter_create_calibrated(s->calibration, NULL, &options, &s->filter, err);
}

static fm_status score(fm_context *context, void *user, fm_error *err) {
  (void)user;
  scored s = {.ranks = NULL};
  fm_status status = make_scored(context, &s, err);
  size_t size = fm_class_stats_blob_size(s.stats);
  void *blob = status ? NULL : malloc(size);
  if (!status) status = fm_class_stats_save(s.stats, blob, size, err);
  if (!status)
    CREATE(fm_class_stats, fm_class_stats_destroy,
           fm_class_stats_load(s.b.labels, blob, size, &made, err));
  free(blob);
  if (!status) status = fm_calibration_encode(s.calibration, sink, NULL, err);
  fm_filter_destroy(s.filter);
  fm_calibration_destroy(s.calibration);
  fm_class_stats_destroy(s.stats);
  fm_class_stats_destroy(s.ranks);
  free_base(&s.b);
  return status;
}

static fm_status hardness(fm_context *context, void *user, fm_error *err) {
  (void)user;
  static const double means[CLASSES] = {1};
  fm_mean_table table = kit_mean_table(CLASSES, means, NULL);
  base b;
  fm_hardness *measure = NULL;
  fm_status status = make_base(context, &b, err);
  if (!status)
    CREATE(fm_hardness, fm_hardness_destroy,
           fm_hardness_create_from_means(b.labels, &table, NULL, &made, err));
  if (!status) {
    measure = KIT_SENTINEL;
    status = fm_hardness_create(b.stats, NULL, &measure, err);
    if (status) ck_assert_ptr_eq(measure, KIT_SENTINEL);
    if (status) measure = NULL;
  }
  double value = -4;
  int64_t valid = -4;
  fm_plane mask = mask_plane();
  if (!status) status = fm_hardness_measure(measure, &mask, &value, &valid, err);
  if (status) ck_assert(value == -4 && valid == -4);
  int64_t shapes[CLASSES] = {-4};
  if (!status) status = fm_shape_measure(b.labels, &mask, shapes, CLASSES, err);
  if (status) ck_assert(shapes[0] == -4);
  fm_hardness_destroy(measure);
  free_base(&b);
  return status;
}

/* Enough ids, long ones among them, that every array and block grows. */
static fm_status plan(fm_context *context, void *user, fm_error *err) {
  (void)user;
  static const int64_t seeds[] = {3, 1, 2};
  fm_planner_options options = {
      .size = sizeof options, .n_max = 3, .seeds = seeds, .seed_count = 3};
  fm_planner *planner = KIT_SENTINEL;
  fm_status status = fm_planner_create(context, &options, &planner, err);
  if (status) {
    ck_assert_ptr_eq(planner, KIT_SENTINEL);
    return status;
  }
  static char id[4096];
  for (int i = 0; i < 300 && !status; i++) {
    memset(id, 'x', 1000);
    snprintf(id + 1000, 16, "%d", i);
    status = fm_planner_add(planner, id, i % 9, NULL, 0, err);
  }
  if (!status) CREATE(fm_plan, fm_plan_destroy, fm_planner_make_plan(planner, &made, err));
  fm_planner_destroy(planner);
  return status;
}

/* A plan from rows, with ranks and without. */
static fm_status plan_from_rows(fm_context *context, void *user, fm_error *err) {
  static const char *const ids[] = {"b", "a", "c"};
  static const double value[] = {1, 2, 0};
  static const int64_t ranks[] = {1, 2, 3}, counts[] = {1, 0, 2}, seeds[] = {5, 7, 6};
  fm_plan_rows rows = {.size = sizeof rows,
                       .row_count = 3,
                       .mask_ids = ids,
                       .hardness = value,
                       .ranks = user ? ranks : NULL,
                       .counts = counts,
                       .seeds = seeds,
                       .seed_count = 3};
  fm_status status;
  CREATE(fm_plan, fm_plan_destroy, fm_plan_create(context, &rows, &made, err));
  return status;
}

/* A plan and weights: all that a schedule holds. */
static fm_status schedule(fm_context *context, void *user, fm_error *err) {
  (void)user;
  static double weights[21];
  static const char *const ids[] = {"a"};
  fm_planner *planner = NULL;
  fm_plan *made_plan = NULL;
  fm_status status = fm_planner_create(context, NULL, &planner, err);
  if (!status) status = fm_planner_add(planner, "a", 1, NULL, 0, err);
  if (!status) status = fm_planner_make_plan(planner, &made_plan, err);
  for (int i = 0; i < 21; i++) weights[i] = i;
  fm_schedule_options options = {.size = sizeof options,
                                 .mix = FM_MIX_WEIGHTED,
                                 .real_count = 1,
                                 .real_ids = ids,
                                 .weights = weights,
                                 .weight_count = 21};
  if (!status)
    CREATE(fm_schedule, fm_schedule_destroy,
           fm_schedule_create(context, made_plan, &options, &made, err));
  fm_plan_destroy(made_plan);
  fm_planner_destroy(planner);
  return status;
}

/* All that policies take: class sets, kept seeds, ranks, tables of classes. */
static fm_status plan_blend(fm_context *context, void *user, fm_error *err) {
  (void)user;
  static const fm_plan_part parts[] = {{FM_PLAN_RANK, 0, 1},
                                       {FM_PLAN_UNIFORM, 0, 1},
                                       {FM_PLAN_PROPORTIONAL, 0, 1},
                                       {FM_PLAN_REPEAT_FACTOR, 0, 1},
                                       {FM_PLAN_RARE_CLASS, 0, 1}};
  static const int64_t kept[] = {7, 8, 9}, class_pixels[] = {5, 0, 7};
  static const double hardness[] = {1, 3, 2};
  static const uint64_t classes[] = {1, 5, 4};
  fm_planner_options options = {
      .size = sizeof options, .policy = FM_PLAN_BLEND, .blend = parts, .blend_count = 5};
  fm_planner_table table = {.size = sizeof table,
                            .mask_count = 3,
                            .hardness = hardness,
                            .classes = classes,
                            .class_count = 3,
                            .class_pixels = class_pixels};
  uint32_t counts[3] = {77, 77, 77};
  fm_status status = fm_planner_count_images(context, &options, &table, counts, err);
  if (status) ck_assert(counts[0] == 77 && counts[1] == 77 && counts[2] == 77);
  const fm_yield_table yield = {
      .size = sizeof yield, .mask_count = 1, .pixels = class_pixels, .class_count = 3, .budget = 4};
  uint32_t shared = 77;
  if (!status) status = fm_yield_count_images(context, &yield, &shared, err);
  if (!status) ck_assert(shared == 4);
  fm_planner *planner = NULL;
  if (!status) status = fm_planner_create(context, &options, &planner, err);
  static char id[2000];
  for (int i = 0; i < 200 && !status; i++) {
    snprintf(id, sizeof id, "%01000d", i);
    status = fm_planner_add(planner, id, i % 9, class_pixels, 3, err);
    if (!status) status = fm_planner_keep(planner, id, kept, i % 4, err);
  }
  if (!status) CREATE(fm_plan, fm_plan_destroy, fm_planner_make_plan(planner, &made, err));
  fm_planner_destroy(planner);
  return status;
}

/* The measures by an image's own losses. */
static fm_status measure_loss(fm_context *context, void *user, fm_error *err) {
  (void)user;
  base b;
  fm_status status = make_base(context, &b, err);
  for (int32_t measure = 0; measure < 3 && !status; measure++) {
    fm_hardness_options options = {.size = sizeof options, .measure = measure};
    fm_hardness *hardness = NULL;
    double value = -4;
    fm_plane mask = mask_plane(), loss = loss_plane();
    status = fm_hardness_create(b.stats, &options, &hardness, err);
    if (!status) status = fm_hardness_measure_loss(hardness, &mask, &loss, &value, NULL, err);
    if (status) ck_assert(value == -4);
    fm_hardness_destroy(hardness);
  }
  free_base(&b);
  return status;
}

/* ---- The loops: a host whose books have to balance --------------------------------------------
 */

static int balance;

static int get(int64_t index, fm_sample *sample, void *user) {
  static const char *const ids[] = {"a", "b", "c", "d", "e"};
  (void)user;
  sample->id = ids[index];
  /* Sizes grow, so that buffers are taken anew. */
  sample->mask = fm_plane_make(pixels, FM_U8, 4 + index * 4, SIDE);
  balance++;
  return 0;
}

static void release(fm_sample *sample, void *user) {
  (void)sample;
  (void)user;
  balance--;
}

static int predict(const fm_sample *const *samples, fm_prediction *const *predictions,
                   int64_t samples_given, void *user) {
  (void)user;
  for (int64_t i = 0; i < samples_given; i++) {
    memcpy(predictions[i]->loss.data, losses,
           (size_t)(samples[i]->mask.height * samples[i]->mask.width) * sizeof(float));
    balance++;
  }
  return 0;
}

static void release_prediction(fm_prediction *prediction, void *user) {
  (void)prediction;
  (void)user;
  balance--;
}

static int filtered(const fm_sample *sample, const fm_plane *mask, const fm_filter_report *report,
                    void *user) {
  (void)sample;
  (void)mask;
  (void)report;
  (void)user;
  return 0;
}

typedef struct host {
  fm_source *source;
  fm_provider *provider;
} host;

static fm_status make_host(fm_context *context, host *h, fm_error *err) {
  fm_source_options so = {.size = sizeof so, .count = 5, .get = get, .release = release};
  fm_provider_options po = {
      .size = sizeof po, .batch = 2, .predict = predict, .release = release_prediction};
  balance = 0;
  h->source = NULL;
  h->provider = NULL;
  fm_status status = fm_source_create(context, &so, &h->source, err);
  if (!status) status = fm_provider_create(context, &po, &h->provider, err);
  return status;
}

static void free_host(host *h) {
  ck_assert_int_eq(balance, 0);
  fm_source_destroy(h->source);
  fm_provider_destroy(h->provider);
}

static fm_status collect(fm_context *context, void *user, fm_error *err) {
  (void)user;
  base b;
  host h;
  fm_status status = make_base(context, &b, err);
  if (status) {
    free_base(&b);
    return status;
  }
  enum { WORDS = 1 + 12 * CLASSES };
  int64_t before[WORDS], after[WORDS];
  ck_assert_int_eq(fm_class_stats_export(b.stats, before, (int64_t)WORDS, NULL), FM_OK);
  status = make_host(context, &h, err);
  if (!status) status = fm_source_collect_stats(h.source, h.provider, b.stats, NULL, err);
  ck_assert_int_eq(fm_class_stats_export(b.stats, after, (int64_t)WORDS, NULL), FM_OK);
  if (status)
    ck_assert_mem_eq(before, after, sizeof before);
  else
    ck_assert_int_eq(after[0], before[0] + 5);
  free_host(&h);
  free_base(&b);
  return status;
}

static fm_status filter_loop(fm_context *context, void *user, fm_error *err) {
  (void)user;
  base b;
  host h = {NULL, NULL};
  balance = 0;
  fm_filter *filter = NULL;
  fm_filter_options options = {.size = sizeof options, .tolerance = 0.1, .min_kept_share = 0.5};
  fm_status status = make_base(context, &b, err);
  if (!status) status = fm_filter_create(b.stats, &options, &filter, err);
  if (!status) status = make_host(context, &h, err);
  if (!status) status = fm_source_filter(h.source, h.provider, filter, filtered, NULL, NULL, err);
  free_host(&h);
  fm_filter_destroy(filter);
  free_base(&b);
  return status;
}

static fm_status plan_loop(fm_context *context, void *user, fm_error *err) {
  (void)user;
  base b;
  host h = {NULL, NULL};
  balance = 0;
  fm_hardness *measure = NULL;
  fm_planner *planner = NULL;
  fm_status status = make_base(context, &b, err);
  if (!status) status = fm_hardness_create(b.stats, NULL, &measure, err);
  if (!status) status = fm_planner_create(context, NULL, &planner, err);
  if (!status) status = make_host(context, &h, err);
  if (!status) status = fm_source_measure(h.source, measure, planner, NULL, err);
  free_host(&h);
  fm_planner_destroy(planner);
  fm_hardness_destroy(measure);
  free_base(&b);
  return status;
}

/* ---- Outputs of networks ------------------------------------------------------------------- */

enum { QUERIES = 4 };

/* A form of output: its kind, whether it is of queries, its side. */
typedef struct form {
  int32_t kind;
  bool queries, composed;
  int side;
} form;

static form resized = {FM_OUTPUT_LOGITS, false, false, 6};
static form full = {FM_OUTPUT_LOGITS, false, false, SIDE};
static form shares = {FM_OUTPUT_SCORES, false, false, 7};
static form queries = {FM_OUTPUT_SCORES, true, false, 5};
static form composed = {FM_OUTPUT_SCORES, true, true, 5};

static fm_network_output output_of(const form *f) {
  static float values[CLASSES * SIDE * SIDE], rows[QUERIES * (CLASSES + 1)];
  uint64_t random = 9;
  for (int i = 0; i < CLASSES * SIDE * SIDE; i++) values[i] = kit_plain_loss(&random);
  for (int i = 0; i < QUERIES * (CLASSES + 1); i++) rows[i] = kit_plain_loss(&random) - 4;
  int channels = f->queries ? QUERIES : CLASSES;
  fm_network_output output = kit_output(fm_volume_make(values, FM_F32, channels, f->side, f->side));
  if (f->queries) output.class_logits = fm_plane_make(rows, FM_F32, QUERIES, CLASSES + 1);
  return output;
}

static fm_status make_network(const base *b, const form *f, fm_network_loss **out, fm_error *err) {
  fm_network_loss_options options = {
      .size = sizeof options, .kind = f->kind, .trust_kind = 1, .compose_first = f->composed};
  return fm_network_loss_create(b->labels, &options, out, err);
}

static fm_status use_output(const base *b, const fm_network_loss *network, const form *f,
                            fm_error *err) {
  static float loss[SIDE * SIDE], weights[SIDE * SIDE];
  static uint8_t dropped[SIDE * SIDE];
  static const float untouched[SIDE * SIDE];
  static int32_t classes[SIDE * SIDE];
  static const int32_t none[SIDE * SIDE];
  fm_plane shown = fm_plane_make(classes, FM_I32, SIDE, SIDE);
  fm_network_output output = output_of(f);
  fm_plane mask = mask_plane(), map = fm_plane_make(loss, FM_F32, SIDE, SIDE);
  fm_plane result = fm_plane_make(dropped, FM_U8, SIDE, SIDE);
  fm_plane weighed = fm_plane_make(weights, FM_F32, SIDE, SIDE);
  fm_filter *filter = NULL;
  fm_filter_options options = {.size = sizeof options, .min_kept_share = f->side % 2 ? 0.5 : 0};
  memset(loss, 0, sizeof loss);
  memset(classes, 0, sizeof classes);
  memset(weights, 0, sizeof weights);
  memset(dropped, 0, sizeof dropped);
  int64_t images = fm_class_stats_image_count(b->stats);
  fm_status status = fm_network_loss_map(network, &output, &mask, &map, err);
  if (status) ck_assert_mem_eq(loss, untouched, sizeof loss);
  if (!status) {
    status = fm_network_class_map(network, &output, &mask, &shown, err);
    if (status) ck_assert_mem_eq(classes, none, sizeof classes);
  }
  if (!status) status = fm_class_stats_add_output(b->stats, network, &output, &mask, NULL, err);
  ck_assert_int_eq(fm_class_stats_image_count(b->stats), images + !status);
  if (!status) status = fm_filter_create(b->stats, &options, &filter, err);
  if (!status)
    status = fm_filter_apply_output(filter, network, &output, &mask, NULL, &result, NULL, err);
  if (status) ck_assert_mem_eq(dropped, untouched, sizeof dropped);
  if (!status)
    status =
        fm_filter_weigh_output(filter, network, &output, &mask, NULL, NULL, &weighed, NULL, err);
  if (status) ck_assert_mem_eq(weights, untouched, sizeof weights);
  fm_filter_destroy(filter);
  return status;
}

static fm_status outputs(fm_context *context, void *user, fm_error *err) {
  base b;
  fm_network_loss *network = NULL;
  fm_status status = make_base(context, &b, err);
  if (!status) status = make_network(&b, user, &network, err);
  if (!status) status = use_output(&b, network, user, err);
  fm_network_loss_destroy(network);
  free_base(&b);
  return status;
}

static int predict_outputs(const fm_sample *const *samples, fm_prediction *const *predictions,
                           int64_t samples_given, void *user) {
  (void)samples;
  for (int64_t i = 0; i < samples_given; i++) {
    *predictions[i]->output = output_of(user);
    balance++;
  }
  return 0;
}

static fm_status outputs_loop(fm_context *context, void *user, fm_error *err) {
  base b;
  host h = {NULL, NULL};
  balance = 0;
  fm_network_loss *network = NULL;
  fm_filter *filter = NULL;
  fm_source_options so = {.size = sizeof so, .count = 5, .get = get, .release = release};
  fm_provider_options po = {.size = sizeof po,
                            .batch = 2,
                            .predict = predict_outputs,
                            .release = release_prediction,
                            .user = user};
  fm_status status = make_base(context, &b, err);
  if (!status) status = make_network(&b, user, &network, err);
  po.network_loss = network;
  if (!status) status = fm_source_create(context, &so, &h.source, err);
  if (!status) status = fm_provider_create(context, &po, &h.provider, err);
  if (!status) status = fm_source_collect_stats(h.source, h.provider, b.stats, NULL, err);
  if (!status) status = fm_filter_create(b.stats, NULL, &filter, err);
  if (!status) status = fm_source_filter(h.source, h.provider, filter, filtered, NULL, NULL, err);
  free_host(&h);
  fm_filter_destroy(filter);
  fm_network_loss_destroy(network);
  free_base(&b);
  return status;
}

/* Masks of equal hardness: passes over the hardness, and over ids. */
static fm_status ranking(fm_context *context, void *user, fm_error *err) {
  (void)user;
  static const char *const ids[] = {"aa", "ab", "ba", "bb"};
  static const double equal[] = {1, 1, 1, 1};
  static int64_t words[3 + (1 << 18)];
  fm_ranking *made = KIT_SENTINEL;
  fm_status status = fm_ranking_create(context, 4, &made, err);
  if (status) {
    ck_assert_ptr_eq(made, KIT_SENTINEL);
    return status;
  }
  while (!status && !fm_ranking_is_done(made)) {
    int64_t count = fm_ranking_word_count(made);
    int32_t passes = fm_ranking_pass_count(made);
    ck_assert_int_le(count, (int64_t)(sizeof words / sizeof *words));
    status = fm_ranking_add(made, ids, equal, 4, err);
    if (!status) status = fm_ranking_export(made, words, count, err);
    if (!status) status = fm_ranking_advance(made, words, count, err);
    ck_assert_int_eq(fm_ranking_pass_count(made), passes + !status);
    ck_assert(!status || fm_ranking_word_count(made) == count);
  }
  fm_ranking_destroy(made);
  return status;
}

static double no_floor = 0, half = 0.5;

static const struct {
  const char *name;
  kit_scenario run;
  void *user;
  long least; /* allocations of a run, at least: the scenario reaches its end */
} scenarios[] = {
    {"preset", preset, NULL, 2},
    {"own labels", own_labels, NULL, 2},
    {"statistics", stats, NULL, 4},
    {"count", count, NULL, 3},
    {"filter", filter_from_stats, NULL, 4},
    {"filter from means", filter_from_means, NULL, 4},
    {"apply", apply, &no_floor, 4},
    {"apply with a floor", apply, &half, 6},
    {"maps", maps, NULL, 9},
    {"a score and what is made of it", score, NULL, 30},
    {"hardness", hardness, NULL, 5},
    {"hardness by losses", measure_loss, NULL, 8},
    {"plan", plan, NULL, 8},
    {"plan from rows", plan_from_rows, NULL, 7},
    {"plan from rows with ranks", plan_from_rows, &half, 5},
    {"schedule", schedule, NULL, 16},
    {"plan of a blend", plan_blend, NULL, 12},
    {"ranking", ranking, NULL, 20},
    {"statistics loop", collect, NULL, 6},
    {"filter loop", filter_loop, NULL, 8},
    {"hardness loop", plan_loop, NULL, 6},
    {"resized logits", outputs, &resized, 20},
    {"logits of full size", outputs, &full, 20},
    {"scores", outputs, &shares, 20},
    {"queries", outputs, &queries, 20},
    {"queries, composed first", outputs, &composed, 20},
    {"loops of outputs", outputs_loop, &queries, 20},
};

enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

START_TEST(every_allocation_fails) {
  kit_every_allocation_fails(scenarios[_i].run, scenarios[_i].user, scenarios[_i].least);
}
END_TEST

/* What context.h promises of every call; scenarios take some of it themselves. */
enum { MOST_STACK = 16 << 10 };

typedef struct stack_run {
  int scenario;
  fm_context *context;
} stack_run;

static void run_scenario(void *argument) {
  const stack_run *r = argument;
  fm_error err = {.message = ""};
  if (scenarios[r->scenario].run(r->context, scenarios[r->scenario].user, &err))
    ck_abort_msg("%s: %s", scenarios[r->scenario].name, err.message);
}

START_TEST(stack_is_bounded) {
  for (uint32_t level = FM_KERNELS_C; level <= FM_KERNELS_NEON; level++) {
    fm_context_options options = {.size = sizeof options, .kernels = level};
    stack_run r = {.scenario = _i};
    if (fm_context_create(&options, &r.context, NULL)) continue; /* not on this CPU */
    size_t bytes = kit_stack_of(run_scenario, &r);
    ck_assert_msg(bytes <= MOST_STACK, "%s, %s: %zu bytes of stack", scenarios[_i].name,
                  fm_context_kernels(r.context), bytes);
    fm_context_destroy(r.context);
  }
}
END_TEST

/* Adds a mask with classes, or says what it keeps. */
static fm_status give(fm_planner *planner, int mask, bool keep, fm_error *err) {
  static const int64_t seeds[] = {500, 400, 300}, class_pixels[] = {1, 0, 3};
  char id[600];
  memset(id, 'm', 500);
  snprintf(id + 500, 16, "%d", mask);
  return keep ? fm_planner_keep(planner, id, seeds, mask % 4, err)
              : fm_planner_add(planner, id, mask % 13, class_pixels, 3, err);
}

/* Whatever was refused can be asked for again: every allocation of a planner fails once. */
START_TEST(what_failed_can_be_repeated) {
  fm_context *plain = kit_plain_context();
  kit_allocator allocator;
  fm_context *context = kit_context(&allocator);
  fm_planner_options options = {.size = sizeof options, .policy = FM_PLAN_REPEAT_FACTOR};
  fm_planner *planner = NULL, *calm = NULL;
  KIT_OK(fm_planner_create(context, &options, &planner, &err));
  KIT_OK(fm_planner_create(plain, &options, &calm, &err));
  int refused = 0;
  for (int i = 0; i < 1400; i++) {
    /* The first allocation of the call fails, of the next call the second, until none does. */
    for (long skipped = 0;; skipped++) {
      long before = atomic_load(&allocator.refused);
      allocator.fail_at = atomic_load(&allocator.calls) + skipped;
      fm_status status = give(planner, i / 2, i % 2, NULL);
      allocator.fail_at = -1;
      bool failed = atomic_load(&allocator.refused) > before;
      ck_assert_int_eq(status, failed ? FM_ERR_MEMORY : FM_OK);
      if (!failed) break;
      ck_assert_int_eq(fm_planner_mask_count(planner), (i + 1) / 2);
      refused++;
    }
    KIT_OK(give(calm, i / 2, i % 2, &err));
  }
  ck_assert_int_gt(refused, 20);
  fm_plan *plans[2] = {NULL, NULL};
  KIT_OK(fm_planner_make_plan(planner, &plans[0], &err));
  KIT_OK(fm_planner_make_plan(calm, &plans[1], &err));
  ck_assert_int_eq(fm_plan_mask_count(plans[0]), 700);
  ck_assert_uint_eq(fm_plan_fingerprint(plans[0]), fm_plan_fingerprint(plans[1]));
  for (int i = 0; i < 2; i++) fm_plan_destroy(plans[i]);
  fm_planner_destroy(planner);
  fm_planner_destroy(calm);
  fm_context_destroy(context);
  fm_context_destroy(plain);
  ck_assert_int_eq(atomic_load(&allocator.living), 0);
}
END_TEST

Suite *oom_suite(void) {
  Suite *suite = suite_create("oom");
  TCase *tests = tcase_create("oom");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, NULL);
  tcase_add_loop_test(tests, every_allocation_fails, 0, SCENARIOS);
  tcase_add_test(tests, what_failed_can_be_repeated);
  if (kit_stack_is_usual()) tcase_add_loop_test(tests, stack_is_bounded, 0, SCENARIOS);
  suite_add_tcase(suite, tests);
  return suite;
}
