/* io/png_general_deflate.c - PNG by libdeflate, 2 to 4 times as fast as zlib.
 * libdeflate before 1.15 takes memory from malloc alone (about 1 MiB for a call). */
#include <libdeflate.h>

#include "core/fail.h"
#include "io/png_file.h"
#include "io/png_filter.h"
#include "io/png_general.h"

/* Its levels go up to 12; the last of them take seconds for a large image. */
static int level_of(int compression) { return compression < 9 ? compression : 12; }

static fm_status compress(const unsigned char *rows, size_t size, int level, fm__bytes *out,
                          fm_error *err) {
  struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(level);
  if (!compressor)
    return fm__fail(err, FM_ERR_MEMORY, "out of memory: libdeflate got none for its tables");
  fm_status status = FM_OK;
  size_t bound = libdeflate_zlib_compress_bound(compressor, size);
  if (fm__bytes_reserve(out, bound))
    out->size += libdeflate_zlib_compress(compressor, rows, size, out->data + out->size, bound);
  else
    status = fm__fail_memory(err, out->refused);
  libdeflate_free_compressor(compressor);
  return status;
}

fm_status fm__png_general(const fm__png_layout *layout, unsigned char *rows, int compression,
                          fm__bytes *out, fm_error *err) {
  size_t stride = fm__png_row_bytes(layout);
  if (layout->color_type == FM__PNG_RGB)
    fm__png_filter_paeth(rows, layout->height, stride, fm__png_pixel_bytes(layout));
  size_t chunk = fm__png_begin(layout, out);
  if (!chunk) return fm__fail_memory(err, out->refused);
  fm_status status = compress(rows, stride * layout->height, level_of(compression), out, err);
  return status ? status : fm__png_finish(chunk, out, err);
}
