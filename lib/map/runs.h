/* map/runs.h - a mask as runs: stretches of a row that belong to one region, which is a label or a
 * class. Walks over regions do one step for each run instead of one for each pixel. */
#ifndef FM_MAP_RUNS_H
#define FM_MAP_RUNS_H

#include <freemask/error.h>
#include <freemask/view.h>

#include "dsp/tile.h"

struct fm_context;

/* The region of pixels that belong to none. */
enum { FM__NO_REGION = -1 };

typedef struct fm__run {
  int32_t end;    /* the first column behind it */
  int32_t region; /* 0 .. regions - 1, or FM__NO_REGION */
} fm__run;

/* Neighbours in a row are of different regions. */
typedef struct fm__runs {
  const struct fm_context *context;
  int64_t height, width;
  fm__run *runs; /* of all rows, one after the other */
  size_t count, capacity;
  size_t *rows;  /* [height + 1]: the first run of each row */
  int64_t *keys; /* [regions]: the label or class of each, in the order of their first pixels */
  int32_t regions;
  int32_t *table; /* key -> region */
  size_t table_size;
} fm__runs;

/* Splits a mask, as fm__plane_read gives it. With a lookup regions are classes, ignored pixels
 * belong to none, and `*bad` is the first pixel whose label is not in the space (LABEL, without a
 * message); else regions are labels. On success fm__runs_free releases `*out`.
 * Errors: MEMORY, LIMIT. */
fm_status fm__runs_make(const struct fm_context *context, const fm_plane *mask,
                        const fm__lookup *lookup, fm__runs *out, fm__yx *bad, fm_error *err);
void fm__runs_free(fm__runs *runs);

#endif
