/* dsp/network.c - losses from network outputs: every kernel level against double arithmetic. These
 * kernels may differ in the last bits, so that there is a bound and not a reference.
 * SPDX-License-Identifier: MIT */
#include "network.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SIDE = 70, MOST_CHANNELS = 60, MOST_INNER = 20, IGNORED = 255 };
enum { MOST_VALUES = MOST_CHANNELS * MOST_INNER * MOST_INNER, CASES_PER_LINE = 10 };

typedef struct trial {
  fm_dtype dtype;
  int channels, inner_height, inner_width, height, width;
  bool interleaved; /* HWC */
  uint16_t halves[MOST_VALUES];
  float floats[MOST_VALUES];
  double values[MOST_VALUES]; /* what the former hold */
  uint8_t mask[MOST_SIDE * MOST_SIDE];
} trial;

static uint64_t next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static int below(uint64_t *state, int bound) {
  return (int)((next(state) >> 33) % (uint64_t)bound);
}

/* Roughly normal. */
static double bell(uint64_t *state) {
  double sum = 0;
  for (int i = 0; i < 6; i++) sum += (double)(next(state) >> 40) * 0x1p-24 - 0.5;
  return sum * 1.41;
}

/* ---- A trial -------------------------------------------------------------------------- */

static size_t index_of(const trial *t, int c, int y, int x) {
  int64_t pixel = (int64_t)y * t->inner_width + x;
  return (size_t)(t->interleaved ? pixel * t->channels + c
                                 : c * (int64_t)t->inner_height * t->inner_width + pixel);
}

/* A number as each dtype has it; halves are made from their bits. */
static void draw_value(trial *t, size_t i, double value) {
  float rounded = (float)value;
  uint32_t bits;
  memcpy(&bits, &rounded, sizeof bits);
  t->floats[i] = rounded;
  t->values[i] = (double)rounded;
  if (t->dtype == FM_BF16) {
    t->halves[i] = (uint16_t)(bits >> 16);
    bits &= 0xffff0000U;
    memcpy(&rounded, &bits, sizeof rounded);
    t->values[i] = (double)rounded;
  } else if (t->dtype == FM_F16) { /* 11 significant bits, none lost below 2^-14 */
    int exponent;
    double fraction = frexp(fabs(value), &exponent);
    if (exponent < -12 || exponent > 15) fraction = 0, exponent = 1;
    int significand = (int)(fraction * 2048);
    t->values[i] = copysign(ldexp(significand, exponent - 11), value);
    t->halves[i] = (uint16_t)(significand ? ((exponent + 14) << 10) + (significand - 1024) : 0);
    if (value < 0) t->halves[i] |= 0x8000;
  }
}

static void draw(trial *t, uint64_t *state) {
  static const int channels[] = {1, 2, 3, 5, 16, 17, 19, MOST_CHANNELS};
  static const double sigmas[] = {1, 4, 10, 40};
  static const fm_dtype dtypes[] = {FM_F32, FM_F32, FM_F16, FM_BF16};
  t->channels = channels[below(state, 8)];
  t->dtype = dtypes[below(state, 4)];
  t->interleaved = below(state, 3) == 0;
  t->inner_height = 1 + below(state, MOST_INNER);
  t->inner_width = 1 + below(state, MOST_INNER);
  bool full = below(state, 4) == 0;
  t->height = full ? t->inner_height : 1 + below(state, MOST_SIDE);
  t->width = full ? t->inner_width : 1 + below(state, MOST_SIDE);
  double sigma = sigmas[below(state, 4)];
  int values = t->channels * t->inner_height * t->inner_width;
  for (int i = 0; i < values; i++) draw_value(t, (size_t)i, bell(state) * sigma);
  for (int i = 0; i < t->height * t->width; i++)
    t->mask[i] = (uint8_t)(below(state, 9) ? below(state, t->channels) : IGNORED);
}

static fm_volume view_of(const trial *t) {
  const void *data = t->dtype == FM_F32 ? (const void *)t->floats : t->halves;
  fm_volume v = fm_volume_make(data, t->dtype, t->channels, t->inner_height, t->inner_width);
  int64_t element = t->dtype == FM_F32 ? 4 : 2;
  if (t->interleaved) {
    v.channel_stride = element;
    v.col_stride = element * t->channels;
    v.row_stride = v.col_stride * t->inner_width;
  }
  return v;
}

