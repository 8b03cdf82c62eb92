/* demo/world.h - the demo's world: street scenes that are laid out, traced and painted.
 *
 *   scene   what is where; gives the mask. Drawn from a seed.
 *   surface what each pixel shows of a scene: class, thing, place on it, distance.
 *   look    hour, weather, season, colors and camera. Drawn from another seed: one scene has as
 *           many looks as one wants, which is what a mask-to-image generator makes.
 *
 * Classes are those of the label space `camvid`. */
#ifndef FREEMASK_TOOL_WORLD_H
#define FREEMASK_TOOL_WORLD_H

#include <stdbool.h>
#include <stdint.h>

enum {
  SKY = 0,
  BUILDING,
  POLE,
  ROAD,
  PAVEMENT,
  TREE,
  SIGN,
  FENCE,
  CAR,
  PEDESTRIAN,
  BICYCLIST,
  VOID_LABEL,
  WORLD_CLASSES = 11
};

/* ---- Layout --------------------------------------------------------------------------------- */

/* A stretch of a street's side: meters along it, height; class BUILDING, TREE, FENCE. */
typedef struct stretch {
  float from, to, height;
  uint8_t class_index;
  uint16_t thing;
} stretch;

/* Something flat that faces the camera. */
typedef struct sprite {
  float x, z;          /* of its foot's middle, meters: to the right, ahead */
  float width, height; /* meters */
  float base;          /* above the ground */
  uint8_t class_index, shape;
  uint16_t thing;
  bool mirrored;
} sprite;

enum { STRETCHES = 40, SPRITES = 96, SIDES = 2 };

typedef struct scene {
  int width, height;
  uint64_t seed;
  float middle, horizon, focal, eye; /* of the camera: pixels, pixels, pixels, meters */
  float bend;                        /* the street's middle at z is bend * z * z */
  float lane;                        /* half the road's width */
  float walk;                        /* the pavements' width; beyond is `verge` */
  uint8_t verge;                     /* PAVEMENT or TREE (grass) */
  float wall[SIDES];                 /* meters from the middle to what lines the street */
  stretch side[SIDES][STRETCHES];
  int side_count[SIDES];
  float end; /* meters to the backdrop */
  uint8_t backdrop;
  float backdrop_height;
  bool bonnet; /* of the camera's own car, at the lower border: void */
  sprite sprites[SPRITES];
  int sprite_count;
  uint16_t things;
} scene;

/* Draws a scene; `hard` from 0 (few large regions) to 1 (crowded). */
void scene_draw(scene *s, int width, int height, float hard, uint64_t seed);

/* ---- Surfaces ------------------------------------------------------------------------------- */

enum { FACING_SKY = 0, FACING_UP, FACING_RIGHT, FACING_LEFT, FACING_CAMERA };

/* What a pixel shows. */
typedef struct surface {
  float depth; /* meters */
  float u, v;  /* place on the thing in meters; v is up, or ahead on the ground */
  float round; /* -1 (left rim) .. 1 (right rim) of a round thing; 0: flat */
  uint16_t thing;
  uint8_t class_index;
  uint8_t part; /* of a sprite: a PART_ */
  uint8_t facing;
} surface;

/* Fills [height][width]. Sprites whose thing is in `without` are left out. */
void scene_trace(const scene *s, const uint16_t *without, int without_count, surface *out);

enum {
  PART_NONE = 0,
  PART_MAIN,   /* crown, body, coat, board */
  PART_SECOND, /* trunk, window, legs, frame */
  PART_DARK,   /* wheels */
  PART_SKIN,
  PART_LAMP
};

enum {
  SHAPE_TREE = 1,
  SHAPE_CONIFER,
  SHAPE_POLE,
  SHAPE_LAMP,
  SHAPE_DISC,
  SHAPE_BOARD,
  SHAPE_REAR,
  SHAPE_SIDE,
  SHAPE_PERSON,
  SHAPE_CYCLIST,
  SHAPE_BIN
};

/* Which part of a shape is at `u` (-1 .. 1) and `v` (0 foot .. 1 top); PART_NONE: none. */
uint8_t shape_part(uint8_t shape, float u, float v, uint32_t seed);

/* ---- Looks ---------------------------------------------------------------------------------- */

typedef struct rgb {
  float r, g, b; /* linear light */
} rgb;

typedef struct look {
  uint64_t seed;
  float sun_x, sun_up, sun_z; /* direction to the sun */
  rgb sun, ambient, zenith, horizon, fog;
  float clouds, fog_density, exposure, night, wet, grain, color;
  rgb leaf, road, pavement, balance;
} look;

/* Draws a look. `made` for what a generator would do: it knows no sensor noise, and its light and
 * colors are a little off those of photographs. */
void look_draw(look *l, bool made, uint64_t seed);

/* The color of a surface in even white light. */
rgb paint(const scene *s, const look *l, const surface *at);

/* Paints all surfaces into U8 RGB [height][width][3]. False without memory. */
bool scene_paint(const scene *s, const look *l, const surface *surfaces, uint8_t *out);

/* ---- Errors --------------------------------------------------------------------------------- */

enum { ERROR_NONE = 0, ERROR_TEXTURE, ERROR_MISSING, ERROR_SMEAR, ERROR_KINDS };

/* How much goes wrong. */
typedef struct flaw_rate {
  float errors; /* times the usual number of errors; 0: none */
  bool surplus; /* things appear that the mask does not have, too (ERROR_TEXTURE) */
} flaw_rate;

/* What went wrong in one generated image, as truth per pixel: an ERROR_, only where the image shows
 * another class than the mask says. */
typedef struct flaws {
  int planted[ERROR_KINDS];
} flaws;

/* Changes what the image will show. `surfaces` holds the scene as traced (the mask), and afterwards
 * what a flawed generator makes of it; `truth` is [height][width]. False without memory. */
bool flaws_plant(const scene *s, const flaw_rate *rate, surface *surfaces, uint8_t *truth,
                 flaws *planted, uint64_t seed);

#endif
