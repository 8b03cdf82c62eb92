/* demo/demo_make.c - writes the demo's world: photographs, masks, generated images, truth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "demo/demo.h"
#include "demo/world_random.h"

enum { JPEG_QUALITY = 92 };
/* Seeds of a scene's parts. */
enum { SEED_SCENE = 1, SEED_PHOTOGRAPH = 2, SEED_LOOKS = 100, SEED_FLAWS = 1000000 };

typedef struct maker {
  const demo_world *world;
  fm_context *context;
  outdir *out;
  int32_t jpeg_quality; /* 0: PNG */
  int64_t planted[ERROR_KINDS];
} maker;

/* A worker's memory. */
typedef struct studio {
  scene scene;
  surface *meant, *shown;
  uint8_t *mask, *truth, *image;
  int64_t planted[ERROR_KINDS];
} studio;

char *demo_name(const char *below, int64_t scene_number, int64_t image, const char *extension) {
  text t = {0};
  text_add(&t, "%s/scene_%04lld", below, (long long)scene_number + 1);
  if (image >= 0) text_add(&t, "_seed_%lld", (long long)(DEMO_FIRST_SEED + image));
  text_add(&t, ".%s", extension);
  return t.data;
}

static int studio_open(void *shared, void **own, fault *f) {
  const maker *m = shared;
  const size_t count = (size_t)m->world->width * (size_t)m->world->height;
  studio *s = alloc_zeroed(1, sizeof *s);
  (void)f;
  s->meant = alloc_zeroed(count, sizeof *s->meant);
  s->shown = alloc_zeroed(count, sizeof *s->shown);
  s->mask = alloc_zeroed(count, 1);
  s->truth = alloc_zeroed(count, 1);
  s->image = alloc_zeroed(count, 3);
  *own = s;
  return EXIT_FINE;
}

static int studio_close(void *shared, void *own, bool good, fault *f) {
  maker *m = shared;
  studio *s = own;
  (void)f;
  for (int k = 0; good && k < ERROR_KINDS; k++) m->planted[k] += s->planted[k];
  free(s->meant);
  free(s->shown);
  free(s->mask);
  free(s->truth);
  free(s->image);
  free(s);
  return EXIT_FINE;
}

static int write_plane(const maker *m, const char *below, int64_t number, int64_t image,
                       const uint8_t *pixels, fault *f) {
  char *name = demo_name(below, number, image, "png"), *path = NULL;
  const fm_plane plane = fm_plane_make(pixels, FM_U8, m->world->height, m->world->width);
  fm_error err;
  int code = outdir_path(m->out, name, &path, f);
  if (!code && fm_mask_write(m->context, path, &plane, NULL, &err))
    code = fault_library(f, &err, path);
  if (!code) outdir_made(m->out, path);
  free(path);
  free(name);
  return code;
}

static fm_volume interleaved(uint8_t *pixels, int64_t width, int64_t height) {
  fm_volume v = fm_volume_make(pixels, FM_U8, 3, height, width);
  v.channel_stride = 1;
  v.col_stride = 3;
  v.row_stride = 3 * width;
  return v;
}

static int write_image(const maker *m, const char *below, int64_t number, int64_t image,
                       uint8_t *pixels, fault *f) {
  char *name = demo_name(below, number, image, m->jpeg_quality ? "jpg" : "png"), *path = NULL;
  const fm_volume volume = interleaved(pixels, m->world->width, m->world->height);
  const fm_write_options options = {.size = sizeof options, .jpeg_quality = m->jpeg_quality};
  fm_error err;
  int code = outdir_path(m->out, name, &path, f);
  if (!code && fm_image_write(m->context, path, &volume, &options, &err))
    code = fault_library(f, &err, path);
  if (!code) outdir_made(m->out, path);
  free(path);
  free(name);
  return code;
}

static int no_memory(fault *f) {
  return fault_set(f, EXIT_IO, "out of memory while the demo's world was made");
}

