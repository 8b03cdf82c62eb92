/* io/without_inflate.c - what a build without libdeflate does: archives whose members are stored.
 */
#include "core/fail.h"
#include "io/inflate.h"

fm_status fm__inflate(const void *packed, size_t packed_size, void *out, size_t size,
                      fm_error *err) {
  (void)packed, (void)packed_size, (void)out, (void)size;
  return fm__fail(err, FM_ERR_UNSUPPORTED,
                  "is compressed, and this libfreemask was built without libdeflate: save it with "
                  "np.savez");
}

uint32_t fm__crc32(const void *data, size_t size) {
  /* Of the 16 values of four bits. */
  static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC,
                                     0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
                                     0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                     0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
  const unsigned char *bytes = data;
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}
