/* dsp/vector/judge.h - compares losses with the limits of their labels. Few labels: limits by
 * byte-wise table look-up. Many: label by label where pixels are alike, else one by one. */
#ifndef FM_DSP_VECTOR_JUDGE_H
#define FM_DSP_VECTOR_JUDGE_H

#include "dsp/vector/block.h"

/* The largest finite loss, as bits. */
enum { LARGEST_LOSS = 0x7f7fffff };

/* Is there a bad loss among those that count? -0 is not bad. */
static inline bool any_bad(const fm__limits *limits, const uint8_t *labels, const float *losses) {
  bool bad = false;
  for (unsigned i = 0; i < BLOCK; i++) {
    uint32_t bits;
    memcpy(&bits, &losses[i], sizeof bits);
    bad |= bits > LARGEST_LOSS && bits << 1 && limits->limits[labels[i]] != FM__LIMIT_IGNORED;
  }
  return bad;
}

/* ---- Few labels ----------------------------------------------------------------- */

/* fm__limits.folded and .owner in registers, for the labels with bit 4 clear and set. */
typedef struct folded_table {
  vb bytes[4][2], owner[2];
} folded_table;

VECTOR static inline void load_folded(folded_table *table, const fm__limits *limits) {
  FM__UNROLL for (unsigned half = 0; half < 2; half++) {
    table->owner[half] = vb_table(limits->owner + 16 * half);
    FM__UNROLL for (unsigned b = 0; b < 4; b++) {
      table->bytes[b][half] = vb_table(limits->folded[b] + 16 * half);
    }
  }
}

/* One half is enough for a fold of 16, which the compiler makes use of. */
VECTOR static inline vb look_up(const vb table[2], vb low, vb upper, bool both) {
  vb found = vb_look_up(table[0], low);
  return both ? vb_select(upper, vb_look_up(table[1], low), found) : found;
}

/* The limits of VB labels. Answers bytes of 0xff for those of the space. */
VECTOR static inline vb find_limits(const folded_table *table, const uint8_t *labels, bool both,
                                    vw limits[4]) {
  vb mixed = vb_order(vb_load(labels)), bytes[4];
  vb low = vb_and(mixed, vb_fill_1(0x0f));
  vb upper = vb_equal(vb_and(mixed, vb_fill_1(0x10)), vb_fill_1(0x10));
  FM__UNROLL for (unsigned b = 0; b < 4; b++) {
    bytes[b] = look_up(table->bytes[b], low, upper, both);
  }
  vw_interleave(bytes, limits);
  return vb_equal(look_up(table->owner, low, upper, both), mixed);
}

VECTOR static inline bool judge_folded(const folded_table *table, const fm__limits *limits,
                                       const uint8_t *labels, const float *losses, bool both,
                                       uint64_t *drop) {
  vw most = vw_fill(0), found[4];
  vb owned = vb_fill_1(0xff);
  uint64_t word = 0;
  FM__UNROLL for (unsigned at = 0; at < BLOCK; at += VB) {
    owned = vb_and(owned, find_limits(table, labels + at, both, found));
    FM__UNROLL for (unsigned v = 0; v < 4; v++) {
      vw bits = vw_load(losses + at + VW * v);
      word |= (uint64_t)vw_bits(vw_greater(bits, found[v])) << (at + VW * v);
      most = vw_max(most, bits);
    }
  }
  *drop = word;
  if (vb_bits(owned) != (uint32_t)first_pixels(VB)) return false;
  return vw_most(most) <= LARGEST_LOSS || !any_bad(limits, labels, losses);
}

/* ---- Many labels ---------------------------------------------------------------- */

VECTOR static inline uint64_t pixels_above(const float *losses, int32_t limit) {
  vw limits = vw_fill((uint32_t)limit);
  uint64_t word = 0;
  FM__UNROLL for (unsigned at = 0; at < BLOCK; at += VW) {
    word |= (uint64_t)vw_bits(vw_greater(vw_load(losses + at), limits)) << at;
  }
  return word;
}

VECTOR static inline uint64_t pixels_above_each(const float *losses, const int32_t *limits) {
  uint64_t word = 0;
  FM__UNROLL for (unsigned at = 0; at < BLOCK; at += VW) {
    word |= (uint64_t)vw_bits(vw_greater(vw_load(losses + at), vw_load(limits + at))) << at;
  }
  return word;
}

VECTOR static inline uint32_t largest_bits(const float *losses) {
  vw most = vw_load(losses);
  FM__UNROLL for (unsigned at = VW; at < BLOCK; at += VW) {
    most = vw_max(most, vw_load(losses + at));
  }
  return vw_most(most);
}

/* Pixel by pixel. False: a label outside the space. */
VECTOR static inline bool judge_singly(const fm__limits *limits, const uint8_t *labels,
                                       const float *losses, uint64_t *drop) {
  alignas(64) int32_t each[BLOCK];
  int32_t all = 0;
  for (unsigned i = 0; i < BLOCK; i++) {
    each[i] = limits->limits[labels[i]];
    all |= each[i];
  }
  *drop = pixels_above_each(losses, each);
  return all >= 0; /* FM__LIMIT_INVALID is negative, all else not */
}

VECTOR static inline bool judge_mixed(const fm__limits *limits, const uint8_t *labels,
                                      const float *losses, uint64_t *drop) {
  uint64_t left = ~(uint64_t)0;
  *drop = 0;
  for (unsigned peeled = 0; left && peeled < MOST_PEELED; peeled++) {
    uint8_t label = labels[first_of(left)];
    int32_t limit = limits->limits[label];
    uint64_t same = pixels_of(labels, label);
    if (number_of(same) < LEAST_ALIKE) break;
    if (limit < 0) return false;
    *drop |= pixels_above(losses, limit) & same;
    left &= ~same;
  }
  return !left || judge_singly(limits, labels, losses, drop);
}

VECTOR static inline bool judge_many(const fm__limits *limits, const uint8_t *labels,
                                     const float *losses, uint64_t *drop) {
  if (!judge_mixed(limits, labels, losses, drop)) return false;
  return largest_bits(losses) <= LARGEST_LOSS || !any_bad(limits, labels, losses);
}

/* ---- A row ---------------------------------------------------------------------- */

VECTOR static bool judge(const fm__limits *limits, const uint8_t *labels, const float *losses,
                         size_t n, uint64_t *drop) {
  uint8_t last_labels[BLOCK];
  float last_losses[BLOCK];
  folded_table table;
  load_folded(&table, limits);
  bool good = true;
  for (size_t i = 0; good && i < n; i += BLOCK) {
    const uint8_t *from = whole_labels(labels + i, n - i, last_labels);
    const float *values = whole_losses(losses + i, n - i, last_losses);
    uint64_t *word = &drop[i / BLOCK];
    if (limits->fold == 16)
      good = judge_folded(&table, limits, from, values, false, word);
    else if (limits->fold == 32)
      good = judge_folded(&table, limits, from, values, true, word);
    else
      good = judge_many(limits, from, values, word);
  }
  return good;
}

#endif
