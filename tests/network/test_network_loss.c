/* network/test_network_loss.c - losses from network outputs against float64, pixel by pixel.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { IGNORED = 65535 };

/* ---- A network's output ----------------------------------------------------------- */

typedef enum order { CHW, HWC, GAPS, FLIPPED, ORDERS } order;

typedef struct net {
  fm_volume view;
  char *memory;
} net;

static net net_new(fm_dtype dtype, int c, int h, int w, order how) {
  net n = {fm_volume_make(NULL, dtype, c, h, w), NULL};
  int64_t e = (int64_t)fm_dtype_size(dtype), gap = how == GAPS ? 2 : 1;
  n.view.col_stride = how == HWC ? e * c : e * gap;
  n.view.channel_stride = how == HWC ? e : n.view.col_stride * w * h + (how == GAPS ? 6 : 0);
  n.view.row_stride = n.view.col_stride * w;
  size_t size = (size_t)(c * h * w * gap * e + 6 * c + 8);
  n.memory = malloc(size);
  ck_assert_ptr_nonnull(n.memory);
  memset(n.memory, 0xff, size); /* NaN, should anyone look between */
  n.view.data = n.memory;
  if (how == FLIPPED) {
    n.view.data = n.memory + (h - 1) * n.view.row_stride;
    n.view.row_stride = -n.view.row_stride;
  }
  return n;
}

static char *voxel(const net *n, int c, int y, int x) {
  const fm_volume *v = &n->view;
  return (char *)v->data + c * v->channel_stride + y * v->row_stride + x * v->col_stride;
}

static fm_plane one(const net *n, int c, int y, int x) {
  return fm_plane_make(voxel(n, c, y, x), (fm_dtype)n->view.dtype, 1, 1);
}

static void put(const net *n, int c, int y, int x, float value) {
  fm_plane p = one(n, c, y, x);
  kit_put_real(&p, 0, 0, value);
}

static double get(const net *n, int c, int y, int x) {
  fm_plane p = one(n, c, y, x);
  return (double)kit_get_real(&p, 0, 0);
}

static double uniform(uint64_t *state) { return (double)(kit_random(state) >> 11) * 0x1p-53; }

/* Sums of uniform numbers: bell enough. */
static void fill_logits(const net *n, double sigma, uint64_t seed) {
  uint64_t state = seed;
  for (int c = 0; c < n->view.channels; c++)
    for (int y = 0; y < n->view.height; y++)
      for (int x = 0; x < n->view.width; x++) {
        double z = 0;
        for (int i = 0; i < 6; i++) z += uniform(&state) - 0.5;
        put(n, c, y, x, (float)(z * sigma * 1.41));
      }
}

static void fill_shares(const net *n, bool normalised, uint64_t seed) {
  uint64_t state = seed;
  for (int y = 0; y < n->view.height; y++)
    for (int x = 0; x < n->view.width; x++) {
      double sum = 0, scale = normalised ? 1 : 0.2 + uniform(&state);
      for (int c = 0; c < n->view.channels; c++) {
        double v = exp(4 * uniform(&state));
        sum += v;
        put(n, c, y, x, (float)v);
      }
      for (int c = 0; c < n->view.channels; c++)
        put(n, c, y, x, (float)(get(n, c, y, x) / sum * scale));
    }
}

/* ---- The truth -------------------------------------------------------------------- */

typedef struct place {
  int low, high;
  double t;
} place;

static place place_of(int i, int inner, int outer, bool corners) {
  double at = corners ? (outer > 1 ? (double)i * (inner - 1) / (outer - 1) : 0)
                      : (i + 0.5) * inner / outer - 0.5;
  if (at < 0) at = 0;
  place p = {(int)at, 0, 0};
  if (p.low > inner - 1) p.low = inner - 1;
  p.high = p.low + (p.low < inner - 1);
  p.t = at - p.low;
  return p;
}

static double resized(const net *n, int c, place y, place x) {
  double upper = get(n, c, y.low, x.low) * (1 - x.t) + get(n, c, y.low, x.high) * x.t;
  double lower = get(n, c, y.high, x.low) * (1 - x.t) + get(n, c, y.high, x.high) * x.t;
  return upper * (1 - y.t) + lower * y.t;
}

static double log_sum_exp(const double *z, int count) {
  double top = z[0], sum = 0;
  for (int c = 1; c < count; c++) top = z[c] > top ? z[c] : top;
  for (int c = 0; c < count; c++) sum += exp(z[c] - top);
  return log(sum) + top;
}

static double truth(int kind, const double *z, int count, int own) {
  if (kind == FM_OUTPUT_LOGITS) return log_sum_exp(z, count) - z[own];
  double sum = 0;
  for (int c = 0; c < count; c++) sum += z[c];
  double share = kind == FM_OUTPUT_PROBS ? z[own] : z[own] / sum;
  return -log(share > 1e-7 ? share : 1e-7);
}

