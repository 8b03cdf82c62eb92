/* io/png_write.c - masks and images as PNG.
 *
 * Bytes of a file / microseconds on one core of an x86-64 server, for a street scene of 480x360
 * and for 512x512 with 18 labels: as they are, with the regions that the filter takes out, and
 * with 5 % of the pixels strewn:
 *
 *                        street                              18 labels
 *                        clean      filtered    strewn       clean       filtered
 *   Pillow 9.4, gray     4550/1560  14528/3610  20476/5380   13461/3260  28523/6160
 *   zlib 6               4132/990   12125/2830  14634/3470   10353/1750  21667/4300
 *   zlib 1               6119/300   19707/660   22135/740    17893/600   35576/1170
 *   libdeflate 1         4723/470   16158/530   18269/560    16356/650   29808/850
 *   libdeflate 5         3926/360   13199/920   16225/1070   12014/860   24203/1520
 *   zlib RLE (here)      4063/270   12772/520   15112/560    12489/460   24485/860
 *
 * A label mask consists of runs; a search for other matches costs more than it saves. An encoder
 * for these streams alone took half the time, which made a filtered mask from file to file a
 * quarter faster: not worth 450 lines. */
#include "core/context.h"
#include "core/fail.h"
#include "io/encode.h"
#include "io/png_encode.h"
#include "io/png_filter.h"

enum {
  SMALL = 2048, /* bytes of a file that may hold regular patterns, or almost nothing */
  HARD =
      9, /* bytes of pixels per byte of a file that has hardly any runs: dithered, say, or noise */
  SEARCH = 6, /* compression where runs do not help */
  IMAGE_COMPRESSION = 4
};

/* Replaces the file by that of the other coding if it is smaller. */
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

/* For what runs cannot express: repeated rows and patterns, or noise. */
static fm_status try_harder(const fm__png_layout *layout, const unsigned char *rows, fm__bytes *out,
                            fm_error *err) {
  size_t stored = layout->height * fm__png_row_bytes(layout);
  bool small = out->size <= SMALL;
  if (!small && out->size <= stored / HARD) return FM_OK;
  return try_other(layout, rows, (fm__png_coding){FM__PNG_PLAIN, SEARCH}, out, err);
}

static fm__png_filter better_filter(const fm__png_layout *layout, const unsigned char *rows) {
  bool up = fm__png_up_is_better(rows, layout->height, fm__png_row_bytes(layout),
                                 fm__png_pixel_bytes(layout));
  return up ? FM__PNG_UP : FM__PNG_PLAIN;
}

static fm_status write_rows(const fm__png_layout *layout, const unsigned char *rows,
                            int compression, fm__bytes *out, fm_error *err) {
  fm__png_coding coding = {.filter = better_filter(layout, rows)};
  /* A run of wide pixels is not a run of bytes. */
  if (layout->bit_depth == 16) coding.level = SEARCH;
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
