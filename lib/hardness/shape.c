/* hardness/shape.c - how ragged the classes of a mask are: hardness without any loss. */
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/view.h"
#include "hardness/hardness.h"

static const double UNIT = 1048576; /* 2^20 */

/* ---- Edges ----------------------------------------------------------------------- */

/* What one call counts. */
typedef struct counting {
  const fm_labels *labels;
  fm_plane mask;
  int64_t *pixels, *edges; /* [classes] */
  int32_t *above, *here;   /* [width]: the classes of two rows */
} counting;

static fm_status read_row(const counting *c, int64_t y, fm_error *err) {
  const fm__lookup lookup = fm__labels_lookup(c->labels);
  for (int64_t x = 0; x < c->mask.width; x += FM__PIECE) {
    size_t n = fm__piece_length(&c->mask, x);
    fm__tile_classes(&c->mask, &lookup, y, x, n, c->here + x);
    for (size_t i = 0; i < n; i++)
      if (c->here[x + (int64_t)i] == FM_CLASS_INVALID)
        return fm__labels_fail(c->labels, &c->mask, y, x + (int64_t)i, err);
  }
  return FM_OK;
}

/* An edge between two classes is one of both. */
static void count_edge(const counting *c, int32_t a, int32_t b) {
  if (a == b || a < 0 || b < 0) return;
  c->edges[a]++;
  c->edges[b]++;
}

static fm_status count_all(counting *c, fm_error *err) {
  for (int64_t y = 0; y < c->mask.height; y++) {
    fm_status status = read_row(c, y, err);
    if (status) return status;
    for (int64_t x = 0; x < c->mask.width; x++) {
      if (c->here[x] >= 0) c->pixels[c->here[x]]++;
      if (x) count_edge(c, c->here[x - 1], c->here[x]);
      if (y) count_edge(c, c->above[x], c->here[x]);
    }
    int32_t *done = c->above;
    c->above = c->here;
    c->here = done;
  }
  return FM_OK;
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
  counting c = {.labels = labels};
  fm_status status = fm__plane_read(&c.mask, mask, FM__MASK_TYPES, "mask", err);
  if (status) return status;
  size_t classes = (size_t)class_count, width = (size_t)c.mask.width;
  c.pixels = fm__alloc_zeroed(labels->context, 2 * classes, sizeof *c.pixels);
  int32_t *rows = fm__alloc_array(labels->context, 2 * width, sizeof *rows);
  if (c.pixels && rows) {
    c.edges = c.pixels + classes;
    c.above = rows;
    c.here = rows + width;
    status = count_all(&c, err);
  } else {
    status = fm__fail(err, FM_ERR_MEMORY, "out of memory for %zu classes and %zu columns", classes,
                      width);
  }
  for (size_t k = 0; k < classes && !status; k++)
    complexity[k] = complexity_of(c.edges[k], c.pixels[k]);
  fm__free(labels->context, rows);
  fm__free(labels->context, c.pixels);
  return status;
}

double fm_shape_hardness(const int64_t *complexity, const int64_t *totals, int32_t class_count) {
  double sum = 0;
  if (!complexity || !totals) return 0;
  for (int32_t k = 0; k < class_count; k++)
    if (totals[k] > 0) sum += (double)complexity[k] / (double)totals[k];
  return sum;
}
