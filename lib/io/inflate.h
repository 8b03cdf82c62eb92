/* io/inflate.h - unpacking and checksums, by libdeflate or without it. */
#ifndef FM_IO_INFLATE_H
#define FM_IO_INFLATE_H

#include <freemask/error.h>
#include <stddef.h>
#include <stdint.h>

/* Inflates raw deflate data, all of it, to exactly `size` bytes. FM_ERR_FORMAT if that is not what
 * it is; FM_ERR_UNSUPPORTED without libdeflate. */
fm_status fm__inflate(const void *packed, size_t packed_size, void *out, size_t size,
                      fm_error *err);

/* CRC-32 as ZIP has it. */
uint32_t fm__crc32(const void *data, size_t size);

#endif
