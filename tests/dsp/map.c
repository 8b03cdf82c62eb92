/* dsp/map.c - planes made from masks: every kernel level against plain C, bit for bit.
 * tests/ctypes/test_maps.py has the truth.
 * SPDX-License-Identifier: MIT */
#include "map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "levels.h"

enum { MOST_WIDTH = 300, MOST_HEIGHT = 60, MOST_EDGES = 40 };

/* A mask, values, and a plane for each result, all of strides and alignments of their own. */
typedef struct trial {
  draw_plane mask, values, strata, means;
  int32_t edges[MOST_EDGES], edge_count, radius;
} trial;

/* ---- A trial -------------------------------------------------------------------------- */

/* Runs in rows that resemble the row above, or noise. */
static void draw_labels(draw_random *random, const fm_plane *mask) {
  const uint32_t labels = 1 + draw_below(random, 20), turn = draw_below(random, 100);
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x++) {
      int64_t label = draw_below(random, labels);
      if (x && !draw_chance(random, turn)) label = draw_label_at(mask, y, x - 1);
      if (y && draw_chance(random, 90)) label = draw_label_at(mask, y - 1, x);
      draw_set_label(mask, y, x, label);
    }
}

/* Of either sign; some beyond what the sums of a window hold in 32 bits. */
static void draw_values(draw_random *random, const fm_plane *values) {
  const int scale = (int)draw_below(random, 4) * 4 - 4;
  for (int64_t y = 0; y < values->height; y++)
    for (int64_t x = 0; x < values->width; x++)
      draw_set_loss(values, y, x, ldexpf((float)draw_below(random, 1 << 24) - 8e6F, scale - 24));
}

static void draw_edges(draw_random *random, trial *t) {
  int32_t edge = 2;
  t->edge_count = (int32_t)draw_below(random, MOST_EDGES + 1);
  for (int32_t i = 0; i < t->edge_count; i++) {
    t->edges[i] = edge;
    edge += 1 + (int32_t)draw_below(random, draw_chance(random, 10) ? 200 : 4);
  }
}

static trial draw_trial(draw_random *random) {
  static const fm_dtype masks[] = {FM_U8, FM_U8, FM_U8, FM_I8, FM_U16, FM_I32, FM_U64};
  static const fm_dtype values[] = {FM_F32, FM_F32, FM_F16, FM_BF16, FM_F64};
  trial t;
  const int64_t width = 1 + draw_below(random, MOST_WIDTH),
                height = 1 + draw_below(random, MOST_HEIGHT);
  t.mask = draw_plane_make(random, masks[draw_below(random, 7)], height, width);
  t.values = draw_plane_make(random, values[draw_below(random, 5)], height, width);
  t.strata = draw_plane_make(random, FM_U8, height, width);
  t.means = draw_plane_make(random, FM_F32, height, width);
  t.radius = (int32_t)draw_below(random, draw_chance(random, 20) ? 1024 : 40);
  draw_labels(random, &t.mask.plane);
  draw_values(random, &t.values.plane);
  draw_edges(random, &t);
  return t;
}

static void free_trial(trial *t) {
  draw_plane_free(&t->mask);
  draw_plane_free(&t->values);
  draw_plane_free(&t->strata);
  draw_plane_free(&t->means);
}

/* ---- Levels --------------------------------------------------------------------------- */

/* The bytes of both results, one after the other; gaps keep what they held. */
static unsigned char *results_of(const fm_context *context, const trial *t) {
  const fm_boundary_options options = {sizeof options, t->edge_count ? t->edges : NULL,
                                       t->edge_count};
  const size_t size = t->strata.block.size + t->means.block.size;
  unsigned char *bytes = malloc(size);
  fm_error err = {.code = 0};
  memset(t->strata.block.data, 0x5a, t->strata.block.size);
  memset(t->means.block.data, 0x5a, t->means.block.size);
  if (!bytes || fm_map_boundary_strata(context, &t->mask.plane, &options, &t->strata.plane, &err) ||
      fm_map_window_mean(context, &t->mask.plane, &t->values.plane, t->radius, &t->means.plane,
                         &err)) {
    printf("Bail out! %s\n", err.message);
    exit(1);
  }
  memcpy(bytes, t->strata.block.data, t->strata.block.size);
  memcpy(bytes + t->strata.block.size, t->means.block.data, t->means.block.size);
  return bytes;
}

/* wrong[level] = the first image that is not plain C's. */
static void run_trial(fm_context *const *contexts, size_t count, int number, const trial *t,
                      int *wrong) {
  unsigned char *truth = results_of(contexts[0], t);
  for (size_t i = 1; i < count; i++) {
    unsigned char *bytes = results_of(contexts[i], t);
    bool same = memcmp(bytes, truth, t->strata.block.size + t->means.block.size) == 0;
    if (!same && !wrong[i]) wrong[i] = number;
    free(bytes);
  }
  free(truth);
}

bool map_run(fm_context *const *contexts, size_t count, int images, uint64_t seed, int *line) {
  draw_random random = {seed};
  int wrong[LEVELS_MOST] = {0};
  bool good = true;
  for (int number = 1; number <= images; number++) {
    trial t = draw_trial(&random);
    run_trial(contexts, count, number, &t, wrong);
    free_trial(&t);
  }
  for (size_t i = 1; i < count; i++) {
    printf("%s %d - %s: strata and means over windows, %d images", wrong[i] ? "not ok" : "ok",
           ++*line, fm_context_kernels(contexts[i]), images);
    if (wrong[i]) printf(": first wrong in image %d", wrong[i]);
    printf("\n");
    good = good && !wrong[i];
  }
  return good;
}
