/* losses/zip_inflate.h - unpacking and check sums, by libdeflate or without it. */
#ifndef FREEMASK_TOOL_ZIP_INFLATE_H
#define FREEMASK_TOOL_ZIP_INFLATE_H

#include <stddef.h>
#include <stdint.h>

/* Inflates raw deflate data to exactly `size` bytes. NULL, or what is wrong. */
const char *zip_inflate(const void *packed, size_t packed_size, void *out, size_t size);

/* CRC-32 as ZIP has it. */
uint32_t zip_checksum(const void *data, size_t size);

#endif
