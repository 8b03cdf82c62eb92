/* io/png_write.c - masks and images as PNG.
 *
 * Masks go through io/runs.c. Bytes of a file / microseconds on one Zen 3 core, packing and
 * filtering included, for street scenes of 480x360 (the last: 512x512), as they are, with a
 * share of ignored pixels strewn over them, and with ignored regions:
 *
 *                        clean        2 % strewn    20 % strewn    15 % regions  12 % regions
 *   Pillow 9.4           5868/1880    14938/5450    40504/13630    15809/3720    21086/5020
 *   zlib 6, no filter    4939/1030    11075/2110    29255/9940     13264/3270    17939/3830
 *   zlib RLE, filter Up  5051/256     15488/444     44977/1450     14671/457     19384/642
 *   libdeflate 1         6438/440     13909/497     34198/609      17791/490     24092/738
 *   libdeflate 5         5340/395     12353/663     31196/2180     14701/871     19563/1180
 *   libdeflate 6         5197/517     11732/1040    30217/3240     14023/1330    18496/1770
 *   this file            5162/115     11424/199     31967/2500     14574/260     19162/346
 *
 * (libdeflate without a filter; with Up it is no smaller.) No file of these or of 1,700 others
 * of the kinds was larger than Pillow's. Photographs: libdeflate, filter Paeth. */
#include "core/context.h"
#include "core/fail.h"
#include "io/encode.h"
#include "io/png_file.h"
#include "io/png_filter.h"
#include "io/png_general.h"
#include "io/runs.h"

enum {
  SMALL = 1024, /* bytes of a file that is not worth the trouble */
  IMAGE_COMPRESSION = 5
};

/* A file above a ninth of its pixels is hardly runs: dithered, say, or noise. Below a 64th
 * rows repeat, which runs cannot say. In both cases the general encoder is tried too.
 * Answers its compression; 0: leave it. */
static int try_harder(size_t size, size_t pixels) {
  if (size <= SMALL) return 0;
  if (size > pixels / 9) return 4;
  return size < pixels / 64 ? 6 : 0;
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
                             unsigned char *rows, int compression, fm__bytes *out, fm_error *err) {
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
  if (!status && !compression)
    compression = try_harder(out->size, layout.height * fm__png_row_bytes(&layout));
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
