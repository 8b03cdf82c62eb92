/* io/png_layout.c - how a mask is stored: depth, palette and packed rows. */
#include "io/png_layout.h"

#include <string.h>

#include "core/view.h"

size_t fm__png_pixel_bytes(const fm__png_layout *layout) {
  size_t bits = (size_t)layout->bit_depth * (layout->color_type == FM__PNG_RGB ? 3 : 1);
  return bits < 8 ? 1 : bits / 8;
}

size_t fm__png_row_bytes(const fm__png_layout *layout) {
  size_t bits = (size_t)layout->bit_depth * (layout->color_type == FM__PNG_RGB ? 3 : 1);
  return 1 + (size_t)(((uint64_t)layout->width * bits + 7) / 8);
}

/* ---- The layout ----------------------------------------------------------------- */

static const unsigned char *pixel(const fm_plane *mask, int64_t y, int64_t x) {
  return (const unsigned char *)mask->data + y * mask->row_stride + x * mask->col_stride;
}

static unsigned number(const fm_plane *mask, const unsigned char *at) {
  uint16_t value;
  if (mask->dtype == FM_U8) return *at;
  memcpy(&value, at, 2);
  return value;
}

/* Sixteen maxima side by side, which compilers turn into one vector. */
static unsigned packed_maximum(const unsigned char *row, int64_t width) {
  unsigned char most[16] = {0};
  int64_t x = 0;
  for (; x + 16 <= width; x += 16)
    for (int i = 0; i < 16; i++) most[i] = row[x + i] > most[i] ? row[x + i] : most[i];
  for (; x < width; x++) most[0] = row[x] > most[0] ? row[x] : most[0];
  unsigned result = 0;
  for (int i = 0; i < 16; i++) result = most[i] > result ? most[i] : result;
  return result;
}

static unsigned row_maximum(const fm_plane *mask, int64_t y) {
  if (mask->dtype == FM_U8 && fm__rows_packed(mask, 1))
    return packed_maximum(pixel(mask, y, 0), mask->width);
  unsigned result = 0;
  for (int64_t x = 0; x < mask->width; x++) {
    unsigned value = number(mask, pixel(mask, y, x));
    if (value > result) result = value;
  }
  return result;
}

static unsigned maximum(const fm_plane *mask) {
  unsigned result = 0;
  for (int64_t y = 0; y < mask->height; y++) {
    unsigned value = row_maximum(mask, y);
    if (value > result) result = value;
  }
  return result;
}

/* The old palette, and white for the indices that it does not have. */
static void set_palette(fm__png_layout *out, const fm_raster *like, unsigned most) {
  int32_t size = like->palette_size;
  memset(out->palette, 0xFF, sizeof out->palette);
  memcpy(out->palette, like->palette, 3 * (size_t)size);
  out->palette_size = (int32_t)most < size ? size : (int32_t)most + 1;
  out->color_type = FM__PNG_PALETTE;
}

static int natural_depth(const fm_plane *mask) { return mask->dtype == FM_U8 ? 8 : 16; }

static bool is_png_depth(int depth) {
  return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
}

void fm__png_mask_layout(const fm_plane *mask, const fm_raster *like, fm__png_layout *out) {
  *out = (fm__png_layout){.width = (uint32_t)mask->width, .height = (uint32_t)mask->height};
  out->color_type = FM__PNG_GRAY;
  out->bit_depth = natural_depth(mask);
  if (!like || !is_png_depth(like->bit_depth)) return;
  bool fits = !like->palette_size && like->bit_depth >= out->bit_depth;
  unsigned most = fits ? 0 : maximum(mask);
  int depth = like->bit_depth;
  while (most >> depth) depth *= 2;
  out->bit_depth = depth;
  if (like->palette_size && depth <= 8) set_palette(out, like, most);
}

/* ---- Rows ----------------------------------------------------------------------- */

static void pack_bytes(const fm_plane *mask, int64_t y, unsigned char *row) {
  if (mask->dtype == FM_U8 && fm__rows_packed(mask, 1)) {
    memcpy(row, pixel(mask, y, 0), (size_t)mask->width);
    return;
  }
  for (int64_t x = 0; x < mask->width; x++) row[x] = (unsigned char)number(mask, pixel(mask, y, x));
}

static void pack_words(const fm_plane *mask, int64_t y, unsigned char *row) {
  for (int64_t x = 0; x < mask->width; x++) {
    unsigned value = number(mask, pixel(mask, y, x));
    row[2 * x] = (unsigned char)(value >> 8);
    row[2 * x + 1] = (unsigned char)value;
  }
}

/* Several pixels a byte, the first in the upper bits. */
static void pack_bits(const fm_plane *mask, int64_t y, int depth, unsigned char *row) {
  int per_byte = 8 / depth;
  for (int64_t x = 0; x < mask->width; x += per_byte) {
    unsigned byte = 0;
    for (int i = 0; i < per_byte; i++)
      byte = byte << depth | (x + i < mask->width ? number(mask, pixel(mask, y, x + i)) : 0);
    row[x / per_byte] = (unsigned char)byte;
  }
}

void fm__png_pack_mask(const fm_plane *mask, const fm__png_layout *layout, unsigned char *rows) {
  size_t stride = fm__png_row_bytes(layout);
  for (int64_t y = 0; y < mask->height; y++, rows += stride) {
    rows[0] = 0;
    if (layout->bit_depth == 16)
      pack_words(mask, y, rows + 1);
    else if (layout->bit_depth == 8)
      pack_bytes(mask, y, rows + 1);
    else
      pack_bits(mask, y, layout->bit_depth, rows + 1);
  }
}

void fm__png_pack_image(const fm_volume *image, unsigned char *rows) {
  const unsigned char *data = image->data;
  for (int64_t y = 0; y < image->height; y++) {
    const unsigned char *at = data + y * image->row_stride;
    *rows++ = 0;
    if (image->channel_stride == 1 && image->col_stride == 3) {
      memcpy(rows, at, 3 * (size_t)image->width);
      rows += 3 * image->width;
      continue;
    }
    for (int64_t x = 0; x < image->width; x++, at += image->col_stride, rows += 3)
      for (int c = 0; c < 3; c++) rows[c] = at[c * image->channel_stride];
  }
}
