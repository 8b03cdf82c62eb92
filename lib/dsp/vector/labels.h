/* dsp/vector/labels.h - counting, marking and blending, for vectors of any size. */
#ifndef FM_DSP_VECTOR_LABELS_H
#define FM_DSP_VECTOR_LABELS_H

#include "dsp/vector/chunks.h"

/* Bit i: label i is `label`. */
TARGET static inline uint64_t equal_bits(const label_chunk *chunk, uint8_t label) {
  bytes equal[LABEL_VECTORS];
  FM__UNROLL
  for (int v = 0; v < LABEL_VECTORS; v++) equal[v] = (bytes)(chunk->v[v] == same_bytes(label));
  return bits_of(equal);
}

/* ---- Count ---------------------------------------------------------------------- */

TARGET static inline uint64_t two_counts(uint64_t pixels, uint64_t bits) {
  return (uint64_t)POPCOUNT(pixels) | (uint64_t)POPCOUNT(pixels & bits) << 32;
}

TARGET static void count_singly(const uint8_t *labels, uint64_t left, uint64_t bits,
                                fm__tally *tally) {
  for (; left; left &= left - 1) {
    unsigned i = (unsigned)__builtin_ctzll(left);
    tally->parts[i % 4][labels[i]] += 1 | (bits >> i & 1) << 32;
  }
}

/* Labels of a chunk that are compared with: the first ones whether there are as many or not, which
 * is cheaper than to guess wrong; then up to so many; the pixels of all others are taken one by
 * one. */
enum { ALWAYS_COUNTED = 3, MOST_COUNTED = 6 };

TARGET FM__INLINE void count_chunks(const uint8_t *labels, const uint64_t *bits, size_t n,
                                    fm__tally *tally) {
  for (size_t i = 0; i < n; i += CHUNK) {
    uint64_t left = first_pixels(n - i), set = bits ? bits[i / CHUNK] : 0;
    const uint64_t last = left ^ left >> 1; /* a bit to find where none is left */
    label_chunk chunk;
    __builtin_prefetch(labels + i + FETCH_AHEAD);
    load_labels(labels + i, n - i, &chunk);
    FM__UNROLL
    for (int counted = 0; counted < ALWAYS_COUNTED; counted++) {
      uint8_t label = labels[i + (unsigned)__builtin_ctzll(left | last)];
      uint64_t same = equal_bits(&chunk, label) & left;
      tally->parts[counted][label] += two_counts(same, set);
      left &= ~same;
    }
    for (int counted = ALWAYS_COUNTED; left && counted < MOST_COUNTED; counted++) {
      uint8_t label = labels[i + (unsigned)__builtin_ctzll(left)];
      uint64_t same = equal_bits(&chunk, label) & left;
      tally->parts[counted % 4][label] += two_counts(same, set);
      left &= ~same;
    }
    if (left) count_singly(labels + i, left, set, tally);
  }
}

TARGET void LEVEL(count)(const uint8_t *labels, const uint64_t *bits, size_t n, fm__tally *tally) {
  if (bits)
    count_chunks(labels, bits, n, tally);
  else
    count_chunks(labels, NULL, n, tally);
}

TARGET void LEVEL(mark)(const uint8_t *labels, uint8_t label, size_t n, uint64_t *bits) {
  for (size_t i = 0; i < n; i += CHUNK) {
    label_chunk chunk;
    load_labels(labels + i, n - i, &chunk);
    bits[i / CHUNK] |= equal_bits(&chunk, label) & first_pixels(n - i);
  }
}

/* ---- Blend ---------------------------------------------------------------------- */

/* All bits of element i from bit i, for elements of 1, 2 and 4 bytes. */
TARGET static inline bytes byte_masks(uint64_t bits) {
  longs eights;
  FM__UNROLL
  for (int i = 0; i < VECTOR / 8; i++) eights[i] = bits >> (8 * i) & 255;
  const longs each = (longs){0} + UINT64_C(0x8040201008040201);
  eights *= UINT64_C(0x0101010101010101) - (longs){0};
  return (bytes)(((bytes)eights & (bytes)each) == (bytes)each);
}

