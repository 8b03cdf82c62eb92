/* dsp/vector/convert.h - 16-bit labels to bytes, binary16 losses to floats. */
#ifndef FM_DSP_VECTOR_CONVERT_H
#define FM_DSP_VECTOR_CONVERT_H

#include "dsp/tile.h"
#include "dsp/vector/block.h"

VECTOR static bool narrow(const void *labels, size_t n, uint8_t *bytes) {
  const char *in = labels;
  vb all = vb_fill_1(0), high = vb_fill_2(0xff00);
  size_t i = 0;
  for (; i + VB <= n; i += VB) {
    vb a = vb_load(in + 2 * i), b = vb_load(in + 2 * i + VB);
    all = vb_or(all, vb_or(a, b));
    vb_store(bytes + i, vb_narrow(a, b));
  }
  uint32_t wide = ~vb_bits(vb_equal(vb_and(all, high), vb_fill_1(0)));
  bool good = (wide & (uint32_t)first_pixels(VB)) == 0;
  for (; i < n; i++) {
    uint16_t v;
    memcpy(&v, in + 2 * i, sizeof v);
    good = good && v <= UINT8_MAX;
    bytes[i] = (uint8_t)v;
  }
  return good;
}

VECTOR static void widen(const void *halves, size_t n, float *floats) {
  const char *in = halves;
  size_t i = 0;
  for (; i + VW <= n; i += VW) vw_store(floats + i, vw_widen(in + 2 * i));
  for (; i < n; i++) {
    uint16_t v;
    memcpy(&v, in + 2 * i, sizeof v);
    floats[i] = fm__float_of_half(v);
  }
}

#endif
