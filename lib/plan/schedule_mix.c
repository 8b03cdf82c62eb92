/* plan/schedule_mix.c - the mixes: how long an epoch is, and which image is in which slot. */
#include <string.h>

#include "plan/schedule.h"

uint64_t fm__nearest(uint64_t dividend, uint64_t divisor) {
  uint64_t whole = dividend / divisor, twice = 2 * (dividend % divisor);
  return whole + (twice > divisor || (twice == divisor && whole % 2));
}

/* value / divisor for values below 2^49, by a product: a division of integers takes several times
 * as long. Half a unit keeps the quotient away from whole numbers by more than 2^-50 of its size,
 * and the two roundings err by less than 2^-52: what is cut off is exactly the fraction. */
static inline uint64_t divide(uint64_t value, double inverse) {
  return (uint64_t)(int64_t)(((double)(int64_t)value + 0.5) * inverse);
}

/* ---- JOINT: the real set several times, then the synthetic set --------------------------- */

static uint64_t joint_entries(const fm_schedule_options *o, fm__part *part) {
  part->real = (uint64_t)o->real_repeats * (uint64_t)o->real_count;
  return part->real + (uint64_t)o->synthetic_count;
}

static void draw_joint(const fm__epoch *e, size_t count, fm__draws *draws) {
  uint64_t slots = e->part->real, real = e->schedule->real;
  double inverse = 1.0 / (double)real;
  for (size_t i = 0; i < count; i++) {
    uint64_t slot = draws->numbers[i], repeat = divide(slot, inverse);
    /* By bit masks: real or synthetic is close to random, and a branch would often be predicted
     * wrong. */
    uint64_t is_real = 0 - (uint64_t)(slot < slots);
    draws->repeats[i] = repeat & is_real;
    draws->numbers[i] = ((slot - repeat * real) & is_real) | ((slot - slots + real) & ~is_real);
  }
}

/* ---- REAL, SYNTHETIC ---------------------------------------------------------------------- */

static uint64_t real_entries(const fm_schedule_options *o, fm__part *part) {
  (void)part;
  return (uint64_t)o->real_count;
}

static uint64_t synthetic_entries(const fm_schedule_options *o, fm__part *part) {
  (void)part;
  return (uint64_t)o->synthetic_count;
}

static void draw_synthetic(const fm__epoch *e, size_t count, fm__draws *draws) {
  for (size_t i = 0; i < count; i++) draws->numbers[i] += e->schedule->real;
}

/* ---- Walks: endless, through one shuffle of a set after the other -------------------------- */

/* Entries of a chunk that are the next steps of the walk through one set. */
typedef struct walkers {
  size_t count;
  uint16_t entry[FM__CHUNK]; /* which of the chunk */
  uint64_t steps[FM__CHUNK]; /* counted from the first of the epoch; then images of the set */
  uint64_t shuffles[FM__CHUNK], keys[FM__CHUNK];
} walkers;

static void shuffle_walkers(const fm_schedule *s, fm_dataset set, walkers *w) {
  fm__stream stream = set == FM_DATASET_REAL ? FM__STREAM_REAL : FM__STREAM_SYNTHETIC;
  for (size_t i = 0; i < w->count; i++)
    w->keys[i] = i && w->shuffles[i] == w->shuffles[i - 1]
                     ? w->keys[i - 1]
                     : fm__random_output(s->streams[stream], w->shuffles[i]);
  fm__permutation_keyed(&s->walks[set], w->keys, w->count, w->steps);
}

/* `start` is the epoch's first step. */
static void walk(const fm_schedule *s, fm_dataset set, uint64_t start, walkers *w) {
  if (!w->count) return;
  uint64_t length = s->walks[set].length, before = start / length, into = start % length;
  double inverse = 1.0 / (double)length;
  for (size_t i = 0; i < w->count; i++) {
    uint64_t step = into + w->steps[i], shuffles = divide(step, inverse);
    w->steps[i] = step - shuffles * length;
    w->shuffles[i] = before + shuffles;
  }
  if (!s->in_order) shuffle_walkers(s, set, w);
}

