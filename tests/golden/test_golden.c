/* golden/test_golden.c - whole worlds against NumPy and Pillow: golden/<world>.golden, whose layout
 * golden/make_golden.py describes. FM_TEST_GOLDEN is their folder.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

/* ---- Reading, byte by byte: any byte order will do ------------------------------------------ */

typedef struct reader {
  unsigned char *data;
  size_t size, at;
} reader;

static reader open_world(const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s.golden", FM_TEST_GOLDEN, name);
  FILE *file = fopen(path, "rb");
  ck_assert_msg(file != NULL, "cannot open %s", path);
  reader r = {malloc(1 << 22), 0, 0};
  r.size = fread(r.data, 1, 1 << 22, file);
  ck_assert(feof(file));
  fclose(file);
  ck_assert_mem_eq(r.data, "FMGOLD1\n", 8);
  r.at = 8;
  return r;
}

static uint64_t number(reader *r, size_t bytes) {
  ck_assert_uint_le(r->at + bytes, r->size);
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value |= (uint64_t)r->data[r->at + i] << (8 * i);
  r->at += bytes;
  return value;
}

static int32_t i32(reader *r) { return (int32_t)(uint32_t)number(r, 4); }
static int64_t i64(reader *r) { return (int64_t)number(r, 8); }

static double f64(reader *r) {
  uint64_t bits = number(r, 8);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void text(reader *r, char *out, size_t capacity) {
  size_t length = (size_t)number(r, 4);
  ck_assert_uint_lt(length, capacity);
  for (size_t i = 0; i < length; i++) out[i] = (char)number(r, 1);
  out[length] = '\0';
}

/* ---- A world -----------------------------------------------------------------------------------
 */

enum { MOST_IMAGES = 16, MOST_SEEDS = 20, MOST_CLASSES = 300 };

typedef struct image {
  char id[64];
  kit_plane mask, loss;
  double hardness, unresized;
  int64_t hardness_valid, rank, count, seeds[MOST_SEEDS];
  uint16_t *filtered;
  int64_t valid, dropped;
} image;

typedef struct world {
  fm_labels *labels;
  int32_t classes, n_max;
  uint64_t plan_seed;
  double tolerance, means[MOST_CLASSES];
  int64_t pixels[MOST_CLASSES], plan_images, times;
  int reals, synthetics;
  image real[MOST_IMAGES], synthetic[MOST_IMAGES];
} world;

static fm_context *context;
static world w;

static void read_labels(reader *r) {
  char preset[64];
  text(r, preset, sizeof preset);
  w.classes = i32(r);
  int32_t written = i32(r), length = i32(r);
  int32_t *table = malloc((size_t)length * sizeof *table);
  for (int32_t i = 0; i < length; i++) table[i] = i32(r);
  fm_labels_options options = {.size = sizeof options,
                               .class_count = w.classes,
                               .label_count = length,
                               .ignored_labels = (const int64_t[]){written},
                               .ignored_count = 1,
                               .classes = table};
  if (preset[0])
    KIT_OK(fm_labels_create_from_preset(context, preset, &w.labels, &err));
  else
    KIT_OK(fm_labels_create(context, &options, &w.labels, &err));
  ck_assert_int_eq(fm_labels_class_count(w.labels), w.classes);
  ck_assert_int_eq(fm_labels_ignore_label(w.labels), written);
  free(table);
}

/* float64 is rounded to F32, as fm_loss_read does; the others stay as they are. */
static void read_loss(reader *r, const fm_plane *loss, size_t bytes, int64_t y, int64_t x) {
  unsigned char *at = (unsigned char *)loss->data + (y * loss->width + x) * (bytes == 2 ? 2 : 4);
  uint64_t bits = number(r, bytes);
  uint16_t half = (uint16_t)bits;
  uint32_t single = (uint32_t)bits;
  double value;
  memcpy(&value, &bits, sizeof value);
  float rounded = (float)value;
  if (bytes == 2) memcpy(at, &half, sizeof half);
  if (bytes == 4) memcpy(at, &single, sizeof single);
  if (bytes == 8) memcpy(at, &rounded, sizeof rounded);
}

static void read_image(reader *r, image *out, kit_layout layout) {
  text(r, out->id, sizeof out->id);
  int64_t height = i32(r), width = i32(r);
  out->mask = kit_plane_new(FM_U16, height, width, layout);
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++) kit_put_int(&out->mask.view, y, x, (int64_t)number(r, 2));
  size_t bytes = (size_t)number(r, 4);
  out->loss = kit_plane_new(bytes == 2 ? FM_F16 : FM_F32, height, width, KIT_PACKED);
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++) read_loss(r, &out->loss.view, bytes, y, x);
}

