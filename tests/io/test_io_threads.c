/* io/test_io_threads.c - a host with threads: each reads files, predicts and walks over its part of a
 * source; context, labels, network loss, ranks, filters and hardness are shared. Made for
 * ThreadSanitizer; the results have to be those of one thread, to the bit.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_io_kit.h"

enum { SAMPLES = 12, SIDE = 24, PIXELS = SIDE * SIDE, CLASSES = 3, IGNORE = 9, INNER = 6 };
enum { MOST_THREADS = 4, BATCH = 2, FILTERS = 3 };

/* What all threads share. Later steps have what earlier ones made. */
typedef struct shared {
  fm_context *context;
  fm_labels *labels;
  fm_network_loss *model;
  fm_class_stats *outputs; /* losses of the network's outputs */
  fm_class_stats *losses;  /* losses of files: the ranks */
  fm_class_stats *scores;
  fm_hardness *hardness;
  fm_filter *filters[FILTERS]; /* the paper's, of strata, paired */
  float values[SAMPLES][CLASSES * INNER * INNER];
  uint8_t filtered[FILTERS][SAMPLES][PIXELS];
  int threads;
} shared;

typedef struct worker {
  pthread_t thread;
  shared *with;
  int index;
  int step; /* which of `steps` */
  bool with_strata, with_reference;
  uint8_t *filtered; /* of the running filter */
  fm_class_stats *part;
  fm_calibration *calibration;
  int failures;
} worker;

/* ---- The host's loader and segmenter -------------------------------------------------------- */

typedef struct item {
  int number;
  char id[8];
  fm_raster *mask, *reference;
  uint8_t strata[PIXELS];
} item;

static void name_file(char *path, size_t room, const char *kind, int number) {
  snprintf(path, room, "%s/%s%d.npy", io_folder(), kind, number);
}

static fm_status read_loss(const shared *s, const char *kind, int number, fm_raster **out) {
  char path[600];
  name_file(path, sizeof path, kind, number);
  return fm_loss_read(s->context, path, NULL, out, NULL);
}

static void item_free(item *i) {
  fm_raster_destroy(i->mask);
  fm_raster_destroy(i->reference);
  free(i);
}

static fm_status item_read(const worker *w, item *i) {
  const shared *s = w->with;
  char path[600];
  name_file(path, sizeof path, "mask", i->number);
  fm_status status = fm_mask_read(s->context, path, NULL, &i->mask, NULL);
  if (!status && w->with_reference) status = read_loss(s, "reference", i->number, &i->reference);
  if (status || !w->with_strata) return status;
  fm_plane mask = fm_raster_plane(i->mask), strata = fm_plane_make(i->strata, FM_U8, SIDE, SIDE);
  const int32_t edge = 2;
  fm_boundary_options options = {.size = sizeof options, .edges = &edge, .edge_count = 1};
  return fm_map_boundary_strata(s->context, &mask, &options, &strata, NULL);
}

static int get(int64_t index, fm_sample *sample, void *user) {
  const worker *w = user;
  item *i = calloc(1, sizeof *i);
  if (!i) return 1;
  i->number = (int)index;
  snprintf(i->id, sizeof i->id, "%d", i->number);
  if (item_read(w, i)) {
    item_free(i);
    return 1;
  }
  sample->id = i->id;
  sample->mask = fm_raster_plane(i->mask);
  if (w->with_strata) sample->strata = fm_plane_make(i->strata, FM_U8, SIDE, SIDE);
  if (w->with_reference) sample->reference = fm_raster_plane(i->reference);
  sample->user = i;
  return 0;
}

static void release(fm_sample *sample, void *user) {
  (void)user;
  item_free(sample->user);
}

static int predict_outputs(const fm_sample *const *samples, fm_prediction *const *predictions,
                           int64_t count, void *user) {
  worker *w = user;
  for (int64_t i = 0; i < count; i++) {
    const item *one = samples[i]->user;
    *predictions[i]->output =
        kit_output(fm_volume_make(w->with->values[one->number], FM_F32, CLASSES, INNER, INNER));
  }
  return 0;
}

