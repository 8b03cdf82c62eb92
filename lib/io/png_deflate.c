/* io/png_deflate.c - libdeflate: at the same size 2 to 3 times as fast as zlib where matches have
 * to be searched for. It takes its memory, about 1 MiB per call, from malloc. */
#include "io/png_deflate.h"

#include <libdeflate.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/png_filter.h"

/* Bytes of pixels; what they become has to fit a chunk. */
enum { MOST = INT32_MAX / 2 };

/* Its levels go up to 12; the last of them take seconds for a large image. */
static int level_of(int compression) { return compression < 9 ? compression : 12; }

static fm_status compress(struct libdeflate_compressor *compressor, const unsigned char *rows,
                          size_t size, fm__bytes *out, fm_error *err) {
  size_t bound = libdeflate_zlib_compress_bound(compressor, size);
  if (!fm__bytes_reserve(out, bound)) return fm__fail_memory(err, out->refused);
  out->size += libdeflate_zlib_compress(compressor, rows, size, out->data + out->size, bound);
  return FM_OK;
}

/* A copy of the rows as differences. */
static unsigned char *filtered(const unsigned char *rows, size_t height, size_t stride,
                               fm__bytes *out) {
  unsigned char *copy = fm__bytes_scratch(out, height, stride);
  if (!copy) return NULL;
  memcpy(copy, rows, height * stride);
  fm__png_filter_up(copy, height, stride);
  return copy;
}

fm_status fm__png_deflate(const fm__png_layout *layout, const unsigned char *rows,
                          fm__png_coding coding, fm__bytes *out, fm_error *err) {
  size_t stride = fm__png_row_bytes(layout), size = stride * layout->height;
  if (size > MOST) return FM_OK;
  unsigned char *copy = NULL;
  if (coding.filter == FM__PNG_UP) {
    copy = filtered(rows, layout->height, stride, out);
    if (!copy) return fm__fail_memory(err, out->refused);
  }
  struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(level_of(coding.level));
  fm_status status = compressor ? compress(compressor, copy ? copy : rows, size, out, err)
                                : fm__fail(err, FM_ERR_MEMORY,
                                           "out of memory: libdeflate got none for its tables");
  if (compressor) libdeflate_free_compressor(compressor);
  fm__free(out->context, copy);
  return status;
}
