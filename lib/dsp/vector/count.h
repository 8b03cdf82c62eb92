/* dsp/vector/count.h - counts and marks labels. */
#ifndef FM_DSP_VECTOR_COUNT_H
#define FM_DSP_VECTOR_COUNT_H

#include "dsp/vector/block.h"

VECTOR static inline uint64_t two_counts(uint64_t pixels, uint64_t bits) {
  return (uint64_t)number_of(pixels) | (uint64_t)number_of(pixels & bits) << 32;
}

static inline void count_singly(const uint8_t *labels, uint64_t left, uint64_t bits,
                                fm__tally *tally) {
  for (; left; left &= left - 1) {
    unsigned i = first_of(left);
    tally->parts[i % 4][labels[i]] += 1 | (bits >> i & 1) << 32;
  }
}

/* Most blocks have one label or two: both are peeled without asking, since branches that
 * cannot be foreseen cost more. */
VECTOR static inline void count_block(const uint8_t *labels, uint64_t left, uint64_t bits,
                                      fm__tally *tally) {
  for (unsigned peeled = 0; peeled < MOST_PEELED; peeled++) {
    uint8_t label = labels[left ? first_of(left) : 0];
    uint64_t same = pixels_of(labels, label) & left;
    tally->parts[peeled][label] += two_counts(same, bits);
    left &= ~same;
    if (peeled && !left) return;
  }
  count_singly(labels, left, bits, tally);
}

VECTOR static void count(const uint8_t *labels, const uint64_t *bits, size_t n, fm__tally *tally) {
  uint8_t end[BLOCK];
  for (size_t i = 0; i < n; i += BLOCK)
    count_block(whole_labels(labels + i, n - i, end), first_pixels(n - i),
                bits ? bits[i / BLOCK] : 0, tally);
}

VECTOR static void mark(const uint8_t *labels, uint8_t label, size_t n, uint64_t *bits) {
  uint8_t end[BLOCK];
  for (size_t i = 0; i < n; i += BLOCK)
    bits[i / BLOCK] |= pixels_of(whole_labels(labels + i, n - i, end), label) & first_pixels(n - i);
}

#endif
