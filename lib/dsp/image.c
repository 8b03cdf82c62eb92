/* dsp/image.c - cells: classes, divided by strata. */
#include "dsp/image.h"

#include <string.h>

void fm__image_cells(const fm__image *image, fm__yx at, size_t n, int32_t *cells) {
  int32_t count = image->cells_per_class;
  fm__tile_classes(&image->mask, &image->lookup, at.y, at.x, n, cells);
  if (count == 1) return;
  uint8_t strata[FM__PIECE];
  if (image->strata.data)
    fm__tile_bytes(&image->strata, at.y, at.x, n, strata);
  else
    memset(strata, 0, n);
  int32_t most = count ? count - 1 : 0;
  for (size_t i = 0; i < n; i++) {
    int32_t cell = strata[i] > most ? FM__CLASS_INVALID : cells[i] * count + strata[i];
    cells[i] = cells[i] < 0 ? cells[i] : cell;
  }
}
