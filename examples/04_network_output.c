/* examples/04_network_output.c - a segmenter that gives logits at a quarter of the mask's
 * size, as networks do. The library resizes them and takes the cross-entropy in one pass;
 * no loss map has to be computed.
 *
 * Introduces fm_network_loss, fm_network_output, a provider of outputs, the fused calls, the guard.
 *
 *     cc 04_network_output.c $(pkg-config --cflags --libs libfreemask)
 */
#include <freemask/freemask.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 16, PIXELS = SIDE * SIDE, QUARTER = SIDE / 4, CELLS = QUARTER * QUARTER };
enum { SKY, ROAD, CAR, CLASSES, IGNORED = 255 };
enum { REAL = 3 };

typedef struct picture {
  char id[16];
  unsigned char mask[PIXELS];
  unsigned char grey[PIXELS];
} picture;

static int grey_of(int label) { return label == SKY ? 224 : label == ROAD ? 96 : 32; }

/* Sky above road, cars on the left, as wide as the picture's number says. `wrong`: the
 * generator painted road over the cars. */
static void draw(picture *p, int number, int wrong) {
  snprintf(p->id, sizeof p->id, "street_%d", number);
  for (int i = 0; i < PIXELS; i++) {
    int x = i % SIDE, y = i / SIDE;
    p->mask[i] = y < SIDE / 2 ? SKY : x < 4 * number ? CAR : ROAD;
    p->grey[i] = (unsigned char)grey_of(wrong && p->mask[i] == CAR ? ROAD : p->mask[i]);
  }
}

/* ---- The network ------------------------------------------------------------------ */

/* Stands for one: logits [CLASSES, SIDE / 4, SIDE / 4], the higher the nearer the grey in
 * the middle of a cell is to that of the class. */
static void segment(const picture *p, float *logits) {
  for (int c = 0; c < CLASSES; c++)
    for (int i = 0; i < CELLS; i++) {
      int y = 4 * (i / QUARTER) + 2, x = 4 * (i % QUARTER) + 2;
      logits[c * CELLS + i] = 4 - (float)abs(p->grey[y * SIDE + x] - grey_of(c)) / 16;
    }
}

typedef struct data_set {
  picture *pictures;
  int64_t count;
} data_set;

static int get_picture(int64_t index, fm_sample *sample, void *user) {
  picture *p = &((data_set *)user)->pictures[index];
  sample->id = p->id;
  sample->mask = fm_plane_make(p->mask, FM_U8, SIDE, SIDE);
  sample->user = p;
  return 0;
}

/* Points to logits instead of filling a loss map. They live until the release. */
static int predict(const fm_sample *const *samples, fm_prediction *const *predictions,
                   int64_t count, void *user) {
  (void)user;
  for (int64_t i = 0; i < count; i++) {
    float *logits = malloc(CLASSES * CELLS * sizeof *logits);
    if (!logits) return 1;
    segment(samples[i]->user, logits);
    predictions[i]->user = logits;
    predictions[i]->output->values = fm_volume_make(logits, FM_F32, CLASSES, QUARTER, QUARTER);
  }
  return 0;
}

static void release_prediction(fm_prediction *prediction, void *user) {
  (void)user;
  free(prediction->user);
}

/* ---- The method ------------------------------------------------------------------- */

static void check(fm_status status, const fm_error *err) {
  if (!status) return;
  fprintf(stderr, "%s: %s\n", fm_status_name(status), err->message);
  exit(EXIT_FAILURE);
}

