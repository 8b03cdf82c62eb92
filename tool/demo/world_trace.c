/* demo/world_trace.c - what each pixel of a scene shows. */
#include <math.h>
#include <string.h>

#include "demo/world.h"
#include "demo/world_random.h"

static const float FAR = 4000.0F;

/* Distance at which a line of sight `dx` to the right per meter meets the wall at `x` (negative:
 * left) of a bending street; FAR if it does not. */
static float wall_distance(const scene *s, float dx, float x) {
  float z;
  if (fabsf(s->bend) < 1e-6F) {
    z = x / dx;
  } else {
    const float inside = dx * dx - 4.0F * s->bend * x;
    if (inside < 0.0F) return FAR;
    z = 2.0F * x / (dx + (x > 0.0F ? sqrtf(inside) : -sqrtf(inside)));
  }
  return z > 0.0F && z < FAR ? z : FAR;
}

static const stretch *stretch_at(const scene *s, int side, float z) {
  for (int i = 0; i < s->side_count[side]; i++)
    if (z >= s->side[side][i].from && z < s->side[side][i].to) return &s->side[side][i];
  return NULL;
}

/* Woods and hedges have a ragged top and, at their ends, ragged sides. */
static float stretch_height(const scene *s, const stretch *t, float z, float up) {
  if (t->class_index != TREE) return t->height;
  const uint32_t seed = (uint32_t)(s->seed + t->thing);
  const float rough = t->height > 3.0F ? 2.2F : 0.5F;
  const float end = fminf(z - t->from, t->to - z);
  return t->height * fminf(1.0F, 0.45F + 0.3F * end) +
         rough * (noise_sum(seed, z * 0.9F, up * 0.9F, 3) - 0.5F);
}

static bool trace_wall(const scene *s, int side, float dx, float dy, surface *out) {
  const float x = side == 0 ? -s->wall[0] : s->wall[1];
  const float z = wall_distance(s, dx, x);
  const float up = s->eye - dy * z;
  if (z >= out->depth || z >= s->end || up < 0.0F) return false;
  const stretch *t = stretch_at(s, side, z);
  if (!t || up > stretch_height(s, t, z, up)) return false;
  *out = (surface){.depth = z,
                   .u = z,
                   .v = up,
                   .thing = t->thing,
                   .class_index = t->class_index,
                   .facing = side == 0 ? FACING_RIGHT : FACING_LEFT};
  return true;
}

static uint8_t ground_class(const scene *s, float across) {
  const float x = fabsf(across);
  if (x < s->lane) return ROAD;
  return x < s->lane + s->walk ? PAVEMENT : s->verge;
}

static void trace_ground(const scene *s, float dx, float dy, surface *out) {
  const float z = s->eye / dy;
  if (dy <= 0.0F || z >= s->end || z >= out->depth) return;
  const float across = dx * z - s->bend * z * z;
  *out = (surface){
      .depth = z, .u = across, .v = z, .class_index = ground_class(s, across), .facing = FACING_UP};
}

static float backdrop_top(const scene *s, float x) {
  const uint32_t seed = (uint32_t)s->seed;
  if (s->backdrop == TREE)
    return s->backdrop_height * (0.45F + 0.9F * noise_sum(seed, x * 0.09F, 0.0F, 5));
  const float building = noise_cell(seed, (int)floorf(x / 13.0F), 7);
  return s->backdrop_height * (0.5F + building);
}

static void trace_backdrop(const scene *s, float dx, float dy, surface *out) {
  const float x = dx * s->end, up = s->eye - dy * s->end;
  if (out->depth <= s->end || up > backdrop_top(s, x)) return;
  const int building = s->backdrop == BUILDING ? (int)floorf(x / 13.0F) & 15 : 0;
  *out = (surface){.depth = s->end,
                   .u = x,
                   .v = up,
                   .thing = (uint16_t)(s->things + building),
                   .class_index = s->backdrop,
                   .facing = FACING_CAMERA};
}

static surface trace_pixel(const scene *s, int x, int y) {
  const float dx = ((float)x + 0.5F - s->middle) / s->focal;
  const float dy = ((float)y + 0.5F - s->horizon) / s->focal;
  surface out = {.depth = FAR, .u = dx, .v = -dy, .class_index = SKY, .facing = FACING_SKY};
  trace_ground(s, dx, dy, &out);
  trace_wall(s, dx < 0.0F ? 0 : 1, dx, dy, &out);
  if (s->bend != 0.0F) trace_wall(s, dx < 0.0F ? 1 : 0, dx, dy, &out);
  trace_backdrop(s, dx, dy, &out);
  return out;
}

static void trace_sprite(const scene *s, const sprite *p, surface *out) {
  const float scale = s->focal / p->z, left = s->middle + (p->x - p->width / 2.0F) * scale;
  const float foot = s->horizon + (s->eye - p->base) * scale;
  const int x0 = (int)fmaxf(0.0F, left), y1 = (int)fminf((float)s->height - 1.0F, foot);
  const int x1 = (int)fminf((float)s->width - 1.0F, left + p->width * scale);
  const int y0 = (int)fmaxf(0.0F, foot - p->height * scale);
  for (int y = y0; y <= y1; y++)
    for (int x = x0; x <= x1; x++) {
      const float along = ((float)x + 0.5F - left) / (p->width * scale);
      const float up = (foot - (float)y - 0.5F) / (p->height * scale);
      const float u = (p->mirrored ? -1.0F : 1.0F) * (2.0F * along - 1.0F);
      surface *at = &out[y * s->width + x];
      const uint8_t part = shape_part(p->shape, u, up, (uint32_t)s->seed + p->thing);
      if (!part || at->depth < p->z) continue;
      *at = (surface){.depth = p->z,
                      .u = (along - 0.5F) * p->width,
                      .v = up * p->height,
                      .round = 2.0F * along - 1.0F,
                      .thing = p->thing,
                      .class_index = p->class_index,
                      .part = part,
                      .facing = FACING_CAMERA};
    }
}

/* The camera's own car. */
static void trace_bonnet(const scene *s, surface *out) {
  for (int y = s->height * 9 / 10; y < s->height; y++)
    for (int x = 0; x < s->width; x++) {
      const float u = ((float)x - s->middle) / ((float)s->width * 0.75F);
      if ((float)y < (float)s->height * (0.93F + 0.25F * u * u)) continue;
      out[y * s->width + x] = (surface){.depth = 2.0F,
                                        .u = u * 2.0F,
                                        .v = (float)y * 0.01F,
                                        .class_index = VOID_LABEL,
                                        .facing = FACING_UP};
    }
}

static bool listed(const uint16_t *things, int count, uint16_t thing) {
  for (int i = 0; i < count; i++)
    if (things[i] == thing) return true;
  return false;
}

void scene_trace(const scene *s, const uint16_t *without, int without_count, surface *out) {
  for (int y = 0; y < s->height; y++)
    for (int x = 0; x < s->width; x++) out[y * s->width + x] = trace_pixel(s, x, y);
  for (int i = 0; i < s->sprite_count; i++)
    if (!listed(without, without_count, s->sprites[i].thing)) trace_sprite(s, &s->sprites[i], out);
  if (s->bonnet) trace_bonnet(s, out);
}