/* ---- RATIO: slots below `real` are the next steps of the walk through the real set ---------- */

static uint64_t ratio_entries(const fm_schedule_options *o, fm__part *part) {
  uint64_t synthetic = (uint64_t)o->synthetic_count;
  part->real = fm__nearest(synthetic * (uint64_t)o->real_share, (uint64_t)o->synthetic_share);
  return part->real + synthetic;
}

static void draw_ratio(const fm__epoch *e, size_t count, fm__draws *draws) {
  const fm_schedule *s = e->schedule;
  uint64_t real = e->part->real;
  walkers w;
  w.count = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t slot = draws->numbers[i];
    w.entry[w.count] = (uint16_t)i;
    w.steps[w.count] = slot;
    w.count += slot < real;
    draws->numbers[i] = s->real + (slot - real);
  }
  walk(s, FM_DATASET_REAL, (e->number - s->pretraining) * real, &w);
  for (size_t i = 0; i < w.count; i++) {
    draws->numbers[w.entry[i]] = w.steps[i];
    draws->repeats[w.entry[i]] = w.shuffles[i];
  }
}

/* ---- RANDOM: each entry draws its set, and is the next step of the walk through it ---------- */

static uint64_t length_entries(const fm_schedule_options *o, fm__part *part) {
  (void)part;
  return (uint64_t)o->epoch_length;
}

static void open_random(fm__epoch *e) {
  e->draws.state = fm__random_output(e->schedule->streams[FM__STREAM_MIX], e->number);
}

/* Replaces slots by numbers below a bound. Each slot has a generator of its own, so that it can be
 * drawn without the others. */
static void draw_below(fm__random epoch, uint64_t bound, size_t count, uint64_t *numbers) {
  for (size_t i = 0; i < count; i++) {
    fm__random random = {fm__random_output(epoch, numbers[i])};
    numbers[i] = fm__random_below_wide(&random, bound);
  }
}

/* The entries of one set; a number in `chosen` below real_share says that an entry is real. */
static void draw_set(const fm__epoch *e, fm_dataset set, size_t count, const uint64_t *chosen,
                     fm__draws *draws) {
  const fm_schedule *s = e->schedule;
  walkers w;
  w.count = 0;
  for (size_t i = 0; i < count; i++) {
    w.entry[w.count] = (uint16_t)i;
    w.steps[w.count] = draws->numbers[i];
    w.count += (chosen[i] < s->real_share) == (set == FM_DATASET_REAL);
  }
  walk(s, set, e->start, &w);
  uint64_t first = set == FM_DATASET_REAL ? 0 : s->real;
  for (size_t i = 0; i < w.count; i++) draws->numbers[w.entry[i]] = first + w.steps[i];
}

static void draw_random(const fm__epoch *e, size_t count, fm__draws *draws) {
  uint64_t chosen[FM__CHUNK];
  memcpy(chosen, draws->numbers, count * sizeof *chosen);
  draw_below(e->draws, e->schedule->share_sum, count, chosen);
  draw_set(e, FM_DATASET_REAL, count, chosen, draws);
  draw_set(e, FM_DATASET_SYNTHETIC, count, chosen, draws);
}

/* ---- WEIGHTED: a point anywhere on the line of weights -------------------------------------- */

static void open_weighted(fm__epoch *e) {
  e->draws.state = fm__random_output(e->schedule->streams[FM__STREAM_WEIGHTS], e->number);
}

static void draw_weighted(const fm__epoch *e, size_t count, fm__draws *draws) {
  const fm__pieces *weights = &e->schedule->weights;
  draw_below(e->draws, weights->total, count, draws->numbers);
  fm__pieces_find_many(weights, count, draws->numbers);
}

/* ---- SHARES: points at equal distances along that line, the first at random ------------------
 * (Systematic sampling.) Point j is floor((j * total + first) / entries), without the product. What
 * is left to divide is below entries^2. */

static void open_shares(fm__epoch *e) {
  open_weighted(e);
  e->first_point = fm__random_below_wide(&e->draws, e->schedule->weights.total);
}

