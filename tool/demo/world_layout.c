/* demo/world_layout.c - draws scenes: what is where in a street. */
#include <math.h>
#include <string.h>

#include "demo/world.h"
#include "demo/world_random.h"

/* Kinds of sceneries, from open country to the inner city. */
typedef struct scenery {
  float buildings; /* share of the sides that is built up */
  float woods;     /* share of the rest that is wood or hedge, the others fence or open */
  float height;    /* of buildings, meters */
  float lane_low, lane_high, walk_low, walk_high, setback;
  float grass;                      /* chance that the verge is grass */
  float trees, poles, cars, people; /* how many, at most */
} scenery;

static const scenery sceneries[] = {
    {0.10F, 0.70F, 5.0F, 2.8F, 4.0F, 0.0F, 0.6F, 5.0F, 1.0F, 7.0F, 3.0F, 3.0F, 1.0F},
    {0.55F, 0.60F, 7.5F, 3.0F, 4.5F, 1.4F, 2.6F, 3.0F, 0.7F, 8.0F, 6.0F, 9.0F, 6.0F},
    {0.92F, 0.50F, 15.0F, 3.2F, 5.5F, 2.0F, 4.0F, 0.4F, 0.0F, 5.0F, 9.0F, 13.0F, 16.0F},
    {0.80F, 0.60F, 22.0F, 5.0F, 8.5F, 2.5F, 5.0F, 1.5F, 0.1F, 9.0F, 10.0F, 17.0F, 13.0F},
    {0.25F, 0.55F, 9.0F, 6.5F, 10.0F, 0.3F, 1.0F, 2.0F, 0.9F, 3.0F, 8.0F, 15.0F, 0.0F},
};

static void camera_draw(scene *s, dice *d) {
  s->focal = (float)s->width * dice_real(d, 0.85F, 1.15F);
  s->middle = (float)s->width * dice_real(d, 0.38F, 0.62F);
  s->horizon = (float)s->height * dice_real(d, 0.40F, 0.55F);
  s->eye = dice_chance(d, 0.2F) ? dice_real(d, 2.2F, 3.2F) : dice_real(d, 1.3F, 1.9F);
  s->bend = dice_chance(d, 0.4F) ? dice_real(d, -0.0022F, 0.0022F) : 0.0F;
  s->bonnet = dice_chance(d, 0.25F);
}

static void stretch_draw(scene *s, int side, float from, float to, const scenery *p, dice *d) {
  stretch *new = &s->side[side][s->side_count[side]];
  if (s->side_count[side] == STRETCHES) return;
  *new = (stretch){.from = from, .to = to, .thing = s->things};
  if (dice_chance(d, p->buildings)) {
    new->class_index = BUILDING;
    new->height = p->height *dice_real(d, 0.55F, 1.5F);
  } else if (dice_chance(d, p->woods)) {
    new->class_index = TREE;
    new->height = dice_chance(d, 0.4F) ? dice_real(d, 1.2F, 2.5F) : dice_real(d, 4.0F, 10.0F);
  } else if (dice_chance(d, 0.7F)) {
    new->class_index = FENCE;
    new->height = dice_real(d, 0.9F, 2.2F);
  } else {
    return; /* open */
  }
  s->things++;
  s->side_count[side]++;
}

static void sides_draw(scene *s, const scenery *p, dice *d) {
  for (int side = 0; side < SIDES; side++) {
    s->wall[side] = s->lane + s->walk + p->setback * dice_real(d, 0.3F, 2.0F) + 0.3F;
    for (float z = 0.0F; z < s->end;) {
      const float length = dice_real(d, 7.0F, 24.0F);
      stretch_draw(s, side, z, z + length, p, d);
      z += length + (dice_chance(d, 0.25F) ? dice_real(d, 1.0F, 6.0F) : 0.0F);
    }
  }
}

static void sprite_add(scene *s, sprite new) {
  if (s->sprite_count == SPRITES || new.z < 2.0F || new.z > s->end) return;
  new.x += s->bend *new.z *new.z;
  s->sprites[s->sprite_count++] = new;
}

/* Near things are drawn more often than an even spread would: they matter more. */
static float distance_draw(dice *d, float nearest, float farthest) {
  const float t = dice_real(d, 0.0F, 1.0F);
  return nearest + (farthest - nearest) * t * t;
}

static float either_side(dice *d, float x) { return dice_chance(d, 0.5F) ? x : -x; }

static void tree_draw(scene *s, dice *d) {
  const float height = dice_real(d, 3.5F, 9.0F);
  const bool conifer = dice_chance(d, 0.2F);
  sprite_add(s, (sprite){.x = either_side(d, s->lane + s->walk * 0.8F + dice_real(d, 0.3F, 2.5F)),
                         .z = distance_draw(d, 9.0F, s->end * 0.8F),
                         .width = height * (conifer ? 0.45F : dice_real(d, 0.6F, 0.95F)),
                         .height = height,
                         .class_index = TREE,
                         .shape = conifer ? SHAPE_CONIFER : SHAPE_TREE,
                         .thing = s->things++});
}

