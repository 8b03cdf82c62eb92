/* demo/world_light.c - sun, shadows, lamps, fog and the camera. */
#include <math.h>
#include <stdlib.h>

#include "demo/world.h"
#include "demo/world_random.h"

static const float SHADE = 0.10F; /* what is left of the sun in shadow */

/* The cosine between a surface and the sun. */
static float towards_sun(const look *l, const surface *at) {
  switch (at->facing) {
    case FACING_UP:
      return l->sun_up;
    case FACING_RIGHT:
      return fmaxf(0.0F, l->sun_x);
    case FACING_LEFT:
      return fmaxf(0.0F, -l->sun_x);
    default: {
      const float flat = sqrtf(fmaxf(0.0F, 1.0F - at->round * at->round * 0.8F));
      const float facing = at->round * 0.9F * l->sun_x - flat * l->sun_z;
      return fmaxf(0.0F, 0.75F * facing + 0.35F * l->sun_up);
    }
  }
}

/* Does what lines the street keep the sun from (x, up, z)? */
static bool behind_wall(const scene *s, const look *l, float x, float up, float z) {
  const int side = l->sun_x < 0.0F ? 0 : 1;
  const float wall = side == 0 ? -s->wall[0] : s->wall[1], way = (wall - x) / l->sun_x;
  if (!(way > 0.05F) || way > 200.0F) return false;
  const float there = z + way * l->sun_z, height = up + way * l->sun_up;
  for (int i = 0; i < s->side_count[side]; i++) {
    const stretch *t = &s->side[side][i];
    if (there >= t->from && there < t->to) return height < t->height;
  }
  return false;
}

/* Does a sprite keep the sun from the ground at (x, z)? `x` from the street's middle. */
static bool behind_sprite(const scene *s, const look *l, const sprite *p, float x, float z) {
  const float away = p->z - z, way = away / l->sun_z;
  if (!(way > 0.0F) || way * l->sun_up > p->base + p->height) return false;
  const float middle = p->x - s->bend * p->z * p->z;
  const float u = (x + way * l->sun_x - middle) / (p->width * 0.5F);
  const float v = (way * l->sun_up - p->base) / p->height;
  if (fabsf(u) >= 1.0F || v < 0.0F) return false;
  return shape_part(p->shape, p->mirrored ? -u : u, v, (uint32_t)s->seed + p->thing) != PART_NONE;
}

static float sprites_shade(const scene *s, const look *l, const surface *at) {
  float light = 1.0F;
  for (int i = 0; i < s->sprite_count; i++) {
    const sprite *p = &s->sprites[i];
    const float middle = p->x - s->bend * p->z * p->z;
    const float beside = fabsf(at->u - middle) / (p->width * 0.55F);
    const float ahead = fabsf(at->v - p->z) / (p->class_index == CAR ? 1.2F : 0.35F);
    if (p->base < 0.1F && beside < 1.0F && ahead < 1.0F && p->width < 5.0F)
      light *= 0.55F + 0.45F * fmaxf(beside, ahead);
    if (l->sun.g > 0.4F && behind_sprite(s, l, p, at->u, at->v)) light *= 0.45F;
  }
  return light;
}

static float sunlight(const scene *s, const look *l, const surface *at) {
  if (at->facing == FACING_UP) {
    const bool dark = l->sun.g > 0.4F && behind_wall(s, l, at->u, 0.0F, at->v);
    return l->sun_up * (dark ? SHADE : 1.0F);
  }
  float x = 0.0F, z = at->depth;
  if (at->facing == FACING_RIGHT) x = -s->wall[0];
  if (at->facing == FACING_LEFT) x = s->wall[1];
  const bool dark =
      l->sun.g > 0.4F && at->facing != FACING_CAMERA && behind_wall(s, l, x, at->v, z);
  return towards_sun(l, at) * (dark ? SHADE : 1.0F);
}

/* The warm pools below street lamps, and the camera's own headlights. */
static float lamplight(const scene *s, const surface *at) {
  float light = 0.0F;
  const bool ground = at->facing == FACING_UP;
  for (int i = 0; i < s->sprite_count && ground; i++) {
    const sprite *p = &s->sprites[i];
    if (p->shape != SHAPE_LAMP) continue;
    const float x = at->u - (p->x - s->bend * p->z * p->z), z = at->v - p->z;
    light += 1.1F / (1.0F + 0.12F * (x * x + z * z));
  }
  const float ahead = at->depth, near = expf(-ahead * 0.07F);
  return fminf(1.6F, light) + near * (ground ? 0.9F * expf(-0.08F * at->u * at->u) : 0.55F);
}

