/* map/boundary.c - how far each pixel is from another label, in strata.
 *
 * The distance is that of a king on a chessboard. Going down, a pixel's distance to what lies above
 * or beside it follows from its own run and from the three pixels above; going up, the rest. */
#include <freemask/map.h>
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "map/runs.h"

enum { FAR = 32000, MOST_EDGE = 16000, MOST_EDGES = 254, DEFAULT_EDGES = 7, DEFAULT_HEIGHT = 240 };

/* ---- Edges ------------------------------------------------------------------------ */

typedef struct strata_table {
  int32_t edges[MOST_EDGES];
  int32_t count;
} strata_table;

/* In proportion to the height, rounded to nearest, and each above the one before. */
static void default_edges(strata_table *t, int64_t height) {
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

static fm_status read_edges(strata_table *t, const fm_boundary_options *options, int64_t height,
                            fm_error *err) {
  fm_boundary_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_boundary_options, edge_count, err);
  if (status) return status;
  if (!o.edges && !o.edge_count) {
    default_edges(t, height);
    return FM_OK;
  }
  if (!o.edges || o.edge_count < 1 || o.edge_count > MOST_EDGES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_boundary_options: edge_count is %d and edges is %s, expected 1 to %d edges",
                    (int)o.edge_count, o.edges ? "set" : "NULL", MOST_EDGES);
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

/* ---- Distances -------------------------------------------------------------------- */

/* One call. Row y of `regions` and `down` is that of the image. */
typedef struct boundary {
  fm__runs runs;
  int32_t *regions;
  int16_t *down;       /* distances to what is not below */
  int16_t *up;         /* [2][width] to what is not above: of the row below, and of this */
  uint8_t *stratum_of; /* [last edge + 1] of each distance */
  uint8_t *row;        /* [width] strata */
  strata_table table;
} boundary;

static void put_regions(boundary *b) {
  const fm__run *run = b->runs.runs;
  for (int64_t y = 0; y < b->runs.height; y++) {
    int32_t *row = b->regions + y * b->runs.width;
    for (int64_t x = 0; x < b->runs.width; run++)
      for (; x < run->end; x++) row[x] = run->region;
  }
}

/* Distances within the row. The image's border is no boundary. */
static void start_row(const boundary *b, int64_t y, int16_t *distances) {
  const fm__run *run = b->runs.runs + b->runs.rows[y];
  int64_t width = b->runs.width;
  for (int64_t x = 0, first = 0; x < width; first = run++->end) {
    int64_t left = first ? first - 1 : -FAR, right = run->end < width ? run->end : width + FAR;
    int64_t middle = (left + right) / 2;
    for (; x < run->end && x <= middle; x++) {
      int64_t d = x - left;
      distances[x] = (int16_t)(d < FAR ? d : FAR);
    }
    for (; x < run->end; x++) {
      int64_t d = right - x;
      distances[x] = (int16_t)(d < FAR ? d : FAR);
    }
  }
}

/* Lowers the distances of a row by those of its neighbour, shifted by one column to either side or
 * not at all: 1 where the regions differ, else one more than the neighbour's. */
static void look_at(int16_t *distances, const int32_t *regions, const int16_t *other,
                    const int32_t *other_regions, int64_t n) {
  for (int64_t x = 0; x < n; x++) {
    int16_t same = (int16_t) - (regions[x] == other_regions[x]);
    int16_t d = (int16_t)((other[x] & same) + 1);
    distances[x] = d < distances[x] ? d : distances[x];
  }
}

static void look_at_row(const boundary *b, int16_t *distances, int64_t y, const int16_t *other,
                        int64_t other_y) {
  int64_t width = b->runs.width;
  const int32_t *mine = b->regions + y * width, *theirs = b->regions + other_y * width;
  look_at(distances, mine, other, theirs, width);
  look_at(distances + 1, mine + 1, other, theirs, width - 1);
  look_at(distances, mine, other + 1, theirs + 1, width - 1);
}

static void go_down(const boundary *b) {
  for (int64_t y = 0; y < b->runs.height; y++) {
    int16_t *row = b->down + y * b->runs.width;
    start_row(b, y, row);
    if (y) look_at_row(b, row, y, row - b->runs.width, y - 1);
  }
}

static void write_strata(const boundary *b, const int16_t *down, const int16_t *up, int64_t y,
                         const fm_plane *out) {
  const int32_t last = b->table.edges[b->table.count - 1];
  for (int64_t x = 0; x < b->runs.width; x++) {
    int32_t d = down[x] < up[x] ? down[x] : up[x];
    b->row[x] = b->stratum_of[d < last ? d : last];
  }
  char *to = fm__pixel(out, y, 0);
  if (fm__is_packed(out))
    memcpy(to, b->row, (size_t)b->runs.width);
  else
    for (int64_t x = 0; x < b->runs.width; x++, to += out->col_stride) *to = (char)b->row[x];
}

static void go_up(const boundary *b, const fm_plane *out) {
  int64_t width = b->runs.width;
  for (int64_t y = b->runs.height - 1; y >= 0; y--) {
    int16_t *row = b->up + (y & 1) * width, *below = b->up + (~y & 1) * width;
    start_row(b, y, row);
    if (y + 1 < b->runs.height) look_at_row(b, row, y, below, y + 1);
    write_strata(b, b->down + y * width, row, y, out);
  }
}

/* ---- The public call -------------------------------------------------------------- */

static void fill_table(const boundary *b) {
  int32_t stratum = 0, last = b->table.edges[b->table.count - 1];
  for (int32_t d = 0; d <= last; d++) {
    if (d == b->table.edges[stratum]) stratum++;
    b->stratum_of[d] = (uint8_t)stratum;
  }
}

static fm_status run(boundary *b, const fm_context *context, const fm_plane *out, fm_error *err) {
  int64_t height = b->runs.height, width = b->runs.width;
  b->regions = fm__alloc_pixels(context, height, width, sizeof *b->regions);
  b->down = fm__alloc_pixels(context, height, width, sizeof *b->down);
  b->up = fm__alloc_pixels(context, 2, width, sizeof *b->up);
  b->stratum_of = fm__alloc(context, (size_t)b->table.edges[b->table.count - 1] + 1);
  b->row = fm__alloc(context, (size_t)width);
  fm_status status = FM_OK;
  if (b->regions && b->down && b->up && b->stratum_of && b->row) {
    fill_table(b);
    put_regions(b);
    go_down(b);
    go_up(b, out);
  } else {
    status = fm__fail_pixels(err, height, width);
  }
  fm__free(context, b->regions);
  fm__free(context, b->down);
  fm__free(context, b->up);
  fm__free(context, b->stratum_of);
  fm__free(context, b->row);
  return status;
}

fm_status fm_map_boundary_strata(const fm_context *context, const fm_plane *mask,
                                 const fm_boundary_options *options, const fm_plane *strata,
                                 fm_error *err) {
  if (!context) return fm__fail(err, FM_ERR_ARGUMENT, "fm_map_boundary_strata: context is NULL");
  fm_plane m, out;
  fm__yx bad;
  boundary b = {.regions = NULL};
  fm_status status = fm__plane_read(&m, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__output_read(&out, strata, FM__BIT(FM_U8), "strata", err);
  if (!status) status = fm__same_size(&m, "mask", &out, "strata", err);
  if (!status) status = fm__check_output(&out, "strata", &m, "mask", false, err);
  if (!status) status = read_edges(&b.table, options, m.height, err);
  if (!status) status = fm__runs_make(context, &m, NULL, &b.runs, &bad, err);
  if (status) return status;
  status = run(&b, context, &out, err);
  fm__runs_free(&b.runs);
  return status;
}
