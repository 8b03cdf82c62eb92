/* dsp/schedule.c - the order of training: every kernel level against plain C, many entries at a
 * time against one by one, which is what the golden file of the unit tests is compared with.
 * SPDX-License-Identifier: MIT */
#include "schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"

enum { MIXES = 7, MOST_WEIGHTS = 3000, MOST_ENTRIES = 4400, MOST_LEVELS = 8 };

typedef struct piece {
  fm_schedule_options options;
  double weights[MOST_WEIGHTS];
  int64_t position, count;
} piece;

/* What fm_schedule_fill writes. */
typedef struct entries {
  int64_t numbers[MOST_ENTRIES], indices[MOST_ENTRIES], repeats[MOST_ENTRIES], epochs[MOST_ENTRIES];
  int32_t sets[MOST_ENTRIES], paddings[MOST_ENTRIES];
} entries;

/* ---- Pieces at random ------------------------------------------------------------------- */

/* Sizes of all orders, and those next to powers of two, where grids change their shape. */
static int64_t draw_size(draw_random *random, int bits) {
  int64_t power = INT64_C(1) << draw_below(random, (uint32_t)bits + 1);
  int64_t size = draw_chance(random, 30) ? power + draw_below(random, 3) - 1
                                         : power + (int64_t)(draw_word(random) % (uint64_t)power);
  return size < 1 ? 1 : size;
}

/* From 0 and hardly more than 0 to much. */
static void draw_weights(draw_random *random, piece *p) {
  size_t count = (size_t)(p->options.real_count + p->options.synthetic_count);
  bool even = draw_chance(random, 30);
  for (size_t i = 0; i < count; i++) {
    double weight = (double)(1 + draw_below(random, 1000));
    if (!even && draw_chance(random, 30)) weight = 0;
    if (!even && draw_chance(random, 20)) weight *= 1e-9;
    if (!even && draw_chance(random, 2)) weight *= 1e6;
    p->weights[i] = weight;
  }
  p->weights[draw_below(random, (uint32_t)count)] = 1;
  p->options.weights = p->weights;
  p->options.weight_count = count;
}

static void draw_options(draw_random *random, int32_t mix, piece *p) {
  bool weighted = mix == FM_MIX_WEIGHTED || mix == FM_MIX_SHARES;
  int bits = weighted ? 9 : draw_chance(random, 60) ? 20 : 38;
  p->options = (fm_schedule_options){.size = sizeof p->options,
                                     .mix = mix,
                                     .tail = (int32_t)draw_below(random, 3),
                                     .real_count = draw_size(random, bits),
                                     .synthetic_count = draw_size(random, bits),
                                     .seed = draw_word(random),
                                     .in_order = draw_chance(random, 10),
                                     .world = 1};
  fm_schedule_options *o = &p->options;
  if (mix == FM_MIX_JOINT && draw_chance(random, 50)) o->times = 1 + draw_below(random, 40);
  if (mix == FM_MIX_RATIO || mix == FM_MIX_RANDOM) {
    o->real_share = 1 + draw_below(random, 9);
    o->synthetic_share = 1 + draw_below(random, 9);
  }
  if (weighted) draw_weights(random, p);
  if ((weighted || mix == FM_MIX_RANDOM) && draw_chance(random, 50))
    o->epoch_length = draw_size(random, mix == FM_MIX_RANDOM ? 39 : 30);
  if (draw_chance(random, 40)) o->world = 1 + (int32_t)draw_below(random, 40);
  o->rank = (int32_t)draw_below(random, (uint32_t)o->world);
  if (draw_chance(random, 20) && mix != FM_MIX_REAL)
    o->pretraining_epochs = 1 + draw_below(random, 3);
}

/* Where an epoch begins, or anywhere in the first ones. */
static void draw_range(draw_random *random, const fm_schedule *schedule, piece *p) {
  int64_t end = fm_schedule_epoch_start(schedule, 1 + draw_below(random, 12));
  p->position = 0;
  if (end > 0 && draw_chance(random, 70))
    p->position = (int64_t)(draw_word(random) % (uint64_t)end);
  if (draw_chance(random, 50)) p->position -= p->position % 32;
  p->count = draw_below(random, draw_chance(random, 50) ? 300 : MOST_ENTRIES) + 1;
}

/* ---- Comparing -------------------------------------------------------------------------- */

static fm_schedule *open_piece(fm_context *context, const piece *p) {
  fm_schedule *schedule = NULL;
  return fm_schedule_create(context, NULL, &p->options, &schedule, NULL) ? NULL : schedule;
}

static bool fill(const fm_schedule *schedule, const piece *p, entries *out) {
  memset(out, 0x5a, sizeof *out);
  fm_schedule_arrays arrays = {.size = sizeof arrays,
                               .numbers = out->numbers,
                               .indices = out->indices,
                               .repeats = out->repeats,
                               .epochs = out->epochs,
                               .sets = out->sets,
                               .paddings = out->paddings};
  return !fm_schedule_fill(schedule, p->position, p->count, &arrays, NULL);
}

static bool as_one_by_one(const fm_schedule *schedule, const piece *p, const entries *found) {
  for (int64_t i = 0; i < p->count; i += 1 + p->count / 50) {
    fm_schedule_entry e = {.size = sizeof e};
    if (fm_schedule_at(schedule, p->position + i, &e, NULL) || e.number != found->numbers[i] ||
        e.index != found->indices[i] || e.repeat != found->repeats[i] ||
        e.epoch != found->epochs[i] || e.set != found->sets[i] || e.padding != found->paddings[i])
      return false;
  }
  return true;
}

/* One piece on all levels. False: these options make no schedule. */
static bool compare(fm_context *const *contexts, size_t count, draw_random *random, piece *p,
                    bool good[MOST_LEVELS]) {
  static entries expected, found;
  fm_schedule *plain = open_piece(contexts[0], p);
  if (!plain) return false;
  draw_range(random, plain, p);
  if (!fill(plain, p, &expected) || !as_one_by_one(plain, p, &expected)) good[0] = false;
  for (size_t level = 1; level < count; level++) {
    fm_schedule *schedule = open_piece(contexts[level], p);
    if (!schedule || !fill(schedule, p, &found) || memcmp(&found, &expected, sizeof found) != 0)
      good[level] = false;
    fm_schedule_destroy(schedule);
  }
  fm_schedule_destroy(plain);
  return true;
}

bool schedule_run(fm_context *const *contexts, size_t count, int images, uint64_t seed, int *line) {
  static const char *const names[MIXES] = {"joint",  "real",     "synthetic", "ratio",
                                           "random", "weighted", "shares"};
  static piece p;
  draw_random random = {seed ^ 0x5eed};
  bool all_good = true;
  for (int32_t mix = 0; mix < MIXES; mix++) {
    bool good[MOST_LEVELS];
    int compared = 0;
    memset(good, true, sizeof good);
    for (int i = 0; i < images; i++) {
      draw_options(&random, mix, &p);
      compared += compare(contexts, count, &random, &p, good);
    }
    if (2 * compared < images) good[0] = false; /* most options are to make sense */
    for (size_t level = 0; level < count; level++) {
      printf("%s %d - schedules: %s, %s, %d of %d\n", good[level] ? "ok" : "not ok", ++*line,
             names[mix], fm_context_kernels(contexts[level]), compared, images);
      all_good = all_good && good[level];
    }
  }
  return all_good;
}
