/* io/png_unfilter.c - PNG's row filters undone, and packed pixels as numbers. */
#include "io/png_unfilter.h"

#include <stdlib.h>
#include <string.h>

#include "io/words.h"

/* ---- Filters -------------------------------------------------------------------- */

static inline uint64_t load(const unsigned char *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

static void undo_sub(unsigned char *row, size_t size, size_t pixel) {
  size_t x = pixel;
#if FM__LITTLE_ENDIAN
  for (; pixel == 1 && x + 8 <= size; x += 8) {
    uint64_t sums = fm__running_sums(load(row + x), row[x - 1]);
    memcpy(row + x, &sums, 8);
  }
#endif
  for (; x < size; x++) row[x] = (unsigned char)(row[x] + row[x - pixel]);
}

static void undo_up(unsigned char *row, const unsigned char *above, size_t size) {
  size_t x = 0;
  for (; x + 8 <= size; x += 8) {
    uint64_t sums = fm__add_bytes(load(row + x), load(above + x));
    memcpy(row + x, &sums, 8);
  }
  for (; x < size; x++) row[x] = (unsigned char)(row[x] + above[x]);
}

static void undo_average(unsigned char *row, const unsigned char *above, size_t size,
                         size_t pixel) {
  for (size_t x = 0; x < size; x++) {
    int left = x < pixel ? 0 : row[x - pixel];
    row[x] = (unsigned char)(row[x] + (left + (above ? above[x] : 0)) / 2);
  }
}

/* The one of left, above and corner that is nearest to left + above - corner; in masks two of them
 * are mostly equal. */
static inline int predict(int a, int b, int c) {
  if (b == c) return a;
  if (a == c) return b;
  int to_a = abs(b - c), to_b = abs(a - c), to_c = abs(a + b - 2 * c);
  return to_a <= to_b && to_a <= to_c ? a : to_b <= to_c ? b : c;
}

static void undo_paeth_bytes(unsigned char *row, const unsigned char *above, size_t from, size_t to,
                             size_t pixel) {
  for (size_t x = from; x < to; x++)
    row[x] = (unsigned char)(row[x] + predict(row[x - pixel], above[x], above[x - pixel]));
}

/* Where the row above does not change, which in masks is nearly everywhere, the predictor is the
 * byte on the left. */
static void undo_paeth(unsigned char *row, const unsigned char *above, size_t size, size_t pixel) {
  for (size_t x = 0; x < pixel && x < size; x++) row[x] = (unsigned char)(row[x] + above[x]);
  size_t x = pixel;
#if FM__LITTLE_ENDIAN
  for (; pixel == 1 && x + 8 <= size; x += 8) {
    if (load(above + x) == load(above + x - 1)) {
      uint64_t sums = fm__running_sums(load(row + x), row[x - 1]);
      memcpy(row + x, &sums, 8);
    } else {
      undo_paeth_bytes(row, above, x, x + 8, 1);
    }
  }
#endif
  undo_paeth_bytes(row, above, x, size, pixel);
}

bool fm__png_unfilter(unsigned char *rows, size_t height, size_t stride, size_t pixel_bytes) {
  const unsigned char *above = NULL;
  size_t size = stride - 1;
  for (size_t y = 0; y < height; y++, rows += stride) {
    unsigned char *row = rows + 1;
    switch (rows[0]) {
      case 0:
        break;
      case 1:
        undo_sub(row, size, pixel_bytes);
        break;
      case 2: /* above the first row are zeros */
        if (above) undo_up(row, above, size);
        break;
      case 3:
        undo_average(row, above, size, pixel_bytes);
        break;
      case 4:
        if (above)
          undo_paeth(row, above, size, pixel_bytes);
        else
          undo_sub(row, size, pixel_bytes);
        break;
      default:
        return false;
    }
    above = row;
  }
  return true;
}

/* ---- Pixels --------------------------------------------------------------------- */

void fm__png_unpack_row(const unsigned char *row, uint32_t width, int depth, unsigned char *to) {
  if (depth == 8) {
    memcpy(to, row, width);
    return;
  }
  if (depth == 16) {
    for (uint32_t x = 0; x < width; x++) {
      uint16_t value = (uint16_t)(row[2 * (size_t)x] << 8 | row[2 * (size_t)x + 1]);
      memcpy(to + 2 * (size_t)x, &value, 2);
    }
    return;
  }
  unsigned most = (1U << depth) - 1, per_byte = 8 / (unsigned)depth;
  for (uint32_t x = 0; x < width; x++) {
    unsigned shift = 8 - (unsigned)depth * (x % per_byte + 1);
    to[x] = (unsigned char)((unsigned)row[x / per_byte] >> shift & most);
  }
}