static void read_world(const char *name) {
  memset(&w, 0, sizeof w);
  reader r = open_world(name);
  read_labels(&r);
  w.tolerance = f64(&r);
  w.n_max = i32(&r);
  w.plan_seed = number(&r, 8);
  w.reals = i32(&r);
  w.synthetics = i32(&r);
  ck_assert(w.reals <= MOST_IMAGES && w.synthetics <= MOST_IMAGES);
  for (int i = 0; i < w.reals; i++) {
    image *real = &w.real[i];
    read_image(&r, real, (kit_layout)(i % KIT_LAYOUTS));
    real->hardness = f64(&r);
    real->hardness_valid = i64(&r);
    real->unresized = f64(&r);
    real->rank = i32(&r);
    real->count = i32(&r);
    ck_assert_int_le(real->count, MOST_SEEDS);
    for (int64_t s = 0; s < real->count; s++) real->seeds[s] = i64(&r);
  }
  for (int32_t k = 0; k < w.classes; k++) w.means[k] = f64(&r);
  for (int32_t k = 0; k < w.classes; k++) w.pixels[k] = i64(&r);
  w.plan_images = i64(&r);
  w.times = i64(&r);
  for (int i = 0; i < w.synthetics; i++) {
    image *s = &w.synthetic[i];
    read_image(&r, s, (kit_layout)((i + 3) % KIT_LAYOUTS));
    size_t count = (size_t)(s->mask.view.height * s->mask.view.width);
    s->filtered = malloc(count * sizeof *s->filtered);
    for (size_t p = 0; p < count; p++) s->filtered[p] = (uint16_t)number(&r, 2);
    s->valid = i64(&r);
    s->dropped = i64(&r);
  }
  ck_assert_uint_eq(r.at, r.size);
  free(r.data);
}

static void free_world(void) {
  for (int i = 0; i < MOST_IMAGES; i++) {
    kit_plane_free(&w.real[i].mask);
    kit_plane_free(&w.real[i].loss);
    kit_plane_free(&w.synthetic[i].mask);
    kit_plane_free(&w.synthetic[i].loss);
    free(w.synthetic[i].filtered);
  }
  fm_labels_destroy(w.labels);
}

/* ---- What the library says about it ------------------------------------------------------------
 */

static void check_means(const fm_class_stats *stats) {
  int unseen = 0;
  for (int32_t k = 0; k < w.classes; k++) {
    ck_assert_int_eq(fm_class_stats_pixel_count(stats, k, 0), w.pixels[k]);
    double mean = fm_class_stats_mean(stats, k, 0);
    ck_assert_msg(mean == w.means[k], "class %d: %.17g, expected %.17g", (int)k, mean, w.means[k]);
    unseen += w.pixels[k] == 0;
  }
  ck_assert_int_gt(unseen, 0);
}

static void check_filter(const fm_class_stats *stats) {
  fm_filter_options options = {.size = sizeof options, .tolerance = w.tolerance};
  fm_filter *filter = NULL;
  KIT_OK(fm_filter_create(stats, &options, &filter, &err));
  for (int i = 0; i < w.synthetics; i++) {
    image *s = &w.synthetic[i];
    fm_filter_report report = {.size = sizeof report};
    KIT_OK(
        fm_filter_apply(filter, &s->mask.view, &s->loss.view, NULL, &s->mask.view, &report, &err));
    ck_assert_int_eq(report.valid, s->valid);
    ck_assert_int_eq(report.dropped, s->dropped);
    ck_assert_int_gt(s->dropped, 0);
    for (int64_t y = 0; y < s->mask.view.height; y++)
      for (int64_t x = 0; x < s->mask.view.width; x++)
        ck_assert_int_eq(kit_get_int(&s->mask.view, y, x), s->filtered[y * s->mask.view.width + x]);
  }
  fm_filter_destroy(filter);
}

