/* io/tiff_read.c - TIFF masks as stored numbers, TIFF images as RGB. */
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/channels.h"
#include "io/orient.h"
#include "io/tiff_open.h"

/* ---- Masks ---------------------------------------------------------------------------- */

static fm_status refuse(fm_error *err, const char *why) {
  return fm__fail(err, FM_ERR_UNSUPPORTED, "TIFF %s", why);
}

static bool is_lossy(int compression) {
  return compression == COMPRESSION_JPEG || compression == COMPRESSION_OJPEG ||
         compression == 50001 /* WebP */ || compression == 34887 /* LERC */ ||
         compression == COMPRESSION_JP2000;
}

static bool is_depth(int bits) {
  return bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16 || bits == 32;
}

/* The kinds whose numbers are labels. */
static fm_status check_mask(const fm__tiff_layout *l, fm_error *err) {
  if (l->samples != 1)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "TIFF has %d samples of %d bits for each pixel, expected one number, or up to "
                    "four samples of 8 bits",
                    l->samples, l->bits);
  if (is_lossy(l->compression))
    return refuse(err,
                  "is compressed with losses, which changes labels: save it with LZW or "
                  "Deflate");
  if (l->format == SAMPLEFORMAT_IEEEFP)
    return refuse(err, "holds floating-point numbers, expected whole ones as labels");
  if (l->format != SAMPLEFORMAT_UINT && l->format != SAMPLEFORMAT_INT &&
      l->format != SAMPLEFORMAT_VOID)
    return refuse(err, "holds complex numbers, expected whole ones as labels");
  if (l->photometric == PHOTOMETRIC_MINISWHITE)
    return refuse(err,
                  "counts from white (MinIsWhite), where readers disagree about the numbers: "
                  "save it with black as zero");
  if (l->photometric != PHOTOMETRIC_MINISBLACK && l->photometric != PHOTOMETRIC_PALETTE &&
      l->photometric != PHOTOMETRIC_MASK)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "TIFF is of color kind %d, expected gray or palette, one number per class",
                    l->photometric);
  if (!is_depth(l->bits))
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "TIFF has %d bits for each pixel, expected 1, 2, 4, 8, 16 or 32", l->bits);
  return FM_OK;
}

/* Readers disagree about turned masks: some turn the pixels, some do not. */
static fm_status check_upright(const fm__tiff_layout *l, const fm__request *request,
                               fm_error *err) {
  if (l->orientation == 1 || request->keep_orientation) return FM_OK;
  return fm__fail(err, FM_ERR_UNSUPPORTED,
                  "TIFF has the orientation %d, which some readers of masks apply and some do not: "
                  "save it upright",
                  l->orientation);
}

/* Reduced copies and transparency masks may follow the picture; another picture may not. */
static fm_status check_single(fm__tiff *tiff, fm_error *err) {
  int pages = 1;
  while (pages < 100 && TIFFReadDirectory(tiff->handle)) {
    uint32_t kind = 0;
    (void)TIFFGetFieldDefaulted(tiff->handle, TIFFTAG_SUBFILETYPE, &kind);
    if (!(kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)))
      return refuse(err, "holds several pages, expected one: save each as a file of its own");
    pages++;
  }
  *tiff->message = '\0'; /* of what follows the picture */
  if (pages == 1) return FM_OK;
  return TIFFSetDirectory(tiff->handle, 0) ? FM_OK
                                           : fm__tiff_failed(tiff, "its first page is lost", err);
}

static fm_dtype dtype_of(const fm__tiff_layout *l) {
  const bool sign = l->format == SAMPLEFORMAT_INT;
  if (l->bits == 32) return sign ? FM_I32 : FM_U32;
  if (l->bits == 16) return sign ? FM_I16 : FM_U16;
  return sign && l->bits == 8 ? FM_I8 : FM_U8;
}

