/* plan/schedule_draw.c - which image stands at a place of an epoch. */
#include <string.h>

#include "plan/schedule.h"

fm__epoch fm__epoch_open(const fm_schedule *s, uint64_t number) {
  bool pretraining = number < s->pretraining;
  fm__epoch e = {.schedule = s, .part = &s->parts[!pretraining], .number = number};
  e.start = (number - (pretraining ? 0 : s->pretraining)) * e.part->entries;
  e.order = e.part->order;
  e.order.key = fm__random_output(s->streams[FM__STREAM_ORDER], number);
  if (e.part->mix == FM_MIX_RANDOM)
    e.mix.state = fm__random_output(s->streams[FM__STREAM_MIX], number);
  if (e.part->mix == FM_MIX_WEIGHTED || e.part->mix == FM_MIX_SHARES)
    e.weights.state = fm__random_output(s->streams[FM__STREAM_WEIGHTS], number);
  if (e.part->mix == FM_MIX_SHARES)
    e.sum_start = fm__random_below_wide(&e.weights, s->weights.total);
  return e;
}

/* value / divisor for values below 2^49, by a product: a division of integers takes several times
 * as long. Half a unit keeps the quotient away from whole numbers by more than 2^-50 of its size,
 * and the two roundings err by less than 2^-52: what is cut off is exactly the fraction. */
static inline uint64_t divide(uint64_t value, double inverse) {
  return (uint64_t)(int64_t)(((double)(int64_t)value + 0.5) * inverse);
}

/* ---- Mixes. Each turns draws->numbers, places in the epoch, into numbers of images ------ */

static void draw_joint(const fm__epoch *e, size_t count, fm__draws *draws) {
  const fm_schedule *s = e->schedule;
  uint64_t copies = e->part->real, real = s->real;
  double inverse = 1.0 / (double)real;
  for (size_t i = 0; i < count; i++) {
    uint64_t place = draws->numbers[i], repeat = divide(place, inverse);
    /* By masks: real or synthetic is as good as random, and a branch would guess wrong. */
    uint64_t is_real = 0 - (uint64_t)(place < copies);
    draws->repeats[i] = repeat & is_real;
    draws->numbers[i] = ((place - repeat * real) & is_real) | ((place - copies + real) & ~is_real);
  }
}

static void draw_synthetic(const fm__epoch *e, size_t count, fm__draws *draws) {
  for (size_t i = 0; i < count; i++) draws->numbers[i] += e->schedule->real;
}

/* Entries of a chunk that go on with an endless walk through shuffles of one set. */
typedef struct walkers {
  size_t count;
  uint16_t entry[FM__CHUNK];
  uint64_t places[FM__CHUNK]; /* in the epoch; then numbers in the set */
  uint64_t shuffles[FM__CHUNK], keys[FM__CHUNK];
} walkers;

static void shuffle_walkers(const fm_schedule *s, fm_dataset set, walkers *w) {
  fm__stream stream = set == FM_DATASET_REAL ? FM__STREAM_REAL : FM__STREAM_SYNTHETIC;
  for (size_t i = 0; i < w->count; i++)
    w->keys[i] = i && w->shuffles[i] == w->shuffles[i - 1]
                     ? w->keys[i - 1]
                     : fm__random_output(s->streams[stream], w->shuffles[i]);
  fm__permutation_keyed(&s->walks[set], w->keys, w->count, w->places);
}

/* Each goes to step start + place. */
static void walk(const fm_schedule *s, fm_dataset set, uint64_t start, walkers *w) {
  if (!w->count) return;
  uint64_t length = s->walks[set].length, before = start / length, into = start % length;
  double inverse = 1.0 / (double)length;
  for (size_t i = 0; i < w->count; i++) {
    uint64_t step = into + w->places[i], shuffles = divide(step, inverse);
    w->places[i] = step - shuffles * length;
    w->shuffles[i] = before + shuffles;
  }
  if (!s->in_order) shuffle_walkers(s, set, w);
}

/* Places below `real` are the next steps of the walk through the real set. */
static void draw_ratio(const fm__epoch *e, size_t count, fm__draws *draws) {
  const fm_schedule *s = e->schedule;
  uint64_t real = e->part->real;
  walkers w;
  w.count = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t place = draws->numbers[i];
    w.entry[w.count] = (uint16_t)i;
    w.places[w.count] = place;
    w.count += place < real;
    draws->numbers[i] = s->real + (place - real);
    draws->repeats[i] = 0;
  }
  walk(s, FM_DATASET_REAL, (e->number - s->pretraining) * real, &w);
  for (size_t i = 0; i < w.count; i++) {
    draws->numbers[w.entry[i]] = w.places[i];
    draws->repeats[w.entry[i]] = w.shuffles[i];
  }
}

