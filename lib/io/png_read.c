/* io/png_read.c - PNG masks as stored numbers or as colors, PNG images as RGB. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/channels.h"
#include "io/exif.h"
#include "io/orient.h"
#include "io/png_fast.h"
#include "io/png_hooks.h"

enum {
  /* Deflate expands by at most 1032. */
  MOST_EXPANSION = 1040
};

typedef struct png_read {
  fm__png_hooks hooks;
  const fm_context *context;
  fm__input *input;
  int64_t max_pixels;
  fm__content content;
  png_structp png;
  png_infop info;
  uint32_t width, height;
  int bit_depth, color_type, passes;
  int32_t orientation;
  fm_raster *raster;
  int channels;          /* of a mask's pixels in the file */
  unsigned char *stored; /* of a mask with several: its rows, or one if they come in order */
} png_read;

static const png_byte EXIF_CHUNK[5] = "eXIf";

static void read_bytes(png_structp png, png_bytep to, size_t size) {
  png_read *r = png_get_io_ptr(png);
  if (fm__input_read(r->input, to, size) < size) png_error(png, "the file ends too early");
}

/* libpng reads only what the pixels are made of: text, profiles and the like, whose parsers have a
 * history of vulnerabilities, are skipped. */
static void configure(png_read *r) {
  png_set_read_fn(r->png, r, read_bytes);
  png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_cache_max(r->png, 16);
  png_set_chunk_malloc_max(r->png, r->input->size < FM__PNG_MOST_CHUNK
                                       ? (png_alloc_size_t)r->input->size
                                       : FM__PNG_MOST_CHUNK);
  png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  /* Of an image, EXIF data are kept as bytes, which io/exif.c looks at. */
  if (r->content == FM__IMAGE)
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_ALWAYS, EXIF_CHUNK, 1);
  /* A mask may hold indices beyond its palette; they are labels all the same. */
  png_set_check_for_invalid_index(r->png, 0);
}

/* Refuses headers whose pixels the file cannot hold, before memory is taken for them. */
static fm_status check_size(const png_read *r, fm_error *err) {
  fm_status status = fm__check_pixels(r->width, r->height, r->max_pixels, err);
  if (status) return status;
  uint64_t stored = ((uint64_t)png_get_rowbytes(r->png, r->info) + 1) * r->height;
  if (stored / MOST_EXPANSION > (uint64_t)r->input->size)
    return fm__fail(err, FM_ERR_FORMAT,
                    "PNG claims %" PRIu32 "x%" PRIu32 " pixels, but %" PRId64
                    " bytes of file cannot hold them",
                    r->width, r->height, r->input->size);
  return FM_OK;
}

static void keep_palette(png_read *r) {
  png_colorp colors = NULL;
  int count = 0;
  if (!png_get_PLTE(r->png, r->info, &colors, &count)) return;
  if (count > FM__PALETTE_MAX) count = FM__PALETTE_MAX;
  for (int i = 0; i < count; i++) {
    uint8_t *entry = r->raster->palette + 3 * i;
    entry[0] = colors[i].red;
    entry[1] = colors[i].green;
    entry[2] = colors[i].blue;
  }
  r->raster->palette_size = count;
}

/* Room for pixels of several numbers, until one of each is kept. */
static fm_status hold_channels(png_read *r, fm_error *err) {
  size_t row = png_get_rowbytes(r->png, r->info);
  size_t rows = r->passes > 1 ? r->height : 1;
  r->stored = row <= PTRDIFF_MAX / rows ? fm__alloc(r->context, row * rows) : NULL;
  return r->stored ? FM_OK : fm__fail_memory(err, row);
}

/* The numbers as stored: unpacked to bytes, but neither scaled nor colored. */
static fm_status prepare_mask(png_read *r, fm_error *err) {
  fm_dtype dtype = r->bit_depth == 16 ? FM_U16 : FM_U8;
  fm_status status =
      fm__raster_plane(r->context, dtype, r->height, r->width, r->bit_depth, &r->raster, err);
  if (status) return status;
  r->channels = png_get_channels(r->png, r->info);
  if (r->channels > 1) return hold_channels(r, err);
  if (r->color_type == PNG_COLOR_TYPE_PALETTE) keep_palette(r);
  png_set_packing(r->png);
  return FM_OK;
}