static rgb light_on(const scene *s, const look *l, const surface *at) {
  const float sun = sunlight(s, l, at);
  const float open = at->facing == FACING_UP ? 1.0F : 0.72F;
  const float close = at->facing == FACING_UP ? sprites_shade(s, l, at) : 1.0F;
  rgb light = {close * (l->ambient.r * open + l->sun.r * sun),
               close * (l->ambient.g * open + l->sun.g * sun),
               close * (l->ambient.b * open + l->sun.b * sun)};
  if (l->night > 0.5F) {
    const float lamp = lamplight(s, at) * 0.55F;
    light.r += lamp;
    light.g += lamp * 0.82F;
    light.b += lamp * 0.52F;
  }
  return light;
}

static rgb lit(const scene *s, const look *l, const surface *at) {
  const rgb own = paint(s, l, at);
  if (at->class_index == SKY) return own;
  const rgb light = light_on(s, l, at);
  rgb c = {own.r * light.r, own.g * light.g, own.b * light.b};
  if (at->facing == FACING_UP && at->class_index == ROAD) {
    const float mirror = l->wet * ramp(4.0F, 40.0F, at->depth);
    c = (rgb){c.r + mirror * (l->horizon.r - c.r) * 0.6F,
              c.g + mirror * (l->horizon.g - c.g) * 0.6F,
              c.b + mirror * (l->horizon.b - c.b) * 0.6F};
  }
  const float fog = 1.0F - expf(-at->depth * l->fog_density);
  return (rgb){c.r + (l->fog.r - c.r) * fog, c.g + (l->fog.g - c.g) * fog,
               c.b + (l->fog.b - c.b) * fog};
}

/* The lens: each pixel takes a little of its neighbors, rows then columns, in place. */
static void soften(float *c, int count, int stride) {
  for (int k = 0; k < 3; k++) {
    /* All of the row is set. NOLINTNEXTLINE(clang-analyzer-core.*) */
    float before = c[k];
    for (int i = 0; i < count; i++) {
      float *at = c + (int64_t)i * stride + k;
      /* NOLINTNEXTLINE(clang-analyzer-core.*) */
      const float here = *at, after = i + 1 < count ? at[stride] : here;
      *at = 0.22F * before + 0.56F * here + 0.22F * after;
      before = here;
    }
  }
}

static uint8_t developed(float c, float exposure, float grain) {
  const float v = sqrtf(1.0F - expf(-fmaxf(c, 0.0F) * exposure)) + grain;
  return v <= 0.0F ? 0 : v >= 1.0F ? 255 : (uint8_t)(v * 255.0F + 0.5F);
}

/* Exposure, white balance, saturation and grain. */
static void develop(const look *l, const float *c, int count, uint8_t *out, uint64_t seed) {
  dice d = {seed};
  for (int i = 0; i < count; i++, c += 3, out += 3) {
    const float gray = 0.3F * c[0] + 0.55F * c[1] + 0.15F * c[2];
    const uint64_t bits = dice_next(&d);
    const float g0 = l->grain * ((float)(bits & 1023U) / 512.0F - 1.0F);
    const float g1 = l->grain * ((float)((bits >> 10) & 1023U) / 512.0F - 1.0F);
    const float g2 = l->grain * ((float)((bits >> 20) & 1023U) / 512.0F - 1.0F);
    out[0] = developed((gray + (c[0] - gray) * l->color) * l->balance.r, l->exposure, g0 + g1);
    out[1] = developed((gray + (c[1] - gray) * l->color) * l->balance.g, l->exposure, g0);
    out[2] = developed((gray + (c[2] - gray) * l->color) * l->balance.b, l->exposure, g0 + g2);
  }
}

bool scene_paint(const scene *s, const look *l, const surface *surfaces, uint8_t *out) {
  const int count = s->width * s->height;
  float *light = malloc((size_t)count * 3 * sizeof *light);
  if (!light) return false;
  for (int i = 0; i < count; i++) {
    const rgb c = lit(s, l, &surfaces[i]);
    light[3 * i] = c.r;
    light[3 * i + 1] = c.g;
    light[3 * i + 2] = c.b;
  }
  for (int y = 0; y < s->height; y++) soften(light + (int64_t)y * s->width * 3, s->width, 3);
  for (int x = 0; x < s->width; x++) soften(light + (int64_t)x * 3, s->height, s->width * 3);
  develop(l, light, count, out, seed_mix(l->seed, 3));
  free(light);
  return true;
}