static void check_close(double loss, double expected, const char *what, int y, int x) {
  if (expected < 0) expected = 0;
  double bound = expected < 20 ? 5e-6 : 1e-5 * expected;
  ck_assert_msg(fabs(loss - expected) <= bound, "%s: pixel (x %d, y %d): %.9g, expected %.9g", what,
                x, y, loss, expected);
}

/* ---- One comparison ---------------------------------------------------------------- */

typedef struct trial {
  int kind, classes, h, w, height, width;
  bool corners;
  fm_dtype dtype;
  order how;
  double sigma;
  uint32_t kernels;
} trial;

static fm_network_loss *make_model(fm_context *context, const trial *t) {
  fm_labels_options lo = {.size = sizeof lo,
                          .class_count = t->classes,
                          .ignored_labels = (const int64_t[]){IGNORED},
                          .ignored_count = 1};
  fm_labels *labels;
  fm_network_loss *model;
  KIT_OK(fm_labels_create(context, &lo, &labels, &err));
  fm_network_loss_options o = {
      .size = sizeof o, .kind = t->kind, .align_corners = t->corners, .trust_kind = 1};
  KIT_OK(fm_network_loss_create(labels, &o, &model, &err));
  fm_labels_destroy(labels);
  return model;
}

static fm_context *context_with(uint32_t kernels) {
  fm_context *context;
  fm_context_options o = {.size = sizeof o, .kernels = kernels};
  KIT_OK(fm_context_create(&o, &context, &err));
  return context;
}

/* Labels in patches of every size, some ignored. */
static void fill_mask(uint16_t *mask, int height, int width, int classes) {
  uint64_t state = 99;
  uint16_t label = 0;
  for (int i = 0; i < height * width; i++) {
    if (kit_below(&state, 7) == 0) label = (uint16_t)kit_below(&state, classes);
    mask[i] = kit_below(&state, 11) == 0 ? IGNORED : label;
  }
}

static void compare(const trial *t) {
  char what[160];
  snprintf(what, sizeof what, "kind %d C %d %dx%d to %dx%d corners %d dtype %d order %d k %u",
           t->kind, t->classes, t->w, t->h, t->width, t->height, t->corners, (int)t->dtype,
           (int)t->how, (unsigned)t->kernels);
  net n = net_new(t->dtype, t->classes, t->h, t->w, t->how);
  if (t->kind == FM_OUTPUT_LOGITS)
    fill_logits(&n, t->sigma, 7);
  else
    fill_shares(&n, t->kind == FM_OUTPUT_PROBS, 7);
  size_t pixels = (size_t)t->height * (size_t)t->width;
  uint16_t *mask = malloc(pixels * sizeof *mask);
  float *loss = malloc(pixels * sizeof *loss);
  double *z = malloc((size_t)t->classes * sizeof *z);
  fill_mask(mask, t->height, t->width, t->classes);
  fm_context *context = context_with(t->kernels);
  fm_network_loss *model = make_model(context, t);
  fm_context_destroy(context);
  fm_plane mask_view = fm_plane_make(mask, FM_U16, t->height, t->width);
  fm_plane loss_view = fm_plane_make(loss, FM_F32, t->height, t->width);
  KIT_OK(kit_map(model, &n.view, &mask_view, &loss_view, &err));
  for (int y = 0; y < t->height; y++)
    for (int x = 0; x < t->width; x++) {
      int i = y * t->width + x;
      if (mask[i] == IGNORED) {
        ck_assert(loss[i] == 0);
        continue;
      }
      place py = place_of(y, t->h, t->height, t->corners);
      place px = place_of(x, t->w, t->width, t->corners);
      for (int c = 0; c < t->classes; c++) z[c] = resized(&n, c, py, px);
      check_close((double)loss[i], truth(t->kind, z, t->classes, mask[i]), what, y, x);
    }
  fm_network_loss_destroy(model);
  free(z);
  free(loss);
  free(mask);
  free(n.memory);
}

/* Scales: 4, 1, 2.7, 3, 2, down, from one pixel, 16, just off 1, to one pixel. */
static const int sizes[][4] = {{8, 9, 32, 36},   {13, 21, 13, 21}, {10, 11, 27, 30}, {7, 5, 21, 15},
                               {9, 8, 18, 16},   {31, 29, 12, 7},  {1, 1, 5, 9},     {3, 2, 48, 32},
                               {20, 21, 21, 20}, {5, 6, 1, 1},     {1, 7, 30, 4}};

enum { SIZES = sizeof sizes / sizeof sizes[0] };

static trial trial_of(int size, int kind, int classes, uint32_t kernels) {
  trial t = {
      kind, classes, sizes[size][0], sizes[size][1], sizes[size][2], sizes[size][3], false, FM_F32,
      CHW,  5,       kernels};
  return t;
}

