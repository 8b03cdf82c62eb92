/* map/edges.h - where strata begin. */
#ifndef FM_MAP_EDGES_H
#define FM_MAP_EDGES_H

#include <freemask/map.h>

enum { FM__MOST_EDGES = 254 };

typedef struct fm__edges {
  int32_t edges[FM__MOST_EDGES];
  int32_t count;
} fm__edges;

/* The edges of a mask so high, with the default filled in. */
fm_status fm__edges_read(fm__edges *edges, const fm_boundary_options *options, int64_t height,
                         fm_error *err);

#endif
