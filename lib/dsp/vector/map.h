/* dsp/vector/map.h - the map kernels, for vectors of any size. */
#ifndef FM_DSP_VECTOR_MAP_H
#define FM_DSP_VECTOR_MAP_H

#include <string.h>

#include "dsp/bins.h"
#include "dsp/map_kernels.h"
#include "dsp/vector/rows.h"

/* ---- Distances -------------------------------------------------------------------- */

TARGET static inline bytes bytes_at(const uint8_t *from) {
  return *(const loose_bytes *)(const void *)from;
}
TARGET static inline void put_bytes(uint8_t *to, bytes v) { *(loose_bytes *)(void *)to = v; }

/* The rounds of a loop over n bytes, the last of which ends at the last byte: some are done again,
 * with the same result. Short rows are left to plain C. */
#define BYTE_ROUNDS(i, n)     \
  for (size_t i = 0; i < (n); \
       i = i + 2 * VECTOR <= (n) || i + VECTOR >= (n) ? i + VECTOR : (n)-VECTOR)

TARGET static void map_differ(const uint8_t *a, const uint8_t *b, size_t n, uint8_t *to) {
  if (n < VECTOR) {
    fm__map_c.differ(a, b, n, to);
    return;
  }
  BYTE_ROUNDS(i, n) {
    put_bytes(to + i, (bytes)(bytes_at(a + i) != bytes_at(b + i)) & same_bytes(1));
  }
}

TARGET static void map_touch(const uint8_t *const beside[3], const uint8_t *const below[2],
                             size_t n, uint8_t *to) {
  const uint8_t *a = beside[0], *b = beside[1], *c = beside[2], *d = below[0], *e = below[1];
  if (n < VECTOR) {
    fm__map_c.touch(beside, below, n, to);
    return;
  }
  BYTE_ROUNDS(i, n) {
    bytes left = bytes_at(a + i - 1) | bytes_at(b + i - 1) | bytes_at(c + i - 1);
    bytes right = bytes_at(a + i) | bytes_at(b + i) | bytes_at(c + i);
    put_bytes(to + i, left | right | bytes_at(d + i) | bytes_at(e + i));
  }
}

TARGET static void map_along(const uint8_t *from, size_t step, size_t n, uint8_t *to) {
  if (n < VECTOR) {
    fm__map_c.along(from, step, n, to);
    return;
  }
  const bytes most = same_bytes((uint8_t)(UINT8_MAX - step)), more = same_bytes((uint8_t)step);
  BYTE_ROUNDS(i, n) {
    bytes least = least_bytes(bytes_at(from + i - step), bytes_at(from + i + step));
    put_bytes(to + i, least_bytes(bytes_at(from + i), least_bytes(least, most) + more));
  }
}

TARGET static void map_nearer(const uint8_t *other, size_t n, uint8_t *row) {
  if (n < VECTOR) {
    fm__map_c.nearer(other, n, row);
    return;
  }
  BYTE_ROUNDS(i, n) {
    bytes sides = least_bytes(bytes_at(other + i - 1), bytes_at(other + i + 1));
    bytes least = least_bytes(sides, bytes_at(other + i)) + same_bytes(1);
    put_bytes(row + i, least_bytes(least, bytes_at(row + i)));
  }
}

TARGET static void map_strata(const uint8_t *distances, const uint8_t *edges, size_t count,
                              size_t n, uint8_t *to) {
  if (n < VECTOR) {
    fm__map_c.strata(distances, edges, count, n, to);
    return;
  }
  BYTE_ROUNDS(i, n) {
    const bytes here = bytes_at(distances + i);
    bytes reached = {0};
    for (size_t e = 0; e < count; e++) reached -= (bytes)(here >= same_bytes(edges[e]));
    put_bytes(to + i, reached);
  }
}

/* ---- Windows ---------------------------------------------------------------------- */

TARGET static inline words words_at(const int32_t *from) {
  return *(const loose_words *)(const void *)from;
}
TARGET static inline void put_words(int32_t *to, words v) { *(loose_words *)(void *)to = v; }
TARGET static inline words same_words(uint32_t value) { return value - (words){0}; }

/* All bits of the first n lanes. */
TARGET static inline words first_lanes(size_t n) {
  static const int32_t flags[2 * LANES] = {
    -1,
    -1,
    -1,
    -1,
#if VECTOR > 16
    -1,
    -1,
    -1,
    -1,
#endif
#if VECTOR > 32
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
#endif
  };
  return words_at(flags + LANES - n);
}

/* Lanes of `a` where all bits of `first` are set, else of `b`. */
TARGET static inline floats choose(words first, floats a, floats b) {
  return (floats)(((words)a & first) | ((words)b & ~first));
}

TARGET static inline floats floats_at(const float *from) {
  return *(const loose_floats *)(const void *)from;
}

TARGET static uint32_t map_largest(const float *values, size_t n) {
  words worst = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    words bits = (words)floats_at(values + i) & same_words(~(UINT32_C(1) << 31));
    words larger = (words)((ints)bits > (ints)worst);
    worst = (bits & larger) | (worst & ~larger);
  }
  uint32_t all = fm__map_c.largest(values + i, n - i);
  FM__UNROLL
  for (int lane = 0; lane < LANES; lane++) all = worst[lane] > all ? worst[lane] : all;
  return all;
}

