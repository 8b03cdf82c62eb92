/* demo/world_errors.c - what a generator gets wrong: planted, with the truth kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "demo/world.h"
#include "demo/world_random.h"

/* Classes that a generator takes for one another; each row ends with its own class. */
static const uint8_t confused[WORLD_CLASSES][4] = {
    [SKY] = {BUILDING, TREE, ROAD, SKY},
    [BUILDING] = {TREE, SKY, FENCE, BUILDING},
    [POLE] = {TREE, BUILDING, POLE, POLE},
    [ROAD] = {PAVEMENT, TREE, BUILDING, ROAD},
    [PAVEMENT] = {ROAD, TREE, FENCE, PAVEMENT},
    [TREE] = {BUILDING, SKY, FENCE, TREE},
    [SIGN] = {BUILDING, TREE, SIGN, SIGN},
    [FENCE] = {TREE, PAVEMENT, BUILDING, FENCE},
    [CAR] = {BUILDING, ROAD, TREE, CAR},
    [PEDESTRIAN] = {BUILDING, PAVEMENT, TREE, PEDESTRIAN},
    [BICYCLIST] = {ROAD, TREE, PAVEMENT, BICYCLIST},
};

typedef struct plant {
  const scene *s;
  surface *shown;
  const surface *meant; /* the scene as it should be */
  uint8_t *truth;
  dice dice;
  bool failed; /* memory ran out */
  flaw_rate rate;
} plant;

static uint8_t confused_with(uint8_t class_index, dice *d) {
  const uint8_t *row = confused[class_index];
  int count = 0;
  while (row[count] != class_index) count++;
  return row[dice_whole(d, 0, count - 1)];
}

/* Truth is where image and mask disagree, whatever changed it last. */
static void show(plant *p, int at, const surface *what, uint8_t kind) {
  if (p->meant[at].class_index == VOID_LABEL) return;
  p->shown[at] = *what;
  p->truth[at] = what->class_index != p->meant[at].class_index ? kind : ERROR_NONE;
}

/* The same place as another class. Sky has no place, so it gets one, and the other way round. */
static surface as_class(const scene *s, const surface *from, uint8_t class_index, int at) {
  surface to = *from;
  to.class_index = class_index;
  to.part = PART_NONE;
  to.round = 0.0F;
  const float dx = ((float)(at % s->width) + 0.5F - s->middle) / s->focal;
  const float dy = ((float)(at / s->width) + 0.5F - s->horizon) / s->focal;
  if (class_index == SKY) {
    to.facing = FACING_SKY;
    to.u = dx;
    to.v = fabsf(dy);
  } else if (from->class_index == SKY) {
    to.facing = FACING_CAMERA;
    to.depth = 30.0F;
    to.u = dx * to.depth;
    to.v = s->eye - dy * to.depth;
  }
  return to;
}

/* A pixel that has a class. */
static int pixel_draw(plant *p) {
  const int count = p->s->width * p->s->height;
  for (int i = 0; i < 1000; i++) {
    const int at = dice_whole(&p->dice, 0, count - 1);
    if (p->meant[at].class_index != VOID_LABEL) return at;
  }
  return -1;
}

/* A region, or a ragged part of it around the pixel drawn, shown as another class. */
static bool plant_texture(plant *p) {
  const int at = pixel_draw(p), width = p->s->width, height = p->s->height;
  if (at < 0) return false;
  const surface from = p->meant[at];
  const uint8_t other = confused_with(from.class_index, &p->dice);
  const uint32_t seed = (uint32_t)dice_next(&p->dice);
  const float reach = (float)height * dice_real(&p->dice, 0.12F, 0.42F);
  const float flat = dice_real(&p->dice, 0.6F, 1.6F);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const surface *here = &p->meant[y * width + x];
      if (here->class_index != from.class_index || here->thing != from.thing) continue;
      const float dx = (float)(x - at % width) / reach, dy = (float)(y - at / width) / reach * flat;
      const float rough = noise_sum(seed, (float)x * 5.0F / reach, (float)y * 5.0F / reach, 3);
      if (dx * dx + dy * dy > 0.55F + 0.9F * rough) continue;
      const surface new = as_class(p->s, here, other, y * width + x);
      show(p, y * width + x, &new, ERROR_TEXTURE);
    }
  return true;
}

/* Pixels of a sprite that can be seen. */
static int pixels_of(const plant *p, uint16_t thing) {
  int sum = 0;
  for (int i = 0; i < p->s->width * p->s->height; i++) sum += p->meant[i].thing == thing;
  return sum;
}

/* Things vanish: what is behind them shows. */
static bool plant_missing(plant *p) {
  const int count = p->s->width * p->s->height, sprites = p->s->sprite_count;
  uint16_t gone[4];
  int gone_count = 0;
  for (int i = 0; i < 12 && sprites > 0 && gone_count < 4; i++) {
    const uint16_t thing = p->s->sprites[dice_whole(&p->dice, 0, sprites - 1)].thing;
    if (pixels_of(p, thing) * 2500 < count) continue;
    gone[gone_count++] = thing;
    if (dice_chance(&p->dice, 0.5F)) break;
  }
  if (gone_count == 0) return false;
  surface *rest = malloc((size_t)count * sizeof *rest);
  p->failed = !rest;
  if (!rest) return false;
  scene_trace(p->s, gone, gone_count, rest);
  for (int i = 0; i < count; i++)
    for (int k = 0; k < gone_count; k++)
      if (p->meant[i].thing == gone[k]) show(p, i, &rest[i], ERROR_MISSING);
  free(rest);
  return true;
}