START_TEST(logits_equal_float64_at_every_scale) {
  static const int classes[] = {1, 2, 19, 150};
  static const double sigmas[] = {1, 8, 40};
  for (int k = 0; k < 4; k++)
    for (int s = 0; s < 3; s++)
      for (int corners = 0; corners < 2; corners++)
        for (uint32_t kernels = 0; kernels < 2; kernels++) {
          trial t = trial_of(_i, FM_OUTPUT_LOGITS, classes[k], kernels);
          t.sigma = sigmas[s];
          t.corners = corners;
          compare(&t);
        }
}
END_TEST

START_TEST(many_classes_equal_float64) {
  trial t = trial_of(_i % 2 ? 4 : 1, FM_OUTPUT_LOGITS, 847, (uint32_t)_i / 2);
  compare(&t);
}
END_TEST

START_TEST(every_dtype_and_order_equals_float64) {
  static const fm_dtype dtypes[] = {FM_F32, FM_F16, FM_BF16};
  for (int d = 0; d < 3; d++)
    for (int how = 0; how < ORDERS; how++)
      for (uint32_t kernels = 0; kernels < 2; kernels++)
        for (int kind = FM_OUTPUT_LOGITS; kind <= FM_OUTPUT_SCORES; kind++) {
          trial t = trial_of(_i, kind, 21, kernels);
          t.dtype = dtypes[d];
          t.how = (order)how;
          compare(&t);
        }
}
END_TEST

START_TEST(shares_equal_float64) {
  for (int kind = FM_OUTPUT_PROBS; kind <= FM_OUTPUT_SCORES; kind++)
    for (int corners = 0; corners < 2; corners++) {
      trial t = trial_of(_i, kind, 19, 0);
      t.corners = corners;
      compare(&t);
    }
}
END_TEST

/* ---- Queries ------------------------------------------------------------------------ */

static double logistic(double z) { return 1 / (1 + exp(-z)); }

START_TEST(queries_equal_float64) {
  enum { Q = 13, K = 5, H = 6, W = 7, HEIGHT = 17, WIDTH = 28 };
  for (int first = 0; first < 2; first++) {
    net n = net_new(FM_F32, Q, H, W, CHW);
    fill_logits(&n, _i ? 60 : 6, 3);
    float cls[Q][K + 1];
    uint64_t state = 5;
    for (int q = 0; q < Q; q++)
      for (int c = 0; c <= K; c++) cls[q][c] = (float)(6 * uniform(&state) - 3);
    uint16_t mask[HEIGHT * WIDTH];
    float loss[HEIGHT * WIDTH];
    fill_mask(mask, HEIGHT, WIDTH, K);
    fm_context *context = kit_plain_context();
    fm_labels_options lo = {.size = sizeof lo,
                            .class_count = K,
                            .ignored_labels = (const int64_t[]){IGNORED},
                            .ignored_count = 1};
    fm_labels *labels;
    fm_network_loss *model;
    KIT_OK(fm_labels_create(context, &lo, &labels, &err));
    fm_network_loss_options o = {
        .size = sizeof o, .kind = FM_OUTPUT_SCORES, .compose_first = first};
    KIT_OK(fm_network_loss_create(labels, &o, &model, &err));
    fm_network_output output = kit_output(n.view);
    output.class_logits = fm_plane_make(cls, FM_F32, Q, K + 1);
    fm_plane mask_view = fm_plane_make(mask, FM_U16, HEIGHT, WIDTH);
    fm_plane loss_view = fm_plane_make(loss, FM_F32, HEIGHT, WIDTH);
    KIT_OK(fm_network_loss_map(model, &output, &mask_view, &loss_view, &err));
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++) {
        if (mask[y * WIDTH + x] == IGNORED) continue;
        double scores[K] = {0};
        place py = place_of(y, H, HEIGHT, false), px = place_of(x, W, WIDTH, false);
        for (int q = 0; q < Q; q++) {
          double z[K + 1], s;
          for (int c = 0; c <= K; c++) z[c] = (double)cls[q][c];
          if (first) {
            double a = logistic(get(&n, q, py.low, px.low)) * (1 - px.t) +
                       logistic(get(&n, q, py.low, px.high)) * px.t;
            double b = logistic(get(&n, q, py.high, px.low)) * (1 - px.t) +
                       logistic(get(&n, q, py.high, px.high)) * px.t;
            s = a * (1 - py.t) + b * py.t;
          } else {
            s = logistic(resized(&n, q, py, px));
          }
          for (int c = 0; c < K; c++) scores[c] += s * exp(z[c] - log_sum_exp(z, K + 1));
        }
        check_close((double)loss[y * WIDTH + x],
                    truth(FM_OUTPUT_SCORES, scores, K, mask[y * WIDTH + x]), "queries", y, x);
      }
    fm_network_loss_destroy(model);
    fm_labels_destroy(labels);
    fm_context_destroy(context);
    free(n.memory);
  }
}
END_TEST

/* ---- Errors ------------------------------------------------------------------------- */

enum { SIDE = 16, FEW = 4 };

typedef struct scene {
  fm_context *context;
  fm_labels *labels;
  net output;
  uint16_t mask[SIDE * SIDE];
  float loss[SIDE * SIDE];
  fm_plane mask_view, loss_view;
} scene;

