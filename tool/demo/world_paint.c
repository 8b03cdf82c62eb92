/* demo/world_paint.c - the classes' own colors and textures. */
#include <math.h>

#include "demo/world.h"
#include "demo/world_random.h"

static rgb scaled(rgb c, float by) { return (rgb){c.r * by, c.g * by, c.b * by}; }

static rgb mixed(rgb a, rgb b, float share) {
  return (rgb){a.r + (b.r - a.r) * share, a.g + (b.g - a.g) * share, a.b + (b.b - a.b) * share};
}

/* How much of a pattern with `period` meters is left at this distance: a pixel blurs it. */
static float clear_at(const scene *s, const surface *at, float period) {
  const float pixels = period * s->focal / at->depth;
  return ramp(0.8F, 3.5F, pixels);
}

/* Every thing has a seed of its own in every look. */
static uint64_t thing_seed(const look *l, const surface *at) {
  return seed_mix(l->seed, 1000U + at->thing);
}

static float rest(float v, float period) { return v - floorf(v / period) * period; }

/* 1 on a line of `width` that repeats each `period`, 0 beside it. */
static float line_at(float v, float period, float width) { return rest(v, period) < width; }

static rgb paint_sky(const look *l, const surface *at) {
  const float up = fmaxf(at->v, 0.0F);
  const rgb air = mixed(l->horizon, l->zenith, 1.0F - expf(-3.2F * up));
  const float flat = 1.0F / (up + 0.12F);
  const float cloud = noise_sum((uint32_t)l->seed, at->u * flat * 1.3F, flat * 1.6F, 4);
  const float cover = ramp(0.95F - 0.75F * l->clouds, 1.15F - 0.65F * l->clouds, cloud);
  const float white = 0.25F + 0.9F * (l->sun.g + 0.6F * l->ambient.g) / 1.6F;
  const rgb bright = {white, white * 0.99F, white * 0.98F};
  const rgb c = mixed(air, mixed(bright, l->horizon, 0.35F), cover * (1.0F - 0.8F * l->night));
  return c;
}

static rgb facade(uint64_t seed) {
  static const rgb walls[] = {{0.42F, 0.19F, 0.13F}, {0.55F, 0.46F, 0.33F}, {0.62F, 0.58F, 0.50F},
                              {0.36F, 0.33F, 0.31F}, {0.52F, 0.35F, 0.22F}, {0.47F, 0.47F, 0.47F},
                              {0.30F, 0.17F, 0.13F}};
  const rgb c = walls[(int)(seed_real(seed, 1) * 6.99F)];
  return scaled(c, 0.75F + 0.4F * seed_real(seed, 2));
}

/* Glass mirrors the sky; at night some rooms are lit. */
static rgb window_color(const look *l, uint64_t seed, int column, int floor_number) {
  const float room = noise_cell((uint32_t)seed, column, floor_number);
  if (l->night > 0.5F && room < 0.35F) return (rgb){2.6F, 1.9F, 0.9F};
  const rgb glass = mixed((rgb){0.04F, 0.05F, 0.06F}, l->zenith, 0.25F * room);
  return room > 0.85F ? (rgb){0.45F, 0.43F, 0.40F} : glass;
}

static rgb paint_building(const scene *s, const look *l, const surface *at) {
  const uint64_t seed = thing_seed(l, at);
  const float storey = 2.7F + 0.9F * seed_real(seed, 3), bay = 1.6F + 1.6F * seed_real(seed, 4);
  const float u = rest(at->u, bay) / bay, v = rest(at->v, storey) / storey;
  rgb wall = facade(seed);
  const float dirt = noise_sum((uint32_t)seed, at->u * 0.6F, at->v * 0.6F, 3);
  wall = scaled(wall, 0.82F + 0.36F * dirt);
  const float course = clear_at(s, at, 0.25F) * (seed_real(seed, 1) < 0.5F ? 0.25F : 0.06F);
  const float brick = line_at(at->v, 0.12F, 0.02F) +
                      line_at(at->u + line_at(at->v, 0.24F, 0.12F) * 0.12F, 0.25F, 0.02F);
  wall = scaled(wall, 1.0F - course * fminf(1.0F, brick));
  const float half = 0.2F + 0.16F * seed_real(seed, 5);
  const bool frame = fabsf(u - 0.5F) < half + 0.05F && v > 0.24F && v < 0.84F;
  const bool glass = fabsf(u - 0.5F) < half && v > 0.28F && v < 0.80F && fabsf(u - 0.5F) > 0.015F;
  const rgb window = window_color(l, seed, (int)floorf(at->u / bay), (int)floorf(at->v / storey));
  rgb c = wall;
  if (frame) c = scaled(wall, 1.25F);
  if (glass) c = window;
  if (v > 0.96F) c = scaled(wall, 0.7F);
  const rgb far_off = mixed(wall, window, 2.0F * half * 0.52F);
  return mixed(far_off, c, clear_at(s, at, bay * 0.5F));
}

