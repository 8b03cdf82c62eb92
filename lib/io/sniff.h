/* io/sniff.h - what a file is, by its first bytes. */
#ifndef FM_IO_SNIFF_H
#define FM_IO_SNIFF_H

#include <stddef.h>

typedef enum fm__file_kind {
  FM__FILE_OTHER,
  FM__FILE_PNG,
  FM__FILE_JPEG,
  FM__FILE_NPY
} fm__file_kind;

fm__file_kind fm__sniff(const unsigned char *bytes, size_t size);

/* What the bytes look like, to go on "looks like ...": "a BMP image". */
const char *fm__sniff_name(const unsigned char *bytes, size_t size);

#endif
