/* io/png_layout.h - how a PNG's pixels are stored. */
#ifndef FM_IO_PNG_LAYOUT_H
#define FM_IO_PNG_LAYOUT_H

#include <freemask/view.h>

#include "io/bytes.h"
#include "io/raster.h"

/* PNG's numbers for them. */
enum { FM__PNG_GRAY = 0, FM__PNG_RGB = 2, FM__PNG_PALETTE = 3 };

typedef struct fm__png_layout {
  uint32_t width, height;
  int bit_depth, color_type;
  int32_t palette_size;
  uint8_t palette[3 * FM__PALETTE_MAX];
} fm__png_layout;

/* Bytes of a pixel, 1 if several pixels share a byte; bytes of a row, its filter byte included. */
size_t fm__png_pixel_bytes(const fm__png_layout *layout);
size_t fm__png_row_bytes(const fm__png_layout *layout);

/* How to store a mask as `like` (or NULL) was stored, so that no number is lost. */
void fm__png_mask_layout(const fm_plane *mask, const fm_raster *like, fm__png_layout *out);

/* Pixels as PNG packs them; every row begins with the filter byte 0. */
void fm__png_pack_mask(const fm_plane *mask, const fm__png_layout *layout, unsigned char *rows);
void fm__png_pack_image(const fm_volume *image, unsigned char *rows);

#endif
