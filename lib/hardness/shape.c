/* hardness/shape.c - how ragged the classes of a mask are: hardness without any loss. */
#include <math.h>

#include "core/fail.h"
#include "core/view.h"
#include "hardness/hardness.h"
#include "map/runs.h"

static const double UNIT = 1048576; /* 2^20 */

/* ---- Edges ----------------------------------------------------------------------- */

/* What one call counts. An edge between two classes is one of both. */
typedef struct counting {
  fm__runs runs;
  int64_t *pixels, *edges; /* [classes] */
} counting;

static void count_edges(const counting *c, int32_t a, int32_t b, int64_t n) {
  if (a == b || a < 0 || b < 0) return;
  c->edges[c->runs.keys[a]] += n;
  c->edges[c->runs.keys[b]] += n;
}

/* The pixels of a row, and the edges between its runs. */
static void count_row(const counting *c, const fm__run *run, const fm__run *end) {
  int32_t x = 0, before = FM__NO_REGION;
  for (; run < end; run++) {
    if (run->region >= 0) c->pixels[c->runs.keys[run->region]] += run->end - x;
    count_edges(c, before, run->region, 1);
    before = run->region;
    x = run->end;
  }
}

/* The edges between two rows: along what two of their runs share. */
static void count_between(const counting *c, const fm__run *above, const fm__run *here) {
  for (int32_t x = 0; x < c->runs.width;) {
    const int32_t end = above->end < here->end ? above->end : here->end;
    count_edges(c, above->region, here->region, end - x);
    x = end;
    above += above->end == x;
    here += here->end == x;
  }
}

static void count_all(const counting *c) {
  const fm__run *runs = c->runs.runs;
  const size_t *rows = c->runs.rows;
  for (int64_t y = 0; y < c->runs.height; y++) {
    count_row(c, runs + rows[y], runs + rows[y + 1]);
    if (y) count_between(c, runs + rows[y - 1], runs + rows[y]);
  }
}

/* ---- Measuring ------------------------------------------------------------------- */

/* A quotient and a square root: the same bits everywhere. */
static int64_t complexity_of(int64_t edges, int64_t pixels) {
  if (!pixels) return 0;
  return (int64_t)floor((double)edges / (4 * sqrt((double)pixels)) * UNIT + 0.5);
}

fm_status fm_shape_measure(const fm_labels *labels, const fm_plane *mask, int64_t *complexity,
                           int32_t class_count, fm_error *err) {
  if (!labels || !complexity)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_shape_measure: an argument is NULL");
  if (class_count != labels->class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_shape_measure: class_count is %d, label space %s has %d classes",
                    (int)class_count, labels->name, (int)labels->class_count);
  const fm_context *context = labels->context;
  const fm__lookup lookup = fm__labels_lookup(labels);
  fm_plane read;
  fm__yx bad;
  counting c;
  fm_status status = fm__plane_read(&read, mask, FM__MASK_TYPES, "mask", err);
  if (status) return status;
  status = fm__runs_make(context, &read, &lookup, &c.runs, &bad, err);
  if (status == FM_ERR_LABEL) return fm__labels_fail(labels, &read, bad.y, bad.x, err);
  if (status) return status;
  const size_t classes = (size_t)class_count;
  c.pixels = fm__alloc_zeroed(context, 2 * classes, sizeof *c.pixels);
  if (c.pixels) {
    c.edges = c.pixels + classes;
    count_all(&c);
    for (size_t k = 0; k < classes; k++) complexity[k] = complexity_of(c.edges[k], c.pixels[k]);
  } else {
    status = fm__fail(err, FM_ERR_MEMORY, "out of memory for %zu classes", classes);
  }
  fm__free(context, c.pixels);
  fm__runs_free(&c.runs);
  return status;
}

double fm_shape_hardness(const int64_t *complexity, const int64_t *totals, int32_t class_count) {
  double sum = 0;
  if (!complexity || !totals) return 0;
  for (int32_t k = 0; k < class_count; k++)
    if (totals[k] > 0) sum += (double)complexity[k] / (double)totals[k];
  return sum;
}
