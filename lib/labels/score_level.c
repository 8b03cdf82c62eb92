/* labels/score_level.c - an image's own style is taken out of its ranks: it moves the least odd pixels
 * of a class too, which errors do not, unless they take nearly all of the class. */
#include "labels/score_level.h"

#include <inttypes.h>

#include "core/context.h"
#include "core/fail.h"
#include "labels/score_steps.h"

enum { BINS = FM__LEVEL_BINS };

/* One call. */
typedef struct levels {
  const fm__runs *runs;
  int32_t *own, *window;
  /* [regions + 1][BINS]; the last: of the whole image. One half for pixels of even columns, one for
   * odd ones: neighbours are often of the same bin, and would wait for each other. */
  uint32_t *counts[2];
  int32_t *levels; /* [regions], steps */
} levels;

static void count_run(const levels *l, const fm__run *run, size_t at, size_t n) {
  uint32_t *even = l->counts[0] + (size_t)run->region * BINS,
           *odd = l->counts[1] + (size_t)run->region * BINS;
  const int32_t *own = l->own + at;
  for (size_t i = 0; i + 1 < n; i += 2) {
    even[fm__level_bin(own[i])]++;
    odd[fm__level_bin(own[i + 1])]++;
  }
  if (n % 2) even[fm__level_bin(own[n - 1])]++;
}

static void level_run(const levels *l, const fm__run *run, size_t at, size_t n) {
  const int32_t level = l->levels[run->region];
  for (size_t i = at; i < at + n; i++) l->own[i] = fm__levelled(l->own[i], level);
  if (l->window == l->own) return;
  for (size_t i = at; i < at + n; i++) l->window[i] = fm__levelled(l->window[i], level);
}

static void walk(const levels *l,
                 void (*step)(const levels *, const fm__run *, size_t at, size_t n)) {
  for (int64_t y = 0; y < l->runs->height; y++) {
    const fm__run *run = l->runs->runs + l->runs->rows[y];
    const fm__run *end = l->runs->runs + l->runs->rows[y + 1];
    const size_t row = (size_t)(y * l->runs->width);
    for (int32_t x = 0; run < end; run++) {
      if (run->region >= 0) step(l, run, row + (size_t)x, (size_t)(run->end - x));
      x = run->end;
    }
  }
}

/* The middle of the first bin up to which a tenth of the pixels lies. */
static int64_t tenth_of(const uint32_t *counts, int64_t *pixels) {
  int64_t all = 0, below = 0;
  for (size_t i = 0; i < BINS; i++) all += counts[i];
  int64_t bin = 0;
  while (bin < BINS - 1 && (below += counts[bin]) < fm__tenth(all)) bin++;
  *pixels = all;
  return fm__level_middle(bin);
}

static void find_levels(const levels *l) {
  const size_t regions = (size_t)l->runs->regions;
  uint32_t *counts = l->counts[0], *image = counts + regions * BINS;
  int64_t all, here;
  for (size_t i = 0; i < regions * BINS; i++) counts[i] += l->counts[1][i];
  for (size_t r = 0; r < regions; r++)
    for (size_t i = 0; i < BINS; i++) image[i] += counts[r * BINS + i];
  const int64_t typical = tenth_of(image, &all);
  for (size_t r = 0; r < regions; r++) {
    const int64_t own = tenth_of(counts + r * BINS, &here);
    l->levels[r] = fm__level_of(here, own, all, typical);
  }
}

fm_status fm__score_level(const fm__runs *runs, int32_t *own, int32_t *window, fm_error *err) {
  const size_t regions = (size_t)runs->regions;
  if (regions == 0) return FM_OK;
  if (runs->height > UINT32_MAX / runs->width)
    return fm__fail(err, FM_ERR_LIMIT,
                    "mask: %" PRId64 " x %" PRId64 " pixels, expected at most 2^32 - 1",
                    runs->height, runs->width);
  levels l = {.runs = runs, .own = own, .window = window};
  uint32_t *counts = fm__alloc_zeroed(runs->context, 2 * regions + 1, BINS * sizeof *counts);
  l.levels = fm__alloc_array(runs->context, regions, sizeof *l.levels);
  if (counts && l.levels) {
    l.counts[0] = counts;
    l.counts[1] = counts + (regions + 1) * BINS;
    walk(&l, count_run);
    find_levels(&l);
    walk(&l, level_run);
  }
  const bool failed = !counts || !l.levels;
  fm__free(runs->context, counts);
  fm__free(runs->context, l.levels);
  if (failed)
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for the levels of %zu classes", regions);
  return FM_OK;
}
