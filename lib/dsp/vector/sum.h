/* dsp/vector/sum.h - exact sums of losses, for vectors of any size (dsp/lanes.h). */
#ifndef FM_DSP_VECTOR_SUM_H
#define FM_DSP_VECTOR_SUM_H

#include "dsp/lanes.h"
#include "dsp/vector/labels.h"

/* Vectors that add up in 32 bits. */
enum { MOST_ADDED = 8 };

/* Labels of a mixed chunk that are compared with; the pixels of all others are taken one by one. */
enum { MOST_SUMMED = 4 };

/* All bits set for every loss that the lanes can take. */
TARGET static inline ints inside(ints bits) {
  /* As unsigned numbers: bits - first < count. */
  const words offset = (words)bits - FM__LANE_FIRST + (uint32_t)INT32_MIN;
  return (ints)((ints)offset < same_ints(INT32_MIN + FM__LANE_COUNT));
}

TARGET static inline bool all_inside(const loss_chunk *losses) {
  ints good = same_ints(-1);
  FM__UNROLL
  for (int v = 0; v < LOSS_VECTORS; v++) good &= inside(losses->v[v]);
  return !any_sign(~good);
}

/* 0 and -0, too: apart, and not inlined, so that the usual case keeps its registers. */
__attribute__((noinline)) TARGET static bool all_inside_or_zero(const loss_chunk *losses) {
  ints good = same_ints(-1);
  FM__UNROLL
  for (int v = 0; v < LOSS_VECTORS; v++)
    good &= inside(losses->v[v]) | (ints)((losses->v[v] & INT32_MAX) == 0);
  return !any_sign(~good);
}

/* Losses of ignored pixels are not looked at: 0 instead. */
TARGET static void clear_ignored(const fm__lanes *lanes, const label_chunk *chunk,
                                 loss_chunk *losses) {
  uint64_t ignored = 0;
  for (unsigned i = 0; i < lanes->ignored_count; i++)
    ignored |= equal_bits(chunk, lanes->ignored[i]);
  FM__UNROLL
  for (int v = 0; v < LOSS_VECTORS; v++) losses->v[v] &= (ints)~int_masks(ignored >> (v * LANES));
}

/* Losses, split. */
TARGET static inline void split(ints bits, ints *high, ints *low) {
  floats x = (floats)bits * FM__LANE_HIGH;
  *high = __builtin_convertvector(x, ints);
  floats rest = x - __builtin_convertvector(*high, floats);
  *low = __builtin_convertvector(rest * FM__LANE_LOW, ints);
}

/* A chunk in groups of MOST_ADDED vectors, each added up. */
enum { GROUPS = LOSS_VECTORS / MOST_ADDED };
typedef struct totals {
  ints high[GROUPS], low[GROUPS];
} totals;

TARGET static inline void add_totals(fm__lanes *lanes, uint8_t label, const totals *t) {
  FM__UNROLL
  for (int g = 0; g < GROUPS; g++) {
    add_lanes(lanes->high[label], t->high[g]);
    add_lanes(lanes->low[label], t->low[g]);
  }
}

/* The losses of a chunk, split. */
typedef struct halves {
  loss_chunk high, low;
} halves;

/* All pixels of a chunk. */
TARGET static inline totals total_of(const halves *h) {
  totals t;
  FM__UNROLL
  for (int g = 0; g < GROUPS; g++) {
    t.high[g] = h->high.v[g * MOST_ADDED];
    t.low[g] = h->low.v[g * MOST_ADDED];
    FM__UNROLL
    for (int v = g * MOST_ADDED + 1; v < (g + 1) * MOST_ADDED; v++) {
      t.high[g] += h->high.v[v];
      t.low[g] += h->low.v[v];
    }
  }
  return t;
}

/* The pixels of one label; what `rest` holds becomes less by them. */
TARGET static inline totals take(const label_chunk *chunk, uint8_t label, const halves *h,
                                 totals *rest) {
  bytes equal[LABEL_VECTORS];
  totals t = {0};
  FM__UNROLL
  for (int v = 0; v < LABEL_VECTORS; v++) equal[v] = (bytes)(chunk->v[v] == same_bytes(label));
  FM__UNROLL
  for (int v = 0; v < LOSS_VECTORS; v++) {
    ints mask = widen_masks((const char *)equal + v * LANES);
    t.high[v / MOST_ADDED] += h->high.v[v] & mask;
    t.low[v / MOST_ADDED] += h->low.v[v] & mask;
  }
  FM__UNROLL
  for (int g = 0; g < GROUPS; g++) {
    rest->high[g] -= t.high[g];
    rest->low[g] -= t.low[g];
  }
  return t;
}

TARGET static void sum_singly(fm__lanes *lanes, const uint8_t *labels, uint64_t left,
                              const halves *h) {
  int32_t high[CHUNK], low[CHUNK];
  memcpy(high, h->high.v, sizeof high);
  memcpy(low, h->low.v, sizeof low);
  for (; left; left &= left - 1) {
    unsigned i = (unsigned)__builtin_ctzll(left);
    lanes->high[labels[i]][i % 8] += high[i];
    lanes->low[labels[i]][i % 8] += low[i];
    lanes->count[labels[i]]++;
  }
}

/* A label after the other; the last one gets what is left of all. */
TARGET static void sum_chunk(fm__lanes *lanes, const uint8_t *labels, const label_chunk *chunk,
                             uint64_t left, const halves *h, totals rest) {
  for (int summed = 0; summed < MOST_SUMMED; summed++) {
    uint8_t label = labels[__builtin_ctzll(left)];
    uint64_t same = equal_bits(chunk, label) & left;
    lanes->count[label] += (uint64_t)POPCOUNT(same);
    left &= ~same;
    if (!left) {
      add_totals(lanes, label, &rest);
      return;
    }
    totals t = take(chunk, label, h, &rest);
    add_totals(lanes, label, &t);
  }
  sum_singly(lanes, labels, left, h);
}

TARGET size_t LEVEL(sum)(fm__lanes *lanes, const uint8_t *labels, const float *losses, size_t n) {
  for (size_t i = 0; i < n; i += CHUNK) {
    uint64_t present = first_pixels(n - i);
    label_chunk chunk;
    loss_chunk bits;
    fetch(labels + i, losses + i);
    load_labels(labels + i, n - i, &chunk);
    load_losses(losses + i, n - i, &bits);
    if (!all_inside(&bits) && !all_inside_or_zero(&bits)) {
      clear_ignored(lanes, &chunk, &bits);
      if (!all_inside_or_zero(&bits)) return i;
    }
    halves h;
    FM__UNROLL
    for (int v = 0; v < LOSS_VECTORS; v++) split(bits.v[v], &h.high.v[v], &h.low.v[v]);
    sum_chunk(lanes, labels + i, &chunk, present, &h, total_of(&h));
  }
  return n;
}

#endif
