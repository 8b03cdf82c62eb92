/* examples/02_own_segmenter.c - a host with its own data loader and its own segmenter:
 * the library drives both, and returns the class-wise mean losses, filtered masks
 * and a plan for the generator.
 *
 * Introduces fm_source, fm_provider, the loops, fm_hardness, fm_planner, fm_plan.
 *
 *     cc 02_own_segmenter.c $(pkg-config --cflags --libs libfreemask)
 */
#include <freemask/freemask.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 8, PIXELS = SIDE * SIDE, SKY = 0, ROAD = 3, CAR = 8 };

/* ---- The host: a data set in memory ----------------------------------------------- */

typedef struct picture {
  char id[24];
  unsigned char mask[PIXELS];
  unsigned char rgb[PIXELS * 3];
} picture;

typedef struct data_set {
  picture *pictures;
  int64_t count;
} data_set;

/* What a class looks like. */
static unsigned char grey_of(unsigned char label) {
  return label == SKY ? 220 : label == ROAD ? 100 : 30;
}

/* Sky above road, and `cars` columns of car; `wrong` of the car pixels come out grey as
 * the road, as a generator's mistakes would. */
static void draw(picture *p, int64_t number, const char *format, int cars, int wrong) {
  snprintf(p->id, sizeof p->id, format, (int)number);
  for (int i = 0; i < PIXELS; i++) {
    int x = i % SIDE, y = i / SIDE;
    p->mask[i] = y < SIDE / 2 ? SKY : x < cars ? CAR : ROAD;
    unsigned char grey = grey_of(p->mask[i]);
    if (p->mask[i] == CAR && wrong > 0 && wrong-- > 0) grey = grey_of(ROAD);
    for (int c = 0; c < 3; c++) p->rgb[3 * i + c] = grey;
  }
}

static int get_picture(int64_t index, fm_sample *sample, void *user) {
  picture *p = &((data_set *)user)->pictures[index];
  sample->id = p->id;
  sample->mask = fm_plane_make(p->mask, FM_U8, SIDE, SIDE);
  sample->image = fm_volume_make(p->rgb, FM_U8, 3, SIDE, SIDE);
  sample->image.channel_stride = 1; /* interleaved: RGBRGB... */
  sample->image.col_stride = 3;
  sample->image.row_stride = 3 * SIDE;
  return 0;
}

/* ---- The host: a segmenter -------------------------------------------------------- */

/* Stands for a network: the further a pixel's grey is from its class's, the higher the
 * loss. It writes into the loss map that the library has ready. */
static int segment(const fm_sample *const *samples, fm_prediction *const *predictions,
                   int64_t count, void *user) {
  (void)user;
  for (int64_t s = 0; s < count; s++) {
    const unsigned char *mask = samples[s]->mask.data, *rgb = samples[s]->image.data;
    float *loss = predictions[s]->loss.data;
    for (int i = 0; i < PIXELS; i++) {
      int distance = abs(rgb[3 * i] - grey_of(mask[i]));
      loss[i] = 0.25F * (float)(1 + mask[i]) + 0.0625F * (float)distance;
    }
  }
  return 0;
}

static int print_filtered(const fm_sample *sample, const fm_plane *filtered,
                          const fm_filter_report *report, void *user) {
  (void)filtered; /* a trainer would keep this */
  (void)user;
  printf("%s: dropped %d of %d pixels, %d of %d of the cars\n", sample->id, (int)report->dropped,
         (int)report->valid, (int)report->class_dropped[CAR], (int)report->class_valid[CAR]);
  return 0;
}

/* ---- The method ------------------------------------------------------------------- */

static void check(fm_status status, const fm_error *err) {
  if (!status) return;
  fprintf(stderr, "%s: %s\n", fm_status_name(status), err->message);
  exit(EXIT_FAILURE);
}

static fm_source *open_source(fm_context *context, data_set *set) {
  fm_error err;
  fm_source *source;
  fm_source_options options = {.size = sizeof options};
  options.count = set->count;
  options.get = get_picture;
  options.user = set;
  check(fm_source_create(context, &options, &source, &err), &err);
  return source;
}

static void print_plan(fm_source *real, const fm_class_stats *stats, fm_context *context) {
  fm_error err;
  fm_hardness *hardness;
  fm_planner *planner;
  fm_plan *plan;
  check(fm_hardness_create(stats, NULL, &hardness, &err), &err);
  check(fm_planner_create(context, NULL, &planner, &err), &err);
  check(fm_source_measure(real, hardness, planner, NULL, &err), &err);
  check(fm_planner_make_plan(planner, &plan, &err), &err);
  for (int64_t i = 0; i < fm_plan_mask_count(plan); i++) {
    fm_plan_entry entry = {.size = sizeof entry};
    check(fm_plan_get(plan, i, &entry, &err), &err);
    printf("%s: hardness %.4f, %d images\n", entry.mask_id, entry.hardness, (int)entry.count);
  }
  printf("%d images in all; repeat the real set %d times\n", (int)fm_plan_image_count(plan),
         (int)fm_plan_real_repeats(plan));
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
  fm_hardness_destroy(hardness);
}

int main(void) {
  picture real_pictures[4], synthetic_pictures[2];
  data_set real = {real_pictures, 4}, synthetic = {synthetic_pictures, 2};
  for (int i = 0; i < 4; i++) draw(&real_pictures[i], i, "street_%d", i, 0);
  for (int i = 0; i < 2; i++) draw(&synthetic_pictures[i], i, "street_3_seed_%d", 3, 6 * i);

  fm_error err;
  fm_context *context;
  fm_labels *labels;
  fm_class_stats *stats;
  fm_filter *filter;
  fm_provider *provider;
  check(fm_context_create(NULL, &context, &err), &err);
  check(fm_labels_create_from_preset(context, "camvid", &labels, &err), &err);
  fm_provider_options options = {.size = sizeof options};
  options.predict = segment;
  options.batch = 2;
  check(fm_provider_create(context, &options, &provider, &err), &err);
  fm_source *real_source = open_source(context, &real);
  fm_source *synthetic_source = open_source(context, &synthetic);

  check(fm_class_stats_create(labels, NULL, &stats, &err), &err);
  check(fm_source_collect_stats(real_source, provider, stats, NULL, &err), &err);
  printf("mean loss: sky %.4f, road %.4f, car %.4f\n",
         fm_class_stats_mean(stats, SKY, FM_ALL_STRATA),
         fm_class_stats_mean(stats, ROAD, FM_ALL_STRATA),
         fm_class_stats_mean(stats, CAR, FM_ALL_STRATA));
  check(fm_filter_create(stats, NULL, &filter, &err), &err);
  check(fm_source_filter(synthetic_source, provider, filter, print_filtered, NULL, NULL, &err),
        &err);
  print_plan(real_source, stats, context);

  fm_filter_destroy(filter);
  fm_class_stats_destroy(stats);
  fm_source_destroy(synthetic_source);
  fm_source_destroy(real_source);
  fm_provider_destroy(provider);
  fm_labels_destroy(labels);
  fm_context_destroy(context);
  return 0;
}
