/* dsp/image.c - cells: classes, divided by strata. */
#include "dsp/image.h"

void fm__image_cells(const fm__image *image, fm__yx at, size_t n, int32_t *cells) {
  int32_t count = image->cells_per_class;
  fm__tile_classes(&image->mask, &image->lookup, at.y, at.x, n, cells);
  if (count == 1) return;
  uint8_t strata[FM__PIECE] = {0};
  if (image->strata.data) fm__tile_bytes(&image->strata, at.y, at.x, n, strata);
  for (size_t i = 0; i < n; i++) {
    int32_t cell = cells[i] * count + strata[i];
    if (cells[i] < 0) cell = cells[i];
    if (cells[i] >= 0 && strata[i] >= count && count) cell = FM__CLASS_INVALID;
    cells[i] = cell;
  }
}