TARGET static void map_to_steps(const float *values, size_t n, int32_t *steps) {
  const floats most = (float)FM__MOST_STEPS - (floats){0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    floats step = floats_at(values + i) * (float)(1 << FM__STEPS_BITS);
    step = choose((words)(step < most), step, most);
    step = choose((words)(step > -most), step, -most);
    put_words(steps + i, (words)(step + FM__ROUNDER) - same_words(FM__ROUNDER_BITS));
  }
  fm__map_c.to_steps(values + i, n - i, steps + i);
}

TARGET static void map_bins(const float *losses, size_t n, int shift, int32_t *to) {
  const words below = same_words(fm__bins_below(shift)), last = same_words(fm__last_bin(shift));
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    words bits = (words)floats_at(losses + i);
    bits &= ~(words)(bits == same_words(UINT32_C(1) << 31));
    words bin = (bits >> (23 - shift)) - below;
    bin &= (words)((ints)bin > (ints){0});
    const words far = (words)(bin > last);
    bin = (last & far) | (bin & ~far);
    put_words(to + i, bin | (words)(bits >= same_words(FM__NOT_FINITE)));
  }
  fm__map_c.bins(losses + i, n - i, shift, to + i);
}

TARGET static void map_add(const int32_t *steps, size_t n, int32_t *sums, int32_t *pixels) {
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    put_words(sums + i, words_at(sums + i) + words_at(steps + i));
    put_words(pixels + i, words_at(pixels + i) + same_words(1));
  }
  if (i == n) return;
  const words present = first_lanes(n - i);
  put_words(sums + i, words_at(sums + i) + (words_at(steps + i) & present));
  put_words(pixels + i, words_at(pixels + i) - present);
}

TARGET static void map_take(const int32_t *steps, size_t n, int32_t *sums, int32_t *pixels) {
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    put_words(sums + i, words_at(sums + i) - words_at(steps + i));
    put_words(pixels + i, words_at(pixels + i) - same_words(1));
  }
  if (i == n) return;
  const words present = first_lanes(n - i);
  put_words(sums + i, words_at(sums + i) - (words_at(steps + i) & present));
  put_words(pixels + i, words_at(pixels + i) + present);
}

TARGET static inline uint32_t total_lanes(words v) { return scan(v)[LANES - 1]; }

TARGET static fm__totals map_total(const int32_t *sums, const int32_t *pixels, size_t n) {
  words sum = {0}, count = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    sum += words_at(sums + i);
    count += words_at(pixels + i);
  }
  const words present = first_lanes(n - i);
  sum += words_at(sums + i) & present;
  count += words_at(pixels + i) & present;
  return (fm__totals){total_lanes(sum), total_lanes(count)};
}

TARGET static fm__totals map_move(const int32_t *sums, const int32_t *pixels, size_t side, size_t n,
                                  fm__totals before) {
  words sum = {0}, count = {0};
  size_t i = 0;
  for (; i + LANES < n; i += LANES) {
    sum += words_at(sums + i + side) - words_at(sums + i);
    count += words_at(pixels + i + side) - words_at(pixels + i);
  }
  const words present = first_lanes(n - i);
  sum += (words_at(sums + i + side) - words_at(sums + i)) & present;
  count += (words_at(pixels + i + side) - words_at(pixels + i)) & present;
  return (fm__totals){before.sum + total_lanes(sum), before.pixels + total_lanes(count)};
}

TARGET static fm__totals map_slide(const int32_t *sums, const int32_t *pixels, size_t radius,
                                   size_t n, fm__totals before, float *means) {
  const int32_t *new_sums = sums + radius, *old_sums = sums - radius - 1;
  const int32_t *new_pixels = pixels + radius, *old_pixels = pixels - radius - 1;
  words sum = same_words(before.sum), count = same_words(before.pixels);
  for (size_t i = 0;;) {
    words sums_here = scan(words_at(new_sums + i) - words_at(old_sums + i)) + sum;
    words pixels_here = scan(words_at(new_pixels + i) - words_at(old_pixels + i)) + count;
    /* Lanes behind the last pixel may have none. */
    const words divisor = pixels_here - (words)(pixels_here == (words){0});
    *(loose_floats *)(void *)(means + i) = __builtin_convertvector((ints)sums_here, floats) /
                                           __builtin_convertvector((ints)divisor, floats) *
                                           FM__STEP;
    i += LANES;
    if (i >= n) {
      uint32_t all[2][LANES];
      memcpy(all[0], &sums_here, sizeof all[0]);
      memcpy(all[1], &pixels_here, sizeof all[1]);
      return (fm__totals){all[0][(n - 1) % LANES], all[1][(n - 1) % LANES]};
    }
    sum = last_lane(sums_here);
    count = last_lane(pixels_here);
  }
}

const fm__map_kernels LEVEL(map) = {.differ = map_differ,
                                    .touch = map_touch,
                                    .along = map_along,
                                    .nearer = map_nearer,
                                    .strata = map_strata,
                                    .largest = map_largest,
                                    .to_steps = map_to_steps,
                                    .bins = map_bins,
                                    .add = map_add,
                                    .take = map_take,
                                    .total = map_total,
                                    .move = map_move,
                                    .slide = map_slide};

#undef BYTE_ROUNDS
#endif
