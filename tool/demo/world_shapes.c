/* demo/world_shapes.c - outlines of things that face the camera. */
#include <math.h>

#include "demo/world.h"
#include "demo/world_random.h"

static bool in_disc(float x, float y, float radius) { return x * x + y * y < radius * radius; }

static bool in_box(float x, float y, float left, float right, float low, float high) {
  return x > left && x < right && y > low && y < high;
}

static uint8_t tree_part(float u, float v, uint32_t seed) {
  const float ragged = 0.36F * (noise_sum(seed, u * 4.0F, v * 5.0F, 3) - 0.5F);
  const float x = u, y = (v - 0.64F) / 0.36F;
  if (x * x + y * y < 0.78F + 1.6F * ragged) return PART_MAIN;
  return fabsf(u) < 0.07F + 0.03F * (1.0F - v) && v < 0.6F ? PART_SECOND : PART_NONE;
}

static uint8_t conifer_part(float u, float v, uint32_t seed) {
  const float tier = v * 6.0F - floorf(v * 6.0F);
  const float half =
      (1.0F - v) * (0.95F - 0.35F * tier) + 0.2F * (noise_at(seed, u * 6.0F, v * 14.0F) - 0.5F);
  if (v > 0.1F && fabsf(u) < half) return PART_MAIN;
  return fabsf(u) < 0.1F && v < 0.12F ? PART_SECOND : PART_NONE;
}

/* An arm to the right, with a lamp at its end. */
static uint8_t lamp_part(float u, float v) {
  if (fabsf(u + 0.8F) < 0.065F + 0.03F * (1.0F - v)) return PART_MAIN;
  if (in_box(u, v, -0.8F, 0.55F, 0.965F, 0.985F)) return PART_MAIN;
  return in_box(u, v, 0.35F, 0.98F, 0.955F, 0.99F) ? PART_LAMP : PART_NONE;
}

static uint8_t rear_part(float u, float v) {
  const float x = fabsf(u);
  if (v < 0.2F)
    return x > 0.62F && x < 0.95F ? PART_DARK : v > 0.12F && x < 0.9F ? PART_DARK : PART_NONE;
  if (v < 0.58F) {
    if (x > 0.70F && x < 0.93F && v > 0.42F && v < 0.54F) return PART_LAMP;
    return x < 0.97F ? PART_MAIN : PART_NONE;
  }
  const float half = 0.95F - 0.62F * (v - 0.58F);
  if (x < half - 0.12F && v > 0.62F && v < 0.92F) return PART_SECOND;
  return x < half && v < 0.985F ? PART_MAIN : PART_NONE;
}

static uint8_t side_part(float u, float v) {
  if (in_disc((u + 0.6F) * 2.6F, v - 0.2F, 0.2F) || in_disc((u - 0.6F) * 2.6F, v - 0.2F, 0.2F))
    return PART_DARK;
  if (v < 0.16F) return PART_NONE;
  if (v < 0.55F) return fabsf(u) < 0.98F ? PART_MAIN : PART_NONE;
  const float t = (v - 0.55F) / 0.45F, left = -0.68F + 0.24F * t, right = 0.55F - 0.34F * t;
  if (u < left || u > right || v > 0.98F) return PART_NONE;
  const bool glass = u > left + 0.08F && u < right - 0.08F && t > 0.12F && t < 0.8F;
  return glass && fabsf(u + 0.05F) > 0.03F ? PART_SECOND : PART_MAIN;
}

static uint8_t person_part(float u, float v, uint32_t seed) {
  const float step = 0.35F + 0.5F * noise_cell(seed, 1, 2);
  if (in_disc(u * 0.36F, v - 0.92F, 0.075F)) return PART_SKIN;
  if (v > 0.47F && v < 0.85F)
    return fabsf(u) < 0.72F - 0.9F * fabsf(v - 0.66F) ? PART_MAIN : PART_NONE;
  if (v > 0.47F) return PART_NONE;
  const float apart = step * (0.47F - v);
  return fabsf(fabsf(u) - 0.22F - apart) < 0.22F ? PART_SECOND : PART_NONE;
}

static uint8_t cyclist_part(float u, float v) {
  const float wheel = 0.36F;
  for (int i = -1; i <= 1; i += 2) {
    const float x = (u - 0.55F * (float)i) * 0.9F, y = v - 0.19F;
    if (in_disc(x, y, wheel / 2.0F) && !in_disc(x, y, wheel / 2.0F - 0.045F)) return PART_DARK;
  }
  if (in_disc((u - 0.12F) * 0.85F, v - 0.92F, 0.08F)) return PART_SKIN;
  const float lean = 0.02F + 0.18F * (v - 0.5F);
  if (v > 0.46F && v < 0.85F && fabsf(u - lean) < 0.2F) return PART_MAIN;
  if (v > 0.62F && v < 0.72F && u > 0.0F && u < 0.5F) return PART_MAIN;
  if (v > 0.1F && v <= 0.48F && fabsf(u - 0.12F + 0.35F * (v - 0.3F)) < 0.11F) return PART_SECOND;
  const bool frame = (v > 0.36F && v < 0.41F && fabsf(u) < 0.5F) ||
                     (v < 0.4F && v > 0.15F && fabsf(fabsf(u) - 0.3F - (0.4F - v)) < 0.05F);
  return frame ? PART_DARK : PART_NONE;
}

uint8_t shape_part(uint8_t shape, float u, float v, uint32_t seed) {
  switch (shape) {
    case SHAPE_TREE:
      return tree_part(u, v, seed);
    case SHAPE_CONIFER:
      return conifer_part(u, v, seed);
    case SHAPE_POLE:
      return PART_MAIN;
    case SHAPE_LAMP:
      return lamp_part(u, v);
    case SHAPE_DISC:
      return in_disc(u, 2.0F * v - 1.0F, 1.0F) ? PART_MAIN : PART_NONE;
    case SHAPE_BOARD:
      return PART_SECOND;
    case SHAPE_REAR:
      return rear_part(u, v);
    case SHAPE_SIDE:
      return side_part(u, v);
    case SHAPE_PERSON:
      return person_part(u, v, seed);
    case SHAPE_CYCLIST:
      return cyclist_part(u, v);
    default:
      return v > 0.85F || fabsf(u) < 0.85F ? PART_MAIN : PART_NONE;
  }
}
