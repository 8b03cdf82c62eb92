/* map/boundary.c - how far each pixel is from another label, in strata.
 *
 * The distance is that of a king on a chessboard: one more than that to the nearest pixel, of any
 * label, that touches another label. So labels matter for those pixels alone. In a row the distance
 * to them rises and falls between them; what lies above or below follows from the three pixels
 * there, for all pixels of a row at once. */
#include <freemask/map.h>
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/size.h"
#include "core/view.h"
#include "dsp/map_kernels.h"
#include "dsp/tile.h"
#include "map/edges.h"

/* ---- Pixels that touch another label ------------------------------------------------ */

/* One call. Rows of flags have an empty element on both sides. */
typedef struct boundary {
  const fm_context *context;
  fm_plane mask;
  fm__edges table;
  bool bytes;          /* the mask's rows are packed bytes */
  int64_t *labels[2];  /* [width] of rows y % 2, where they are not */
  uint8_t *beside[3];  /* of rows y % 3: whether a pixel differs from the next in the row */
  uint8_t *below[2];   /* of rows y % 2: whether it differs from the one below */
  uint8_t *none;       /* a row of zeros */
  uint8_t *row;        /* [width]: whether it touches another label; strata */
  void *distances;     /* [height][stride], with a large one on both sides of a row */
  void *along[2];      /* [width] of a row, with the last edge as often on both sides */
  uint8_t *stratum_of; /* [last edge + 1] of each distance */
} boundary;

static int32_t last_edge(const boundary *b) { return b->table.edges[b->table.count - 1]; }

static const void *labels_of(const boundary *b, int64_t y) {
  if (b->bytes) return fm__pixel(&b->mask, y, 0);
  int64_t *labels = b->labels[y % 2];
  for (int64_t x = 0; x < b->mask.width; x += FM__PIECE)
    fm__tile_labels(&b->mask, y, x, fm__piece_length(&b->mask, x), labels + x);
  return labels;
}

static void compare_labels(const int64_t *a, const int64_t *b, size_t n, uint8_t *differ) {
  for (size_t i = 0; i < n; i++) differ[i] = a[i] != b[i];
}

/* Compares the labels of row y, which have been read, with each other, and with the row above. */
static void compare_row(const boundary *b, int64_t y, const void *above, const void *labels) {
  const fm__map_kernels *kernels = b->context->dsp->maps;
  const size_t n = (size_t)b->mask.width;
  uint8_t *beside = b->beside[y % 3], *below = b->below[(y + 1) % 2];
  if (b->bytes) {
    kernels->differ(labels, (const uint8_t *)labels + 1, n - 1, beside);
    if (above) kernels->differ(above, labels, n, below);
  } else {
    compare_labels(labels, (const int64_t *)labels + 1, n - 1, beside);
    if (above) compare_labels(above, labels, n, below);
  }
}

/* touch[x] = whether pixel x of row y touches another label. Rows are asked for in order; `*labels`
 * are those of the next one. */
static void mark_row(const boundary *b, int64_t y, const void **labels, uint8_t *touch) {
  const bool first = !y, last = y + 1 == b->mask.height;
  if (first) compare_row(b, 0, NULL, *labels = labels_of(b, 0));
  if (!last) {
    const void *next = labels_of(b, y + 1);
    compare_row(b, y + 1, *labels, next);
    *labels = next;
  }
  const uint8_t *beside[3] = {first ? b->none : b->beside[(y + 2) % 3], b->beside[y % 3],
                              last ? b->none : b->beside[(y + 1) % 3]};
  const uint8_t *below[2] = {first ? b->none : b->below[(y + 1) % 2],
                             last ? b->none : b->below[y % 2]};
  b->context->dsp->maps->touch(beside, below, (size_t)b->mask.width, touch);
}

/* ---- Distances -------------------------------------------------------------------- */

static void along_8(const boundary *b, const uint8_t *from, size_t step, uint8_t *to) {
  b->context->dsp->maps->along(from, step, (size_t)b->mask.width, to);
}

static void along_16(const boundary *b, const int16_t *from, size_t step, int16_t *to) {
  const int16_t *before = from - step, *behind = from + step, more = (int16_t)step;
  for (int64_t x = 0; x < b->mask.width; x++) {
    int16_t least = before[x] < behind[x] ? before[x] : behind[x];
    least = (int16_t)(least + more);
    to[x] = from[x] < least ? from[x] : least;
  }
}

static void nearer_8(const boundary *b, const uint8_t *other, uint8_t *row) {
  b->context->dsp->maps->nearer(other, (size_t)b->mask.width, row);
}