static fm_labels *few_labels(fm_context *context) {
  fm_labels_options lo = {.size = sizeof lo,
                          .class_count = FEW,
                          .ignored_labels = (const int64_t[]){IGNORED},
                          .ignored_count = 1};
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_create(context, &lo, &labels, &err));
  return labels;
}

static void open_scene(scene *s, int side) {
  s->context = kit_plain_context();
  s->labels = few_labels(s->context);
  s->output = net_new(FM_F32, FEW, side, side, CHW);
  fill_logits(&s->output, 3, 1);
  for (int i = 0; i < SIDE * SIDE; i++) {
    s->mask[i] = (uint16_t)(i % FEW);
    s->loss[i] = -3;
  }
  s->mask_view = fm_plane_make(s->mask, FM_U16, SIDE, SIDE);
  s->loss_view = fm_plane_make(s->loss, FM_F32, SIDE, SIDE);
}

static void close_scene(scene *s) {
  free(s->output.memory);
  fm_labels_destroy(s->labels);
  fm_context_destroy(s->context);
}

static fm_network_loss *model_of(scene *s, fm_network_loss_options o) {
  fm_network_loss *model = NULL;
  o.size = sizeof o;
  KIT_OK(fm_network_loss_create(s->labels, &o, &model, &err));
  return model;
}

static void expect_untouched(const scene *s) {
  for (int i = 0; i < SIDE * SIDE; i++) ck_assert(s->loss[i] == -3);
}

START_TEST(numbers_that_are_none_are_named) {
  static const float bad[] = {NAN, INFINITY, -INFINITY};
  static const int sides[] = {4, SIDE, 7};
  for (int b = 0; b < 3; b++) {
    scene s;
    open_scene(&s, sides[_i]);
    fm_network_loss *model = model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_LOGITS});
    int at = sides[_i] - 1;
    put(&s.output, 2, at, at, bad[b]);
    KIT_FAILS(FM_ERR_LOSS, "channel 2 (class class 2)",
              kit_map(model, &s.output.view, &s.mask_view, &s.loss_view, &err));
    expect_untouched(&s);
    /* Where only ignored pixels need it, no check is made. */
    for (int i = 0; i < SIDE * SIDE; i++)
      if (i / SIDE >= SIDE / 2 || i % SIDE >= SIDE / 2) s.mask[i] = IGNORED;
    KIT_OK(kit_map(model, &s.output.view, &s.mask_view, &s.loss_view, &err));
    fm_network_loss_destroy(model);
    close_scene(&s);
  }
}
END_TEST

START_TEST(labels_outside_are_named) {
  scene s;
  open_scene(&s, 4);
  fm_network_loss *model = model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_LOGITS});
  s.mask[SIDE * 3 + 5] = 9;
  KIT_FAILS(FM_ERR_LABEL, "label 9 at pixel (x 5, y 3)",
            kit_map(model, &s.output.view, &s.mask_view, &s.loss_view, &err));
  expect_untouched(&s);
  fm_network_loss_destroy(model);
  close_scene(&s);
}
END_TEST