/* From files, of real images or of the synthetic ones that are filtered. */
static int predict_losses(const fm_sample *const *samples, fm_prediction *const *predictions,
                          int64_t count, void *user) {
  const worker *w = user;
  for (int64_t i = 0; i < count; i++) {
    fm_raster *loss = NULL;
    const item *one = samples[i]->user;
    if (read_loss(w->with, w->filtered ? "synthetic" : "loss", one->number, &loss)) return 2;
    fm_plane values = fm_raster_plane(loss);
    memcpy(predictions[i]->loss.data, values.data, PIXELS * sizeof(float));
    fm_raster_destroy(loss);
  }
  return 0;
}

static fm_source *source_of(worker *w) {
  fm_source_options options = {
      .size = sizeof options, .count = SAMPLES, .get = get, .release = release, .user = w};
  fm_source *source = NULL;
  w->failures += fm_source_create(w->with->context, &options, &source, NULL) != FM_OK;
  return source;
}

static fm_provider *provider_of(worker *w, bool outputs) {
  fm_provider_options options = {.size = sizeof options,
                                 .predict = outputs ? predict_outputs : predict_losses,
                                 .user = w,
                                 .network_loss = outputs ? w->with->model : NULL,
                                 .batch = BATCH};
  fm_provider *provider = NULL;
  w->failures += fm_provider_create(w->with->context, &options, &provider, NULL) != FM_OK;
  return provider;
}

static fm_loop_options part_of(const worker *w) {
  return (fm_loop_options){
      .size = sizeof(fm_loop_options), .shard_index = w->index, .shard_count = w->with->threads};
}

/* ---- What a thread does ------------------------------------------------------------------ */

static fm_class_stats *collect(worker *w, fm_class_stats_options *options, bool outputs) {
  options->size = sizeof *options;
  fm_class_stats *stats = NULL;
  fm_source *source = source_of(w);
  fm_provider *provider = provider_of(w, outputs);
  fm_loop_options part = part_of(w);
  w->with_strata = options->strata > 1 || options->ranks;
  w->failures += fm_class_stats_create(w->with->labels, options, &stats, NULL) != FM_OK;
  w->failures += fm_source_collect_stats(source, provider, stats, &part, NULL) != FM_OK;
  w->with_strata = false;
  fm_source_destroy(source);
  fm_provider_destroy(provider);
  return stats;
}

static void add_outputs(worker *w) { w->part = collect(w, &(fm_class_stats_options){0}, true); }

static void add_losses(worker *w) {
  w->part = collect(w, &(fm_class_stats_options){.strata = 2, .histogram = 8}, false);
}

/* Ranks are read by all threads; statistics are written to files while others read them. */
static void add_scores(worker *w) {
  const shared *s = w->with;
  w->part = collect(
      w, &(fm_class_stats_options){.histogram = 8, .score = FM_SCORE_RANK, .ranks = s->losses},
      false);
  char path[600];
  snprintf(path, sizeof path, "%s/stats%d.json", io_folder(), w->index);
  fm_status status = fm_class_stats_write(s->losses, path, NULL);
  w->failures += status != FM_OK && status != FM_ERR_UNSUPPORTED;
}

static int keep_filtered(const fm_sample *sample, const fm_plane *filtered,
                         const fm_filter_report *report, void *user) {
  worker *w = user;
  (void)report;
  const item *one = sample->user;
  memcpy(w->filtered + (ptrdiff_t)one->number * PIXELS, filtered->data, PIXELS);
  char path[600];
  name_file(path, sizeof path, "filtered", one->number);
  return fm_npy_write(w->with->context, path, filtered, NULL, NULL);
}

static void filter_with(worker *w, int which) {
  fm_source *source = source_of(w);
  fm_provider *provider = provider_of(w, false);
  fm_loop_options part = part_of(w);
  w->with_strata = which > 0;
  w->with_reference = which == 2;
  w->filtered = w->with->filtered[which][0];
  w->failures += fm_source_filter(source, provider, w->with->filters[which], keep_filtered, w,
                                  &part, NULL) != FM_OK;
  w->with_strata = w->with_reference = false;
  w->filtered = NULL;
  fm_source_destroy(source);
  fm_provider_destroy(provider);
}

