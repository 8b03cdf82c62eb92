/* io/png_read.c - PNG masks as stored numbers, PNG images as RGB. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/decode.h"
#include "io/png_fast.h"
#include "io/png_hooks.h"

enum {
  /* Of each side. libpng holds two rows of up to 8 bytes a pixel. */
  MOST_SIDE = 1000000,
  /* Deflate expands by at most 1032. */
  MOST_EXPANSION = 1040,
  /* Only the image's chunks are kept, so another long one costs nothing: only nonsense is refused.
   */
  MOST_CHUNK = 1 << 28
};

typedef struct png_read {
  fm__png_hooks hooks;
  const fm_context *context;
  fm__input *input;
  int64_t max_pixels;
  bool image; /* colors are wanted, not numbers */
  png_structp png;
  png_infop info;
  uint32_t width, height;
  int bit_depth, color_type, passes;
  fm_raster *raster;
} png_read;

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
  png_set_chunk_malloc_max(r->png, MOST_CHUNK);
  png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  /* A mask may hold indices beyond its palette; they are labels all the same. */
  png_set_check_for_invalid_index(r->png, 0);
}

/* Refuses headers whose pixels the file cannot hold, before memory is taken for them. */
static fm_status check_size(const png_read *r, fm_error *err) {
  fm_status status = fm__check_pixels(r->width, r->height, r->max_pixels, err);
  if (status) return status;
  if (r->width > MOST_SIDE || r->height > MOST_SIDE)
    return fm__fail(err, FM_ERR_LIMIT,
                    "PNG has %" PRIu32 "x%" PRIu32 " pixels, more than %d a side", r->width,
                    r->height, MOST_SIDE);
  uint64_t stored = ((uint64_t)png_get_rowbytes(r->png, r->info) + 1) * r->height;
  if (stored / MOST_EXPANSION > (uint64_t)r->input->size)
    return fm__fail(err, FM_ERR_FORMAT,
                    "PNG claims %" PRIu32 "x%" PRIu32 " pixels, but %" PRId64
                    " bytes of file cannot hold them",
                    r->width, r->height, r->input->size);
  return FM_OK;
}

static const char *color_name(int color_type) {
  switch (color_type) {
    case PNG_COLOR_TYPE_RGB:
      return "RGB";
    case PNG_COLOR_TYPE_RGB_ALPHA:
      return "RGB with alpha";
    default:
      return "gray with alpha";
  }
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

/* The numbers as stored: unpacked to bytes, but neither scaled nor colored. */
static fm_status prepare_mask(png_read *r, fm_error *err) {
  if (r->color_type != PNG_COLOR_TYPE_GRAY && r->color_type != PNG_COLOR_TYPE_PALETTE)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "PNG is %s: a mask that holds colors has no labels to read: convert it to "
                    "gray or palette, one number per class",
                    color_name(r->color_type));
  fm_dtype dtype = r->bit_depth == 16 ? FM_U16 : FM_U8;
  fm_status status =
      fm__raster_plane(r->context, dtype, r->height, r->width, r->bit_depth, &r->raster, err);
  if (status) return status;
  if (r->color_type == PNG_COLOR_TYPE_PALETTE) keep_palette(r);
  png_set_packing(r->png);
  return FM_OK;
}

static fm_status prepare_image(png_read *r, fm_error *err) {
  fm_status status =
      fm__raster_image(r->context, r->height, r->width, r->bit_depth, &r->raster, err);
  if (status) return status;
  if (r->color_type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(r->png);
  if (r->color_type == PNG_COLOR_TYPE_GRAY && r->bit_depth < 8)
    png_set_expand_gray_1_2_4_to_8(r->png);
  if (r->bit_depth == 16) png_set_scale_16(r->png);
  png_set_gray_to_rgb(r->png);
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

static void read_rows(png_read *r) {
  for (int pass = 0; pass < r->passes; pass++)
    for (uint32_t y = 0; y < r->height; y++)
      png_read_row(r->png, fm__raster_row(r->raster, y), NULL);
  if (r->bit_depth == 16 && !r->image) set_byte_order(r->raster);
}

/* The transformed rows have to fit the raster's exactly; anything else would be a mistake in this
 * file, and must not write past a row. */
static fm_status check_rows(const png_read *r, fm_error *err) {
  size_t row = (size_t)(fm__raster_row(r->raster, 1) - fm__raster_row(r->raster, 0));
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
  if (!status) status = r->image ? prepare_image(r, err) : prepare_mask(r, err);
  if (status) return status;
  r->passes = png_set_interlace_handling(r->png);
  png_read_update_info(r->png, r->info);
  status = check_rows(r, err);
  if (status) return status;
  read_rows(r);
  png_read_end(r->png, NULL);
  /* libpng continues without memory where it can; such a result does not count. */
  if (r->hooks.refused) return fm__fail_memory(err, r->hooks.refused);
  if (r->hooks.too_much && !r->image)
    return fm__fail(err, FM_ERR_FORMAT, "PNG is damaged: it holds more than %" PRIu32 " rows",
                    r->height);
  return FM_OK;
}

static fm_status read_png(const fm_context *context, fm__input *input, int64_t max_pixels,
                          bool image, fm_raster **out, fm_error *err) {
  png_read r = {.hooks = {.context = context},
                .context = context,
                .input = input,
                .max_pixels = max_pixels,
                .image = image};
  fm_status status = run(&r, err);
  png_destroy_read_struct(&r.png, &r.info, NULL);
  if (status)
    fm_raster_destroy(r.raster);
  else
    *out = r.raster;
  return status;
}

fm_status fm__png_read(const fm_context *context, fm__input *input, const fm__request *request,
                       fm_raster **out, fm_error *err) {
  bool image = request->content == FM__IMAGE;
#if defined(FM_HAVE_DEFLATE)
  if (!image) {
    fm_raster *raster = NULL;
    fm_status status = fm__png_fast_mask(context, input, request->max_pixels, &raster, err);
    if (raster) *out = raster;
    if (status || raster) return status;
  }
#endif
  return read_png(context, input, request->max_pixels, image, out, err);
}
