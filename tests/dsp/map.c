/* dsp/map.c - planes made from masks: every kernel level against plain C, bit for bit.
 * tests/ctypes/test_maps.py and test_scores.py have the truth.
 * SPDX-License-Identifier: MIT */
#include "map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "levels.h"

enum { MOST_WIDTH = 300, MOST_HEIGHT = 60, MOST_EDGES = 40, CLASSES = 20 };

/* A mask, values, and a plane for each result, all of strides and alignments of their own. */
typedef struct trial {
  draw_plane mask, values, losses, strata, means, scores;
  int32_t edges[MOST_EDGES], edge_count, radius, histogram;
} trial;

/* ---- A trial -------------------------------------------------------------------------- */

/* Runs in rows that resemble the row above, or noise. */
static void draw_labels(draw_random *random, const fm_plane *mask) {
  const uint32_t labels = 1 + draw_below(random, CLASSES), turn = draw_below(random, 100);
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

/* In all bins, and beyond the first and the last one. */
static void draw_losses(draw_random *random, const fm_plane *losses) {
  for (int64_t y = 0; y < losses->height; y++)
    for (int64_t x = 0; x < losses->width; x++) {
      const int scale = (int)draw_below(random, 40) - 30;
      const float sign = draw_chance(random, 95) ? 1 : 0;
      draw_set_loss(
          losses, y, x,
          copysignf(ldexpf((float)draw_below(random, 1 << 24) * sign, scale - 24), sign - 0.5F));
    }
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
  t.losses = draw_plane_make(random, FM_F32, height, width);
  t.scores = draw_plane_make(random, FM_F32, height, width);
  t.histogram = 1 << draw_below(random, 6);
  t.radius = (int32_t)draw_below(random, draw_chance(random, 20) ? 1024 : 40);
  draw_labels(random, &t.mask.plane);
  draw_values(random, &t.values.plane);
  draw_losses(random, &t.losses.plane);
  draw_edges(random, &t);
  return t;
}

static void free_trial(trial *t) {
  draw_plane_free(&t->mask);
  draw_plane_free(&t->values);
  draw_plane_free(&t->strata);
  draw_plane_free(&t->means);
  draw_plane_free(&t->losses);
  draw_plane_free(&t->scores);
}

/* ---- Levels --------------------------------------------------------------------------- */

static void must(fm_status status, const fm_error *err) {
  if (!status) return;
  printf("Bail out! %s\n", err->message);
  exit(1);
}

/* Scores by the image's own losses. */
static void put_scores(fm_context *context, const trial *t) {
  static const int64_t ignored[] = {CLASSES + 1};
  const fm_labels_options space = {
      .size = sizeof space, .ignored_labels = ignored, .ignored_count = 1, .class_count = CLASSES};
  fm_class_stats_options options = {.size = sizeof options, .histogram = t->histogram};
  fm_labels *labels;
  fm_class_stats *ranks, *stats;
  fm_error err = {.code = 0};
  must(fm_labels_create(context, &space, &labels, &err), &err);
  must(fm_class_stats_create(labels, &options, &ranks, &err), &err);
  must(fm_class_stats_add(ranks, &t->mask.plane, &t->losses.plane, NULL, &err), &err);
  options.score = FM_SCORE_RANK;
  options.ranks = ranks;
  must(fm_class_stats_create(labels, &options, &stats, &err), &err);
  must(fm_class_stats_score_map(stats, &t->mask.plane, &t->losses.plane, NULL, &t->scores.plane,
                                &err),
       &err);
  fm_class_stats_destroy(stats);
  fm_class_stats_destroy(ranks);
  fm_labels_destroy(labels);
}

/* The bytes of all results, one after the other; gaps keep what they held. */
static unsigned char *results_of(fm_context *context, const trial *t, size_t *size) {
  const fm_boundary_options options = {sizeof options, t->edge_count ? t->edges : NULL,
                                       t->edge_count};
  const draw_block *blocks[] = {&t->strata.block, &t->means.block, &t->scores.block};
  unsigned char *bytes = malloc(blocks[0]->size + blocks[1]->size + blocks[2]->size);
  fm_error err = {.code = 0};
  for (int i = 0; i < 3; i++) memset(blocks[i]->data, 0x5a, blocks[i]->size);
  must(bytes ? FM_OK : FM_ERR_MEMORY, &err);
  must(fm_map_boundary_strata(context, &t->mask.plane, &options, &t->strata.plane, &err), &err);
  must(fm_map_window_mean(context, &t->mask.plane, &t->values.plane, t->radius, &t->means.plane,
                          &err),
       &err);
  put_scores(context, t);
  *size = 0;
  for (int i = 0; i < 3; *size += blocks[i++]->size)
    memcpy(bytes + *size, blocks[i]->data, blocks[i]->size);
  return bytes;
}

/* wrong[level] = the first image that is not plain C's. */
static void run_trial(fm_context *const *contexts, size_t count, int number, const trial *t,
                      int *wrong) {
  size_t size;
  unsigned char *truth = results_of(contexts[0], t, &size);
  for (size_t i = 1; i < count; i++) {
    unsigned char *bytes = results_of(contexts[i], t, &size);
    bool same = memcmp(bytes, truth, size) == 0;
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
    printf("%s %d - %s: strata, means over windows and scores, %d images",
           wrong[i] ? "not ok" : "ok", ++*line, fm_context_kernels(contexts[i]), images);
    if (wrong[i]) printf(": first wrong in image %d", wrong[i]);
    printf("\n");
    good = good && !wrong[i];
  }
  return good;
}
