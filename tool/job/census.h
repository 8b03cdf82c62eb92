/* job/census.h - which values masks contain, and in which colors they were stored. */
#ifndef FREEMASK_TOOL_CENSUS_H
#define FREEMASK_TOOL_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/* The labels that the library knows. */
enum { CENSUS_LOWEST = -32768, CENSUS_HIGHEST = 65535 };
enum { CENSUS_VALUES = CENSUS_HIGHEST - CENSUS_LOWEST + 1, CENSUS_PALETTE = 256 };

typedef struct census_value {
  int64_t pixels, runs; /* runs: pieces of rows that have this value throughout */
  int64_t masks;
  int64_t last; /* the mask that was added last, of those that have it, from 1 on */
} census_value;

/* A palette's color of an index in the first mask that has such pixels, and in the first one that
 * gives it another color. */
typedef struct census_color {
  int64_t mask[2]; /* from 1 on; 0: none */
  int32_t color[2];
} census_color;

/* Large: zero-initialize on the heap. */
typedef struct census {
  census_value values[CENSUS_VALUES]; /* from CENSUS_LOWEST on */
  census_color palette[CENSUS_PALETTE];
  int64_t outside; /* pixels of other values */
  int64_t pixels, masks;
  int64_t palettes; /* masks that have one */
} census;

/* Adds mask number `index` of the set. Each worker adds masks in ascending order. */
void census_add(census *c, const fm_raster *mask, size_t index);
void census_merge(census *into, const census *from);

static inline const census_value *census_at(const census *c, int64_t value) {
  return &c->values[value - CENSUS_LOWEST];
}

/* The first palette index that has two colors; -1: none. */
int census_torn_index(const census *c);

#endif
