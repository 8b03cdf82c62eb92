/* network/test_network_full.c - losses of outputs that have the mask's size: the same pixels
 * wherever rows begin, what is said about bad ones, large numbers.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <freemask/freemask.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { IGNORED = 65535, CLASSES = 7 };

/* Planar outputs in memory of their own: `offset` bytes behind a cache line, `row_gap` and
 * `plane_gap` bytes between rows and channels. */
typedef struct layout {
  int offset, row_gap, plane_gap;
} layout;

/* The first has no gaps and is aligned. */
static const layout layouts[] = {{0, 0, 0},  {16, 0, 0}, {60, 0, 0},   {4, 0, 4},
                                 {0, 64, 0}, {16, 4, 0}, {12, 16, 64}, {0, 0, 192}};

enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

typedef struct output {
  fm_volume view;
  char *memory;
} output;

static output output_new(fm_dtype dtype, int c, int h, int w, layout l) {
  output o = {fm_volume_make(NULL, dtype, c, h, w), NULL};
  o.view.col_stride = (int64_t)fm_dtype_size(dtype);
  o.view.row_stride = o.view.col_stride * w + l.row_gap;
  o.view.channel_stride = o.view.row_stride * h + l.plane_gap;
  size_t size = (size_t)(l.offset + o.view.channel_stride * c - l.plane_gap - l.row_gap);
  void *memory;
  ck_assert(posix_memalign(&memory, 64, size) == 0);
  memset(memory, 0xff, size); /* NaN, should anyone look between */
  o.memory = memory;
  o.view.data = o.memory + l.offset;
  return o;
}

static fm_plane one(const output *o, int c, int y, int x) {
  const fm_volume *v = &o->view;
  char *at = (char *)v->data + c * v->channel_stride + y * v->row_stride + x * v->col_stride;
  return fm_plane_make(at, (fm_dtype)v->dtype, 1, 1);
}

static void put(const output *o, int c, int y, int x, double value) {
  fm_plane p = one(o, c, y, x);
  kit_put_real(&p, 0, 0, (float)value);
}

static double get(const output *o, int c, int y, int x) {
  fm_plane p = one(o, c, y, x);
  return (double)kit_get_real(&p, 0, 0);
}

/* The same for every layout. */
static void fill(const output *o, uint64_t seed) {
  const fm_volume *v = &o->view;
  for (int c = 0; c < v->channels; c++)
    for (int y = 0; y < v->height; y++)
      for (int x = 0; x < v->width; x++)
        put(o, c, y, x, (double)kit_below(&seed, 2000) * 0.01 - 10);
}

static double truth(const output *o, int y, int x, int own) {
  double top = -HUGE_VAL, sum = 0;
  for (int c = 0; c < o->view.channels; c++) top = fmax(top, get(o, c, y, x));
  for (int c = 0; c < o->view.channels; c++) sum += exp(get(o, c, y, x) - top);
  return log(sum) + (top - get(o, own, y, x));
}

static void check_close(const output *o, int y, int x, int own, float loss) {
  double expected = truth(o, y, x, own);
  double bound = expected < 20 ? 5e-6 : 1e-5 * expected;
  ck_assert_msg(fabs((double)loss - expected) <= bound, "(x %d, y %d): %.9g, expected %.9g", x, y,
                (double)loss, expected);
}

/* ---- A model and an image ----------------------------------------------------------- */

typedef struct scene {
  fm_labels *labels;
  fm_network_loss *model;
  int height, width;
  uint16_t *mask;
  float *loss;
  fm_plane mask_view, loss_view;
} scene;

/* False if this machine has no such kernels. */
static bool open_scene(scene *s, uint32_t kernels, int classes, int height, int width) {
  fm_context_options co = {.size = sizeof co, .kernels = kernels};
  fm_labels_options lo = {.size = sizeof lo,
                          .class_count = classes,
                          .ignored_labels = (const int64_t[]){IGNORED},
                          .ignored_count = 1};
  fm_network_loss_options no = {.size = sizeof no, .kind = FM_OUTPUT_LOGITS, .trust_kind = 1};
  fm_context *context;
  if (fm_context_create(&co, &context, NULL)) return false;
  KIT_OK(fm_labels_create(context, &lo, &s->labels, &err));
  KIT_OK(fm_network_loss_create(s->labels, &no, &s->model, &err));
  fm_context_destroy(context);
  size_t pixels = (size_t)height * (size_t)width;
  s->height = height;
  s->width = width;
  s->mask = malloc(pixels * sizeof *s->mask);
  s->loss = malloc(pixels * sizeof *s->loss);
  ck_assert(s->mask && s->loss);
  uint64_t state = 5;
  uint16_t label = 0;
  for (size_t i = 0; i < pixels; i++) {
    if (kit_below(&state, 9) == 0) label = (uint16_t)kit_below(&state, classes);
    s->mask[i] = kit_below(&state, 13) == 0 ? IGNORED : label;
    s->loss[i] = -3;
  }
  s->mask_view = fm_plane_make(s->mask, FM_U16, height, width);
  s->loss_view = fm_plane_make(s->loss, FM_F32, height, width);
  return true;
}

