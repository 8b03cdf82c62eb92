/* io/tiff_open.c - a TIFF in memory, and where libtiff's errors and warnings go. */
#include "io/tiff_open.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"

enum {
  /* Of each file, for libtiff's tables and codecs, besides four times its bytes. */
  LEAST_WORK = 64 << 20,
  /* No usual codec expands by more: LZW by some 2,700. */
  MOST_EXPANSION = 4096
};

/* ---- Bytes ---------------------------------------------------------------------------- */

static tmsize_t read_bytes(thandle_t user, void *to, tmsize_t size) {
  fm__tiff *t = user;
  uint64_t left = t->at < t->size ? t->size - t->at : 0;
  uint64_t now = (uint64_t)size < left ? (uint64_t)size : left;
  if (now) memcpy(to, t->data + t->at, (size_t)now);
  t->at += now;
  return (tmsize_t)now;
}

static tmsize_t write_bytes(thandle_t user, void *from, tmsize_t size) {
  (void)user, (void)from, (void)size;
  return 0;
}

static toff_t seek(thandle_t user, toff_t offset, int whence) {
  fm__tiff *t = user;
  t->at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? t->at + offset : t->size + offset;
  return t->at;
}

static int close_bytes(thandle_t user) {
  (void)user;
  return 0;
}

static toff_t size_of(thandle_t user) { return ((const fm__tiff *)user)->size; }

/* libtiff reads from memory without copies. */
static int map(thandle_t user, void **base, toff_t *size) {
  const fm__tiff *t = user;
  *base = t->data;
  *size = t->size;
  return 1;
}

static void unmap(thandle_t user, void *base, toff_t size) { (void)user, (void)base, (void)size; }

/* ---- Messages ------------------------------------------------------------------------- */

/* 1: no other handler is asked. The first error tells what was wrong. */
static int on_error(TIFF *handle, void *user, const char *module, const char *format,
                    va_list args) {
  fm__tiff *t = user;
  (void)handle, (void)module;
  if (!*t->message) (void)vsnprintf(t->message, sizeof t->message, format, args);
  return 1;
}

/* Cameras and mapping tools write tags that libtiff does not know: no matter for the pixels. */
static int on_warning(TIFF *handle, void *user, const char *module, const char *format,
                      va_list args) {
  const fm__tiff *t = user;
  char text[200];
  (void)handle, (void)module;
  (void)vsnprintf(text, sizeof text, format, args);
  fm__log(t->context, FM_LOG_INFO, "TIFF: %s", text);
  return 1;
}

fm_status fm__tiff_failed(const fm__tiff *tiff, const char *otherwise, fm_error *err) {
  return fm__fail(err, FM_ERR_FORMAT, "TIFF is damaged: %s",
                  *tiff->message ? tiff->message : otherwise);
}

/* ---- Opening -------------------------------------------------------------------------- */

fm_status fm__tiff_open(const fm_context *context, char *data, size_t size, fm__tiff *tiff,
                        fm_error *err) {
  *tiff = (fm__tiff){.context = context, .data = data, .size = size};
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return fm__fail(err, FM_ERR_MEMORY, "out of memory: libtiff got none for its work");
  uint64_t most = 4 * (uint64_t)size + LEAST_WORK;
  if (most > PTRDIFF_MAX) most = PTRDIFF_MAX;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)most);
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, tiff);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, tiff);
  /* "m" would keep it from mapping; "h" reads the header only once. */
  tiff->handle = TIFFClientOpenExt("memory", "r", tiff, read_bytes, write_bytes, seek, close_bytes,
                                   size_of, map, unmap, options);
  TIFFOpenOptionsFree(options);
  return tiff->handle ? FM_OK : fm__tiff_failed(tiff, "its header makes no sense", err);
}

void fm__tiff_close(fm__tiff *tiff) {
  if (tiff->handle) TIFFClose(tiff->handle);
}

/* ---- The layout ----------------------------------------------------------------------- */

/* Can the file hold that many pixels? Codecs of unbounded expansion (LZMA, ZSTD) are trusted. */
static fm_status check_size(const fm__tiff *tiff, const fm__tiff_layout *l, fm_error *err) {
  const bool plain = l->compression == COMPRESSION_NONE;
  const bool bounded =
      plain || l->compression == COMPRESSION_LZW || l->compression == COMPRESSION_ADOBE_DEFLATE ||
      l->compression == COMPRESSION_DEFLATE || l->compression == COMPRESSION_PACKBITS;
  uint64_t bits = (uint64_t)l->width * l->height * l->bits;
  if (!bounded || bits / 8 / (plain ? 1 : MOST_EXPANSION) <= tiff->size) return FM_OK;
  return fm__fail(err, FM_ERR_FORMAT,
                  "TIFF claims %" PRIu32 "x%" PRIu32 " pixels, but %" PRIu64
                  " bytes of file cannot hold them",
                  l->width, l->height, tiff->size);
}

fm_status fm__tiff_layout_read(const fm__tiff *tiff, int64_t max_pixels, fm__tiff_layout *out,
                               fm_error *err) {
  fm__tiff_layout l = {.width = 0};
  TIFF *handle = tiff->handle;
  if (!TIFFGetField(handle, TIFFTAG_IMAGEWIDTH, &l.width) ||
      !TIFFGetField(handle, TIFFTAG_IMAGELENGTH, &l.height) || !l.width || !l.height)
    return fm__tiff_failed(tiff, "it has no size", err);
  (void)TIFFGetFieldDefaulted(handle, TIFFTAG_BITSPERSAMPLE, &l.bits);
  (void)TIFFGetFieldDefaulted(handle, TIFFTAG_SAMPLESPERPIXEL, &l.samples);
  (void)TIFFGetFieldDefaulted(handle, TIFFTAG_SAMPLEFORMAT, &l.format);
  (void)TIFFGetFieldDefaulted(handle, TIFFTAG_PLANARCONFIG, &l.planar);
  (void)TIFFGetFieldDefaulted(handle, TIFFTAG_COMPRESSION, &l.compression);
  (void)TIFFGetFieldDefaulted(handle, TIFFTAG_ORIENTATION, &l.orientation);
  if (!TIFFGetField(handle, TIFFTAG_PHOTOMETRIC, &l.photometric))
    l.photometric = PHOTOMETRIC_MINISBLACK;
  if (l.orientation < 1 || l.orientation > 8) l.orientation = 1;
  fm_status status = fm__check_pixels(l.width, l.height, max_pixels, err);
  if (!status && !TIFFIsCODECConfigured(l.compression))
    status = fm__fail(err, FM_ERR_UNSUPPORTED,
                      "TIFF is compressed in a way (number %d) that this libtiff does not know: "
                      "save it with LZW or Deflate",
                      l.compression);
  if (!status) status = check_size(tiff, &l, err);
  if (!status) *out = l;
  return status;
}