static void expand(png_read *r) {
  if (r->color_type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(r->png);
  if (r->color_type == PNG_COLOR_TYPE_GRAY && r->bit_depth < 8)
    png_set_expand_gray_1_2_4_to_8(r->png);
  if (r->bit_depth == 16) png_set_scale_16(r->png);
  png_set_gray_to_rgb(r->png);
}

/* Red, green, blue and opacity of each pixel, in this order in memory at first. */
static fm_status prepare_colors(png_read *r, fm_error *err) {
  fm_status status =
      fm__raster_plane(r->context, FM_U32, r->height, r->width, r->bit_depth, &r->raster, err);
  if (status) return status;
  if (r->color_type == PNG_COLOR_TYPE_PALETTE) keep_palette(r);
  expand(r);
  if (png_get_valid(r->png, r->info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(r->png);
  png_set_add_alpha(r->png, 0xFF, PNG_FILLER_AFTER);
  return FM_OK;
}

static fm_status prepare_image(png_read *r, fm_error *err) {
  fm_status status =
      fm__raster_image(r->context, r->height, r->width, r->bit_depth, &r->raster, err);
  if (status) return status;
  expand(r);
  png_set_strip_alpha(r->png);
  return FM_OK;
}

/* PNG stores the upper byte first. */
static void set_byte_order(fm_raster *raster) {
  uint16_t *numbers = raster->pixels;
  const unsigned char *bytes = raster->pixels;
  size_t count = (size_t)(raster->plane.height * raster->plane.width);
  for (size_t i = 0; i < count; i++) numbers[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
}

static int32_t orientation_of(const png_read *r) {
  png_unknown_chunkp chunks = NULL;
  const int count = png_get_unknown_chunks(r->png, r->info, &chunks);
  for (int i = 0; i < count; i++)
    if (!memcmp(chunks[i].name, EXIF_CHUNK, sizeof EXIF_CHUNK))
      return fm__exif_orientation(chunks[i].data, chunks[i].size);
  return 1;
}

/* The color as a number: red + 256 green + 65536 blue + 2^24 opacity. */
static void join_colors(fm_raster *raster) {
  uint32_t *numbers = raster->pixels;
  const unsigned char *bytes = raster->pixels;
  size_t count = (size_t)(raster->plane.height * raster->plane.width);
  for (size_t i = 0; i < count; i++, bytes += 4)
    numbers[i] = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                 (uint32_t)bytes[3] << 24;
}

static fm_status keep_one(png_read *r, uint32_t y, const unsigned char *row, fm_error *err) {
  return fm__channels_keep_one(row, r->width, r->channels, r->bit_depth / 8, y,
                               fm__raster_row(r->raster, y), err);
}

/* Of each pixel several numbers that have to agree. */
static fm_status read_channels(png_read *r, fm_error *err) {
  const size_t row = png_get_rowbytes(r->png, r->info);
  fm_status status = FM_OK;
  for (int pass = 0; pass < r->passes; pass++)
    for (uint32_t y = 0; y < r->height && !status; y++) {
      unsigned char *at = r->stored + (r->passes > 1 ? y * row : 0);
      png_read_row(r->png, at, NULL);
      if (pass == r->passes - 1) status = keep_one(r, y, at, err);
    }
  return status;
}

static fm_status read_rows(png_read *r, fm_error *err) {
  fm_status status = r->stored ? read_channels(r, err) : FM_OK;
  for (int pass = 0; pass < r->passes && !r->stored; pass++)
    for (uint32_t y = 0; y < r->height; y++)
      png_read_row(r->png, fm__raster_row(r->raster, y), NULL);
  if (r->bit_depth == 16 && r->content == FM__MASK && !status) set_byte_order(r->raster);
  if (r->content == FM__COLORS) join_colors(r->raster);
  return status;
}

/* The transformed rows have to fit the raster's exactly; anything else would be a mistake in this
 * file, and must not write past a row. */
static fm_status check_rows(const png_read *r, fm_error *err) {
  size_t row = (size_t)(fm__raster_row(r->raster, 1) - fm__raster_row(r->raster, 0));
  if (r->stored) row *= (size_t)r->channels;
  if (png_get_rowbytes(r->png, r->info) == row) return FM_OK;
  return fm__fail(err, FM_ERR_UNSUPPORTED, "PNG of color type %d with %d bits is not supported",
                  r->color_type, r->bit_depth);
}

static fm_status run(png_read *r, fm_error *err) {
  if (setjmp(r->hooks.jump)) return fm__png_failed(&r->hooks, err);
  r->png = fm__png_reader(&r->hooks);
  if (r->png) r->info = png_create_info_struct(r->png);
  if (!r->info) return fm__fail_memory(err, r->hooks.refused);
  configure(r);
  png_read_info(r->png, r->info);
  (void)png_get_IHDR(r->png, r->info, &r->width, &r->height, &r->bit_depth, &r->color_type, NULL,
                     NULL, NULL);
  fm_status status = check_size(r, err);
  if (status) return status;
  r->passes = png_set_interlace_handling(r->png);
  status = r->content == FM__IMAGE    ? prepare_image(r, err)
           : r->content == FM__COLORS ? prepare_colors(r, err)
                                      : prepare_mask(r, err);
  if (status) return status;
  png_read_update_info(r->png, r->info);
  status = check_rows(r, err);
  if (status) return status;
  status = read_rows(r, err);
  if (status) return status;
  const bool image = r->content == FM__IMAGE;
  png_read_end(r->png, image ? r->info : NULL);
  if (image) r->orientation = orientation_of(r);
  /* libpng continues without memory where it can; such a result does not count. */
  if (r->hooks.refused) return fm__fail_memory(err, r->hooks.refused);
  if (r->hooks.too_much && r->content != FM__IMAGE)
    return fm__fail(err, FM_ERR_FORMAT, "PNG is damaged: it holds more than %" PRIu32 " rows",
                    r->height);
  return FM_OK;
}

static fm_status read_png(const fm_context *context, fm__input *input, const fm__request *request,
                          fm_raster **out, fm_error *err) {
  png_read r = {.hooks = {.context = context},
                .context = context,
                .input = input,
                .max_pixels = request->max_pixels,
                .content = request->content};
  fm_status status = run(&r, err);
  png_destroy_read_struct(&r.png, &r.info, NULL);
  fm__free(context, r.stored);
  if (status) {
    fm_raster_destroy(r.raster);
    return status;
  }
  if (r.content == FM__IMAGE) status = fm__orient(context, request, r.orientation, &r.raster, err);
  if (!status) *out = r.raster;
  return status;
}

fm_status fm__png_read(const fm_context *context, fm__input *input, const fm__request *request,
                       fm_raster **out, fm_error *err) {
#if defined(FM_HAVE_DEFLATE)
  if (request->content == FM__MASK) {
    fm_raster *raster = NULL;
    fm_status status = fm__png_fast_mask(context, input, request->max_pixels, &raster, err);
    if (raster) *out = raster;
    if (status || raster) return status;
  }
#endif
  return read_png(context, input, request, out, err);
}
