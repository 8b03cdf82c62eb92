/* io/png_write.c - masks and images as PNG.
 *
 * Masks go through io/runs.c. Per mask on one Zen 3 core, packing and filtering included,
 * bytes / microseconds (60 masks of each kind, 480x360; the last 512x512):
 *
 *                        clean      2 % speckle  20 % speckle   holes 15 %     holes 12 %
 *   Pillow 9.4           MEASURE
 *   libdeflate 1
 *   libdeflate 5
 *   libdeflate 6
 *   zlib 6, no filter
 *   zlib RLE, filter up
 *   runs
 */
#include "core/context.h"
#include "core/fail.h"
#include "io/encode.h"
#include "io/png_file.h"
#include "io/png_filter.h"
#include "io/png_general.h"
#include "io/runs.h"

enum {
  /* A file above a ninth of its pixels is hardly runs: dithered, say, or noise. Below a
   * 64th rows repeat, which runs cannot say. In both cases the general encoder is tried. */
  HARDLY_RUNS = 9,
  REPEATED_ROWS = 64,
  SMALL = 1024, /* not worth the trouble */
  MASK_COMPRESSION = 6,
  IMAGE_COMPRESSION = 5
};

static bool try_harder(size_t size, size_t pixels) {
  return size > SMALL && (size > pixels / HARDLY_RUNS || size < pixels / REPEATED_ROWS);
}

static fm_status write_runs(const fm__png_layout *layout, unsigned char *rows, fm__bytes *out,
                            fm_error *err) {
  size_t stride = fm__png_row_bytes(layout), pixel = fm__png_pixel_bytes(layout);
  if (fm__png_up_is_better(rows, layout->height, stride, pixel))
    fm__png_filter_up(rows, layout->height, stride);
  size_t chunk = fm__png_begin(layout, out);
  if (!chunk || !fm__runs_compress(rows, stride * layout->height, pixel, out))
    return fm__fail_memory(err, out->refused);
  return fm__png_finish(chunk, out, err);
}

/* Takes the other encoder's file if it is smaller. */
static fm_status try_general(const fm_plane *mask, const fm__png_layout *layout,
                             unsigned char *rows, int compression, fm__bytes *out,
                             fm_error *err) {
  fm__bytes other = {.context = out->context};
  fm__png_pack_mask(mask, layout, rows);
  fm_status status = fm__png_general(layout, rows, compression, &other, err);
  if (!status && other.size < out->size) {
    fm__bytes larger = *out;
    *out = other;
    other = larger;
  }
  fm__bytes_free(&other);
  return status;
}

static unsigned char *new_rows(const fm__png_layout *layout, fm__bytes *out) {
  return fm__bytes_scratch(out, layout->height, fm__png_row_bytes(layout));
}

fm_status fm__png_write_mask(const fm_plane *mask, const fm_raster *like, int compression,
                             fm__bytes *out, fm_error *err) {
  fm__png_layout layout;
  fm__png_mask_layout(mask, like, &layout);
  unsigned char *rows = new_rows(&layout, out);
  if (!rows) return fm__fail_memory(err, out->refused);
  fm__png_pack_mask(mask, &layout, rows);
  fm_status status = write_runs(&layout, rows, out, err);
  if (!status && !compression &&
      try_harder(out->size, layout.height * fm__png_row_bytes(&layout)))
    compression = MASK_COMPRESSION;
  if (!status && compression > 1) status = try_general(mask, &layout, rows, compression, out, err);
  fm__free(out->context, rows);
  return status;
}

fm_status fm__png_write_image(const fm_volume *image, int compression, fm__bytes *out,
                              fm_error *err) {
  fm__png_layout layout = {.width = (uint32_t)image->width, .height = (uint32_t)image->height};
  layout.bit_depth = 8;
  layout.color_type = FM__PNG_RGB;
  unsigned char *rows = new_rows(&layout, out);
  if (!rows) return fm__fail_memory(err, out->refused);
  fm__png_pack_image(image, rows);
  fm_status status =
      fm__png_general(&layout, rows, compression ? compression : IMAGE_COMPRESSION, out, err);
  fm__free(out->context, rows);
  return status;
}
