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
#include "io/png_encode.h"
#include "io/png_filter.h"

enum {
  SMALL = 4096, /* bytes of a file in which regular patterns may hide, or next to nothing */
  HARD = 9, /* bytes of pixels for each of a file that is hardly runs: dithered, say, or noise */
  WIDE_COMPRESSION = 6,
  IMAGE_COMPRESSION = 4
};

/* Takes the other coding's file if it is smaller. */
static fm_status try_other(const fm__png_layout *layout, const unsigned char *rows,
                           fm__png_coding coding, fm__bytes *out, fm_error *err) {
  fm__bytes other = {.context = out->context};
  fm_status status = fm__png_encode(layout, rows, coding, &other, err);
  if (!status && other.size < out->size) {
    fm__bytes larger = *out;
    *out = other;
    other = larger;
  }
  fm__bytes_free(&other);
  return status;
}

/* What runs cannot say: repeated rows and patterns, or anything at all. */
static fm_status try_harder(const fm__png_layout *layout, const unsigned char *rows, fm__bytes *out,
                            fm_error *err) {
  size_t stored = layout->height * fm__png_row_bytes(layout);
  bool small = out->size <= SMALL;
  if (!small && out->size <= stored / HARD) return FM_OK;
  fm__png_coding plain = {FM__PNG_PLAIN, small ? 9 : 6}, up = {FM__PNG_UP, 9};
  fm_status status = try_other(layout, rows, plain, out, err);
  return status || !small ? status : try_other(layout, rows, up, out, err);
}

static fm__png_filter better_filter(const fm__png_layout *layout, const unsigned char *rows) {
  bool up = fm__png_up_is_better(rows, layout->height, fm__png_row_bytes(layout),
                                 fm__png_pixel_bytes(layout));
  return up ? FM__PNG_UP : FM__PNG_PLAIN;
}

static fm_status write_rows(const fm__png_layout *layout, const unsigned char *rows,
                            int compression, fm__bytes *out, fm_error *err) {
  fm__png_coding coding = {.filter = better_filter(layout, rows)};
  /* Runs of wide pixels are no runs of bytes. */
  if (layout->bit_depth == 16) coding.level = WIDE_COMPRESSION;
  if (layout->bit_depth == 16 && compression) coding.level = compression;
  fm_status status = fm__png_encode(layout, rows, coding, out, err);
  if (status || compression == 1) return status;
  if (!compression) return try_harder(layout, rows, out, err);
  coding.level = compression;
  return try_other(layout, rows, coding, out, err);
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
  fm_status status = write_rows(&layout, rows, compression, out, err);
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
  fm__png_coding coding = {FM__PNG_PAETH, compression ? compression : IMAGE_COMPRESSION};
  fm_status status = fm__png_encode(&layout, rows, coding, out, err);
  fm__free(out->context, rows);
  return status;
}