START_TEST(other_kinds_are_refused) {
  scene s;
  open_scene(&s, 4);
  fm_network_loss *logits = model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_LOGITS});
  fm_network_loss *probs = model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_PROBS});
  fm_network_loss *scores = model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_SCORES});
  fm_network_loss *trusting =
      model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_LOGITS, .trust_kind = 1});
  const fm_volume *v = &s.output.view;
  KIT_FAILS(FM_ERR_ARGUMENT, "pass FM_OUTPUT_LOGITS",
            kit_map(probs, v, &s.mask_view, &s.loss_view, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "pass FM_OUTPUT_LOGITS",
            kit_map(scores, v, &s.mask_view, &s.loss_view, &err));
  fill_shares(&s.output, true, 3);
  KIT_FAILS(FM_ERR_ARGUMENT, "pass FM_OUTPUT_PROBS",
            kit_map(logits, v, &s.mask_view, &s.loss_view, &err));
  fill_shares(&s.output, false, 3);
  KIT_FAILS(FM_ERR_ARGUMENT, "pass FM_OUTPUT_SCORES",
            kit_map(logits, v, &s.mask_view, &s.loss_view, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "pass FM_OUTPUT_SCORES",
            kit_map(probs, v, &s.mask_view, &s.loss_view, &err));
  expect_untouched(&s);
  KIT_OK(kit_map(trusting, v, &s.mask_view, &s.loss_view, &err));
  fm_network_loss_destroy(trusting);
  fm_network_loss_destroy(scores);
  fm_network_loss_destroy(probs);
  fm_network_loss_destroy(logits);
  close_scene(&s);
}
END_TEST

START_TEST(options_are_checked) {
  scene s;
  open_scene(&s, 4);
  fm_network_loss *out = KIT_SENTINEL;
  static const int32_t table[FEW] = {0, 1, 5, 2};
  fm_network_loss_options none = {.size = sizeof none};
  KIT_FAILS(FM_ERR_ARGUMENT, "no default", fm_network_loss_create(s.labels, &none, &out, &err));
  fm_network_loss_options more = {
      .size = sizeof more, .kind = FM_OUTPUT_LOGITS, .channel_count = 5};
  KIT_FAILS(FM_ERR_SHAPE, "5, label space custom has 4",
            fm_network_loss_create(s.labels, &more, &out, &err));
  more.channels = table;
  KIT_FAILS(FM_ERR_ARGUMENT, "channels[2]", fm_network_loss_create(s.labels, &more, &out, &err));
  fm_network_loss_options low = {.size = sizeof low, .kind = FM_OUTPUT_PROBS, .floor = -1};
  KIT_FAILS(FM_ERR_ARGUMENT, "floor", fm_network_loss_create(s.labels, &low, &out, &err));
  ck_assert(out == KIT_SENTINEL);
  close_scene(&s);
}
END_TEST

START_TEST(options_without_a_meaning_are_refused) {
  static const struct {
    fm_network_loss_options options;
    const char *words;
  } cases[] = {
      {{.kind = 77}, "kind is 77"},
      {{.kind = FM_OUTPUT_LOGITS, .floor = 0.1}, "floor"},
      {{.kind = FM_OUTPUT_LOGITS, .floor = NAN}, "floor"},
      {{.kind = FM_OUTPUT_PROBS, .floor = NAN}, "floor"},
      {{.kind = FM_OUTPUT_PROBS, .floor = 1}, "floor"},
      {{.kind = FM_OUTPUT_LOGITS, .compose_first = 1}, "compose_first"},
      {{.kind = FM_OUTPUT_PROBS, .compose_first = 1}, "compose_first"},
      {{.kind = FM_OUTPUT_SCORES, .compose_first = 2}, "compose_first"},
      {{.kind = FM_OUTPUT_SCORES, .binary = 1}, "binary"},
      {{.kind = FM_OUTPUT_LOGITS, .binary = 1}, "4 classes"},
      {{.kind = FM_OUTPUT_LOGITS, .align_corners = 3}, "align_corners"},
      {{.kind = FM_OUTPUT_LOGITS, .trust_kind = -1}, "trust_kind"},
      {{.kind = FM_OUTPUT_LOGITS, .channel_count = -4}, "channel_count"},
  };
  scene s;
  open_scene(&s, 4);
  fm_network_loss *out = KIT_SENTINEL;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_network_loss_options o = cases[i].options;
    o.size = sizeof o;
    KIT_FAILS(FM_ERR_ARGUMENT, cases[i].words, fm_network_loss_create(s.labels, &o, &out, &err));
  }
  ck_assert(out == KIT_SENTINEL);
  close_scene(&s);
}
END_TEST

START_TEST(options_come_back) {
  static const int32_t table[FEW] = {0, 1, 5, 2};
  static const fm_network_loss_options given[] = {
      {.kind = FM_OUTPUT_LOGITS, .align_corners = 1},
      {.kind = FM_OUTPUT_PROBS, .trust_kind = 1},
      {.kind = FM_OUTPUT_SCORES, .channel_count = 6, .channels = table, .compose_first = 1}};
  scene s;
  open_scene(&s, 4);
  for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
    fm_network_loss *model = model_of(&s, given[i]), *again = NULL;
    ck_assert_ptr_eq(fm_network_loss_labels(model), s.labels);
    fm_network_loss_options o = {.size = sizeof o};
    KIT_OK(fm_network_loss_get_options(model, &o, &err));
    ck_assert_uint_eq(o.size, sizeof o);
    ck_assert_int_eq(o.kind, given[i].kind);
    ck_assert_int_eq(o.align_corners, given[i].align_corners);
    ck_assert_int_eq(o.channel_count, i == 2 ? 6 : FEW);
    ck_assert_int_eq(o.trust_kind, given[i].trust_kind);
    ck_assert_int_eq(o.compose_first, given[i].compose_first);
    ck_assert(o.floor == (i ? 1e-7 : 0));
    ck_assert(i == 2 ? o.channels != table && !memcmp(o.channels, table, sizeof table)
                     : !o.channels);
    KIT_OK(fm_network_loss_create(s.labels, &o, &again, &err));
    fm_network_loss_destroy(again);
    fm_network_loss_options small = {.size = 8, .kind = 5};
    KIT_FAILS(FM_ERR_ARGUMENT, "size is 8", fm_network_loss_get_options(model, &small, &err));
    ck_assert_int_eq(small.kind, 5);
    KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_network_loss_get_options(model, NULL, &err));
    fm_network_loss_destroy(model);
  }
  fm_network_loss_options o = {.size = sizeof o};
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_network_loss_get_options(NULL, &o, &err));
  ck_assert_ptr_null(fm_network_loss_labels(NULL));
  close_scene(&s);
}
END_TEST

typedef struct call {
  const scene *s;
  const fm_network_loss *model;
} call;

