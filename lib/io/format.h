/* io/format.h - the file formats of pixels: one row of a table for each. */
#ifndef FM_IO_FORMAT_H
#define FM_IO_FORMAT_H

#include "io/decode.h"

/* A format that files may have, told by its first bytes. */
typedef struct fm__format {
  const char *magic;
  size_t size, offset; /* of the magic bytes */
  const char *name;    /* to follow "is": "a PNG image" */
  fm__decoder decode;  /* NULL: known by name only */
  unsigned contents;   /* what the decoder reads: a set of FM__CONTENT; and FM__LOSSY */
} fm__format;
#define FM__CONTENT(content) (1U << (content))
#define FM__LOSSY (1U << 31) /* numbers change when they are stored */

/* The format of a file that begins with these bytes; NULL: none that is known. */
const fm__format *fm__format_of(const unsigned char *bytes, size_t size);

/* What bytes of no known format look like, to follow "looks like": "a text file". */
const char *fm__format_guess(const unsigned char *bytes, size_t size);

#endif
