/* io/checksum.c - the two checksums inside of a PNG: libdeflate's where it is there. */
#include "io/checksum.h"

#if defined(FM_HAVE_DEFLATE)

#include <libdeflate.h>

uint32_t fm__crc32(const void *data, size_t size) { return libdeflate_crc32(0, data, size); }
uint32_t fm__adler32(const void *data, size_t size) { return libdeflate_adler32(1, data, size); }

#else

/* Four bits at a time: entry i is i after four steps of the polynomial 0xEDB88320. */
static const uint32_t crc_steps[16] = {
    0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
    0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};

uint32_t fm__crc32(const void *data, size_t size) {
  const unsigned char *bytes = data;
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ crc_steps[crc & 15];
    crc = crc >> 4 ^ crc_steps[crc & 15];
  }
  return ~crc;
}

uint32_t fm__adler32(const void *data, size_t size) {
  enum { PRIME = 65521, MOST = 5552 }; /* the most additions before 32 bits overflow */
  const unsigned char *bytes = data;
  uint32_t a = 1, b = 0;
  while (size) {
    size_t now = size < MOST ? size : MOST;
    for (size_t i = 0; i < now; i++) b += a += bytes[i];
    a %= PRIME;
    b %= PRIME;
    bytes += now;
    size -= now;
  }
  return b << 16 | a;
}

#endif