static fm_status map_output(const void *output, void *user, fm_error *err) {
  const call *c = user;
  return fm_network_loss_map(c->model, output, &c->s->mask_view, &c->s->loss_view, err);
}

START_TEST(outputs_are_checked) {
  scene s;
  open_scene(&s, 4);
  fm_network_loss *logits = model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_LOGITS});
  fm_network_loss *composed = model_of(
      &s, (fm_network_loss_options){.kind = FM_OUTPUT_SCORES, .compose_first = 1, .trust_kind = 1});
  call c = {&s, logits};
  fm_network_output output = kit_output(s.output.view);
  kit_options_rule("fm_network_output", &output, sizeof output, map_output, &c);
  memset(s.loss, 0, sizeof s.loss);
  for (int i = 0; i < SIDE * SIDE; i++) s.loss[i] = -3;
  KIT_FAILS(FM_ERR_ARGUMENT, "output: is NULL", map_output(NULL, &c, &err));
  fm_network_output empty = {.size = sizeof empty};
  KIT_FAILS(FM_ERR_ARGUMENT, "output: data is NULL", map_output(&empty, &c, &err));
  static float rows[FEW][FEW + 1];
  fm_network_output queries = output;
  queries.class_logits = fm_plane_make(rows, FM_F32, FEW, FEW + 1);
  KIT_FAILS(FM_ERR_ARGUMENT, "not FM_OUTPUT_SCORES", map_output(&queries, &c, &err));
  c.model = composed;
  KIT_FAILS(FM_ERR_ARGUMENT, "compose_first", map_output(&output, &c, &err));
  queries.class_logits.height = FEW - 1;
  KIT_FAILS(FM_ERR_SHAPE, "3 queries", map_output(&queries, &c, &err));
  queries.class_logits = fm_plane_make(rows, FM_F32, FEW, FEW);
  KIT_FAILS(FM_ERR_SHAPE, "columns", map_output(&queries, &c, &err));
  expect_untouched(&s);
  fm_network_loss_destroy(composed);
  fm_network_loss_destroy(logits);
  close_scene(&s);
}
END_TEST

START_TEST(an_output_plane_lies_apart) {
  static float memory[FEW * SIDE * SIDE];
  static float rows[FEW * (FEW + 1) + SIDE * SIDE];
  scene s;
  open_scene(&s, SIDE);
  fm_network_loss *model = model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_LOGITS});
  for (size_t i = 0; i < FEW * SIDE * SIDE; i++) memory[i] = (float)i;
  fm_volume values = fm_volume_make(memory, FM_F32, FEW, SIDE, SIDE);
  fm_plane inside = fm_plane_make(memory + SIDE * SIDE, FM_F32, SIDE, SIDE);
  KIT_FAILS(FM_ERR_ARGUMENT, "output", kit_map(model, &values, &s.mask_view, &inside, &err));
  fm_plane on_mask = fm_plane_make(s.mask, FM_F32, SIDE, SIDE / 2);
  fm_plane narrow = fm_plane_make(s.mask, FM_U16, SIDE, SIDE / 2);
  KIT_FAILS(FM_ERR_ARGUMENT, "mask", kit_map(model, &s.output.view, &narrow, &on_mask, &err));
  fm_network_loss_destroy(model);
  model = model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_SCORES, .trust_kind = 1});
  fm_network_output queries = kit_output(s.output.view);
  queries.class_logits = fm_plane_make(rows, FM_F32, FEW, FEW + 1);
  fm_plane on_rows = fm_plane_make(rows + FEW, FM_F32, SIDE, SIDE);
  KIT_FAILS(FM_ERR_ARGUMENT, "class logits",
            fm_network_loss_map(model, &queries, &s.mask_view, &on_rows, &err));
  for (size_t i = 0; i < FEW * SIDE * SIDE; i++) ck_assert(memory[i] == (float)i);
  fm_network_loss_destroy(model);
  close_scene(&s);
}
END_TEST

/* ---- Huge logits -------------------------------------------------------------------- */

/* As large as floats may be, and no further apart than others: there a float's neighbors are
 * further away than what fills channels up. */
START_TEST(equal_logits_of_any_size_equal_the_logarithm) {
  static const float values[] = {1e6F, 1e8F, 1e10F, -1e10F, 1e30F, 3e38F, -3e38F};
  for (uint32_t kernels = 0; kernels < 2; kernels++)
    for (int side = 4; side <= 16; side += 3)
      for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        trial t = {FM_OUTPUT_LOGITS, 3, side, side, 16, 16, false, FM_F32, CHW, 0, kernels};
        fm_context *context = context_with(kernels);
        fm_network_loss *model = make_model(context, &t);
        net n = net_new(FM_F32, 3, side, side, CHW);
        for (int v = 0; v < 3 * side * side; v++)
          memcpy(n.memory + (size_t)v * sizeof(float), &values[i], sizeof(float));
        unsigned char mask[256] = {0};
        float loss[256];
        fm_plane mask_view = fm_plane_make(mask, FM_U8, 16, 16);
        fm_plane loss_view = fm_plane_make(loss, FM_F32, 16, 16);
        KIT_OK(kit_map(model, &n.view, &mask_view, &loss_view, &err));
        for (int p = 0; p < 256; p++)
          check_close((double)loss[p], log(3), "equal logits", p / 16, p % 16);
        free(n.memory);
        fm_network_loss_destroy(model);
        fm_context_destroy(context);
      }
}
END_TEST

