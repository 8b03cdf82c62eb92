/* dsp/vector/block.h - the byte kernels of dsp/dsp.h, written once for all vectors of one
 * fixed size: what they have in common.
 *
 * A file for an instruction set defines the vocabulary below, includes the headers of this
 * folder and so gets the kernels. Everything is static.
 *   VECTOR        attribute of functions that may use the instructions
 *   vb, VB        vector of VB = 16 or 32 bytes: vb_load, vb_store, vb_fill_1/2/4 (an
 *                 element of so many bytes, repeated), vb_and, vb_or, vb_equal (bytes:
 *                 0xff or 0), vb_bits (one of each byte), vb_from_bits_1/2/4 (0xff.. for
 *                 each element whose bit is set), vb_select (mask, if set, if not; bytes of
 *                 0xff or 0), vb_table (16 bytes for vb_look_up), vb_look_up (table, indices
 *                 0 to 15), vb_narrow (two vectors of 16-bit numbers below 256 to one)
 *   vw, VW        vector of VW = VB / 4 32-bit words: vw_load, vw_store, vw_fill, vw_and,
 *                 vw_less_one, vw_equal, vw_greater (signed), vw_min, vw_max (unsigned),
 *                 vw_most (of all words), vw_bits, vw_from_bytes (four or eight bytes of
 *                 0xff or 0 as words), vw_widen (binary16 in memory to floats)
 *   vb_order and vw_interleave: labels in the order in which the latter takes four vectors
 *                 of bytes, lowest first, to four vectors of words in the order of pixels
 *   vd, VD        vector of VD = VW / 2 doubles: vd_load, vd_store (aligned), vd_fill, vd_add,
 *                 vd_subtract, vd_from_floats (in memory) */
#ifndef FM_DSP_VECTOR_BLOCK_H
#define FM_DSP_VECTOR_BLOCK_H

#include <string.h>

#include "dsp/dsp.h"

/* Kernels take blocks of 64 pixels, whose labels they peel off one after another while that
 * pays: MOST_PEELED of them, and none if the first has fewer than LEAST_ALIKE pixels. */
enum { BLOCK = 64, MOST_PEELED = 4, LEAST_ALIKE = 8 };

/* Bits of the first n pixels of a block. */
static inline uint64_t first_pixels(size_t n) {
  return n < BLOCK ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
}

static inline unsigned first_of(uint64_t pixels) { return (unsigned)__builtin_ctzll(pixels); }

VECTOR static inline unsigned number_of(uint64_t pixels) {
  return (unsigned)__builtin_popcountll(pixels);
}

/* The end of a row as a whole block: filled up with its first label, which is as good or bad
 * as it, and with losses of 0, which are good and never above a limit. */
static inline const uint8_t *whole_labels(const uint8_t *labels, size_t n, uint8_t *buffer) {
  if (n >= BLOCK) return labels;
  memset(buffer, labels[0], BLOCK);
  memcpy(buffer, labels, n);
  return buffer;
}

static inline const float *whole_losses(const float *losses, size_t n, float *buffer) {
  if (n >= BLOCK) return losses;
  memset(buffer, 0, BLOCK * sizeof *buffer);
  memcpy(buffer, losses, n * sizeof *losses);
  return buffer;
}

/* Which pixels of a block have this label? */
VECTOR static inline uint64_t pixels_of(const uint8_t *labels, uint8_t label) {
  vb wanted = vb_fill_1(label);
  uint64_t pixels = 0;
  FM__UNROLL for (unsigned at = 0; at < BLOCK; at += VB) {
    pixels |= (uint64_t)vb_bits(vb_equal(vb_load(labels + at), wanted)) << at;
  }
  return pixels;
}

#endif
