/* dsp/map_kernels.h - the inner loops of planes that are made from masks: distances to the boundary
 * and means over windows. They exist on every level, and agree to the bit. */
#ifndef FM_DSP_MAP_KERNELS_H
#define FM_DSP_MAP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* What kernels may read behind the last element of an input, and write behind the means. */
enum { FM__MAP_SLACK = 16 };

/* Values that windows add up are held in steps of 2^-12, so that sums are exact and do not depend on
 * their order; the most steps of a value: 256. */
enum { FM__STEPS_BITS = 12, FM__MOST_STEPS = 1 << 20 };
#define FM__STEP (1.0F / (1 << FM__STEPS_BITS))

/* The bits of infinity. */
#define FM__NOT_FINITE UINT32_C(0x7F800000)

/* Adding this makes the float's lowest bit a step's: the sum is rounded to whole steps. */
#define FM__ROUNDER 12582912.0F /* 1.5 * 2^23 */
#define FM__ROUNDER_BITS UINT32_C(0x4B400000)

/* How many edges it is faster to compare with than to look up. */
enum { FM__COMPARED_EDGES = 16 };

/* The sum of the steps of some pixels, and how many they are, modulo 2^32. */
typedef struct fm__totals {
  uint32_t sum, pixels;
} fm__totals;

typedef struct fm__map_kernels {
  /* differ[i] = whether a[i] and b[i] differ, 0 or 1. */
  void (*differ)(const uint8_t *a, const uint8_t *b, size_t n, uint8_t *differ);
  /* touch[i] = beside[0..2][i - 1 and i] or below[0..1][i]: flags of 0 and 1. */
  void (*touch)(const uint8_t *const beside[3], const uint8_t *const below[2], size_t n,
                uint8_t *touch);
  /* to[i] = the least of from[i] and of from[i - step] and from[i + step] plus the step, or 255. */
  void (*along)(const uint8_t *from, size_t step, size_t n, uint8_t *to);
  /* row[i] = the least of row[i] and other[i - 1 .. i + 1] + 1, none of which is 255. */
  void (*nearer)(const uint8_t *other, size_t n, uint8_t *row);
  /* strata[i] = how many of the edges distances[i] reaches. */
  void (*strata)(const uint8_t *distances, const uint8_t *edges, size_t count, size_t n,
                 uint8_t *strata);

  /* The bits of the largest value, without its sign; FM__NOT_FINITE or more if one is not finite. */
  uint32_t (*largest)(const float *values, size_t n);
  /* Values as whole numbers of steps, to nearest, ties to even, of at most FM__MOST_STEPS in either
   * direction. */
  void (*to_steps)(const float *values, size_t n, int32_t *steps);
  /* The bins of losses in a histogram of 2^shift bins to a factor of two (fm__bin_of), -0 being 0; -1
   * of what is not finite or below 0. */
  void (*bins)(const float *losses, size_t n, int shift, int32_t *bins);
  /* Adds steps to the sums of columns and 1 to their pixels, or takes them away. The elements
   * behind the last are written as they were. */
  void (*add)(const int32_t *steps, size_t n, int32_t *sums, int32_t *pixels);
  void (*take)(const int32_t *steps, size_t n, int32_t *sums, int32_t *pixels);
  /* Of n columns. */
  fm__totals (*total)(const int32_t *sums, const int32_t *pixels, size_t n);
  /* A window of `side` columns, whose first one `sums` and `pixels` point to, moves n columns to the
   * right. */
  fm__totals (*move)(const int32_t *sums, const int32_t *pixels, size_t side, size_t n,
                     fm__totals before);
  /* A window of `radius` columns on both sides slides n columns to the right, first to the one that
   * `sums` and `pixels` point to, from `before`. Returns the totals of the last window.
   * Sums wrap; those of windows fit. means[i] = float(sum) / float(pixels) * FM__STEP. */
  fm__totals (*slide)(const int32_t *sums, const int32_t *pixels, size_t radius, size_t n,
                      fm__totals before, float *means);
} fm__map_kernels;

extern const fm__map_kernels fm__map_c;

#endif