/* The photograph of a scene and its mask. */
static int make_real(const maker *m, studio *s, int64_t number, uint64_t seed, fault *f) {
  const size_t count = (size_t)m->world->width * (size_t)m->world->height;
  look l;
  scene_trace(&s->scene, NULL, 0, s->meant);
  for (size_t i = 0; i < count; i++) s->mask[i] = s->meant[i].class_index;
  look_draw(&l, false, seed_mix(seed, SEED_PHOTOGRAPH));
  if (!scene_paint(&s->scene, &l, s->meant, s->image)) return no_memory(f);
  int code = write_plane(m, "real/masks", number, -1, s->mask, f);
  if (!code) code = write_image(m, "real/images", number, -1, s->image, f);
  return code;
}

/* What a generator makes of the mask. Light and colors come from one seed, errors from another:
 * nothing in names, order or looks shows which images are flawed. */
static int make_synthetic(const maker *m, studio *s, int64_t number, int64_t image, uint64_t seed,
                          fault *f) {
  const size_t count = (size_t)m->world->width * (size_t)m->world->height;
  const uint64_t own = (uint64_t)image;
  look l;
  flaws planted;
  memcpy(s->shown, s->meant, count * sizeof *s->shown);
  look_draw(&l, true, seed_mix(seed, SEED_LOOKS + own));
  const flaw_rate rate = {(float)m->world->errors, m->world->surplus};
  const uint64_t flawed = SEED_FLAWS + (m->world->shared ? 0 : own);
  if (!flaws_plant(&s->scene, &rate, s->shown, s->truth, &planted, seed_mix(seed, flawed)) ||
      !scene_paint(&s->scene, &l, s->shown, s->image))
    return no_memory(f);
  for (int k = 0; k < ERROR_KINDS; k++) s->planted[k] += planted.planted[k];
  int code = write_plane(m, "synthetic/masks", number, image, s->mask, f);
  if (!code) code = write_image(m, "synthetic/images", number, image, s->image, f);
  if (!code) code = write_plane(m, "truth", number, image, s->truth, f);
  return code;
}

static int make_scene(void *shared, void *own, size_t index, fault *f) {
  const maker *m = shared;
  studio *s = own;
  const uint64_t seed = seed_mix(m->world->seed, index);
  /* easy and hard scenes in turn, whatever their number: multiples of the golden ratio */
  const double turn = 0.6180339887 * (double)(index + 1);
  const float hard = (float)(turn - (double)(int64_t)turn);
  scene_draw(&s->scene, m->world->width, m->world->height, hard, seed_mix(seed, SEED_SCENE));
  int code = make_real(m, s, (int64_t)index, seed, f);
  for (int64_t i = 0; i < m->world->per_mask && !code; i++)
    code = make_synthetic(m, s, (int64_t)index, i, seed, f);
  return code;
}

static int swallow(const void *data, size_t size, void *user) {
  (void)data;
  (void)size;
  (void)user;
  return 0;
}

/* Was the library built with JPEG? */
static int32_t jpeg_quality(fm_context *context) {
  uint8_t pixels[8 * 8 * 3] = {0};
  const fm_volume volume = interleaved(pixels, 8, 8);
  const fm_write_options options = {.size = sizeof options, .jpeg_quality = JPEG_QUALITY};
  return fm_image_encode(context, &volume, &options, swallow, NULL, NULL) ? 0 : JPEG_QUALITY;
}

int demo_make(const demo_world *world, const job_common *common, outdir *out,
              int64_t planted[ERROR_KINDS], fault *f) {
  maker m = {.world = world, .out = out};
  fm_error err;
  if (fm_context_create(NULL, &m.context, &err)) return fault_library(f, &err, NULL);
  m.jpeg_quality = jpeg_quality(m.context);
  const pool_job job = {.what = "making the world",
                        .count = (size_t)world->scenes,
                        .threads = (int)common->threads,
                        .quiet = common->quiet,
                        .shared = &m,
                        .begin = studio_open,
                        .work = make_scene,
                        .end = studio_close};
  int code = pool_run(&job, f);
  fm_context_destroy(m.context);
  memcpy(planted, m.planted, sizeof m.planted);
  return code;
}
