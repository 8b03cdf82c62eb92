/* dsp/lanes.c - from lanes of whole numbers to digits. */
#include "dsp/lanes.h"

#include <string.h>

fm__lanes *fm__lanes_make(void *memory, const int32_t classes[FM__BYTES]) {
  const size_t align = alignof(fm__lanes);
  fm__lanes *lanes = (fm__lanes *)(void *)((char *)memory + (align - (uintptr_t)memory % align));
  memset(lanes, 0, sizeof *lanes);
  for (unsigned label = 0; label < FM__BYTES; label++)
    if (classes[label] == FM__CLASS_IGNORE) lanes->ignored[lanes->ignored_count++] = (uint8_t)label;
  return lanes;
}

void fm__lanes_clear(fm__lanes *lanes) {
  memset(lanes->high, 0, sizeof lanes->high);
  memset(lanes->low, 0, sizeof lanes->low);
  memset(lanes->count, 0, sizeof lanes->count);
}

/* Adds number * 2^shift, below 2^64, to the digits. */
static void add_to_digits(int64_t *digits, int64_t number, unsigned shift) {
  uint64_t shifted = (uint64_t)number << shift;
  digits[0] += (int64_t)(shifted & UINT32_MAX);
  digits[1] += (int64_t)(shifted >> 32);
}

void fm__lanes_drain(fm__lanes *lanes, unsigned label, int64_t *cell) {
  int64_t high = 0, low = 0;
  for (int lane = 0; lane < 8; lane++) {
    high += lanes->high[label][lane];
    low += lanes->low[label][lane];
  }
  cell[0] += (int64_t)lanes->count[label];
  /* 2^-48 is bit 5 of digit 3, 2^-20 is bit 1 of digit 4. */
  add_to_digits(cell + 1 + 3, low, 5);
  add_to_digits(cell + 1 + 4, high, 1);
  memset(lanes->high[label], 0, sizeof lanes->high[label]);
  memset(lanes->low[label], 0, sizeof lanes->low[label]);
  lanes->count[label] = 0;
}