/* Their difference is no float; the map keeps what it held, however late the row is. */
START_TEST(logits_too_far_apart_are_refused) {
  enum { LARGE = 700 };
  for (int side = 70; side <= LARGE; side *= 10) {
    trial t = {FM_OUTPUT_LOGITS, 2, side, side, LARGE, LARGE, false, FM_F32, CHW, 5, 0};
    fm_context *context = kit_plain_context();
    fm_network_loss *model = make_model(context, &t);
    net n = net_new(FM_F32, 2, side, side, CHW);
    fill_logits(&n, 3, 8);
    int at = _i ? side - 1 : side / 7;
    put(&n, 0, at, at, -3e38F);
    put(&n, 1, at, at, 3e38F);
    unsigned char *mask = calloc(LARGE, LARGE);
    float *loss = malloc(sizeof(float) * LARGE * LARGE);
    ck_assert(mask && loss);
    for (int i = 0; i < LARGE * LARGE; i++) loss[i] = (float)i;
    fm_plane mask_view = fm_plane_make(mask, FM_U8, LARGE, LARGE);
    fm_plane loss_view = fm_plane_make(loss, FM_F32, LARGE, LARGE);
    KIT_FAILS(FM_ERR_LOSS, "too far apart", kit_map(model, &n.view, &mask_view, &loss_view, &err));
    bool same = true, finite = true;
    for (int i = 0; i < LARGE * LARGE; i++) same = same && loss[i] == (float)i;
    ck_assert(same);
    put(&n, 0, at, at, -1e38F);
    put(&n, 1, at, at, 1e38F);
    KIT_OK(kit_map(model, &n.view, &mask_view, &loss_view, &err));
    for (int i = 0; i < LARGE * LARGE; i++) finite = finite && isfinite(loss[i]);
    ck_assert(finite);
    free(loss);
    free(mask);
    free(n.memory);
    fm_network_loss_destroy(model);
    fm_context_destroy(context);
  }
}
END_TEST

/* ---- Fused forms -------------------------------------------------------------------- */