TARGET static inline bytes short_masks(uint64_t bits) {
  shorts each;
  FM__UNROLL
  for (int i = 0; i < VECTOR / 2; i++) each[i] = (uint16_t)(1U << i);
  return (bytes)((((uint16_t)bits - (shorts){0}) & each) == each);
}

TARGET static inline bytes int_masks(uint64_t bits) {
  words each;
  FM__UNROLL
  for (int i = 0; i < LANES; i++) each[i] = 1U << i;
  return (bytes)((((uint32_t)bits - (words){0}) & each) == each);
}

TARGET static inline bytes load(const char *from, size_t size) {
  bytes v = {0};
  memcpy(&v, from, size < VECTOR ? size : VECTOR);
  return v;
}

TARGET static inline void store(char *to, bytes v, size_t size) {
  if (size >= VECTOR)
    memcpy(to, &v, VECTOR);
  else
    memcpy(to, &v, size);
}

/* One loop for each size of elements. */
#define BLEND(name, element, masks, splat)                                                         \
  TARGET void name(const void *from, const uint64_t *bits, uint32_t set, uint32_t clear, size_t n, \
                   void *out) {                                                                    \
    enum { STEP = VECTOR / (element) };                                                            \
    const char *in = from;                                                                         \
    char *to = out;                                                                                \
    const bytes sets = splat(set), clears = splat(clear);                                          \
    for (size_t i = 0; i < n; i += STEP) {                                                         \
      const bytes mask = masks(bits[i / CHUNK] >> (i % CHUNK));                                    \
      const size_t left = (n - i) * (element);                                                     \
      const bytes v = !in             ? clears                                                     \
                      : left < VECTOR ? load(in + i * (element), left)                             \
                                      : load(in + i * (element), VECTOR);                          \
      if (in) __builtin_prefetch(in + i * (element) + FETCH_AHEAD);                                \
      __builtin_prefetch(to + i * (element) + FETCH_AHEAD, 1);                                     \
      store(to + i * (element), (sets & mask) | (v & ~mask), left);                                \
    }                                                                                              \
  }
TARGET static inline bytes splat_1(uint32_t v) { return same_bytes((uint8_t)v); }
TARGET static inline bytes splat_2(uint32_t v) { return (bytes)((uint16_t)v - (shorts){0}); }
TARGET static inline bytes splat_4(uint32_t v) { return (bytes)(v - (words){0}); }
BLEND(LEVEL(blend_1), 1, byte_masks, splat_1)
BLEND(LEVEL(blend_2), 2, short_masks, splat_2)
BLEND(LEVEL(blend_4), 4, int_masks, splat_4)
#undef BLEND

/* ---- Narrow --------------------------------------------------------------------- */

TARGET bool LEVEL(narrow)(const void *labels, size_t n, uint8_t *to) {
  typedef uint8_t half_bytes __attribute__((vector_size(VECTOR / 2)));
  enum { STEP = VECTOR / 2 };
  const char *in = labels;
  shorts all = {0};
  size_t i = 0;
  for (; i + STEP <= n; i += STEP) {
    shorts v;
    __builtin_prefetch(in + 2 * i + FETCH_AHEAD);
    memcpy(&v, in + 2 * i, VECTOR);
    all |= v;
    half_bytes low = __builtin_convertvector(v, half_bytes);
    memcpy(to + i, &low, STEP);
  }
  uint16_t rest = 0;
  FM__UNROLL
  for (int part = 0; part < STEP; part++) rest |= all[part];
  for (; i < n; i++) {
    uint16_t v;
    memcpy(&v, in + 2 * i, sizeof v);
    rest |= v;
    to[i] = (uint8_t)v;
  }
  return rest <= UINT8_MAX;
}

#endif