static void pole_draw(scene *s, dice *d) {
  const float x = either_side(d, s->lane + dice_real(d, 0.2F, 0.8F));
  const float z = distance_draw(d, 5.0F, 40.0F);
  const bool lamp = dice_chance(d, 0.55F);
  const float height = lamp ? dice_real(d, 5.0F, 8.0F) : dice_real(d, 2.4F, 3.4F);
  sprite_add(s, (sprite){.x = x,
                         .z = z,
                         .width = lamp ? 1.6F : 0.14F,
                         .height = height,
                         .class_index = POLE,
                         .shape = lamp ? SHAPE_LAMP : SHAPE_POLE,
                         .thing = s->things++,
                         .mirrored = x > 0.0F});
  if (lamp && dice_chance(d, 0.7F)) return;
  const bool disc = dice_chance(d, 0.6F);
  const float side = dice_real(d, 0.6F, 1.0F);
  sprite_add(s, (sprite){.x = x,
                         .z = z - 0.1F,
                         .width = disc ? side : side * 1.5F,
                         .height = side,
                         .base = lamp ? 2.4F : height - side,
                         .class_index = SIGN,
                         .shape = disc ? SHAPE_DISC : SHAPE_BOARD,
                         .thing = s->things++});
}

static void car_draw(scene *s, dice *d) {
  const bool parked = dice_chance(d, 0.55F), side_view = !parked && dice_chance(d, 0.15F);
  const float x = parked ? s->lane - dice_real(d, 0.8F, 1.1F) : s->lane * dice_real(d, 0.25F, 0.6F);
  sprite_add(s, (sprite){.x = either_side(d, x),
                         .z = distance_draw(d, parked ? 6.0F : 8.0F, 55.0F),
                         .width = side_view ? dice_real(d, 3.8F, 4.6F) : dice_real(d, 1.7F, 2.1F),
                         .height = dice_real(d, 1.4F, 1.9F),
                         .class_index = CAR,
                         .shape = side_view ? SHAPE_SIDE : SHAPE_REAR,
                         .thing = s->things++,
                         .mirrored = dice_chance(d, 0.5F)});
}

static void person_draw(scene *s, dice *d) {
  const bool cyclist = dice_chance(d, 0.28F);
  const float height = cyclist ? dice_real(d, 1.65F, 1.85F) : dice_real(d, 1.5F, 1.9F);
  const float x = cyclist ? s->lane * dice_real(d, 0.5F, 0.9F)
                          : s->lane + (s->walk + 0.5F) * dice_real(d, -0.15F, 0.9F);
  sprite_add(s, (sprite){.x = either_side(d, x),
                         .z = distance_draw(d, 5.0F, 32.0F),
                         .width = cyclist ? 1.6F : 0.62F,
                         .height = height,
                         .class_index = cyclist ? BICYCLIST : PEDESTRIAN,
                         .shape = cyclist ? SHAPE_CYCLIST : SHAPE_PERSON,
                         .thing = s->things++,
                         .mirrored = dice_chance(d, 0.5F)});
}

/* A bin or a box: nothing that has a class. */
static void bin_draw(scene *s, dice *d) {
  sprite_add(s, (sprite){.x = either_side(d, s->lane + dice_real(d, 0.4F, 1.2F)),
                         .z = distance_draw(d, 6.0F, 25.0F),
                         .width = 0.7F,
                         .height = 1.1F,
                         .class_index = VOID_LABEL,
                         .shape = SHAPE_BIN,
                         .thing = s->things++});
}

static void many(scene *s, dice *d, float most, float hard, void (*draw)(scene *, dice *)) {
  const int count = (int)(most * (0.12F + 0.88F * hard) * dice_real(d, 0.5F, 1.2F) + 0.5F);
  for (int i = 0; i < count; i++) draw(s, d);
}

/* Far things first, so that near ones cover them. */
static void sprites_sort(scene *s) {
  for (int i = 1; i < s->sprite_count; i++)
    for (int j = i; j > 0 && s->sprites[j].z > s->sprites[j - 1].z; j--) {
      const sprite other = s->sprites[j];
      s->sprites[j] = s->sprites[j - 1];
      s->sprites[j - 1] = other;
    }
}

static const scenery *scenery_draw(float hard, dice *d) {
  const int last = (int)(sizeof sceneries / sizeof *sceneries) - 1;
  if (hard < 0.35F) return &sceneries[dice_chance(d, 0.6F) ? 0 : dice_whole(d, 1, 4)];
  return &sceneries[dice_whole(d, hard > 0.65F ? 1 : 0, last)];
}

void scene_draw(scene *s, int width, int height, float hard, uint64_t seed) {
  dice d = {seed};
  memset(s, 0, sizeof *s);
  s->width = width;
  s->height = height;
  s->seed = seed;
  s->things = 1; /* 0: the ground and the sky */
  const scenery *p = scenery_draw(hard, &d);
  camera_draw(s, &d);
  s->lane = dice_real(&d, p->lane_low, p->lane_high);
  s->walk = dice_real(&d, p->walk_low, p->walk_high);
  s->verge = dice_chance(&d, p->grass) ? TREE : PAVEMENT;
  s->end = dice_real(&d, 55.0F, 130.0F);
  s->backdrop = dice_chance(&d, p->buildings * 0.7F) ? BUILDING : TREE;
  s->backdrop_height = dice_real(&d, 0.6F, 1.6F) * (s->backdrop == BUILDING ? p->height : 8.0F);
  sides_draw(s, p, &d);
  many(s, &d, p->trees, hard, tree_draw);
  many(s, &d, p->poles, hard, pole_draw);
  many(s, &d, p->cars, hard, car_draw);
  many(s, &d, p->people, hard, person_draw);
  many(s, &d, 2.0F, hard * hard, bin_draw);
  sprites_sort(s);
}
