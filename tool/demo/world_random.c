/* demo/world_random.c - random numbers and noise for the demo's world. */
#include "demo/world_random.h"

#include <math.h>

uint64_t seed_scramble(uint64_t v) {
  v = (v ^ (v >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  v = (v ^ (v >> 27)) * UINT64_C(0x94D049BB133111EB);
  return v ^ (v >> 31);
}

uint64_t dice_next(dice *d) {
  d->state += UINT64_C(0x9E3779B97F4A7C15);
  return seed_scramble(d->state);
}

static float unit(uint64_t bits) { return (float)(bits >> 40) * (1.0F / 16777216.0F); }

float dice_real(dice *d, float low, float high) { return low + (high - low) * unit(dice_next(d)); }

int dice_whole(dice *d, int low, int high) {
  return low + (int)(dice_next(d) % (uint64_t)(high - low + 1));
}

bool dice_chance(dice *d, float share) { return unit(dice_next(d)) < share; }

uint64_t seed_mix(uint64_t seed, uint64_t part) {
  return seed_scramble(seed + UINT64_C(0x9E3779B97F4A7C15) * (part + 1));
}

float seed_real(uint64_t seed, uint64_t part) { return unit(seed_mix(seed, part)); }

static uint32_t lattice(uint32_t seed, int x, int y) {
  uint32_t h = seed ^ ((uint32_t)x * 0x9E3779B1U) ^ ((uint32_t)y * 0x85EBCA77U);
  h = (h ^ (h >> 15)) * 0x2C1B3C6DU;
  h = (h ^ (h >> 12)) * 0x297A2D39U;
  return h ^ (h >> 15);
}

float noise_cell(uint32_t seed, int x, int y) {
  return (float)(lattice(seed, x, y) >> 8) * (1.0F / 16777216.0F);
}

/* Whole part, safe for any input. */
static int whole(float v) {
  return v < -1e9F ? -1000000000 : v > 1e9F ? 1000000000 : (int)floorf(v);
}

float noise_at(uint32_t seed, float x, float y) {
  const int x0 = whole(x), y0 = whole(y);
  float u = x - (float)x0, v = y - (float)y0;
  u = u * u * (3.0F - 2.0F * u);
  v = v * v * (3.0F - 2.0F * v);
  const float top = noise_cell(seed, x0, y0) * (1.0F - u) + noise_cell(seed, x0 + 1, y0) * u;
  const float low =
      noise_cell(seed, x0, y0 + 1) * (1.0F - u) + noise_cell(seed, x0 + 1, y0 + 1) * u;
  return top * (1.0F - v) + low * v;
}

float noise_sum(uint32_t seed, float x, float y, int octaves) {
  float sum = 0.0F, weight = 0.5F, total = 0.0F;
  for (int i = 0; i < octaves; i++) {
    sum += weight * noise_at(seed + (uint32_t)i * 101U, x, y);
    total += weight;
    weight *= 0.5F;
    x *= 2.03F;
    y *= 2.03F;
  }
  return sum / total;
}

float ramp(float low, float high, float v) {
  const float t = (v - low) / (high - low);
  if (!(t > 0.0F)) return 0.0F;
  return t >= 1.0F ? 1.0F : t * t * (3.0F - 2.0F * t);
}