static fm_class_stats *collect(fm_context *context, fm_labels *labels, fm_network_loss *losses,
                               data_set *real) {
  fm_error err;
  fm_class_stats *stats;
  fm_source *source;
  fm_provider *provider;
  fm_source_options so = {.size = sizeof so, .count = real->count, .get = get_picture};
  so.user = real;
  fm_provider_options po = {.size = sizeof po, .predict = predict};
  po.release = release_prediction;
  po.network_loss = losses;
  check(fm_class_stats_create(labels, NULL, &stats, &err), &err);
  check(fm_source_create(context, &so, &source, &err), &err);
  check(fm_provider_create(context, &po, &provider, &err), &err);
  check(fm_source_collect_stats(source, provider, stats, NULL, &err), &err);
  fm_provider_destroy(provider);
  fm_source_destroy(source);
  return stats;
}

/* Without a loop, in a trainer: logits and mask in, filtered mask out. */
static void filter_one(fm_network_loss *losses, const fm_filter *filter, picture *p) {
  fm_error err;
  float logits[CLASSES * CELLS];
  int64_t valid[CLASSES], dropped[CLASSES];
  segment(p, logits);
  fm_network_output output = {.size = sizeof output};
  output.values = fm_volume_make(logits, FM_F32, CLASSES, QUARTER, QUARTER);
  fm_plane mask = fm_plane_make(p->mask, FM_U8, SIDE, SIDE);
  fm_filter_report report = {.size = sizeof report, .class_valid = valid, .class_dropped = dropped};
  check(fm_filter_apply_output(filter, losses, &output, &mask, NULL, &mask, &report, &err), &err);
  printf("dropped %d of %d pixels, %d of %d of the cars\n", (int)report.dropped, (int)report.valid,
         (int)dropped[CAR], (int)valid[CAR]);
}

/* What comes out of a softmax is no logits: the filter would keep everything. */
static void show_guard(fm_network_loss *losses, picture *p) {
  fm_error err;
  float probabilities[CLASSES * CELLS], loss[PIXELS];
  for (int i = 0; i < CLASSES * CELLS; i++) probabilities[i] = i < CELLS ? 0.5F : 0.25F;
  fm_network_output output = {.size = sizeof output};
  output.values = fm_volume_make(probabilities, FM_F32, CLASSES, QUARTER, QUARTER);
  fm_plane mask = fm_plane_make(p->mask, FM_U8, SIDE, SIDE);
  fm_plane map = fm_plane_make(loss, FM_F32, SIDE, SIDE);
  if (fm_network_loss_map(losses, &output, &mask, &map, &err)) printf("%s\n", err.message);
}

int main(void) {
  picture pictures[REAL], synthetic;
  data_set real = {pictures, REAL};
  for (int i = 0; i < REAL; i++) draw(&pictures[i], i, 0);
  draw(&synthetic, 2, 1);

  fm_error err;
  fm_context *context;
  fm_labels *labels;
  fm_network_loss *losses;
  fm_filter *filter;
  fm_labels_options lo = {.size = sizeof lo,
                          .class_count = CLASSES,
                          .ignored_labels = (const int64_t[]){IGNORED},
                          .ignored_count = 1};
  fm_network_loss_options no = {.size = sizeof no, .kind = FM_OUTPUT_LOGITS};
  check(fm_context_create(NULL, &context, &err), &err);
  check(fm_labels_create(context, &lo, &labels, &err), &err);
  check(fm_network_loss_create(labels, &no, &losses, &err), &err);

  fm_class_stats *stats = collect(context, labels, losses, &real);
  printf("mean loss: sky %.4f, road %.4f, car %.4f\n",
         fm_class_stats_mean(stats, SKY, FM_ALL_STRATA),
         fm_class_stats_mean(stats, ROAD, FM_ALL_STRATA),
         fm_class_stats_mean(stats, CAR, FM_ALL_STRATA));
  check(fm_filter_create(stats, NULL, &filter, &err), &err);
  filter_one(losses, filter, &synthetic);
  show_guard(losses, &synthetic);

  fm_filter_destroy(filter);
  fm_class_stats_destroy(stats);
  fm_network_loss_destroy(losses);
  fm_labels_destroy(labels);
  fm_context_destroy(context);
  return 0;
}
