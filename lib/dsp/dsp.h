/* dsp/dsp.h - the table of pixel kernels that a context uses, and what they work on.
 *
 * The byte kernels take rows of label bytes and of floats as they lie in memory. They exist where
 * the CPU has vectors, and leave whatever is unusual (a bad pixel, a label above 255, a loss out
 * of their window) to the plain C of dsp/reference.h. Results are the same bits with and without
 * them. The loss kernels (dsp/loss_kernels.h) exist on every level, and agree between levels only
 * to the bound that freemask/network_loss.h states. The map kernels (dsp/map_kernels.h) exist on every
 * level, too, and agree to the bit. */
#ifndef FM_DSP_DSP_H
#define FM_DSP_DSP_H

#include <freemask/context.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bits.h"

/* Which levels above plain C are in this build. They need GNU C's vector types. */
#if defined(__GNUC__) && defined(__x86_64__)
#define FM__BUILD_X86 1
#else
#define FM__BUILD_X86 0
#endif
#if defined(__GNUC__) && defined(__aarch64__) && FM__LITTLE_ENDIAN
#define FM__BUILD_NEON 1
#else
#define FM__BUILD_NEON 0
#endif

/* Pixels that byte kernels take together: those whose bits fill a word. */
enum { FM__CHUNK_PIXELS = 64 };

/* Pixels of a tile, a piece of a row: what is made of one stays in the first-level cache. */
enum { FM__TILE = 1024, FM__TILE_WORDS = FM__TILE / FM__CHUNK_PIXELS };

/* Pixels that plain C looks up at a time: tables of them are on the stack. */
enum { FM__PIECE = 256 };

/* Digits (base 2^32) of an exact sum of floats: 277 bits for the range of a float,
 * 63 for the count, rounded up. Digit i weighs 2^(32 i - 149) nats. */
enum { FM__SUM_DIGITS = 11, FM__CELL_WORDS = 1 + FM__SUM_DIGITS };

/* Pixels that may be added to a cell between two carries: a pixel adds less than 2^32
 * to a word, a word holds 2^63. */
enum { FM__CARRY_PERIOD = 1 << 30 };

/* Before a loop of a known, small number of rounds: its arrays are to be registers. Clang needs
 * no telling. */
#if defined(__GNUC__) && !defined(__clang__)
#define FM__UNROLL _Pragma("GCC unroll 16")
#else
#define FM__UNROLL
#endif

/* For what only fetches ahead: gcc drops a call to such a function as one without effect, unless
 * it has become part of the caller before. */
#if defined(__GNUC__)
#define FM__INLINE __attribute__((always_inline)) static inline
#else
#define FM__INLINE static inline
#endif

/* What labels mean besides classes, which are 0 and more; the numbers of freemask/labels.h, which
 * is above this room: labels/labels.h checks that they are the same. */
enum { FM__CLASS_IGNORE = -1, FM__CLASS_INVALID = -2 };

/* Values of a label byte. */
enum { FM__BYTES = 256 };

/* The cells of the statistics: [class][stratum][FM__CELL_WORDS + bins]. */
typedef struct fm__cells {
  int64_t *words;
  size_t cell_words; /* FM__CELL_WORDS + bins */
  size_t strata;
  int bin_shift; /* log2 of bins per octave; -1: no histogram */
} fm__cells;

/* Largest kept losses per label byte, as bits: losses that are not negative order like
 * their bits, whatever the host has set its floating-point unit to do with denormals.
 * Filled by fm__limits_make. */
enum { FM__LIMIT_IGNORED = INT32_MAX, FM__LIMIT_INVALID = INT32_MIN };
typedef struct fm__limits {
  alignas(64) uint8_t planes[4][FM__BYTES]; /* byte 0 (lowest) to 3 of limits[] */
  alignas(64) uint8_t folded[4][64];        /* the same at label % fold, repeated */
  alignas(64) uint8_t owner[64]; /* the label that a folded entry is for; where there is none,
                                    a number that differs from every label that folds there */
  int32_t limits[FM__BYTES];
  unsigned fold; /* 16, 32, 64: tells all labels of the space apart; 0: they are too many */
} fm__limits;

/* Exact sums of losses per label byte, in eight lanes of two whole numbers (dsp/lanes.h). */
typedef struct fm__lanes {
  alignas(64) int64_t high[FM__BYTES][8];
  alignas(64) int64_t low[FM__BYTES][8];
  uint64_t count[FM__BYTES];
  unsigned ignored_count;
  uint8_t ignored[FM__BYTES]; /* the labels whose losses do not count */
} fm__lanes;

/* Pixels per label byte in the lower half of each number, those with a set bit in the
 * upper; four counters per label, to be added, so that increments need not wait for each
 * other. Holds 2^31 pixels. */
typedef struct fm__tally {
  uint64_t parts[4][FM__BYTES];
} fm__tally;
enum { FM__TALLY_PERIOD = 1 << 30 };

/* ---- Byte kernels. Bits of n pixels fill (n + 63) / 64 words, pixel 0 lowest, 0 behind the last
 * pixel. ---- */

/* Bit i of `drop` = loss i exceeds the limit of label i. False: some pixel is bad. */
typedef bool fm__judge_fn(const fm__limits *limits, const uint8_t *labels, const float *losses,
                          size_t n, uint64_t *drop);
/* Adds losses to the lanes. Returns how many: all, or a multiple of 64 that is followed by a chunk
 * with a loss that the lanes cannot take. */
typedef size_t fm__sum_fn(fm__lanes *lanes, const uint8_t *labels, const float *losses, size_t n);
/* Counts labels, and those with a set bit; `bits` may be NULL. */
typedef void fm__count_fn(const uint8_t *labels, const uint64_t *bits, size_t n, fm__tally *tally);
/* bits |= label i == label. */
typedef void fm__mark_fn(const uint8_t *labels, uint8_t label, size_t n, uint64_t *bits);
/* out = bit ? set : from, for elements of one size; `from` NULL: `clear`. out may be `from`. */
typedef void fm__blend_fn(const void *from, const uint64_t *bits, uint32_t set, uint32_t clear,
                          size_t n, void *out);
/* Labels of 16 bits as bytes; false if one is above 255. */
typedef bool fm__narrow_fn(const void *labels, size_t n, uint8_t *bytes);
/* binary16 as floats. */
typedef void fm__widen_fn(const void *halves, size_t n, float *floats);

/* The byte kernels are all there (but `widen`, which needs an instruction), or all NULL. */
typedef struct fm_dsp {
  fm_kernels level;
  fm__judge_fn *judge;
  fm__sum_fn *sum;
  fm__count_fn *count;
  fm__mark_fn *mark;
  fm__blend_fn *blend[3]; /* elements of 1, 2 and 4 bytes */
  fm__narrow_fn *narrow;
  fm__widen_fn *widen;
  const struct fm__loss_kernels *losses;
  const struct fm__map_kernels *maps;
} fm_dsp;

#endif