START_TEST(fused_forms_equal_the_two_steps) {
  scene s;
  open_scene(&s, 5);
  s.mask[7] = IGNORED;
  fm_network_loss *model = model_of(&s, (fm_network_loss_options){.kind = FM_OUTPUT_LOGITS});
  fm_network_output output = kit_output(s.output.view);
  fm_class_stats *direct, *stepwise;
  KIT_OK(fm_class_stats_create(s.labels, NULL, &direct, &err));
  KIT_OK(fm_class_stats_create(s.labels, NULL, &stepwise, &err));
  KIT_OK(fm_class_stats_add_output(direct, model, &output, &s.mask_view, NULL, &err));
  KIT_OK(kit_map(model, &s.output.view, &s.mask_view, &s.loss_view, &err));
  KIT_OK(fm_class_stats_add(stepwise, &s.mask_view, &s.loss_view, NULL, &err));
  int64_t a[64], b[64];
  size_t words = (size_t)fm_class_stats_word_count(direct);
  ck_assert(words <= 64);
  KIT_OK(fm_class_stats_export(direct, a, (int64_t)words, &err));
  KIT_OK(fm_class_stats_export(stepwise, b, (int64_t)words, &err));
  ck_assert_mem_eq(a, b, words * sizeof *a);
  fm_filter_options fo = {.size = sizeof fo, .min_kept_share = _i ? 0.7 : 0};
  fm_filter *filter;
  KIT_OK(fm_filter_create(direct, &fo, &filter, &err));
  uint16_t one_step[SIDE * SIDE], two_steps[SIDE * SIDE];
  fm_plane one_view = fm_plane_make(one_step, FM_U16, SIDE, SIDE);
  fm_plane two_view = fm_plane_make(two_steps, FM_U16, SIDE, SIDE);
  int64_t counts[4][FEW];
  fm_filter_report r1 = {.size = sizeof r1, .class_valid = counts[0], .class_dropped = counts[1]};
  fm_filter_report r2 = {.size = sizeof r2, .class_valid = counts[2], .class_dropped = counts[3]};
  KIT_OK(fm_filter_apply_output(filter, model, &output, &s.mask_view, NULL, &one_view, &r1, &err));
  KIT_OK(fm_filter_apply(filter, &s.mask_view, &s.loss_view, NULL, &two_view, &r2, &err));
  ck_assert_mem_eq(one_step, two_steps, sizeof one_step);
  ck_assert(r1.valid == r2.valid && r1.dropped == r2.dropped && r1.dropped > 0);
  ck_assert_mem_eq(counts[0], counts[2], 2 * sizeof counts[0]);
  fm_filter_destroy(filter);
  fm_class_stats_destroy(stepwise);
  fm_class_stats_destroy(direct);
  fm_network_loss_destroy(model);
  close_scene(&s);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------- */

static fm_status everything(fm_context *context, void *user, fm_error *err) {
  scene *s = user;
  fm_labels *labels = NULL;
  fm_network_loss *model = NULL;
  fm_class_stats *stats = NULL;
  fm_labels_options lo = {.size = sizeof lo,
                          .class_count = FEW,
                          .ignored_labels = (const int64_t[]){IGNORED},
                          .ignored_count = 1};
  static const int32_t table[FEW] = {1, 0, 3, 2};
  fm_network_loss_options o = {
      .size = sizeof o, .kind = FM_OUTPUT_LOGITS, .channel_count = FEW, .channels = table};
  fm_status status = fm_labels_create(context, &lo, &labels, err);
  if (!status) status = fm_network_loss_create(labels, &o, &model, err);
  if (!status) status = fm_class_stats_create(labels, NULL, &stats, err);
  if (!status) status = kit_map(model, &s->output.view, &s->mask_view, &s->loss_view, err);
  fm_network_output output = kit_output(s->output.view);
  if (!status) status = fm_class_stats_add_output(stats, model, &output, &s->mask_view, NULL, err);
  fm_class_stats_destroy(stats);
  fm_network_loss_destroy(model);
  fm_labels_destroy(labels);
  return status;
}

START_TEST(every_allocation_may_fail) {
  scene s;
  open_scene(&s, 5);
  kit_every_allocation_fails(everything, &s, 8);
  close_scene(&s);
}
END_TEST

/* A large map, most of which does not fit the memory that restores it. */
START_TEST(a_late_failure_leaves_a_large_map_alone) {
  enum { LARGE = 700 };
  fm_context *context = kit_plain_context();
  trial t = {FM_OUTPUT_LOGITS, 2, 70, 70, LARGE, LARGE, false, FM_F32, CHW, 5, 0};
  fm_network_loss *model = make_model(context, &t);
  net n = net_new(FM_F32, 2, 70, 70, CHW);
  fill_logits(&n, 3, 8);
  put(&n, 1, _i ? 69 : 10, 69, NAN);
  unsigned char *mask = calloc(LARGE, LARGE);
  float *loss = malloc(sizeof(float) * LARGE * LARGE);
  ck_assert(mask && loss);
  for (int i = 0; i < LARGE * LARGE; i++) loss[i] = (float)i;
  fm_plane mask_view = fm_plane_make(mask, FM_U8, LARGE, LARGE);
  fm_plane loss_view = fm_plane_make(loss, FM_F32, LARGE, LARGE);
  KIT_FAILS(FM_ERR_LOSS, "channel 1", kit_map(model, &n.view, &mask_view, &loss_view, &err));
  for (int i = 0; i < LARGE * LARGE; i++) ck_assert(loss[i] == (float)i);
  free(loss);
  free(mask);
  free(n.memory);
  fm_network_loss_destroy(model);
  fm_context_destroy(context);
}
END_TEST

Suite *network_loss_suite(void) {
  Suite *suite = suite_create("network_loss");
  TCase *c = tcase_create("values");
  tcase_set_timeout(c, 120);
  tcase_add_loop_test(c, logits_equal_float64_at_every_scale, 0, SIZES);
  tcase_add_loop_test(c, many_classes_equal_float64, 0, 4);
  tcase_add_loop_test(c, every_dtype_and_order_equals_float64, 0, 4);
  tcase_add_loop_test(c, shares_equal_float64, 0, SIZES);
  tcase_add_loop_test(c, queries_equal_float64, 0, 2);
  suite_add_tcase(suite, c);
  c = tcase_create("errors");
  tcase_add_loop_test(c, numbers_that_are_none_are_named, 0, 3);
  tcase_add_test(c, labels_outside_are_named);
  tcase_add_test(c, other_kinds_are_refused);
  tcase_add_test(c, options_are_checked);
  tcase_add_test(c, options_without_a_meaning_are_refused);
  tcase_add_test(c, options_come_back);
  tcase_add_test(c, outputs_are_checked);
  tcase_add_test(c, an_output_plane_lies_apart);
  tcase_add_test(c, equal_logits_of_any_size_equal_the_logarithm);
  tcase_add_loop_test(c, logits_too_far_apart_are_refused, 0, 2);
  tcase_add_test(c, every_allocation_may_fail);
  tcase_add_loop_test(c, a_late_failure_leaves_a_large_map_alone, 0, 2);
  suite_add_tcase(suite, c);
  c = tcase_create("fused");
  tcase_add_loop_test(c, fused_forms_equal_the_two_steps, 0, 2);
  suite_add_tcase(suite, c);
  return suite;
}