static rgb paint_road(const scene *s, const look *l, const surface *at) {
  const uint32_t seed = (uint32_t)l->seed + 31U;
  const float coarse = noise_sum(seed, at->u * 0.5F, at->v * 0.25F, 3);
  const float fine = noise_at(seed, at->u * 22.0F, at->v * 22.0F) - 0.5F;
  rgb c = scaled(l->road, 0.78F + 0.44F * coarse + 0.35F * fine * clear_at(s, at, 0.09F));
  const float patch = noise_at(seed + 5U, at->u * 0.33F + 7.0F, at->v * 0.12F);
  if (patch > 0.74F) c = scaled(c, 0.8F);
  const float side = fabsf(fabsf(at->u) - (s->lane - 0.35F)), worn = 0.55F + 0.45F * coarse;
  const bool dash = fabsf(at->u) < 0.08F && rest(at->v, 6.0F) < 3.0F;
  if (at->facing == FACING_UP && (dash || (s->lane > 4.6F && side < 0.07F)))
    c = mixed(c, (rgb){0.72F, 0.72F, 0.68F}, worn * (0.4F + 0.6F * clear_at(s, at, 0.12F)));
  return c;
}

static rgb paint_pavement(const scene *s, const look *l, const surface *at) {
  const uint32_t seed = (uint32_t)l->seed + 47U;
  const float slab = 0.45F + 0.5F * seed_real(l->seed, 48);
  const float tone = noise_cell(seed, (int)floorf(at->u / slab), (int)floorf(at->v / slab));
  const float clear = clear_at(s, at, slab * 0.6F);
  const float coarse = noise_sum(seed, at->u * 0.7F, at->v * 0.7F, 3);
  const bool joint = rest(at->u, slab) < 0.035F || rest(at->v, slab) < 0.05F;
  rgb c = scaled(l->pavement, 0.82F + 0.30F * coarse + 0.16F * (tone - 0.5F) * clear);
  if (joint) c = scaled(c, 1.0F - 0.4F * clear);
  if (at->facing == FACING_UP && fabsf(fabsf(at->u) - s->lane) < 0.16F) c = scaled(c, 1.28F);
  return c;
}

static rgb paint_leaves(const scene *s, const look *l, const surface *at) {
  const uint64_t seed = thing_seed(l, at);
  const rgb own = scaled(l->leaf, 0.7F + 0.6F * seed_real(seed, 1));
  const float yellow = seed_real(seed, 2) * 0.5F;
  const float clump = noise_sum((uint32_t)seed, at->u * 1.6F, at->v * 1.6F, 3);
  const float leaf = noise_at((uint32_t)seed + 9U, at->u * 9.0F, at->v * 9.0F);
  const float depth = ramp(0.25F, 0.75F, clump) * 1.35F + 0.18F;
  const float fine = 1.0F + 1.1F * (leaf - 0.5F) * clear_at(s, at, 0.2F);
  return scaled((rgb){own.r * (1.0F + yellow), own.g * (1.0F + 0.3F * yellow), own.b},
                depth * fine);
}

static rgb paint_grass(const scene *s, const look *l, const surface *at) {
  const uint32_t seed = (uint32_t)l->seed + 71U;
  const float patch = noise_sum(seed, at->u * 0.35F, at->v * 0.35F, 4);
  const float blade = noise_at(seed, at->u * 14.0F, at->v * 7.0F) - 0.5F;
  const rgb dry = {0.30F, 0.27F, 0.12F};
  const rgb c = mixed(scaled(l->leaf, 1.25F), dry, ramp(0.5F, 0.85F, patch));
  return scaled(c, 0.75F + 0.5F * patch + 0.6F * blade * clear_at(s, at, 0.12F));
}

static rgb paint_tree(const scene *s, const look *l, const surface *at) {
  if (at->facing == FACING_UP) return paint_grass(s, l, at);
  if (at->part != PART_SECOND) return paint_leaves(s, l, at);
  const float bark = noise_at((uint32_t)l->seed, at->u * 30.0F, at->v * 4.0F);
  return scaled((rgb){0.20F, 0.14F, 0.09F}, 0.6F + 0.7F * bark);
}

static rgb paint_pole(const look *l, const surface *at) {
  if (at->part == PART_LAMP)
    return l->night > 0.5F ? (rgb){8.0F, 6.4F, 3.6F} : (rgb){0.55F, 0.55F, 0.52F};
  const float tone = 0.10F + 0.22F * seed_real(l->seed, 91);
  return (rgb){tone, tone * 1.02F, tone * 1.04F};
}

