/* labels/score_steps.h - the arithmetic of FM_SCORE_RANK for one pixel or one class, in whole steps of 2^-12: hosts
 * and devices do the same. */
#ifndef FM_LABELS_SCORE_STEPS_H
#define FM_LABELS_SCORE_STEPS_H

#include "core/bits.h"
#include "dsp/map_kernels.h"

/* No rank is larger, in either direction, once its level is taken away. */
enum { FM__MOST_LEVELLED = (1 << 15) - 1 };

/* The level is what a tenth of the class's pixels lies below, to 2^-7 of a nat: a bin is 32 steps. */
enum { FM__LEVEL_STEPS = 32, FM__LEVEL_BINS = (1 << 16) / FM__LEVEL_STEPS };

/* ---- One pixel -------------------------------------------------------------------- */

/* 0.8 of a rank, rounded to whole steps, halves away from 0: a fifth of a number below 2^17, which no
 * rounding of floats takes to another whole one. */
FM__BOTH int32_t fm__paired_steps(int32_t steps) {
  return (int32_t)((float)(4 * steps + (steps < 0 ? -2 : 2)) * 0.2F);
}

/* The mean of `count` siblings, rounded to whole steps, halves away from 0. */
FM__BOTH int64_t fm__sibling_mean(int32_t sum, int64_t count) {
  return (2 * (int64_t)sum + (sum < 0 ? -count : count)) / (2 * count);
}

/* The bin of steps, which are -2^15 to 2^15 - 1. */
FM__BOTH uint32_t fm__level_bin(int32_t steps) {
  return (uint32_t)(steps + (1 << 15)) / FM__LEVEL_STEPS;
}

FM__BOTH int32_t fm__levelled(int32_t steps, int32_t level) {
  steps -= level;
  return steps < -FM__MOST_LEVELLED  ? -FM__MOST_LEVELLED
         : steps > FM__MOST_LEVELLED ? FM__MOST_LEVELLED
                                     : steps;
}

/* From the pixel's own steps and the mean around it. */
FM__BOTH float fm__score_of(int32_t steps, float mean) {
  const float score = (float)steps * FM__STEP + mean;
  return score > 0 ? score : 0;
}

/* ---- One class -------------------------------------------------------------------- */

/* So many pixels are a tenth of all. */
FM__BOTH int64_t fm__tenth(int64_t pixels) { return pixels / 10 + (pixels % 10 != 0); }

/* The steps in the middle of a bin. */
FM__BOTH int64_t fm__level_middle(int64_t bin) {
  return bin * FM__LEVEL_STEPS + FM__LEVEL_STEPS / 2 - (1 << 15);
}

/* The level of a class of `here` pixels, a tenth of which lies below `own` steps, in an image of `all` and
 * `typical`. The whole image counts as if 1/32 of its pixels were of each class as well: few say
 * little. At most 1.5 nats: classes that are wrong as a whole have to stay odd. */
FM__BOTH int32_t fm__level_of(int64_t here, int64_t own, int64_t all, int64_t typical) {
  const int64_t most = 3 << (FM__STEPS_BITS - 1), weight = all / 32;
  const int64_t sum = here * own + weight * typical, count = here + weight;
  const int64_t level = sum / count - (sum % count < 0);
  return (int32_t)(level < most ? level : most);
}

/* ---- One image -------------------------------------------------------------------- */

/* Windows have side 2 * radius + 1 of about a quarter of the height; at most that of fm_map_window_mean. */
FM__BOTH int32_t fm__score_radius(int64_t height) {
  const int64_t radius = height / 8;
  return radius < 1 ? 1 : radius < 1023 ? (int32_t)radius : 1023;
}

#endif
