/* io/orient.c - turns images that are stored lying or mirrored. */
#include "io/orient.h"

#include <string.h>

/* What EXIF's numbers mean: in which order the stored rows and columns are read to get the upright
 * image. */
static const struct {
  bool swap;           /* columns of the upright image are stored rows */
  bool flip_y, flip_x; /* stored rows, columns from their end */
} ways[9] = {[2] = {false, false, true}, [3] = {false, true, true}, [4] = {false, true, false},
             [5] = {true, false, false}, [6] = {true, true, false}, [7] = {true, true, true},
             [8] = {true, false, true}};

/* Copies `from` into `to`, which has the upright size. */
static void turn(const fm_raster *from, fm_raster *to, int32_t orientation) {
  const fm_volume *stored = &from->volume, *upright = &to->volume;
  int64_t row = stored->row_stride, col = stored->col_stride;
  const unsigned char *first = stored->data;
  if (ways[orientation].flip_y) {
    first += (stored->height - 1) * row;
    row = -row;
  }
  if (ways[orientation].flip_x) {
    first += (stored->width - 1) * col;
    col = -col;
  }
  if (ways[orientation].swap) {
    int64_t swapped = row;
    row = col;
    col = swapped;
  }
  for (int64_t y = 0; y < upright->height; y++) {
    unsigned char *out = fm__raster_row(to, y);
    const unsigned char *in = first + y * row;
    for (int64_t x = 0; x < upright->width; x++, in += col, out += 3) memcpy(out, in, 3);
  }
}

fm_status fm__orient(const fm_context *context, const fm__request *request, int32_t orientation,
                     fm_raster **raster, fm_error *err) {
  fm_raster *stored = *raster, *upright = NULL;
  stored->orientation = orientation;
  if (orientation == 1 || request->keep_orientation) return FM_OK;
  const bool swap = ways[orientation].swap;
  const int64_t height = swap ? stored->volume.width : stored->volume.height;
  const int64_t width = swap ? stored->volume.height : stored->volume.width;
  fm_status status = fm__raster_image(context, height, width, stored->bit_depth, &upright, err);
  if (!status) {
    turn(stored, upright, orientation);
    upright->orientation = orientation;
  }
  fm_raster_destroy(stored);
  *raster = upright;
  return status;
}
