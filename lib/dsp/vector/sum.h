/* dsp/vector/sum.h - exact sums of losses per label, in the lanes of dsp/lanes.h. */
#ifndef FM_DSP_VECTOR_SUM_H
#define FM_DSP_VECTOR_SUM_H

#include "dsp/lanes.h"
#include "dsp/vector/block.h"

/* ---- Which way ------------------------------------------------------------------ */

/* The largest bits of a block's losses, and the smallest less one: of a 0, the largest number. */
typedef struct bit_range {
  vw most, least;
} bit_range;

VECTOR static inline bool lies_within(const bit_range *range, uint32_t first, uint32_t end) {
  vw last = vw_fill(end - 1), before = vw_fill(first - 1);
  vw good = vw_and(vw_equal(vw_max(range->most, last), last),
                   vw_equal(vw_min(range->least, before), before));
  return vw_bits(good) == (1U << VW) - 1;
}

VECTOR static inline fm__lane_window window_of(const float *losses) {
  bit_range range = {vw_fill(0), vw_fill(UINT32_MAX)};
  FM__UNROLL for (unsigned at = 0; at < BLOCK; at += VW) {
    vw bits = vw_load(losses + at);
    range.most = vw_max(range.most, bits);
    range.least = vw_min(range.least, vw_less_one(bits));
  }
  if (lies_within(&range, FM__LANE_NARROW_FIRST, FM__LANE_NARROW_END)) return FM__LANE_NARROW;
  if (lies_within(&range, FM__LANE_WIDE_FIRST, FM__LANE_WIDE_END)) return FM__LANE_WIDE;
  return FM__LANE_OUTSIDE;
}

/* A copy with 0 for -0 and for losses that do not count, whatever they are. */
static inline void clear_ignored(const fm__lanes *lanes, const uint8_t *labels, const float *losses,
                                 float *cleared) {
  for (unsigned i = 0; i < BLOCK; i++) {
    bool counts = !memchr(lanes->ignored, labels[i], lanes->ignored_count);
    uint32_t bits;
    memcpy(&bits, &losses[i], sizeof bits);
    if (!counts || !(bits << 1)) bits = 0;
    memcpy(&cleared[i], &bits, sizeof bits);
  }
}

/* ---- Adding --------------------------------------------------------------------- */

VECTOR static inline vd high_part(vd x) {
  vd magic = vd_fill(FM__LANE_MAGIC);
  return vd_subtract(vd_add(x, magic), magic);
}

VECTOR static inline void add_split(fm__lanes *lanes, uint8_t label, unsigned lane, vd x) {
  vd high = high_part(x), low = vd_subtract(x, high);
  double *highs = lanes->high[label] + lane, *lows = lanes->low[label] + lane;
  vd_store(highs, vd_add(vd_load(highs), high));
  vd_store(lows, vd_add(vd_load(lows), low));
}

/* All 64 losses to one label: in the narrow window four add up before they are split. */
VECTOR static inline void add_narrow(fm__lanes *lanes, uint8_t label, const float *losses) {
  FM__UNROLL for (unsigned at = 0; at < BLOCK / 4; at += VD) {
    vd low = vd_add(vd_from_floats(losses + at), vd_from_floats(losses + at + 16));
    vd high = vd_add(vd_from_floats(losses + at + 32), vd_from_floats(losses + at + 48));
    add_split(lanes, label, at % 8, vd_add(low, high));
  }
}

VECTOR static inline void add_wide(fm__lanes *lanes, uint8_t label, const float *losses) {
  FM__UNROLL for (unsigned at = 0; at < BLOCK; at += VD) {
    add_split(lanes, label, at % 8, vd_from_floats(losses + at));
  }
}

VECTOR static inline void add_all(fm__lanes *lanes, uint8_t label, const float *losses,
                                  fm__lane_window window) {
  if (window == FM__LANE_NARROW)
    add_narrow(lanes, label, losses);
  else
    add_wide(lanes, label, losses);
}

/* Those of one label, 0 for the others. */
VECTOR static inline void keep_label(const uint8_t *labels, uint8_t label, const float *losses,
                                     float *kept) {
  vb wanted = vb_fill_1(label);
  alignas(64) uint8_t same[BLOCK];
  FM__UNROLL for (unsigned at = 0; at < BLOCK; at += VB) {
    vb_store(same + at, vb_equal(vb_load(labels + at), wanted));
  }
  FM__UNROLL for (unsigned at = 0; at < BLOCK; at += VW) {
    vw_store(kept + at, vw_and(vw_load(losses + at), vw_from_bytes(same + at)));
  }
}

static inline void add_singly(fm__lanes *lanes, const uint8_t *labels, uint64_t left,
                              const float *losses) {
  for (; left; left &= left - 1) {
    unsigned i = first_of(left);
    double x = (double)losses[i], high = x + FM__LANE_MAGIC - FM__LANE_MAGIC;
    lanes->high[labels[i]][i % 8] += high;
    lanes->low[labels[i]][i % 8] += x - high;
    lanes->count[labels[i]]++;
  }
}

VECTOR static inline void add_block(fm__lanes *lanes, const uint8_t *labels, const float *losses,
                                    fm__lane_window window, uint64_t left) {
  alignas(64) float kept[BLOCK];
  for (unsigned peeled = 0; left && peeled < MOST_PEELED; peeled++) {
    uint8_t label = labels[first_of(left)];
    uint64_t same = pixels_of(labels, label);
    if (same != ~(uint64_t)0 && number_of(same) < LEAST_ALIKE) break;
    if (same != ~(uint64_t)0) keep_label(labels, label, losses, kept);
    add_all(lanes, label, same != ~(uint64_t)0 ? kept : losses, window);
    lanes->count[label] += number_of(same & left);
    left &= ~same;
  }
  add_singly(lanes, labels, left, losses);
}

/* ---- A row ---------------------------------------------------------------------- */

VECTOR static size_t sum(fm__lanes *lanes, const uint8_t *labels, const float *losses, size_t n) {
  uint8_t last_labels[BLOCK];
  float last_losses[BLOCK], cleared[BLOCK];
  for (size_t i = 0; i < n; i += BLOCK) {
    const uint8_t *from = whole_labels(labels + i, n - i, last_labels);
    const float *values = whole_losses(losses + i, n - i, last_losses);
    fm__lane_window window = window_of(values);
    if (window == FM__LANE_OUTSIDE) {
      clear_ignored(lanes, from, values, cleared);
      values = cleared;
      window = window_of(values);
      if (window == FM__LANE_OUTSIDE) return i;
    }
    add_block(lanes, from, values, window, first_pixels(n - i));
  }
  return n;
}

#endif
