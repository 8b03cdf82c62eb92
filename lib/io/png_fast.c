/* io/png_fast.c - common kinds of mask without libpng, by libdeflate, which unpacks a whole stream
 * at once. It takes its tables, about 20 KiB, from malloc. */
#include "io/png_fast.h"

#include <libdeflate.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/png_layout.h"
#include "io/png_unfilter.h"

enum { SIGNATURE = 8, CHUNK = 12, /* length, type and sum */ MOST_EXPANSION = 1040 };

/* What has been found; the pointers lie in the input. */
typedef struct fast_read {
  fm__png_layout layout;
  const unsigned char *stream; /* of the first piece */
  size_t stream_size;          /* of all pieces */
  int pieces;
  unsigned char *joined; /* the pieces, where there are several */
} fast_read;

static uint32_t get_u32(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- Chunks --------------------------------------------------------------------- */

static bool read_header(fast_read *r, const unsigned char *data, size_t size, int64_t max_pixels) {
  if (size != 13) return false;
  fm__png_layout *l = &r->layout;
  l->width = get_u32(data);
  l->height = get_u32(data + 4);
  l->bit_depth = data[8];
  l->color_type = data[9];
  int depth = l->bit_depth;
  bool known = depth == 1 || depth == 2 || depth == 4 || depth == 8 ||
               (depth == 16 && l->color_type == FM__PNG_GRAY);
  bool plain = data[10] == 0 && data[11] == 0 && data[12] == 0;
  if (l->color_type != FM__PNG_GRAY && l->color_type != FM__PNG_PALETTE) return false;
  return known && plain && l->width && l->height &&
         !fm__check_pixels(l->width, l->height, max_pixels, NULL);
}

static bool read_palette(fast_read *r, const unsigned char *data, size_t size) {
  size_t most = 3 * ((size_t)1 << r->layout.bit_depth);
  if (r->layout.color_type != FM__PNG_PALETTE) return false; /* libpng counts them */
  if (r->layout.palette_size || r->pieces || !size || size % 3 || size > most) return false;
  memcpy(r->layout.palette, data, size);
  r->layout.palette_size = (int32_t)(size / 3);
  return true;
}

/* Pieces have to follow each other: `behind` is where the last one ended. */
static bool read_piece(fast_read *r, const unsigned char *data, size_t size,
                       const unsigned char **behind) {
  if (r->layout.color_type == FM__PNG_PALETTE && !r->layout.palette_size) return false;
  if (r->pieces && data - 8 != *behind) return false;
  if (!r->pieces) r->stream = data;
  r->stream_size += size;
  r->pieces++;
  *behind = data + size + 4;
  return true;
}

/* Types are letters; longer chunks than libpng takes are left to it. */
static bool is_chunk(const unsigned char *type, size_t size) {
  for (int i = 0; i < 4; i++)
    if ((type[i] | 0x20) < 'a' || (type[i] | 0x20) > 'z') return false;
  return size <= FM__PNG_MOST_CHUNK;
}

/* Walks over all chunks; true at a proper end. */
static bool read_chunks(fast_read *r, const unsigned char *at, const unsigned char *end,
                        int64_t max_pixels) {
  const unsigned char *behind = NULL;
  for (bool first = true; end - at >= CHUNK; first = false) {
    size_t size = get_u32(at), left = (size_t)(end - at) - CHUNK;
    const unsigned char *type = at + 4, *data = at + 8;
    if (size > left || !is_chunk(type, size)) return false;
    bool critical = !(type[0] & 0x20);
    if (critical && libdeflate_crc32(0, type, size + 4) != get_u32(data + size)) return false;
    if (first != !memcmp(type, "IHDR", 4)) return false;
    if (!memcmp(type, "IEND", 4)) return !size && r->pieces;
    bool fine = first                      ? read_header(r, data, size, max_pixels)
                : !memcmp(type, "PLTE", 4) ? read_palette(r, data, size)
                : !memcmp(type, "IDAT", 4) ? read_piece(r, data, size, &behind)
                                           : !critical;
    if (!fine) return false;
    at = data + size + 4;
  }
  return false;
}

/* Joins several pieces to one stream. */
static fm_status join_pieces(const fm_context *context, fast_read *r, fm_error *err) {
  if (r->pieces == 1) return FM_OK;
  r->joined = fm__alloc(context, r->stream_size);
  if (!r->joined) return fm__fail_memory(err, r->stream_size);
  const unsigned char *from = r->stream;
  unsigned char *to = r->joined;
  for (int i = 0; i < r->pieces; i++) {
    size_t size = get_u32(from - 8);
    memcpy(to, from, size);
    to += size;
    from += size + CHUNK;
  }
  r->stream = r->joined;
  return FM_OK;
}

/* ---- Pixels --------------------------------------------------------------------- */

/* How far back the stream may refer, as it says; zlib holds it to that, libdeflate does not. */
static bool refers_within(const fast_read *r, size_t size) {
  enum { FARTHEST = 32768 };
  if (!r->stream_size) return false;
  size_t window = (size_t)1 << ((r->stream[0] >> 4) + 8);
  return window >= FARTHEST || window >= size;
}

/* True if the stream is sound and has just this many bytes. */
static bool unpack(const fast_read *r, unsigned char *rows, size_t size) {
  if (!refers_within(r, size)) return false;
  struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
  if (!decompressor) return false;
  size_t used = 0;
  enum libdeflate_result result = libdeflate_zlib_decompress_ex(
      decompressor, r->stream, r->stream_size, rows, size, &used, NULL);
  libdeflate_free_decompressor(decompressor);
  return result == LIBDEFLATE_SUCCESS && used == r->stream_size;
}

static void fill_raster(const fast_read *r, const unsigned char *rows, fm_raster *raster) {
  const fm__png_layout *l = &r->layout;
  size_t stride = fm__png_row_bytes(l);
  for (uint32_t y = 0; y < l->height; y++)
    fm__png_unpack_row(rows + y * stride + 1, l->width, l->bit_depth, fm__raster_row(raster, y));
  memcpy(raster->palette, l->palette, sizeof l->palette);
  raster->palette_size = l->palette_size;
}

/* Makes a raster of the stream, or none if the stream has a flaw. */
static fm_status read_pixels(const fm_context *context, const fast_read *r, unsigned char *rows,
                             fm_raster **out, fm_error *err) {
  const fm__png_layout *l = &r->layout;
  size_t stride = fm__png_row_bytes(l);
  if (!unpack(r, rows, stride * l->height)) return FM_OK;
  if (!fm__png_unfilter(rows, l->height, stride, fm__png_pixel_bytes(l))) return FM_OK;
  fm_raster *raster = NULL;
  fm_status status = fm__raster_plane(context, l->bit_depth == 16 ? FM_U16 : FM_U8, l->height,
                                      l->width, l->bit_depth, &raster, err);
  if (status) return status;
  fill_raster(r, rows, raster);
  *out = raster;
  return FM_OK;
}

fm_status fm__png_fast_mask(const fm_context *context, const fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err) {
  fast_read r = {.pieces = 0};
  if (input->beyond || input->ready < SIGNATURE) return FM_OK;
  const unsigned char *at = input->next;
  if (!read_chunks(&r, at + SIGNATURE, at + input->ready, max_pixels)) return FM_OK;
  uint64_t size = (uint64_t)fm__png_row_bytes(&r.layout) * r.layout.height;
  if (size / MOST_EXPANSION > r.stream_size || size > PTRDIFF_MAX) return FM_OK;
  fm_status status = join_pieces(context, &r, err);
  unsigned char *rows = NULL;
  if (!status) {
    rows = fm__alloc(context, (size_t)size);
    status = rows ? read_pixels(context, &r, rows, out, err) : fm__fail_memory(err, (size_t)size);
  }
  fm__free(context, rows);
  fm__free(context, r.joined);
  return status;
}