static void draw_shares(const fm__epoch *e, size_t count, fm__draws *draws) {
  const fm__pieces *weights = &e->schedule->weights;
  uint64_t entries = e->part->entries, *numbers = draws->numbers;
  uint64_t whole = weights->total / entries, rest = weights->total % entries;
  uint64_t first = e->first_point / entries, first_rest = e->first_point % entries;
  double inverse = 1.0 / (double)entries;
  if (entries <= UINT64_C(1) << 24)
    for (size_t i = 0; i < count; i++)
      numbers[i] = numbers[i] * whole + first + divide(numbers[i] * rest + first_rest, inverse);
  else
    for (size_t i = 0; i < count; i++)
      numbers[i] = numbers[i] * whole + first + (numbers[i] * rest + first_rest) / entries;
  fm__pieces_find_many(weights, count, numbers);
}

/* ---- The table ------------------------------------------------------------------------------ */

const fm__mix fm__mixes[FM__MIXES] = {
    [FM_MIX_JOINT] = {.name = "FM_MIX_JOINT",
                      .uses_repeats = true,
                      .needs_real = true,
                      .needs_synthetic = true,
                      .most_bits = 48,
                      .entries = joint_entries,
                      .draw = draw_joint},
    [FM_MIX_REAL] = {.name = "FM_MIX_REAL",
                     .needs_real = true,
                     .most_bits = 48,
                     .entries = real_entries},
    [FM_MIX_SYNTHETIC] = {.name = "FM_MIX_SYNTHETIC",
                          .needs_synthetic = true,
                          .most_bits = 48,
                          .entries = synthetic_entries,
                          .draw = draw_synthetic},
    [FM_MIX_RATIO] = {.name = "FM_MIX_RATIO",
                      .uses_ratio = true,
                      .needs_real = true,
                      .needs_synthetic = true,
                      .most_bits = 48,
                      .entries = ratio_entries,
                      .draw = draw_ratio},
    [FM_MIX_RANDOM] = {.name = "FM_MIX_RANDOM",
                       .uses_ratio = true,
                       .uses_length = true,
                       .needs_real = true,
                       .needs_synthetic = true,
                       .unshuffled = true,
                       .most_bits = 48,
                       .entries = length_entries,
                       .open = open_random,
                       .draw = draw_random},
    [FM_MIX_WEIGHTED] = {.name = "FM_MIX_WEIGHTED",
                         .uses_length = true,
                         .uses_weights = true,
                         .unshuffled = true,
                         .most_bits = 48,
                         .entries = length_entries,
                         .open = open_weighted,
                         .draw = draw_weighted},
    [FM_MIX_SHARES] = {.name = "FM_MIX_SHARES",
                       .uses_length = true,
                       .uses_weights = true,
                       .most_bits = 31,
                       .entries = length_entries,
                       .open = open_shares,
                       .draw = draw_shares},
};

/* ---- Epochs -----------------------------------------------------------------------------------
 */

fm__epoch fm__epoch_open(const fm_schedule *s, uint64_t number) {
  bool pretraining = number < s->pretraining;
  fm__epoch e = {.schedule = s, .part = &s->parts[!pretraining], .number = number};
  e.start = (number - (pretraining ? 0 : s->pretraining)) * e.part->entries;
  e.order = e.part->order;
  e.order.key = fm__random_output(s->streams[FM__STREAM_ORDER], number);
  const fm__mix *mix = &fm__mixes[e.part->mix];
  e.shuffled = !s->in_order && !mix->unshuffled;
  if (mix->open) mix->open(&e);
  return e;
}

void fm__epoch_draw(const fm__epoch *e, const fm__permutation_table *table, uint64_t offset,
                    size_t count, fm__draws *draws) {
  const fm__mix *mix = &fm__mixes[e->part->mix];
  uint64_t world = e->schedule->world;
  if (e->shuffled)
    fm__permutation_many(&e->order, table, offset, world, count, draws->numbers);
  else
    for (size_t i = 0; i < count; i++) draws->numbers[i] = offset + i * world;
  memset(draws->repeats, 0, count * sizeof *draws->repeats);
  if (mix->draw) mix->draw(e, count, draws);
}
