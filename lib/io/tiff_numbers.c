/* io/tiff_numbers.c - one sample for each pixel, from strips or tiles. */
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/tiff_open.h"

/* A tile may be larger than the picture, but not by much. */
enum { MOST_TILE = 64 << 20 };

/* `count` numbers of a row, which begins at a byte, to where they belong. */
static void put_row(const unsigned char *from, int bits, size_t count, unsigned char *to) {
  if (bits >= 8) {
    memcpy(to, from, count * (size_t)bits / 8);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    size_t bit = i * (size_t)bits;
    to[i] = (unsigned char)(from[bit / 8] >> (8 - bits - (int)(bit % 8)) & ((1 << bits) - 1));
  }
}

static size_t item_of(const fm__tiff_layout *l) { return l->bits < 8 ? 1 : l->bits / 8U; }

/* Takes the part of a strip or tile that lies in the picture; it begins at (x, y). */
static void put(const fm__tiff_layout *l, const unsigned char *piece, size_t stride, uint32_t x,
                uint32_t y, uint32_t width, uint32_t height, fm_raster *raster) {
  uint32_t columns = l->width - x < width ? l->width - x : width;
  uint32_t rows = l->height - y < height ? l->height - y : height;
  for (uint32_t i = 0; i < rows; i++)
    put_row(piece + i * stride, l->bits, columns,
            fm__raster_row(raster, (int64_t)y + i) + x * item_of(l));
}

/* Some of libtiff's decoders leave bytes of damaged data unset and report success: those are 0, and not what the memory
 * held before. */
static fm_status read_tiles(fm__tiff *t, const fm__tiff_layout *l, unsigned char *piece,
                            tmsize_t size, fm_raster *raster, fm_error *err) {
  uint32_t width = 0, height = 0;
  (void)TIFFGetField(t->handle, TIFFTAG_TILEWIDTH, &width);
  (void)TIFFGetField(t->handle, TIFFTAG_TILELENGTH, &height);
  const size_t stride = (size_t)TIFFTileRowSize(t->handle);
  if (!width || !height || stride * height > (size_t)size)
    return fm__tiff_failed(t, "its tiles make no sense", err);
  for (uint64_t y = 0; y < l->height; y += height)
    for (uint64_t x = 0; x < l->width; x += width) {
      uint32_t tile = TIFFComputeTile(t->handle, (uint32_t)x, (uint32_t)y, 0, 0);
      memset(piece, 0, (size_t)size);
      if (TIFFReadEncodedTile(t->handle, tile, piece, size) < (tmsize_t)(stride * height))
        return fm__tiff_failed(t, "a tile cannot be read", err);
      put(l, piece, stride, (uint32_t)x, (uint32_t)y, width, height, raster);
    }
  return FM_OK;
}

static fm_status read_strips(fm__tiff *t, const fm__tiff_layout *l, unsigned char *piece,
                             tmsize_t size, fm_raster *raster, fm_error *err) {
  uint32_t height = 0;
  (void)TIFFGetFieldDefaulted(t->handle, TIFFTAG_ROWSPERSTRIP, &height);
  if (!height || height > l->height) height = l->height;
  const size_t stride = (size_t)TIFFScanlineSize(t->handle);
  if (!stride || stride * height > (size_t)size)
    return fm__tiff_failed(t, "its strips make no sense", err);
  for (uint64_t y = 0; y < l->height; y += height) {
    uint32_t rows = l->height - y < height ? (uint32_t)(l->height - y) : height;
    tmsize_t wanted = (tmsize_t)(stride * rows);
    uint32_t strip = TIFFComputeStrip(t->handle, (uint32_t)y, 0);
    memset(piece, 0, (size_t)wanted);
    tmsize_t got = TIFFReadEncodedStrip(t->handle, strip, piece, wanted);
    if (got < wanted) return fm__tiff_failed(t, "a strip ends too early", err);
    put(l, piece, stride, 0, (uint32_t)y, l->width, rows, raster);
  }
  return FM_OK;
}

fm_status fm__tiff_read_numbers(fm__tiff *t, const fm__tiff_layout *l, fm_raster *raster,
                                fm_error *err) {
  const bool tiled = TIFFIsTiled(t->handle) != 0;
  const uint64_t size = tiled ? TIFFTileSize64(t->handle) : TIFFStripSize64(t->handle);
  const uint64_t pixels = (uint64_t)l->width * l->height * item_of(l);
  if (!size) return fm__tiff_failed(t, tiled ? "a tile has no size" : "a strip has no size", err);
  if (size > (pixels > MOST_TILE ? pixels : (uint64_t)MOST_TILE))
    return fm__fail(err, FM_ERR_LIMIT, "TIFF has %s of %" PRIu64 " bytes, more than its pixels",
                    tiled ? "tiles" : "strips", size);
  unsigned char *piece = fm__alloc(t->context, (size_t)size);
  if (!piece) return fm__fail_memory(err, (size_t)size);
  fm_status status = tiled ? read_tiles(t, l, piece, (tmsize_t)size, raster, err)
                           : read_strips(t, l, piece, (tmsize_t)size, raster, err);
  fm__free(t->context, piece);
  return status;
}
