/* demo/demo.h - the parts of `freemask demo`: a world in files, and a score against its truth.
 */
#ifndef FREEMASK_TOOL_DEMO_H
#define FREEMASK_TOOL_DEMO_H

#include <jansson.h>

#include "base/text.h"
#include "demo/world.h"
#include "job/jobs.h"
#include "job/outdir.h"

enum { DEMO_FIRST_SEED = 42 };

/* The folder has real/{images,masks}/scene_0001.{jpg,png},
 * synthetic/{images,masks}/scene_0001_seed_42.{jpg,png} and, for the score alone,
 * truth/scene_0001_seed_42.png with an ERROR_ per pixel. Images are PNG where the library was built
 * without JPEG. */
typedef struct demo_world {
  const char *dir;
  int64_t scenes, per_mask;
  int32_t width, height;
  uint64_t seed;
  double errors; /* times the usual number */
  bool surplus;  /* things appear that no mask has */
  bool shared;   /* all images of a scene go wrong alike */
} demo_world;

/* Where a demo's file lies below its folder; caller frees. `image` -1: the real one. */
char *demo_name(const char *below, int64_t scene, int64_t image, const char *extension);

/* Makes the world's files. `planted` gets how many errors of each kind there are. */
int demo_make(const demo_world *world, const job_common *common, outdir *out,
              int64_t planted[ERROR_KINDS], fault *f);

/* Pixels of all synthetic images that have a class. */
typedef struct demo_score {
  int64_t valid, dropped;
  int64_t wrong[ERROR_KINDS];  /* of each kind; ERROR_NONE: clean */
  int64_t caught[ERROR_KINDS]; /* those that were dropped */
} demo_score;

/* Compares the filtered masks in `results`/masks with the truth. */
int demo_score_run(const demo_world *world, const job_common *common, const char *results,
                   demo_score *score, fault *f);

int64_t demo_wrong(const demo_score *score);
int64_t demo_caught(const demo_score *score);

/* The score as text for people, or as JSON, which the report shows too. */
void demo_score_text(const demo_score *score, const int64_t planted[ERROR_KINDS], text *t);
json_t *demo_score_json(const demo_world *world, const demo_score *score,
                        const int64_t planted[ERROR_KINDS]); /* new reference */

json_t *demo_seed(const demo_world *world); /* as JSON; new reference */

#endif
