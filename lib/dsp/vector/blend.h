/* dsp/vector/blend.h - writes elements where bits are set, and others where not. */
#ifndef FM_DSP_VECTOR_BLEND_H
#define FM_DSP_VECTOR_BLEND_H

#include "dsp/vector/block.h"

/* The elements behind the last whole vector. */
static inline void blend_end(const char *from, const uint64_t *bits, uint32_t set, uint32_t clear,
                             size_t i, size_t n, size_t size, char *out) {
  for (; i < n; i++) {
    uint32_t v = bits[i / BLOCK] >> (i % BLOCK) & 1 ? set : clear;
    uint8_t v8 = (uint8_t)v;
    uint16_t v16 = (uint16_t)v;
    const void *element = size == 1 ? (const void *)&v8 : size == 2 ? (const void *)&v16 : &v;
    if (from && !(bits[i / BLOCK] >> (i % BLOCK) & 1)) element = from + i * size;
    if (element != out + i * size) memcpy(out + i * size, element, size);
  }
}

#define BLEND(size)                                                                     \
  VECTOR static void blend_##size(const void *from, const uint64_t *bits, uint32_t set, \
                                  uint32_t clear, size_t n, void *out) {                \
    enum { STEP = VB / (size) };                                                        \
    const char *in = from;                                                              \
    char *to = out;                                                                     \
    vb sets = vb_fill_##size(set), clears = vb_fill_##size(clear);                      \
    size_t i = 0;                                                                       \
    for (; i + STEP <= n; i += STEP) {                                                  \
      vb mask = vb_from_bits_##size((uint32_t)(bits[i / BLOCK] >> (i % BLOCK)));        \
      vb v = in ? vb_load(in + i * (size)) : clears;                                    \
      vb_store(to + i * (size), vb_select(mask, sets, v));                              \
    }                                                                                   \
    blend_end(in, bits, set, clear, i, n, (size), to);                                  \
  }
BLEND(1)
BLEND(2)
BLEND(4)
#undef BLEND

#endif
