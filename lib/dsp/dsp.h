/* dsp/dsp.h - the table of pixel kernels, chosen once per context.
 *
 * The kernels here work on tiles: runs of up to FM__TILE pixels of a row whose labels
 * have been looked up (fm__tile_classes) and whose losses are floats. Every variant
 * gives the same bits as the C reference. */
#ifndef FM_DSP_DSP_H
#define FM_DSP_DSP_H

#include <freemask/context.h>
#include <stddef.h>
#include <stdint.h>

/* Pixels of a tile: classes and losses of one stay in the first-level cache. */
enum { FM__TILE = 1024 };

/* Digits (base 2^32) of an exact sum of floats: 277 bits for the range of a float,
 * 63 for the count, rounded up. Digit i weighs 2^(32 i - 149) nats. */
enum { FM__SUM_DIGITS = 11, FM__CELL_WORDS = 1 + FM__SUM_DIGITS };

/* Pixels that may be added to a cell between two carries: a pixel adds less than 2^32
 * to a word, a word holds 2^63. */
enum { FM__CARRY_PERIOD = 1 << 30 };

/* The cells of the statistics: [class][stratum][FM__CELL_WORDS + bins]. */
typedef struct fm__cells {
  int64_t *words;
  size_t cell_words; /* FM__CELL_WORDS + bins */
  size_t strata;
  int bin_shift; /* log2 of bins per octave; -1: no histogram */
} fm__cells;

typedef struct fm_dsp {
  /* Adds n pixels to the cells. `strata` may be NULL. Answers the index of the first
   * pixel that is invalid (class, loss or stratum), with the pixels before it added,
   * or n. */
  size_t (*add_losses)(const fm__cells *cells, const int32_t *classes, const float *losses,
                       const uint8_t *strata, size_t n);
  /* drop[i] = loss > threshold[class]; ignored pixels 0; counts per class in
   * counts[2 * class] (valid) and counts[2 * class + 1] (dropped). Answers the first
   * invalid pixel or n. */
  size_t (*mark_noisy)(const int32_t *classes, const float *losses, const float *thresholds,
                       uint8_t *drop, int64_t *counts, size_t n);
  /* counts[class + 1] += weight, index 0 being the ignored pixels. Answers the first
   * invalid pixel or n. `weights` NULL: 1 each. */
  size_t (*count_classes)(const int32_t *classes, const uint32_t *weights, int64_t *counts,
                          size_t n);
} fm_dsp;

/* Fills the table with the fastest kernels not above `wanted`. */
fm_status fm__dsp_init(fm_dsp *dsp, uint32_t wanted, fm_kernels *level, fm_error *err);
const char *fm__dsp_level_name(fm_kernels level);

#endif
