/* dsp/map_c.c - the map kernels in plain C. */
#include "dsp/map_kernels.h"

#include "core/bits.h"
#include "dsp/bins.h"

/* ---- Distances -------------------------------------------------------------------- */

static void differ(const uint8_t *a, const uint8_t *b, size_t n, uint8_t *to) {
  for (size_t i = 0; i < n; i++) to[i] = a[i] != b[i];
}

static void touch(const uint8_t *const beside[3], const uint8_t *const below[2], size_t n,
                  uint8_t *to) {
  const uint8_t *a = beside[0], *b = beside[1], *c = beside[2], *d = below[0], *e = below[1];
  for (size_t i = 0; i < n; i++)
    to[i] = (a - 1)[i] | a[i] | (b - 1)[i] | b[i] | (c - 1)[i] | c[i] | d[i] | e[i];
}

static void along(const uint8_t *from, size_t step, size_t n, uint8_t *to) {
  const uint8_t most = (uint8_t)(UINT8_MAX - step);
  for (size_t i = 0; i < n; i++) {
    uint8_t least = (from - step)[i] < from[i + step] ? (from - step)[i] : from[i + step];
    least = (uint8_t)((least < most ? least : most) + step);
    to[i] = from[i] < least ? from[i] : least;
  }
}

static void nearer(const uint8_t *other, size_t n, uint8_t *row) {
  for (size_t i = 0; i < n; i++) {
    uint8_t least = (other - 1)[i] < other[i] ? (other - 1)[i] : other[i];
    least = other[i + 1] < least ? other[i + 1] : least;
    row[i] = least < row[i] ? (uint8_t)(least + 1) : row[i];
  }
}

static void strata(const uint8_t *distances, const uint8_t *edges, size_t count, size_t n,
                   uint8_t *to) {
  for (size_t i = 0; i < n; i++) {
    uint8_t reached = 0;
    for (size_t e = 0; e < count; e++) reached = (uint8_t)(reached + (distances[i] >= edges[e]));
    to[i] = reached;
  }
}

/* ---- Windows ---------------------------------------------------------------------- */

static uint32_t largest(const float *values, size_t n) {
  uint32_t worst = 0;
  for (size_t i = 0; i < n; i++) {
    const uint32_t bits = fm__float_bits(values[i]) & ~(UINT32_C(1) << 31);
    worst = bits > worst ? bits : worst;
  }
  return worst;
}

static void to_steps(const float *values, size_t n, int32_t *steps) {
  const float most = FM__MOST_STEPS;
  for (size_t i = 0; i < n; i++) {
    float step = values[i] * (1 << FM__STEPS_BITS);
    step = step < most ? step : most;
    step = step > -most ? step : -most;
    steps[i] = (int32_t)(fm__float_bits(step + FM__ROUNDER) - FM__ROUNDER_BITS);
  }
}

static void bins(const float *losses, size_t n, int shift, int32_t *to) {
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = fm__float_bits(losses[i]);
    if (bits == UINT32_C(1) << 31) bits = 0;
    to[i] = bits < FM__NOT_FINITE ? (int32_t)fm__bin_of(bits, shift) : -1;
  }
}

static void add(const int32_t *steps, size_t n, int32_t *sums, int32_t *pixels) {
  for (size_t i = 0; i < n; i++) sums[i] += steps[i];
  for (size_t i = 0; i < n; i++) pixels[i]++;
}

static void take(const int32_t *steps, size_t n, int32_t *sums, int32_t *pixels) {
  for (size_t i = 0; i < n; i++) sums[i] -= steps[i];
  for (size_t i = 0; i < n; i++) pixels[i]--;
}

static fm__totals total(const int32_t *sums, const int32_t *pixels, size_t n) {
  fm__totals all = {0, 0};
  for (size_t i = 0; i < n; i++) all.sum += (uint32_t)sums[i];
  for (size_t i = 0; i < n; i++) all.pixels += (uint32_t)pixels[i];
  return all;
}

static fm__totals move(const int32_t *sums, const int32_t *pixels, size_t side, size_t n,
                       fm__totals at) {
  for (size_t i = 0; i < n; i++) at.sum += (uint32_t)sums[i + side] - (uint32_t)sums[i];
  for (size_t i = 0; i < n; i++) at.pixels += (uint32_t)pixels[i + side] - (uint32_t)pixels[i];
  return at;
}

static fm__totals slide(const int32_t *sums, const int32_t *pixels, size_t radius, size_t n,
                        fm__totals at, float *means) {
  const int32_t *new_sums = sums + radius, *old_sums = sums - radius - 1;
  const int32_t *new_pixels = pixels + radius, *old_pixels = pixels - radius - 1;
  for (size_t i = 0; i < n; i++) {
    at.sum += (uint32_t)new_sums[i] - (uint32_t)old_sums[i];
    at.pixels += (uint32_t)new_pixels[i] - (uint32_t)old_pixels[i];
    means[i] = (float)(int32_t)at.sum / (float)(int32_t)at.pixels * FM__STEP;
  }
  return at;
}

const fm__map_kernels fm__map_c = {.differ = differ,
                                   .touch = touch,
                                   .along = along,
                                   .nearer = nearer,
                                   .strata = strata,
                                   .largest = largest,
                                   .to_steps = to_steps,
                                   .bins = bins,
                                   .add = add,
                                   .take = take,
                                   .total = total,
                                   .move = move,
                                   .slide = slide};
