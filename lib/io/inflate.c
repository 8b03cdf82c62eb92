/* io/inflate.c - unpacking and checksums by libdeflate. */
#include "io/inflate.h"

#include <libdeflate.h>

#include "core/fail.h"

fm_status fm__inflate(const void *packed, size_t packed_size, void *out, size_t size,
                      fm_error *err) {
  struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
  size_t used = 0;
  if (!inflater)
    return fm__fail(err, FM_ERR_MEMORY, "out of memory: libdeflate got none for its tables");
  enum libdeflate_result result =
      libdeflate_deflate_decompress_ex(inflater, packed, packed_size, out, size, &used, NULL);
  libdeflate_free_decompressor(inflater);
  if (result == LIBDEFLATE_SUCCESS && used == packed_size) return FM_OK;
  if (result == LIBDEFLATE_SUCCESS || result == LIBDEFLATE_BAD_DATA)
    return fm__fail(err, FM_ERR_FORMAT, "is damaged: it cannot be unpacked");
  return fm__fail(err, FM_ERR_FORMAT, "is damaged: it does not unpack to the %zu bytes it claims",
                  size);
}

uint32_t fm__crc32(const void *data, size_t size) { return libdeflate_crc32(0, data, size); }
