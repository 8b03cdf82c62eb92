/* demo/demo_score.c - how well the filter found what was planted. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/pool.h"
#include "demo/demo.h"

typedef struct scorer {
  const demo_world *world;
  const char *results;
  fm_context *context;
  demo_score sum;
} scorer;

static int read_plane(const scorer *s, const char *dir, const char *below, size_t index,
                      fm_raster **out, fm_plane *plane, fault *f) {
  const int64_t number = (int64_t)index / s->world->per_mask;
  const int64_t image = (int64_t)index % s->world->per_mask;
  char *name = demo_name(below, number, image, "png"), *path = path_join(dir, name);
  fm_error err;
  int code = EXIT_FINE;
  if (fm_mask_read(s->context, path, NULL, out, &err)) {
    code = fault_library(f, &err, path);
  } else {
    *plane = fm_raster_plane(*out);
    if (plane->dtype != FM_U8 || plane->width != s->world->width ||
        plane->height != s->world->height)
      code = fault_set(f, EXIT_DATA, "%s is not the mask that the demo wrote", path);
  }
  free(path);
  free(name);
  return code;
}

static uint8_t pixel_at(const fm_plane *p, int64_t x, int64_t y) {
  return ((const uint8_t *)p->data)[y * p->row_stride + x * p->col_stride];
}

static void strides_fill(fm_plane *p) {
  if (!p->col_stride) p->col_stride = 1;
  if (!p->row_stride) p->row_stride = p->width;
}

static void count(demo_score *score, fm_plane mask, fm_plane filtered, fm_plane truth) {
  strides_fill(&mask);
  strides_fill(&filtered);
  strides_fill(&truth);
  for (int64_t y = 0; y < mask.height; y++)
    for (int64_t x = 0; x < mask.width; x++) {
      if (pixel_at(&mask, x, y) == VOID_LABEL) continue;
      const bool dropped = pixel_at(&filtered, x, y) == VOID_LABEL;
      const uint8_t kind = pixel_at(&truth, x, y) % ERROR_KINDS;
      score->valid++;
      score->dropped += dropped;
      score->wrong[kind]++;
      score->caught[kind] += dropped;
    }
}

static int begin(void *shared, void **own, fault *f) {
  (void)shared;
  (void)f;
  *own = alloc_zeroed(1, sizeof(demo_score));
  return EXIT_FINE;
}

static int score_image(void *shared, void *own, size_t index, fault *f) {
  const scorer *s = shared;
  fm_raster *rasters[3] = {NULL, NULL, NULL};
  fm_plane mask, filtered, truth;
  int code = read_plane(s, s->world->dir, "synthetic/masks", index, &rasters[0], &mask, f);
  if (!code) code = read_plane(s, s->results, "masks", index, &rasters[1], &filtered, f);
  if (!code) code = read_plane(s, s->world->dir, "truth", index, &rasters[2], &truth, f);
  if (!code) count(own, mask, filtered, truth);
  for (int i = 0; i < 3; i++) fm_raster_destroy(rasters[i]);
  return code;
}

static int end(void *shared, void *own, bool good, fault *f) {
  scorer *s = shared;
  const demo_score *part = own;
  (void)f;
  if (good) {
    s->sum.valid += part->valid;
    s->sum.dropped += part->dropped;
    for (int k = 0; k < ERROR_KINDS; k++) {
      s->sum.wrong[k] += part->wrong[k];
      s->sum.caught[k] += part->caught[k];
    }
  }
  free(own);
  return EXIT_FINE;
}

int demo_score_run(const demo_world *world, const job_common *common, const char *results,
                   demo_score *score, fault *f) {
  scorer s = {.world = world, .results = results};
  fm_error err;
  if (fm_context_create(NULL, &s.context, &err)) return fault_library(f, &err, NULL);
  const pool_job job = {.what = "scoring",
                        .count = (size_t)(world->scenes * world->per_mask),
                        .threads = (int)common->threads,
                        .quiet = common->quiet,
                        .shared = &s,
                        .begin = begin,
                        .work = score_image,
                        .end = end};
  int code = pool_run(&job, f);
  fm_context_destroy(s.context);
  *score = s.sum;
  return code;
}

int64_t demo_wrong(const demo_score *score) {
  return score->wrong[ERROR_TEXTURE] + score->wrong[ERROR_MISSING] + score->wrong[ERROR_SMEAR];
}

int64_t demo_caught(const demo_score *score) {
  return score->caught[ERROR_TEXTURE] + score->caught[ERROR_MISSING] + score->caught[ERROR_SMEAR];
}

static double share(int64_t part, int64_t whole) {
  return whole > 0 ? (double)part / (double)whole : 0.0;
}

static const char *const kinds[ERROR_KINDS] = {"clean", "wrong texture", "missing thing",
                                               "smeared border"};
static const char *const keys[ERROR_KINDS] = {"clean", "texture", "missing", "smear"};

void demo_score_text(const demo_score *s, const int64_t planted[ERROR_KINDS], text *t) {
  const int64_t wrong = demo_wrong(s), caught = demo_caught(s), kept = s->valid - s->dropped;
  text_add(t, "Filter against the planted truth (which it never saw)\n");
  text_add(t, "  wrong pixels    %5.1f %% before, %.1f %% of those kept\n",
           100.0 * share(wrong, s->valid), 100.0 * share(wrong - caught, kept));
  text_add(t, "  precision       %5.1f %% of the dropped pixels were wrong (by chance: %.1f %%)\n",
           100.0 * share(caught, s->dropped), 100.0 * share(wrong, s->valid));
  text_add(t, "  recall          %5.1f %% of the wrong pixels were dropped (by chance: %.1f %%)\n",
           100.0 * share(caught, wrong), 100.0 * share(s->dropped, s->valid));
  for (int k = 1; k < ERROR_KINDS; k++)
    text_add(t, "    %-14s %4.1f %% of %lld pixels, %lld planted\n", kinds[k],
             100.0 * share(s->caught[k], s->wrong[k]), (long long)s->wrong[k],
             (long long)planted[k]);
  text_add(t, "  false drops     %5.1f %% of the clean pixels\n",
           100.0 * share(s->caught[ERROR_NONE], s->wrong[ERROR_NONE]));
}

/* An integer of jansson has 63 bits; larger seeds are written as strings. */
json_t *demo_seed(const demo_world *world) {
  return world->seed <= INT64_MAX ? json_integer((json_int_t)world->seed)
                                  : json_sprintf("%llu", (unsigned long long)world->seed);
}

