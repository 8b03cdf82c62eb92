/* map/resize.c - masks of another size, by the nearest pixel. */
#include <freemask/map.h>
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/view.h"
#include "dsp/tile.h"
#include "map/nearest.h"

/* One call: planes with their strides filled in, and the source column of each column. */
typedef struct resize {
  fm_plane from, to;
  const int32_t *columns;
} resize;

static void find_columns(int32_t *columns, int64_t from, int64_t to) {
  fm__nearest next = fm__nearest_start(from, to);
  for (int64_t x = 0; x < to; x++) columns[x] = (int32_t)fm__nearest_next(&next);
}

/* Refuses a label that does not fit; only those that the result has count. */
static fm_status check_row(const resize *r, int64_t y, fm_error *err) {
  fm__range range = fm__integer_range(r->to.dtype);
  for (int64_t x = 0; x < r->to.width; x++) {
    int64_t column = r->columns[x], label = fm__label_at(&r->from, y, column);
    /* Numbers beyond int64_t are read as the largest, which no other type holds but U64. */
    if (fm__fits(label, range) && !(label == INT64_MAX && r->from.dtype == FM_U64)) continue;
    return fm__fail(err, FM_ERR_LIMIT,
                    "from: label %" PRId64 " at pixel (x %" PRId64 ", y %" PRId64
                    ") does not fit a mask of %s",
                    label, column, y, fm__dtype_name(r->to.dtype));
  }
  return FM_OK;
}

static fm_status check_labels(const resize *r, fm_error *err) {
  if (fm__range_fits(r->from.dtype, fm__integer_range(r->to.dtype))) return FM_OK;
  fm__nearest next = fm__nearest_start(r->from.height, r->to.height);
  fm_status status = FM_OK;
  for (int64_t y = 0; y < r->to.height && !status; y++)
    status = check_row(r, fm__nearest_next(&next), err);
  return status;
}

/* Bytes as they are, for planes of one type. */
static void copy_row(const resize *r, int64_t from_y, int64_t y, size_t element) {
  const char *row = fm__pixel(&r->from, from_y, 0);
  char *out = fm__pixel(&r->to, y, 0);
  if (element == 1) {
    for (int64_t x = 0; x < r->to.width; x++, out += r->to.col_stride)
      *out = row[r->columns[x] * r->from.col_stride];
    return;
  }
  for (int64_t x = 0; x < r->to.width; x++, out += r->to.col_stride)
    memcpy(out, row + r->columns[x] * r->from.col_stride, element);
}

static void widen_row(const resize *r, int64_t from_y, int64_t y) {
  for (int64_t x = 0; x < r->to.width; x++) {
    int64_t label = fm__label_at(&r->from, from_y, r->columns[x]);
    fm__tile_store(&r->to, y, x, 1, &label);
  }
}

static void write_rows(const resize *r) {
  fm__nearest next = fm__nearest_start(r->from.height, r->to.height);
  size_t element = fm_dtype_size((fm_dtype)r->to.dtype);
  for (int64_t y = 0; y < r->to.height; y++) {
    int64_t from_y = fm__nearest_next(&next);
    if (r->from.dtype == r->to.dtype)
      copy_row(r, from_y, y, element);
    else
      widen_row(r, from_y, y);
  }
}

fm_status fm_map_resize_nearest(const fm_context *context, const fm_plane *from, const fm_plane *to,
                                fm_error *err) {
  if (!context) return fm__fail(err, FM_ERR_ARGUMENT, "fm_map_resize_nearest: context is NULL");
  resize r = {.columns = NULL};
  fm_status status = fm__plane_read(&r.from, from, FM__MASK_TYPES, "from", err);
  if (!status) status = fm__output_read(&r.to, to, FM__MASK_TYPES, "to", err);
  if (!status) status = fm__check_output(&r.to, "to", &r.from, "from", false, err);
  if (status) return status;
  size_t width = (size_t)r.to.width;
  int32_t *columns = fm__alloc_array(context, width, sizeof *columns);
  if (!columns) return fm__fail_memory(err, width * sizeof *columns);
  find_columns(columns, r.from.width, r.to.width);
  r.columns = columns;
  status = check_labels(&r, err);
  if (!status) write_rows(&r);
  fm__free(context, columns);
  return status;
}
