/* map/edges.c - where strata begin: the caller's edges, or those that go with the height. */
#include "map/edges.h"

#include "core/fail.h"
#include "core/options.h"

enum { MOST_EDGE = 16000, DEFAULT_EDGES = 7, DEFAULT_HEIGHT = 240 };

/* In proportion to the height, rounded to nearest, and each above the one before. */
static void default_edges(fm__edges *t, int64_t height) {
  static const int64_t edges[DEFAULT_EDGES] = {2, 3, 4, 6, 9, 14, 20};
  int64_t before = 1;
  t->count = DEFAULT_EDGES;
  for (int i = 0; i < DEFAULT_EDGES; i++) {
    int64_t edge = (2 * edges[i] * height + DEFAULT_HEIGHT) / (2 * DEFAULT_HEIGHT);
    if (edge <= before) edge = before + 1;
    if (edge > MOST_EDGE - DEFAULT_EDGES + i) edge = MOST_EDGE - DEFAULT_EDGES + i;
    t->edges[i] = (int32_t)(before = edge);
  }
}

fm_status fm__edges_read(fm__edges *t, const fm_boundary_options *options, int64_t height,
                         fm_error *err) {
  fm_boundary_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_boundary_options, edge_count, err);
  if (status) return status;
  if (!o.edges && !o.edge_count) {
    default_edges(t, height);
    return FM_OK;
  }
  if (!o.edges || o.edge_count < 1 || o.edge_count > FM__MOST_EDGES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_boundary_options: edge_count is %d and edges is %s, expected 1 to %d edges",
                    (int)o.edge_count, o.edges ? "set" : "NULL", (int)FM__MOST_EDGES);
  for (int32_t i = 0; i < o.edge_count; i++) {
    int32_t least = i ? o.edges[i - 1] + 1 : 2;
    if (o.edges[i] < least || o.edges[i] > MOST_EDGE)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_boundary_options: edges[%d] is %d, expected %d to %d", (int)i,
                      (int)o.edges[i], (int)least, MOST_EDGE);
    t->edges[i] = o.edges[i];
  }
  t->count = o.edge_count;
  return FM_OK;
}
