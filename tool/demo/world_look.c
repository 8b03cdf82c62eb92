/* demo/world_look.c - draws hours, weathers, seasons and cameras. */
#include <math.h>

#include "demo/world.h"
#include "demo/world_random.h"

/* An hour's light; values lie between two of these. */
typedef struct hour {
  float share; /* of all looks */
  float up_low, up_high;
  rgb sun, ambient, zenith, horizon;
  float clouds_low, clouds_high, fog_low, fog_high, exposure, night;
} hour;

static const hour hours[] = {
    /* clear */
    {0.44F,
     0.45F,
     1.2F,
     {1.35F, 1.24F, 1.05F},
     {0.30F, 0.36F, 0.46F},
     {0.16F, 0.34F, 0.72F},
     {0.62F, 0.74F, 0.88F},
     0.1F,
     0.7F,
     0.0002F,
     0.0030F,
     1.25F,
     0.0F},
    /* overcast */
    {0.26F,
     0.6F,
     1.2F,
     {0.16F, 0.16F, 0.16F},
     {0.72F, 0.74F, 0.78F},
     {0.62F, 0.66F, 0.72F},
     {0.82F, 0.84F, 0.86F},
     0.5F,
     1.0F,
     0.0010F,
     0.0070F,
     1.15F,
     0.0F},
    /* low sun */
    {0.17F,
     0.12F,
     0.35F,
     {1.45F, 0.92F, 0.50F},
     {0.26F, 0.27F, 0.38F},
     {0.22F, 0.33F, 0.62F},
     {1.05F, 0.70F, 0.42F},
     0.2F,
     0.8F,
     0.0010F,
     0.0050F,
     1.3F,
     0.0F},
    /* mist */
    {0.06F,
     0.4F,
     0.9F,
     {0.22F, 0.21F, 0.20F},
     {0.62F, 0.64F, 0.66F},
     {0.70F, 0.72F, 0.74F},
     {0.78F, 0.79F, 0.80F},
     0.6F,
     1.0F,
     0.0080F,
     0.0200F,
     1.1F,
     0.0F},
    /* night */
    {0.07F,
     0.5F,
     1.0F,
     {0.02F, 0.03F, 0.05F},
     {0.10F, 0.12F, 0.19F},
     {0.010F, 0.015F, 0.04F},
     {0.10F, 0.09F, 0.09F},
     0.2F,
     0.8F,
     0.0010F,
     0.0050F,
     2.2F,
     1.0F},
};

static rgb tinted(rgb c, dice *d, float much) {
  return (rgb){c.r * dice_real(d, 1.0F - much, 1.0F + much),
               c.g * dice_real(d, 1.0F - much, 1.0F + much),
               c.b * dice_real(d, 1.0F - much, 1.0F + much)};
}

static const hour *hour_draw(dice *d) {
  const int last = (int)(sizeof hours / sizeof *hours) - 1;
  float at = dice_real(d, 0.0F, 1.0F);
  for (int i = 0; i < last; i++) {
    if (at < hours[i].share) return &hours[i];
    at -= hours[i].share;
  }
  return &hours[last];
}

static void sun_draw(look *l, const hour *h, dice *d) {
  const float turn = dice_real(d, 0.0F, 6.2832F), up = dice_real(d, h->up_low, h->up_high);
  l->sun_x = sinf(turn) * cosf(up);
  l->sun_z = cosf(turn) * cosf(up);
  l->sun_up = sinf(up);
}

static void season_draw(look *l, dice *d) {
  static const rgb leaves[] = {
      {0.13F, 0.24F, 0.05F}, {0.10F, 0.20F, 0.06F}, {0.20F, 0.28F, 0.06F}, {0.36F, 0.22F, 0.05F}};
  l->leaf = tinted(leaves[dice_chance(d, 0.88F) ? dice_whole(d, 0, 2) : 3], d, 0.15F);
  const float gray = dice_real(d, 0.09F, 0.20F), pale = dice_real(d, 0.24F, 0.40F);
  l->road = tinted((rgb){gray, gray, gray * 1.03F}, d, 0.05F);
  l->pavement = tinted((rgb){pale * 1.03F, pale, pale * 0.93F}, d, 0.07F);
}

void look_draw(look *l, bool made, uint64_t seed) {
  dice d = {seed};
  const hour *h = hour_draw(&d);
  l->seed = seed;
  sun_draw(l, h, &d);
  l->sun = tinted(h->sun, &d, 0.08F);
  l->ambient = tinted(h->ambient, &d, 0.08F);
  l->zenith = tinted(h->zenith, &d, 0.12F);
  l->horizon = tinted(h->horizon, &d, 0.08F);
  l->fog = l->horizon;
  l->clouds = dice_real(&d, h->clouds_low, h->clouds_high);
  l->fog_density = dice_real(&d, h->fog_low, h->fog_high);
  l->exposure = h->exposure * dice_real(&d, 0.85F, 1.2F);
  l->night = h->night;
  l->wet = dice_chance(&d, 0.15F) ? dice_real(&d, 0.2F, 0.6F) : 0.0F;
  season_draw(l, &d);
  l->balance = tinted((rgb){1.0F, 1.0F, 1.0F}, &d, made ? 0.06F : 0.04F);
  l->grain = made ? 0.004F : dice_real(&d, 0.006F, 0.018F);
  l->color = made ? dice_real(&d, 0.95F, 1.25F) : dice_real(&d, 0.85F, 1.1F);
}
