/* io/tiff_open.h - a TIFF in memory, and where libtiff's errors and warnings go. */
#ifndef FM_IO_TIFF_OPEN_H
#define FM_IO_TIFF_OPEN_H

#include <tiffio.h>

#include "io/decode.h"

/* libtiff takes its working memory (tables of strips, a strip or tile, what its codecs need) from
 * malloc; no single piece may be larger than some times the file. */
typedef struct fm__tiff {
  TIFF *handle;
  const fm_context *context;
  char *data; /* the whole file */
  uint64_t size, at;
  char message[200]; /* of the first error; empty: none */
} fm__tiff;

/* Opens the bytes, which have to outlive it. */
fm_status fm__tiff_open(const fm_context *context, char *data, size_t size, fm__tiff *tiff,
                        fm_error *err);
void fm__tiff_close(fm__tiff *tiff);

/* FM_ERR_FORMAT with the first error of libtiff, or with `otherwise`. */
fm_status fm__tiff_failed(const fm__tiff *tiff, const char *otherwise, fm_error *err);

/* One picture's pixels, as stored. */
typedef struct fm__tiff_layout {
  uint32_t width, height;
  uint16_t bits, samples, format, photometric, planar, compression, orientation;
} fm__tiff_layout;

/* Reads it from the picture at hand, and refuses what the file's bytes cannot hold. */
fm_status fm__tiff_layout_read(const fm__tiff *tiff, int64_t max_pixels, fm__tiff_layout *out,
                               fm_error *err);

/* The stored numbers of one sample for each pixel, unpacked to bytes or wider. */
fm_status fm__tiff_read_numbers(fm__tiff *tiff, const fm__tiff_layout *layout, fm_raster *raster,
                                fm_error *err);

#endif
