/* dsp/vector/chunks.h - what the byte kernels for vectors of 16 and of 32 bytes share. They are
 * written once, in this folder, in GNU C's vector types; a file for an instruction set defines
 *
 *   VECTOR           bytes of a vector, 16 or 32
 *   TARGET           the attribute of all functions
 *   LEVEL(name)      the kernel's name on this level: fm__avx2_name
 *   POPCOUNT(word)   bits set in 64
 *
 * includes this, defines what vector types cannot say
 *
 *   bits_of          from a chunk of bytes that are 0 or 255 to bits
 *   any_sign         whether one of the 32-bit numbers is negative
 *   pack             from four vectors of 32-bit masks to one of byte masks
 *   widen_masks      from LANES byte masks in memory to a vector of 32-bit masks
 *   add_lanes        adds a vector of 32-bit numbers to as many 64-bit ones in memory
 *   look_up          table[index] for VECTOR indices below 32
 *   spread           the bytes of four vectors as 32-bit numbers (vector/judge.h)
 *   mix              the order of bytes that `spread` undoes
 *   least_bytes      the less of two, byte by byte (vector/map.h)
 *   scan, last_lane  sums of 32-bit numbers up to each lane; the last lane in all (vector/map.h)
 *
 * and then includes the kernels. A chunk is 64 pixels, whose bits fill a word. */
#ifndef FM_DSP_VECTOR_CHUNKS_H
#define FM_DSP_VECTOR_CHUNKS_H

#include <string.h>

#include "dsp/dsp.h"
#include "dsp/vector/rows.h"

enum {
  CHUNK = FM__CHUNK_PIXELS,
  LABEL_VECTORS = CHUNK / VECTOR, /* of a chunk */
  LOSS_VECTORS = CHUNK / LANES    /* of a chunk */
};

/* A chunk in registers, or in the first-level cache. */
typedef struct label_chunk {
  bytes v[LABEL_VECTORS];
} label_chunk;
typedef struct loss_chunk {
  ints v[LOSS_VECTORS]; /* bits */
} loss_chunk;

/* Asks for what comes FETCH_AHEAD pixels later: a chunk takes longer than the CPU looks ahead. */
enum { FETCH_AHEAD = 2048 };
TARGET FM__INLINE void fetch(const uint8_t *labels, const float *losses) {
  __builtin_prefetch(labels + FETCH_AHEAD);
  FM__UNROLL
  for (int line = 0; line < 4; line++) __builtin_prefetch(losses + FETCH_AHEAD + 16 * line);
}

TARGET static inline uint64_t first_pixels(size_t n) {
  return n < CHUNK ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
}

/* The labels of a chunk; behind the end of the row its first one again. */
TARGET static inline void load_labels(const uint8_t *labels, size_t n, label_chunk *chunk) {
  uint8_t row[CHUNK];
  if (n < CHUNK) {
    memset(row, labels[0], sizeof row);
    labels = memcpy(row, labels, n);
  }
  const loose_bytes *from = (const loose_bytes *)(const void *)labels;
  FM__UNROLL
  for (int v = 0; v < LABEL_VECTORS; v++) chunk->v[v] = from[v];
}

/* The losses of a chunk, 0 behind the end of the row. */
TARGET static inline void load_losses(const float *losses, size_t n, loss_chunk *chunk) {
  float row[CHUNK];
  if (n < CHUNK) {
    memset(row, 0, sizeof row);
    losses = memcpy(row, losses, n * sizeof *losses);
  }
  const loose_ints *from = (const loose_ints *)(const void *)losses;
  FM__UNROLL
  for (int v = 0; v < LOSS_VECTORS; v++) chunk->v[v] = from[v];
}

#endif