static void close_scene(scene *s) {
  free(s->loss);
  free(s->mask);
  fm_network_loss_destroy(s->model);
  fm_labels_destroy(s->labels);
}

static fm_status map(scene *s, const output *o, fm_error *err) {
  return kit_map(s->model, &o->view, &s->mask_view, &s->loss_view, err);
}

static void check_all(const scene *s, const output *o) {
  for (int i = 0; i < s->height * s->width; i++) {
    if (s->mask[i] == IGNORED)
      ck_assert(s->loss[i] == 0);
    else
      check_close(o, i / s->width, i % s->width, s->mask[i], s->loss[i]);
  }
}

/* ---- Tests -------------------------------------------------------------------------- */

/* More than a run of pixels, and rows that end anywhere in one. */
static void compare_layouts(uint32_t kernels, fm_dtype dtype, int height, int width) {
  scene s;
  if (!open_scene(&s, kernels, CLASSES, height, width)) return;
  size_t size = (size_t)height * (size_t)width * sizeof(float);
  float *first = malloc(size);
  ck_assert_ptr_nonnull(first);
  for (int i = 0; i < LAYOUTS; i++) {
    output o = output_new(dtype, CLASSES, height, width, layouts[i]);
    fill(&o, 3);
    KIT_OK(map(&s, &o, &err));
    if (i == 0) {
      check_all(&s, &o);
      memcpy(first, s.loss, size);
    }
    ck_assert_msg(memcmp(first, s.loss, size) == 0, "kernels %u, dtype %d, %dx%d, layout %d",
                  (unsigned)kernels, (int)dtype, width, height, i);
    free(o.memory);
  }
  free(first);
  close_scene(&s);
}

START_TEST(bits_do_not_depend_on_the_layout) {
  static const fm_dtype dtypes[] = {FM_F32, FM_F16, FM_BF16};
  static const int sizes[][2] = {{61, 37}, {3, 1040}, {1, 2065}, {130, 16}};
  for (uint32_t kernels = 0; kernels <= FM_KERNELS_NEON; kernels++)
    for (int i = 0; i < 4; i++) compare_layouts(kernels, dtypes[_i], sizes[i][0], sizes[i][1]);
}
END_TEST

/* Rows narrower than a vector; images smaller than one. */
START_TEST(small_sizes_equal_float64) {
  for (uint32_t kernels = 0; kernels <= FM_KERNELS_NEON; kernels++)
    for (int width = 1; width < 20; width += 3)
      for (int height = 1; height < 80; height = 3 * height + 1)
        for (int i = 0; i < LAYOUTS; i++) {
          scene s;
          if (!open_scene(&s, kernels, CLASSES, height, width)) continue;
          output o = output_new(FM_F32, CLASSES, height, width, layouts[i]);
          fill(&o, 4);
          KIT_OK(map(&s, &o, &err));
          check_all(&s, &o);
          free(o.memory);
          close_scene(&s);
        }
}
END_TEST

static void expect_same_words(fm_class_stats *a, fm_class_stats *b) {
  enum { WORDS = 256 };
  int64_t words[2][WORDS];
  size_t count = (size_t)fm_class_stats_word_count(a);
  ck_assert(count <= WORDS && count == (size_t)fm_class_stats_word_count(b));
  KIT_OK(fm_class_stats_export(a, words[0], (int64_t)count, &err));
  KIT_OK(fm_class_stats_export(b, words[1], (int64_t)count, &err));
  ck_assert_mem_eq(words[0], words[1], count * sizeof(int64_t));
}

/* Rows go to the statistics some 16,000 at a time, and one is left, which a map has in a
 * longer run. */
START_TEST(few_pixels_left_have_the_same_bits) {
  enum { HEIGHT = 16385, WIDTH = 3 };
  scene s;
  ck_assert(open_scene(&s, 0, CLASSES, HEIGHT, WIDTH));
  output o = output_new(FM_F32, CLASSES, HEIGHT, WIDTH, layouts[2]);
  fill(&o, 6);
  for (int i = 0; i < (HEIGHT - 1) * WIDTH; i++) s.mask[i] = IGNORED;
  for (int i = 0; i < WIDTH; i++) s.mask[(HEIGHT - 1) * WIDTH + i] = (uint16_t)i;
  uint64_t state = 8;
  for (int trial = 0; trial < 40; trial++) {
    fm_class_stats *stats[2];
    for (int x = 0; x < WIDTH; x++)
      for (int c = 0; c < CLASSES; c++)
        put(&o, c, HEIGHT - 1, x, (double)kit_below(&state, 1 << 20) * 0x1p-17);
    for (int i = 0; i < 2; i++) KIT_OK(fm_class_stats_create(s.labels, NULL, &stats[i], &err));
    KIT_OK(map(&s, &o, &err));
    KIT_OK(fm_class_stats_add(stats[0], &s.mask_view, &s.loss_view, NULL, &err));
    fm_network_output made = kit_output(o.view);
    KIT_OK(fm_class_stats_add_output(stats[1], s.model, &made, &s.mask_view, NULL, &err));
    expect_same_words(stats[0], stats[1]);
    for (int i = 0; i < 2; i++) fm_class_stats_destroy(stats[i]);
  }
  free(o.memory);
  close_scene(&s);
}
END_TEST