/* TIFF's entries have 16 bits; some writers use the lower 8 only. */
static void keep_palette(const fm__tiff *tiff, const fm__tiff_layout *l, fm_raster *raster) {
  uint16_t *colors[3];
  const int count = 1 << l->bits;
  if (l->bits > 8 ||
      !TIFFGetField(tiff->handle, TIFFTAG_COLORMAP, &colors[0], &colors[1], &colors[2]))
    return;
  bool wide = false;
  for (int i = 0; i < 3 * count; i++) wide = wide || colors[i % 3][i / 3] > 255;
  for (int i = 0; i < 3 * count; i++)
    raster->palette[i] = (uint8_t)(wide ? colors[i % 3][i / 3] >> 8 : colors[i % 3][i / 3]);
  raster->palette_size = count;
}

/* ---- Several samples, and colors ------------------------------------------------------- */

static fm_status check_channels(const fm__tiff_layout *l, const fm__request *request,
                                fm_error *err) {
  if (is_lossy(l->compression) || l->photometric == PHOTOMETRIC_YCBCR)
    return refuse(err,
                  "is compressed with losses, which changes labels: save it with LZW or "
                  "Deflate");
  if (l->bits > 8 ||
      (l->photometric != PHOTOMETRIC_RGB && l->photometric != PHOTOMETRIC_MINISBLACK &&
       l->photometric != PHOTOMETRIC_PALETTE))
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "TIFF has %d bits for each sample and color kind %d, expected red, green and "
                    "blue of 8 bits, gray, or a palette",
                    l->bits, l->photometric);
  return check_upright(l, request, err);
}

/* What libtiff mixed as red, green, blue and opacity, in this order in memory. */
static void spread(uint32_t *pixels, size_t count) {
  unsigned char *to = (unsigned char *)pixels;
  for (size_t i = 0; i < count; i++, to += 4) {
    const uint32_t pixel = pixels[i];
    to[0] = (unsigned char)TIFFGetR(pixel);
    to[1] = (unsigned char)TIFFGetG(pixel);
    to[2] = (unsigned char)TIFFGetB(pixel);
    to[3] = (unsigned char)TIFFGetA(pixel);
  }
}

static fm_status take_row(const unsigned char *row, int64_t y, bool colors, fm_raster *raster,
                          fm_error *err) {
  const int64_t width = raster->plane.width;
  unsigned char *to = fm__raster_row(raster, y);
  if (!colors) return fm__channels_keep_one(row, width, 4, 1, y, to, err);
  for (int64_t x = 0; x < width; x++, row += 4, to += 4) {
    const uint32_t color =
        (uint32_t)row[0] | (uint32_t)row[1] << 8 | (uint32_t)row[2] << 16 | (uint32_t)row[3] << 24;
    /* libtiff has multiplied the others with it. */
    if (row[3] != 255) return refuse(err, "is not opaque, expected colors without transparency");
    memcpy(to, &color, sizeof color);
  }
  return FM_OK;
}

static fm_status mix(fm__tiff *tiff, const fm__tiff_layout *l, uint32_t *pixels, fm_error *err);

static fm_status read_channels(fm__tiff *tiff, const fm__tiff_layout *l, bool colors,
                               fm_raster **out, fm_error *err) {
  const size_t count = (size_t)l->width * l->height;
  if (count > PTRDIFF_MAX / sizeof(uint32_t))
    return fm__fail(err, FM_ERR_LIMIT, "TIFF has more pixels than this machine can address");
  uint32_t *pixels = fm__alloc_zeroed(tiff->context, count, sizeof *pixels);
  if (!pixels) return fm__fail_memory(err, count * sizeof *pixels);
  fm_status status = mix(tiff, l, pixels, err);
  if (!status)
    status = fm__raster_plane(tiff->context, colors ? FM_U32 : FM_U8, l->height, l->width, l->bits,
                              out, err);
  if (!status) spread(pixels, count);
  for (uint32_t y = 0; y < l->height && !status; y++)
    status = take_row((const unsigned char *)(pixels + (size_t)y * l->width), y, colors, *out, err);
  fm__free(tiff->context, pixels);
  return status;
}

static bool has_channels(const fm__tiff_layout *l) {
  return l->samples >= 2 && l->samples <= 4 && l->bits == 8 && l->format != SAMPLEFORMAT_IEEEFP;
}