static rgb paint_sign(const look *l, const surface *at) {
  static const rgb boards[] = {{0.03F, 0.12F, 0.50F}, {0.02F, 0.30F, 0.13F}, {0.78F, 0.58F, 0.05F}};
  const uint64_t seed = thing_seed(l, at);
  const rgb white = {0.85F, 0.85F, 0.83F}, red = {0.62F, 0.03F, 0.04F};
  const float v = rest(at->v, 1.0F);
  if (at->part == PART_SECOND) {
    const bool letters =
        rest(v, 0.24F) < 0.10F && noise_at((uint32_t)seed, at->u * 12.0F, v) > 0.4F;
    return letters ? white : boards[(int)(seed_real(seed, 1) * 2.99F)];
  }
  const float inside = fabsf(at->round);
  if (seed_real(seed, 2) < 0.4F) return inside < 0.7F && fabsf(v - 0.4F) < 0.1F ? white : red;
  return inside > 0.6F ? red : white;
}

static rgb paint_fence(const scene *s, const look *l, const surface *at) {
  static const rgb kinds[] = {{0.34F, 0.22F, 0.12F}, {0.55F, 0.55F, 0.52F}, {0.06F, 0.08F, 0.07F}};
  const uint64_t seed = thing_seed(l, at);
  const int kind = (int)(seed_real(seed, 1) * 2.99F);
  const float board = kind == 2 ? 0.14F : 0.20F, gap = kind == 2 ? 0.09F : 0.03F;
  const float tone = noise_cell((uint32_t)seed, (int)floorf(at->u / board), 3);
  const rgb wood = scaled(kinds[kind], 0.75F + 0.5F * tone);
  const rgb behind = kind == 2 ? scaled(l->leaf, 0.7F) : scaled(kinds[kind], 0.3F);
  const bool rail = fabsf(rest(at->v, 0.8F) - 0.7F) < 0.05F;
  const rgb c = line_at(at->u, board, gap) > 0.0F && !rail ? behind : wood;
  return mixed(mixed(wood, behind, gap / board), c, clear_at(s, at, board));
}

static rgb paint_car(const look *l, const surface *at) {
  static const rgb paints[] = {{0.60F, 0.61F, 0.63F}, {0.03F, 0.03F, 0.035F}, {0.45F, 0.03F, 0.03F},
                               {0.03F, 0.08F, 0.30F}, {0.75F, 0.75F, 0.73F},  {0.20F, 0.21F, 0.23F},
                               {0.05F, 0.18F, 0.12F}};
  const uint64_t seed = thing_seed(l, at);
  const rgb body = paints[(int)(seed_real(seed, 1) * 6.99F)];
  if (at->part == PART_DARK) return (rgb){0.02F, 0.02F, 0.02F};
  if (at->part == PART_LAMP)
    return l->night > 0.5F ? (rgb){3.0F, 0.25F, 0.12F} : (rgb){0.50F, 0.05F, 0.04F};
  const float v = rest(at->v, 1.7F);
  if (at->part == PART_SECOND)
    return mixed((rgb){0.03F, 0.04F, 0.05F}, l->zenith, 0.25F + 0.5F * ramp(0.9F, 1.5F, v));
  const float sheen =
      0.25F * ramp(0.55F, 0.95F, v) + 0.12F * ramp(0.9F, 0.95F, rest(v, 0.5F) * 2.0F);
  return mixed(body, l->horizon, sheen * 0.6F);
}

static rgb paint_person(const look *l, const surface *at) {
  const uint64_t seed = thing_seed(l, at);
  const rgb coat = {0.03F + 0.5F * seed_real(seed, 1), 0.03F + 0.35F * seed_real(seed, 2),
                    0.04F + 0.45F * seed_real(seed, 3)};
  const float fold = noise_at((uint32_t)seed, at->u * 9.0F, at->v * 6.0F);
  if (at->part == PART_SKIN)
    return at->v > 1.62F ? (rgb){0.07F, 0.05F, 0.04F} : (rgb){0.48F, 0.31F, 0.23F};
  if (at->part == PART_SECOND)
    return scaled((rgb){0.05F, 0.06F, 0.11F}, 0.6F + 1.4F * seed_real(seed, 4) * fold);
  if (at->part == PART_DARK) return (rgb){0.03F, 0.03F, 0.03F};
  return scaled(coat, 0.65F + 0.7F * fold);
}

static rgb paint_void(const look *l, const surface *at) {
  if (at->part == PART_MAIN) return (rgb){0.05F, 0.11F, 0.07F};
  const float tone = 0.03F + 0.25F * seed_real(l->seed, 77);
  return mixed((rgb){tone, tone, tone * 1.1F}, l->horizon, 0.12F);
}

rgb paint(const scene *s, const look *l, const surface *at) {
  switch (at->class_index) {
    case SKY:
      return paint_sky(l, at);
    case BUILDING:
      return paint_building(s, l, at);
    case POLE:
      return paint_pole(l, at);
    case ROAD:
      return paint_road(s, l, at);
    case PAVEMENT:
      return paint_pavement(s, l, at);
    case TREE:
      return paint_tree(s, l, at);
    case SIGN:
      return paint_sign(l, at);
    case FENCE:
      return paint_fence(s, l, at);
    case CAR:
      return paint_car(l, at);
    case PEDESTRIAN:
    case BICYCLIST:
      return paint_person(l, at);
    default:
      return paint_void(l, at);
  }
}