/* A bad number at pixel i is named, unless the pixel is ignored. */
static void expect_named(scene *s, const output *o, int i, double bad) {
  int y = i / s->width, x = i % s->width, c = i % CLASSES;
  double kept = get(o, c, y, x);
  uint16_t label = s->mask[i];
  char place[64];
  snprintf(place, sizeof place, "(class class %d) at (x %d, y %d)", c, x, y);
  for (int k = 0; k < s->height * s->width; k++) s->loss[k] = -3;
  s->mask[i] = (uint16_t)((i / 37) % CLASSES);
  put(o, c, y, x, bad);
  KIT_FAILS(FM_ERR_LOSS, place, map(s, o, &err));
  for (int k = 0; k < s->height * s->width; k++) ck_assert(s->loss[k] == -3);
  s->mask[i] = IGNORED;
  KIT_OK(map(s, o, &err));
  ck_assert(s->loss[i] == 0);
  put(o, c, y, x, kept);
  s->mask[i] = label;
}

/* One pixel after the other, over the ends of rows and runs; NaN that no label needs must
 * not hide any. */
START_TEST(a_bad_number_is_named_where_it_is) {
  enum { HEIGHT = 60, WIDTH = 41 };
  static const double bad[] = {-INFINITY, INFINITY, NAN};
  scene s;
  if (!open_scene(&s, (uint32_t)_i, CLASSES, HEIGHT, WIDTH)) return;
  output o = output_new(FM_F32, CLASSES, HEIGHT, WIDTH, layouts[1]);
  fill(&o, 7);
  for (int i = 0; i < HEIGHT * WIDTH; i += 37) {
    int hidden = (i + 64) % (HEIGHT * WIDTH);
    s.mask[hidden] = IGNORED;
    put(&o, CLASSES - 1, hidden / WIDTH, hidden % WIDTH, NAN);
    expect_named(&s, &o, i, bad[i % 3]);
    put(&o, CLASSES - 1, hidden / WIDTH, hidden % WIDTH, 1);
  }
  KIT_OK(map(&s, &o, &err));
  check_all(&s, &o);
  free(o.memory);
  close_scene(&s);
}
END_TEST

/* What hosts write where a class cannot be is finite. */
START_TEST(lowest_numbers_have_no_weight) {
  static const double lows[] = {-FLT_MAX, -1e38, -1e30, -1e9, -1e4, -150, -104, -100, -89, -87.3};
  for (int n = 0; n < 10; n++) {
    scene s;
    if (!open_scene(&s, (uint32_t)_i, CLASSES, 40, 50)) return;
    output o = output_new(FM_F32, CLASSES, 40, 50, layouts[1]);
    fill(&o, 8);
    for (int i = 0; i < 40 * 50; i++)
      for (int c = 0; c < CLASSES; c++)
        if ((c + i) % 3) put(&o, c, i / 50, i % 50, lows[n]);
    KIT_OK(map(&s, &o, &err));
    check_all(&s, &o);
    free(o.memory);
    close_scene(&s);
  }
}
END_TEST

/* Each addition rounds, and alike terms in one direction. */
START_TEST(many_alike_terms_equal_float64) {
  enum { MANY = 14000, SIDE = 8 };
  scene s;
  if (!open_scene(&s, (uint32_t)_i, MANY, SIDE, SIDE)) return;
  output o = output_new(FM_F32, MANY, SIDE, SIDE, layouts[0]);
  for (int i = 0; i < SIDE * SIDE; i++) {
    for (int c = 0; c < MANY; c++) put(&o, c, i / SIDE, i % SIDE, 0.01 * i);
    if (s.mask[i] != IGNORED) put(&o, s.mask[i], i / SIDE, i % SIDE, -0.05 * i);
  }
  KIT_OK(map(&s, &o, &err));
  check_all(&s, &o);
  free(o.memory);
  close_scene(&s);
}
END_TEST

Suite *network_full_suite(void) {
  Suite *suite = suite_create("network_full");
  TCase *c = tcase_create("values");
  tcase_set_timeout(c, 120);
  tcase_add_loop_test(c, bits_do_not_depend_on_the_layout, 0, 3);
  tcase_add_test(c, small_sizes_equal_float64);
  tcase_add_test(c, few_pixels_left_have_the_same_bits);
  tcase_add_loop_test(c, lowest_numbers_have_no_weight, 0, FM_KERNELS_NEON + 1);
  tcase_add_loop_test(c, many_alike_terms_equal_float64, 0, FM_KERNELS_NEON + 1);
  suite_add_tcase(suite, c);
  c = tcase_create("errors");
  tcase_set_timeout(c, 120);
  tcase_add_loop_test(c, a_bad_number_is_named_where_it_is, 0, FM_KERNELS_NEON + 1);
  suite_add_tcase(suite, c);
  return suite;
}
