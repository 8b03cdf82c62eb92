/* io/exif.c - which way up an image is stored. EXIF data are a small TIFF without pixels, of which
 * one entry is looked at. */
#include "io/exif.h"

#include <stdbool.h>
#include <string.h>

enum { HEADER = 8, ENTRY = 12, ORIENTATION = 0x0112, TYPE_SHORT = 3, TYPE_LONG = 4 };

typedef struct exif {
  const unsigned char *data;
  size_t size;
  bool big_endian;
} exif;

static uint32_t number(const exif *e, size_t at, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; i++)
    value = value << 8 | e->data[at + (size_t)(e->big_endian ? i : bytes - 1 - i)];
  return value;
}

/* The value of an entry, if it is one small number. */
static int32_t value_of(const exif *e, size_t at) {
  uint32_t type = number(e, at + 2, 2), count = number(e, at + 4, 4);
  uint32_t value = type == TYPE_SHORT  ? number(e, at + 8, 2)
                   : type == TYPE_LONG ? number(e, at + 8, 4)
                                       : 0;
  return count == 1 && value >= 1 && value <= 8 ? (int32_t)value : 1;
}

int32_t fm__exif_orientation(const unsigned char *data, size_t size) {
  if (size >= 6 && !memcmp(data, "Exif\0\0", 6)) {
    data += 6;
    size -= 6;
  }
  exif e = {data, size, size >= 2 && data[0] == 'M'};
  if (size < HEADER || (memcmp(data, "II*\0", 4) && memcmp(data, "MM\0*", 4))) return 1;
  size_t at = number(&e, 4, 4);
  if (at > size || size - at < 2) return 1;
  size_t count = number(&e, at, 2), fits = (size - at - 2) / ENTRY;
  at += 2;
  for (size_t i = 0; i < count && i < fits; i++, at += ENTRY)
    if (number(&e, at, 2) == ORIENTATION) return value_of(&e, at);
  return 1;
}