static fm_status read_mask(fm__tiff *tiff, const fm__request *request, fm_raster **out,
                           fm_error *err) {
  fm__tiff_layout l;
  fm_status status = check_single(tiff, err);
  if (!status) status = fm__tiff_layout_read(tiff, request->max_pixels, &l, err);
  const bool colors = request->content == FM__COLORS;
  if (!status && (colors || has_channels(&l))) {
    status = check_channels(&l, request, err);
    return status ? status : read_channels(tiff, &l, colors, out, err);
  }
  if (!status) status = check_mask(&l, err);
  if (!status) status = check_upright(&l, request, err);
  if (!status)
    status = fm__raster_plane(tiff->context, dtype_of(&l), l.height, l.width, l.bits, out, err);
  if (status) return status;
  if (l.photometric == PHOTOMETRIC_PALETTE) keep_palette(tiff, &l, *out);
  return fm__tiff_read_numbers(tiff, &l, *out, err);
}

/* ---- Images --------------------------------------------------------------------------- */

/* Pixels as libtiff mixes them to 8 bits, rows as they are stored. */
static fm_status mix(fm__tiff *tiff, const fm__tiff_layout *l, uint32_t *pixels, fm_error *err) {
  char why[1024] = "";
  TIFFRGBAImage image;
  if (!TIFFRGBAImageOK(tiff->handle, why) || !TIFFRGBAImageBegin(&image, tiff->handle, 1, why))
    return fm__fail(err, FM_ERR_UNSUPPORTED, "TIFF is not of a kind that shows a picture: %.150s",
                    *why ? why : tiff->message);
  /* What libtiff would turn, it must not: io/orient.c does, for all formats alike. */
  image.req_orientation = image.orientation;
  int good = TIFFRGBAImageGet(&image, pixels, l->width, l->height);
  TIFFRGBAImageEnd(&image);
  return good ? FM_OK : fm__tiff_failed(tiff, "its pixels cannot be read", err);
}

static void take_rgb(const uint32_t *pixels, fm_raster *raster) {
  unsigned char *to = raster->pixels;
  const int64_t count = raster->volume.height * raster->volume.width;
  for (int64_t i = 0; i < count; i++, to += 3) {
    to[0] = (unsigned char)TIFFGetR(pixels[i]);
    to[1] = (unsigned char)TIFFGetG(pixels[i]);
    to[2] = (unsigned char)TIFFGetB(pixels[i]);
  }
}

static fm_status read_image(fm__tiff *tiff, const fm__request *request, fm_raster **out,
                            fm_error *err) {
  fm__tiff_layout l;
  fm_status status = fm__tiff_layout_read(tiff, request->max_pixels, &l, err);
  if (status) return status;
  const size_t count = (size_t)l.width * l.height;
  if (count > PTRDIFF_MAX / sizeof(uint32_t))
    return fm__fail(err, FM_ERR_LIMIT, "TIFF has more pixels than this machine can address");
  uint32_t *pixels = fm__alloc_zeroed(tiff->context, count, sizeof *pixels);
  if (!pixels) return fm__fail_memory(err, count * sizeof *pixels);
  status = mix(tiff, &l, pixels, err);
  if (!status) status = fm__raster_image(tiff->context, l.height, l.width, l.bits, out, err);
  if (!status) take_rgb(pixels, *out);
  fm__free(tiff->context, pixels);
  return status ? status : fm__orient(tiff->context, request, l.orientation, out, err);
}

fm_status fm__tiff_read(const fm_context *context, fm__input *input, const fm__request *request,
                        fm_raster **out, fm_error *err) {
  char *data = NULL;
  size_t size = 0;
  fm__tiff tiff = {.handle = NULL};
  fm_raster *raster = NULL;
  fm_status status = fm__input_load(context, input, 0, &data, &size, err);
  if (status) return status;
  status = fm__tiff_open(context, data, size, &tiff, err);
  if (!status)
    status = request->content == FM__IMAGE ? read_image(&tiff, request, &raster, err)
                                           : read_mask(&tiff, request, &raster, err);
  fm__tiff_close(&tiff);
  fm__free(context, data);
  if (status)
    fm_raster_destroy(raster);
  else
    *out = raster;
  return status;
}