static void check_hardness(const fm_class_stats *stats, fm_planner *planner) {
  fm_hardness *paper = NULL, *as_is = NULL;
  fm_hardness_options options = {
      .size = sizeof options, .resize_width = FM_NO_RESIZE, .resize_height = FM_NO_RESIZE};
  KIT_OK(fm_hardness_create(stats, NULL, &paper, &err));
  KIT_OK(fm_hardness_create(stats, &options, &as_is, &err));
  for (int i = 0; i < w.reals; i++) {
    double value, unresized;
    int64_t valid;
    KIT_OK(fm_hardness_measure(paper, &w.real[i].mask.view, &value, &valid, &err));
    KIT_OK(fm_hardness_measure(as_is, &w.real[i].mask.view, &unresized, NULL, &err));
    ck_assert_msg(value == w.real[i].hardness, "%s: %.17g, expected %.17g", w.real[i].id, value,
                  w.real[i].hardness);
    ck_assert_int_eq(valid, w.real[i].hardness_valid);
    ck_assert(unresized == w.real[i].unresized);
    KIT_OK(fm_planner_add(planner, w.real[i].id, value, NULL, 0, &err));
  }
  fm_hardness_destroy(paper);
  fm_hardness_destroy(as_is);
}

static void check_plan(const fm_planner *planner) {
  fm_plan *plan = NULL;
  KIT_OK(fm_planner_make_plan(planner, &plan, &err));
  ck_assert_int_eq(fm_plan_image_count(plan), w.plan_images);
  ck_assert_int_eq(fm_plan_real_repeats(plan), w.times);
  for (int i = 0; i < w.reals; i++) {
    const image *real = &w.real[i];
    fm_plan_entry entry = {.size = sizeof entry};
    KIT_OK(fm_plan_get(plan, fm_plan_find(plan, real->id), &entry, &err));
    ck_assert_int_eq(entry.rank, real->rank);
    ck_assert_int_eq(entry.count, real->count);
    ck_assert_mem_eq(entry.seeds, real->seeds, (size_t)real->count * sizeof *real->seeds);
  }
  fm_plan_destroy(plan);
}

static const char *const worlds[] = {"ade20k", "cityscapes_ids", "camvid", "cocostuff_raw",
                                     "own_16_bit"};

/* Loop: worlds. */
START_TEST(world_agrees) {
  context = kit_plain_context();
  read_world(worlds[_i]);
  fm_class_stats *stats = NULL;
  fm_planner *planner = NULL;
  KIT_OK(fm_class_stats_create(w.labels, NULL, &stats, &err));
  for (int i = 0; i < w.reals; i++)
    KIT_OK(fm_class_stats_add(stats, &w.real[i].mask.view, &w.real[i].loss.view, NULL, &err));
  check_means(stats);
  check_filter(stats);
  fm_planner_options options = {.size = sizeof options, .n_max = w.n_max, .plan_seed = w.plan_seed};
  KIT_OK(fm_planner_create(context, &options, &planner, &err));
  check_hardness(stats, planner);
  check_plan(planner);
  fm_planner_destroy(planner);
  fm_class_stats_destroy(stats);
  free_world();
  fm_context_destroy(context);
}
END_TEST

Suite *golden_suite(void) {
  Suite *suite = suite_create("golden");
  TCase *tests = tcase_create("golden");
  tcase_add_loop_test(tests, world_agrees, 0, (int)(sizeof worlds / sizeof *worlds));
  suite_add_tcase(suite, tests);
  return suite;
}