/* ---- The truth ------------------------------------------------------------------------ */

typedef struct place {
  int low, high;
  double t;
} place;

static place place_of(int i, int inner, int outer) {
  double at = (i + 0.5) * inner / outer - 0.5;
  if (at < 0) at = 0;
  place p = {(int)at, 0, 0};
  if (p.low > inner - 1) p.low = inner - 1;
  p.high = p.low < inner - 1 ? p.low + 1 : p.low;
  p.t = at - p.low;
  return p;
}

static double value_at(const trial *t, int c, place y, place x) {
  double upper = t->values[index_of(t, c, y.low, x.low)] * (1 - x.t) +
                 t->values[index_of(t, c, y.low, x.high)] * x.t;
  double lower = t->values[index_of(t, c, y.high, x.low)] * (1 - x.t) +
                 t->values[index_of(t, c, y.high, x.high)] * x.t;
  return upper * (1 - y.t) + lower * y.t;
}

static double truth(const trial *t, int y, int x, int label) {
  place py = place_of(y, t->inner_height, t->height), px = place_of(x, t->inner_width, t->width);
  double z[MOST_CHANNELS], top = -HUGE_VAL, sum = 0;
  for (int c = 0; c < t->channels; c++) {
    z[c] = value_at(t, c, py, px);
    if (z[c] > top) top = z[c];
  }
  for (int c = 0; c < t->channels; c++) sum += exp(z[c] - top);
  return log(sum) + top - z[label];
}

/* The largest error in parts of what is allowed. */
static double error_of(const trial *t, const float *loss) {
  double worst = 0;
  for (int y = 0; y < t->height; y++)
    for (int x = 0; x < t->width; x++) {
      int i = y * t->width + x;
      if (t->mask[i] == IGNORED) {
        if (loss[i] != 0) return HUGE_VAL;
        continue;
      }
      double expected = truth(t, y, x, t->mask[i]);
      double error = fabs((double)loss[i] - expected) / (expected < 20 ? 5e-6 : 1e-5 * expected);
      if (!(error <= worst)) worst = error;
    }
  return worst;
}

/* ---- Runs ----------------------------------------------------------------------------- */

static fm_status map(fm_context *context, const trial *t, float *loss, fm_error *err) {
  fm_labels_options lo = {.size = sizeof lo,
                          .class_count = t->channels,
                          .ignored_labels = (const int64_t[]){IGNORED},
                          .ignored_count = 1};
  fm_network_loss_options no = {.size = sizeof no, .kind = FM_OUTPUT_LOGITS, .trust_kind = 1};
  fm_labels *labels = NULL;
  fm_network_loss *model = NULL;
  fm_network_output output = {.size = sizeof output, .values = view_of(t)};
  fm_plane mask = fm_plane_make(t->mask, FM_U8, t->height, t->width);
  fm_plane losses = fm_plane_make(loss, FM_F32, t->height, t->width);
  fm_status status = fm_labels_create(context, &lo, &labels, err);
  if (!status) status = fm_network_loss_create(labels, &no, &model, err);
  if (!status) status = fm_network_loss_map(model, &output, &mask, &losses, err);
  fm_network_loss_destroy(model);
  fm_labels_destroy(labels);
  return status;
}

bool network_run(fm_context *const *contexts, size_t count, int images, uint64_t seed, int *line) {
  static trial t;
  static float loss[MOST_SIDE * MOST_SIDE];
  bool all_good = true;
  uint64_t state = seed | 1;
  for (int done = 0; done < images; done += CASES_PER_LINE) {
    double worst = 0;
    fm_error err = {.message = ""};
    for (int i = 0; i < CASES_PER_LINE; i++) {
      draw(&t, &state);
      for (size_t k = 0; k < count; k++) {
        double error = map(contexts[k], &t, loss, &err) ? HUGE_VAL : error_of(&t, loss);
        if (!(error <= worst)) worst = error;
      }
    }
    bool good = worst <= 1;
    printf("%s %d - losses of outputs %d .. %d on all levels: %.3f of the bound\n",
           good ? "ok" : "not ok", ++*line, done, done + CASES_PER_LINE - 1, worst);
    if (!good) printf("# %s\n", err.message);
    all_good = all_good && good;
  }
  return all_good;
}
