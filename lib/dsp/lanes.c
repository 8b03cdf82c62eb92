/* dsp/lanes.c - from lanes of doubles to digits. */
#include "dsp/lanes.h"

#include <string.h>

/* high * 2^21 and low * 2^57 are whole, see the header; the eight add up without rounding
 * like everything before. sum = (high << 36) + low in units of 2^-57, which is 28 bits into
 * digit 2. Not negative, though low may be. */
static void add_to_digits(int64_t *digits, int64_t high, int64_t low) {
  uint64_t above = (uint64_t)high << 36;
  uint64_t lower = above + (uint64_t)low;
  uint64_t upper = ((uint64_t)high >> 28) + (lower < above) - (low < 0);
  digits[2] += (int64_t)((lower << 28) & UINT32_MAX);
  digits[3] += (int64_t)((lower >> 4) & UINT32_MAX);
  digits[4] += (int64_t)((lower >> 36) | (upper << 28 & UINT32_MAX));
  digits[5] += (int64_t)(upper >> 4);
}

void fm__lanes_drain(fm__lanes *lanes, unsigned label, int64_t *cell) {
  double high = 0, low = 0;
  for (int lane = 0; lane < 8; lane++) {
    high += lanes->high[label][lane];
    low += lanes->low[label][lane];
  }
  cell[0] += lanes->count[label];
  add_to_digits(cell + 1, (int64_t)(high * 0x1p21), (int64_t)(low * 0x1p57));
  memset(lanes->high[label], 0, sizeof lanes->high[label]);
  memset(lanes->low[label], 0, sizeof lanes->low[label]);
  lanes->count[label] = 0;
}
