/* demo/world_random.h - random numbers and noise for the demo's world. */
#ifndef FREEMASK_TOOL_WORLD_RANDOM_H
#define FREEMASK_TOOL_WORLD_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* SplitMix64. Any seed will do. */
typedef struct dice {
  uint64_t state;
} dice;

uint64_t dice_next(dice *d);
float dice_real(dice *d, float low, float high); /* evenly, below high */
int dice_whole(dice *d, int low, int high);      /* both inclusive */
bool dice_chance(dice *d, float share);

/* The output function of SplitMix64. */
uint64_t seed_scramble(uint64_t v);

/* A seed for part `part` of what has seed `seed`. */
uint64_t seed_mix(uint64_t seed, uint64_t part);

/* 0 .. 1 from a seed, without a state. */
float seed_real(uint64_t seed, uint64_t part);

/* Smooth noise over the plane, 0 .. 1, one bump per unit. */
float noise_at(uint32_t seed, float x, float y);

/* Several octaves of it, 0 .. 1, mean about 0.5. */
float noise_sum(uint32_t seed, float x, float y, int octaves);

/* 0 .. 1 per unit square. */
float noise_cell(uint32_t seed, int x, int y);

/* 0 up to `low`, 1 from `high` on, smooth between. */
float ramp(float low, float high, float v);

#endif
