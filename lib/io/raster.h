/* io/raster.h - pixels that the library owns. */
#ifndef FM_IO_RASTER_H
#define FM_IO_RASTER_H

#include <freemask/io.h>
#include <stddef.h>

enum { FM__PALETTE_MAX = 256 };

struct fm_raster {
  fm_context *context;
  void *pixels;
  void *class_pixels; /* of queries: the plane's; else NULL */
  fm_plane plane;     /* data NULL: holds an image or an output */
  fm_volume volume;   /* data NULL: holds a plane only */
  int32_t bit_depth;
  int32_t orientation; /* of the file, as EXIF counts; 0: 1 */
  int32_t palette_size;
  uint8_t palette[3 * FM__PALETTE_MAX]; /* red, green, blue of each entry */
};

/* A raster with a packed plane of undefined contents. */
fm_status fm__raster_plane(const fm_context *context, fm_dtype dtype, int64_t height, int64_t width,
                           int32_t bit_depth, fm_raster **out, fm_error *err);

/* A raster with a packed volume, channel after channel, of undefined contents, of less than 2^63
 * bytes. */
fm_status fm__raster_volume(const fm_context *context, fm_dtype dtype, int64_t channels,
                            int64_t height, int64_t width, int32_t bit_depth, fm_raster **out,
                            fm_error *err);

/* A raster with an interleaved RGB image of undefined contents. */
fm_status fm__raster_image(const fm_context *context, int64_t height, int64_t width,
                           int32_t bit_depth, fm_raster **out, fm_error *err);

/* Moves the plane of a raster, which is destroyed, into one that has a volume. */
void fm__raster_join(fm_raster *volume, fm_raster *plane);

/* The start of row `y` of a raster whose rows are packed. */
static inline unsigned char *fm__raster_row(const fm_raster *raster, int64_t y) {
  int64_t stride = raster->plane.data ? raster->plane.row_stride : raster->volume.row_stride;
  return (unsigned char *)raster->pixels + y * stride;
}

/* FM_ERR_LIMIT if a size in a file's header is above `max_pixels`. */
fm_status fm__check_pixels(uint64_t width, uint64_t height, int64_t max_pixels, fm_error *err);

#endif
