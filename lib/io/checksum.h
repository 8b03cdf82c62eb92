/* io/checksum.h - the two checksums inside of a PNG. */
#ifndef FM_IO_CHECKSUM_H
#define FM_IO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint32_t fm__crc32(const void *data, size_t size);   /* of a chunk's type and contents */
uint32_t fm__adler32(const void *data, size_t size); /* of what was compressed */

#endif
