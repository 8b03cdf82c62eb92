/* losses/zip_inflate.c - unpacking by libdeflate. */
#include "losses/zip_inflate.h"

#include <libdeflate.h>

const char *zip_inflate(const void *packed, size_t packed_size, void *out, size_t size) {
  struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
  if (!inflater) return "there is no memory to unpack it";
  enum libdeflate_result result =
      libdeflate_deflate_decompress(inflater, packed, packed_size, out, size, NULL);
  libdeflate_free_decompressor(inflater);
  return result == LIBDEFLATE_SUCCESS    ? NULL
         : result == LIBDEFLATE_BAD_DATA ? "its bytes cannot be unpacked"
                                         : "it does not unpack to as many bytes as it claims";
}

uint32_t zip_checksum(const void *data, size_t size) { return libdeflate_crc32(0, data, size); }