/* A generator of its own for each place, so that a place can be drawn without the others. */
static fm__random generator_at(fm__random epoch, uint64_t place) {
  return (fm__random){fm__random_output(epoch, place)};
}

/* Replaces places by the first numbers below a bound of their generators. */
static void draw_below(fm__random epoch, uint64_t bound, size_t count, uint64_t *numbers) {
  for (size_t i = 0; i < count; i++) {
    fm__random random = generator_at(epoch, numbers[i]);
    numbers[i] = fm__random_below_wide(&random, bound);
  }
}

/* The entries of one set; `chosen` says by a number below real_share that an entry is real. */
static void draw_set(const fm__epoch *e, fm_dataset set, size_t count, const uint64_t *chosen,
                     fm__draws *draws) {
  const fm_schedule *s = e->schedule;
  walkers w;
  w.count = 0;
  for (size_t i = 0; i < count; i++) {
    w.entry[w.count] = (uint16_t)i;
    w.places[w.count] = draws->numbers[i];
    w.count += (chosen[i] < s->real_share) == (set == FM_DATASET_REAL);
  }
  walk(s, set, e->start, &w);
  uint64_t first = set == FM_DATASET_REAL ? 0 : s->real;
  for (size_t i = 0; i < w.count; i++) draws->numbers[w.entry[i]] = first + w.places[i];
}

static void draw_random(const fm__epoch *e, size_t count, fm__draws *draws) {
  uint64_t chosen[FM__CHUNK];
  memcpy(chosen, draws->numbers, count * sizeof *chosen);
  draw_below(e->mix, e->schedule->all_shares, count, chosen);
  draw_set(e, FM_DATASET_REAL, count, chosen, draws);
  draw_set(e, FM_DATASET_SYNTHETIC, count, chosen, draws);
}

static void draw_weighted(const fm__epoch *e, size_t count, fm__draws *draws) {
  const fm__shares *weights = &e->schedule->weights;
  draw_below(e->weights, weights->total, count, draws->numbers);
  fm__shares_find_many(weights, count, draws->numbers);
}

/* Points at equal distances along the line of weights, the first at random (systematic
 * sampling): point j is floor((j * total + start) / entries), without the product. What is left to
 * divide is below entries^2. */
static void draw_shares(const fm__epoch *e, size_t count, fm__draws *draws) {
  const fm__shares *weights = &e->schedule->weights;
  uint64_t entries = e->part->entries, *numbers = draws->numbers;
  uint64_t whole = weights->total / entries, rest = weights->total % entries;
  uint64_t start = e->sum_start / entries, start_rest = e->sum_start % entries;
  double inverse = 1.0 / (double)entries;
  if (entries <= UINT64_C(1) << 24)
    for (size_t i = 0; i < count; i++)
      numbers[i] = numbers[i] * whole + start + divide(numbers[i] * rest + start_rest, inverse);
  else
    for (size_t i = 0; i < count; i++)
      numbers[i] = numbers[i] * whole + start + (numbers[i] * rest + start_rest) / entries;
  fm__shares_find_many(weights, count, numbers);
}

/* Whether places are shuffled before the mix sees them; where each draw is independent of
 * the others that would change nothing. */
static bool is_shuffled(const fm__epoch *e) {
  int32_t mix = e->part->mix;
  return !e->schedule->in_order && mix != FM_MIX_RANDOM && mix != FM_MIX_WEIGHTED;
}

void fm__epoch_draw(const fm__epoch *e, const fm__permutation_table *table, uint64_t offset,
                    size_t count, fm__draws *draws) {
  uint64_t world = e->schedule->world;
  if (is_shuffled(e))
    fm__permutation_many(&e->order, table, offset, world, count, draws->numbers);
  else
    for (size_t i = 0; i < count; i++) draws->numbers[i] = offset + i * world;
  if (e->part->mix != FM_MIX_JOINT && e->part->mix != FM_MIX_RATIO)
    for (size_t i = 0; i < count; i++) draws->repeats[i] = 0;
  switch (e->part->mix) {
    case FM_MIX_JOINT:
      draw_joint(e, count, draws);
      break;
    case FM_MIX_SYNTHETIC:
      draw_synthetic(e, count, draws);
      break;
    case FM_MIX_RATIO:
      draw_ratio(e, count, draws);
      break;
    case FM_MIX_RANDOM:
      draw_random(e, count, draws);
      break;
    case FM_MIX_WEIGHTED:
      draw_weighted(e, count, draws);
      break;
    case FM_MIX_SHARES:
      draw_shares(e, count, draws);
      break;
    default: /* FM_MIX_REAL: the place is the number */
      break;
  }
}
