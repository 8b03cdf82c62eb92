/* dsp/worlds.h - images of random sizes, label spaces, dtypes, layouts and losses, good and bad,
 * and all that the library makes of them. Needs no Check.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_DSP_WORLDS_H
#define FM_TESTS_DSP_WORLDS_H

#include <freemask/freemask.h>
#include <planes.h>
#include <stdbool.h>

enum { MOST_LABELS = 700, MOST_WORDS = 700 * (12 + 2 * 32 + 2) + 1 };

/* Label spaces that differ in what kernels do: labels that fit 16, 32, 64 entries, none of
 * these, all bytes, more than bytes; ignored labels, one or several; gaps. */
typedef struct space {
  int32_t classes[MOST_LABELS];
  int32_t label_count, class_count;
  int64_t ignore_label;
} space;

typedef struct world {
  space space;
  kit_plane mask, loss;
  int64_t height, width;
  double means[MOST_LABELS];
  bool at_end;
  int32_t bins; /* of the statistics' histogram, in a factor of two; 0: none */
  int odd; /* losses out of the window of exact sums (dsp/lanes.h): 0 none, 1 some, 2 at its edges
            */
} world;

void make_world(world *w, uint64_t *random);
void free_world(world *w);

/* ---- What a context makes of a world -------------------------------------------- */

enum { OUTPUTS = 5 }; /* filtered, in place, weights as F32, F16, U8 */

typedef struct answer {
  fm_status status[OUTPUTS + 3];
  fm_error err[OUTPUTS + 3];
  kit_plane out[OUTPUTS];
  int64_t valid[MOST_LABELS], dropped[MOST_LABELS], pixels[MOST_LABELS], ignored;
  int64_t words[MOST_WORDS];
  double hardness;
  int64_t hardness_pixels;
} answer;

/* Asks for everything, in memory between guard pages; `layout` and `side` are those of the
 * outputs and of the resized mask. */
void ask(const world *w, fm_context *context, kit_layout layout, int64_t side, answer *a);
void free_answer(answer *a);

/* A number over all of an answer, the same on all machines of one byte order. */
uint64_t digest(const world *w, const answer *a);

#endif