json_t *demo_score_json(const demo_world *world, const demo_score *s,
                        const int64_t planted[ERROR_KINDS]) {
  const int64_t wrong = demo_wrong(s), caught = demo_caught(s);
  json_t *found = json_object();
  for (int k = 1; k < ERROR_KINDS; k++)
    json_object_set_new(
        found, keys[k],
        json_pack("{s:I, s:I, s:I, s:f}", "planted", (json_int_t)planted[k], "wrong",
                  (json_int_t)s->wrong[k], "caught", (json_int_t)s->caught[k], "recall",
                  share(s->caught[k], s->wrong[k])));
  return json_pack("{s:s, s:i, s:I, s:I, s:i, s:i, s:o, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o}",
                   "format", "freemask-demo-score", "version", 1, "scenes",
                   (json_int_t)world->scenes, "per_mask", (json_int_t)world->per_mask, "width",
                   (int)world->width, "height", (int)world->height, "seed", demo_seed(world),
                   "valid", (json_int_t)s->valid, "dropped", (json_int_t)s->dropped, "wrong",
                   (json_int_t)wrong, "caught", (json_int_t)caught, "precision",
                   share(caught, s->dropped), "recall", share(caught, wrong), "false_drop_share",
                   share(s->caught[ERROR_NONE], s->wrong[ERROR_NONE]), "kinds", found);
}