static void calibrate(worker *w) {
  const shared *s = w->with;
  w->failures += fm_calibration_create(s->scores, &w->calibration, NULL) != FM_OK;
  w->with_strata = true;
  for (int n = w->index; n < SAMPLES; n += s->threads) {
    fm_sample sample = {.size = sizeof sample};
    fm_raster *loss = NULL;
    w->failures += get(n, &sample, w) != 0 || read_loss(s, "loss", n, &loss) != FM_OK;
    if (w->failures) return;
    fm_plane values = fm_raster_plane(loss);
    fm_extra_planes extra = {.size = sizeof extra, .strata = &sample.strata};
    w->failures += fm_calibration_add(w->calibration, &sample.mask, &values, &extra, NULL) != FM_OK;
    fm_raster_destroy(loss);
    release(&sample, w);
  }
  w->with_strata = false;
}

static void plan(worker *w) {
  fm_planner *planner = NULL;
  fm_source *source = source_of(w);
  w->failures += fm_planner_create(w->with->context, NULL, &planner, NULL) != FM_OK;
  w->failures += fm_source_measure(source, w->with->hardness, planner, NULL, NULL) != FM_OK;
  fm_planner_destroy(planner);
  fm_source_destroy(source);
}

static void use_filters(worker *w) {
  for (int i = 0; i < FILTERS; i++) filter_with(w, i);
  calibrate(w);
  plan(w);
}

static void (*const steps[])(worker *w) = {add_outputs, add_losses, add_scores, use_filters};

static void *run_step(void *user) {
  worker *w = user;
  steps[w->step](w);
  return NULL;
}

static void run_threads(shared *s, worker *workers, int step) {
  for (int t = 0; t < s->threads; t++) {
    workers[t] = (worker){.with = s, .index = t, .step = step};
    ck_assert_int_eq(pthread_create(&workers[t].thread, NULL, run_step, &workers[t]), 0);
  }
  for (int t = 0; t < s->threads; t++) pthread_join(workers[t].thread, NULL);
  for (int t = 0; t < s->threads; t++) ck_assert_int_eq(workers[t].failures, 0);
}

/* ---- The whole job ------------------------------------------------------------------------- */

static fm_class_stats *merged(shared *s, int step) {
  worker workers[MOST_THREADS];
  run_threads(s, workers, step);
  for (int t = 1; t < s->threads; t++) {
    KIT_OK(fm_class_stats_merge(workers[0].part, workers[t].part, &err));
    fm_class_stats_destroy(workers[t].part);
  }
  return workers[0].part;
}

static void make_filters(shared *s) {
  for (int i = 0; i < FILTERS; i++) {
    static const int32_t policies[] = {FM_FILTER_PAPER, FM_FILTER_STRATA, FM_FILTER_PAIRED};
    fm_filter_options options = {.size = sizeof options, .policy = policies[i]};
    if (i) options.real_share = 0.2;
    KIT_OK(fm_filter_create(i ? s->scores : s->outputs, &options, &s->filters[i], &err));
  }
  KIT_OK(fm_hardness_create(s->outputs, NULL, &s->hardness, &err));
}

/* Words of a state, which the caller frees. */
static int64_t *words_of(const fm_class_stats *stats, const fm_calibration *calibration,
                         int64_t *count) {
  *count = stats ? fm_class_stats_word_count(stats) : fm_calibration_word_count(calibration);
  int64_t *words = calloc((size_t)*count, sizeof *words);
  ck_assert_ptr_nonnull(words);
  if (stats) KIT_OK(fm_class_stats_export(stats, words, *count, &err));
  if (!stats) KIT_OK(fm_calibration_export(calibration, words, *count, &err));
  return words;
}

typedef struct outcome {
  int64_t *words[4], counts[4];
  uint8_t filtered[FILTERS][SAMPLES][PIXELS];
} outcome;