/* A pixel at the border of two classes. */
static int border_draw(plant *p) {
  for (int i = 0; i < 400; i++) {
    const int at = pixel_draw(p), x = at < 0 ? 0 : at % p->s->width;
    if (at < 0 || x < 3 || x > p->s->width - 4 || at < 3 * p->s->width) continue;
    const uint8_t c = p->meant[at].class_index;
    if (p->meant[at - 3].class_index != c || p->meant[at + 3].class_index != c ||
        p->meant[at - 3 * p->s->width].class_index != c)
      return at;
  }
  return -1;
}

/* Around a border pixels come from somewhere near: borders wander, thin things break. */
static bool plant_smear(plant *p) {
  const int width = p->s->width, height = p->s->height, at = border_draw(p);
  if (at < 0) return false;
  const uint32_t seed = (uint32_t)dice_next(&p->dice);
  const float reach = (float)height * dice_real(&p->dice, 0.12F, 0.28F);
  const float pull = (float)height * dice_real(&p->dice, 0.05F, 0.11F);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const float dx = (float)(x - at % width) / reach, dy = (float)(y - at / width) / reach;
      const float here = 1.0F - dx * dx - dy * dy, grain = 3.0F / reach;
      if (here <= 0.0F) continue;
      const float strength = pull * 2.0F * fminf(1.0F, 2.0F * here);
      const float a = noise_sum(seed, (float)x * grain, (float)y * grain, 2) - 0.5F;
      const float b = noise_sum(seed + 77U, (float)x * grain, (float)y * grain, 2) - 0.5F;
      const int fx = x + (int)(strength * a * 2.0F), fy = y + (int)(strength * b * 2.0F);
      if (fx < 0 || fx >= width || fy < 0 || fy >= height) continue;
      const surface *from = &p->meant[fy * width + fx];
      if (from->class_index != VOID_LABEL) show(p, y * width + x, from, ERROR_SMEAR);
    }
  return true;
}

/* A thing of the scene appears once more, elsewhere. */
static bool plant_surplus(plant *p) {
  const int count = p->s->width * p->s->height, sprites = p->s->sprite_count;
  if (sprites == 0 || sprites == SPRITES) return false;
  scene *more = malloc(sizeof *more);
  surface *with = malloc((size_t)count * sizeof *with);
  p->failed = !more || !with;
  if (!p->failed) {
    *more = *p->s;
    sprite *new = &more->sprites[more->sprite_count++];
    *new = p->s->sprites[dice_whole(&p->dice, 0, sprites - 1)];
    new->x += dice_real(&p->dice, -5.0F, 5.0F);
    new->z = dice_real(&p->dice, 6.0F, 22.0F);
    new->thing = UINT16_MAX;
    scene_trace(more, NULL, 0, with);
    for (int i = 0; i < count; i++)
      if (with[i].thing == UINT16_MAX) show(p, i, &with[i], ERROR_TEXTURE);
  }
  free(with);
  free(more);
  return !p->failed;
}

/* How many of each kind: a fifth of all images is as it should be. */
static void plant_all(plant *p, flaws *planted) {
  static bool (*const kinds[ERROR_KINDS])(plant *) = {NULL, plant_texture, plant_missing,
                                                      plant_smear};
  if (dice_chance(&p->dice, 0.2F)) return;
  const int usual = dice_whole(&p->dice, 1, 6);
  const int count = (int)lroundf((float)usual * p->rate.errors);
  for (int i = 0; i < count && !p->failed; i++) {
    const int kind = dice_chance(&p->dice, 0.45F)  ? ERROR_TEXTURE
                     : dice_chance(&p->dice, 0.5F) ? ERROR_MISSING
                                                   : ERROR_SMEAR;
    if (kinds[kind](p)) planted->planted[kind]++;
    if (p->rate.surplus && dice_chance(&p->dice, 0.3F) && plant_surplus(p))
      planted->planted[ERROR_TEXTURE]++;
  }
}

bool flaws_plant(const scene *s, const flaw_rate *rate, surface *surfaces, uint8_t *truth,
                 flaws *planted, uint64_t seed) {
  const size_t count = (size_t)s->width * (size_t)s->height;
  surface *meant = malloc(count * sizeof *meant);
  if (!meant) return false;
  memcpy(meant, surfaces, count * sizeof *meant);
  memset(truth, ERROR_NONE, count);
  memset(planted, 0, sizeof *planted);
  plant p = {s, surfaces, meant, truth, {seed}, false, *rate};
  plant_all(&p, planted);
  free(meant);
  return !p.failed;
}