static void nearer_16(const boundary *b, const int16_t *other, int16_t *row) {
  for (int64_t x = 0; x < b->mask.width; x++) {
    int16_t least = other[x - 1] < other[x] ? other[x - 1] : other[x];
    least = other[x + 1] < least ? other[x + 1] : least;
    row[x] = least < row[x] ? (int16_t)(least + 1) : row[x];
  }
}

static void put_strata_8(const boundary *b, const uint8_t *row, uint8_t *strata) {
  const size_t n = (size_t)b->mask.width, count = (size_t)b->table.count;
  uint8_t edges[FM__COMPARED_EDGES];
  if (count > FM__COMPARED_EDGES) {
    for (size_t x = 0; x < n; x++) strata[x] = b->stratum_of[row[x]];
    return;
  }
  for (size_t e = 0; e < count; e++) edges[e] = (uint8_t)b->table.edges[e];
  b->context->dsp->maps->strata(row, edges, count, n, strata);
}

static void put_strata_16(const boundary *b, const int16_t *row, uint8_t *strata) {
  for (int64_t x = 0; x < b->mask.width; x++) strata[x] = b->stratum_of[row[x]];
}

static void write_row(const boundary *b, int64_t y, const fm_plane *out) {
  char *to = fm__pixel(out, y, 0);
  for (int64_t x = 0; x < out->width; x++, to += out->col_stride) *to = (char)b->row[x];
}

#define DISTANCE uint8_t
#define NAME(name) name##_8
#include "map/distances.h"
#undef DISTANCE
#undef NAME
#define DISTANCE int16_t
#define NAME(name) name##_16
#include "map/distances.h"
#undef DISTANCE
#undef NAME

static void fill_table(const boundary *b) {
  int32_t stratum = 0, last = last_edge(b);
  for (int32_t d = 0; d <= last; d++) {
    if (d == b->table.edges[stratum]) stratum++;
    b->stratum_of[d] = (uint8_t)stratum;
  }
}

/* ---- The public call -------------------------------------------------------------- */

/* One block: labels, distances, rows, flags, the table. */
static fm_status allocate(boundary *b, void **memory, fm_error *err) {
  const size_t width = (size_t)b->mask.width, edges = (size_t)last_edge(b) + 1, flags = width + 2,
               labels = b->bytes ? 0 : 2 * width * sizeof(int64_t),
               one = last_edge(b) < UINT8_MAX ? sizeof(uint8_t) : sizeof(int16_t),
               along = (width + 2 * (size_t)last_edge(b)) * one;
  size_t distances, size = 0;
  *memory = NULL;
  if (fm__size_mul((size_t)b->mask.height, (width + 2) * one, &distances) &&
      fm__size_add(distances, labels + 2 * along + 7 * flags + edges, &size))
    *memory = fm__alloc(b->context, size);
  if (!*memory) return fm__fail_pixels(err, b->mask.height, b->mask.width);
  char *at = *memory;
  for (int i = 0; i < 2; i++, at += labels / 2) b->labels[i] = (int64_t *)(void *)at;
  b->distances = at;
  at += distances;
  for (int i = 0; i < 2; i++, at += along) b->along[i] = at;
  memset(at, 0, 7 * flags);
  for (int i = 0; i < 3; i++, at += flags) b->beside[i] = (uint8_t *)at + 1;
  for (int i = 0; i < 2; i++, at += flags) b->below[i] = (uint8_t *)at + 1;
  b->none = (uint8_t *)at + 1;
  b->row = (uint8_t *)at + flags;
  b->stratum_of = (uint8_t *)at + 2 * flags;
  return FM_OK;
}

static fm_status run(boundary *b, const fm_plane *out, fm_error *err) {
  void *memory;
  fm_status status = allocate(b, &memory, err);
  if (status) return status;
  fill_table(b);
  if (last_edge(b) < UINT8_MAX)
    walk_8(b, out);
  else
    walk_16(b, out);
  fm__free(b->context, memory);
  return FM_OK;
}

fm_status fm_map_boundary_strata(const fm_context *context, const fm_plane *mask,
                                 const fm_boundary_options *options, const fm_plane *strata,
                                 fm_error *err) {
  if (!context) return fm__fail(err, FM_ERR_ARGUMENT, "fm_map_boundary_strata: context is NULL");
  fm_plane out;
  boundary b = {.context = context};
  fm_status status = fm__plane_read(&b.mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__output_read(&out, strata, FM__BIT(FM_U8), "strata", err);
  if (!status) status = fm__same_size(&b.mask, "mask", &out, "strata", err);
  if (!status) status = fm__check_output(&out, "strata", &b.mask, "mask", false, err);
  if (!status) status = fm__edges_read(&b.table, options, b.mask.height, err);
  b.bytes = b.mask.dtype == FM_U8 && fm__is_packed(&b.mask);
  return status ? status : run(&b, &out, err);
}