static void run_job(shared *s, int threads, outcome *out) {
  worker workers[MOST_THREADS];
  s->threads = threads;
  s->outputs = merged(s, 0);
  s->losses = merged(s, 1);
  s->scores = merged(s, 2);
  make_filters(s);
  run_threads(s, workers, 3);
  for (int t = 1; t < threads; t++) {
    KIT_OK(fm_calibration_merge(workers[0].calibration, workers[t].calibration, &err));
    fm_calibration_destroy(workers[t].calibration);
  }
  const fm_class_stats *stats[] = {s->outputs, s->losses, s->scores, NULL};
  for (int i = 0; i < 4; i++)
    out->words[i] = words_of(stats[i], workers[0].calibration, &out->counts[i]);
  memcpy(out->filtered, s->filtered, sizeof out->filtered);
  fm_calibration_destroy(workers[0].calibration);
  for (int i = 0; i < FILTERS; i++) fm_filter_destroy(s->filters[i]);
  fm_hardness_destroy(s->hardness);
  fm_class_stats_destroy(s->scores);
  fm_class_stats_destroy(s->losses);
  fm_class_stats_destroy(s->outputs);
}

static void put_losses(const shared *s, const char *kind, int number, uint64_t *random) {
  static float values[PIXELS];
  for (int p = 0; p < PIXELS; p++) values[p] = kit_plain_loss(random);
  fm_plane plane = fm_plane_make(values, FM_F32, SIDE, SIDE);
  char path[600];
  name_file(path, sizeof path, kind, number);
  KIT_OK(fm_npy_write(s->context, path, &plane, NULL, &err));
}

static void make_world(shared *s) {
  s->context = kit_plain_context();
  fm_labels_options options = {.size = sizeof options,
                               .class_count = CLASSES,
                               .ignored_labels = (const int64_t[]){IGNORE},
                               .ignored_count = 1};
  KIT_OK(fm_labels_create(s->context, &options, &s->labels, &err));
  fm_network_loss_options network = {.size = sizeof network, .kind = FM_OUTPUT_LOGITS};
  KIT_OK(fm_network_loss_create(s->labels, &network, &s->model, &err));
  uint64_t random = 33;
  for (int i = 0; i < SAMPLES; i++) {
    static uint8_t labels[PIXELS];
    int turn = (int)kit_below(&random, 10);
    for (int p = 0; p < PIXELS; p++) { /* blocks, so that there are boundaries and insides */
      int block = p / SIDE / 6 * 4 + p % SIDE / 6 + turn;
      labels[p] = (uint8_t)(block % 7 == 6 ? IGNORE : block % CLASSES);
    }
    fm_plane mask = fm_plane_make(labels, FM_U8, SIDE, SIDE);
    char path[600];
    name_file(path, sizeof path, "mask", i);
    KIT_OK(fm_npy_write(s->context, path, &mask, NULL, &err));
    for (int k = 0; k < 3; k++)
      put_losses(s, (const char *const[]){"loss", "synthetic", "reference"}[k], i, &random);
    for (int v = 0; v < CLASSES * INNER * INNER; v++) s->values[i][v] = kit_plain_loss(&random) - 4;
  }
}

START_TEST(threads_give_what_one_gives) {
  static shared s;
  static outcome alone, together;
  io_folder_make();
  make_world(&s);
  run_job(&s, 1, &alone);
  memset(s.filtered, 0, sizeof s.filtered);
  run_job(&s, MOST_THREADS, &together);
  ck_assert_mem_eq(alone.filtered, together.filtered, sizeof alone.filtered);
  for (int f = 1; f < FILTERS; f++)
    ck_assert(memcmp(alone.filtered[f - 1], alone.filtered[f], sizeof alone.filtered[f]) != 0);
  for (int i = 0; i < 4; i++) {
    ck_assert_int_eq(alone.counts[i], together.counts[i]);
    size_t size = (size_t)alone.counts[i] * sizeof(int64_t);
    ck_assert_mem_eq(alone.words[i], together.words[i], size);
    free(alone.words[i]);
    free(together.words[i]);
  }
  fm_network_loss_destroy(s.model);
  fm_labels_destroy(s.labels);
  fm_context_destroy(s.context);
  io_folder_remove();
}
END_TEST

Suite *io_threads_suite(void) {
  Suite *suite = suite_create("io_threads");
  TCase *tests = tcase_create("threads");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, threads_give_what_one_gives);
  suite_add_tcase(suite, tests);
  return suite;
}
