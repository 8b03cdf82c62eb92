/* dsp/dsp.h - the table of pixel kernels, chosen once per context.
 *
 * There are two families. The *pixel* kernels take looked-up classes, work for any label
 * space and any dtype, and are the plain C reference. The *byte* kernels take rows of
 * label bytes and of floats as they lie in memory; they are fast, exist where the CPU has
 * vectors, and leave whatever is unusual (a bad pixel, a label above 255, a loss out of
 * their window) to the reference. Results are the same bits with and without them. */
#ifndef FM_DSP_DSP_H
#define FM_DSP_DSP_H

#include <freemask/context.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pixels of a tile, a piece of a row: what is made of one stays in the first-level cache.
 * A multiple of 64, so that bits of tiles begin with a word. */
enum { FM__TILE = 2048, FM__TILE_WORDS = FM__TILE / 64 };

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

/* A second way to count, of the AVX-512 kernel (x86/avx512_count.c): some labels have slots. A
 * byte counts two of them in its halves for at most 15 blocks, then the numbers take that over. */
enum { FM__SLOTS = 16 };
typedef struct fm__slot_counts {
  alignas(64) uint8_t halves[FM__SLOTS / 2][64]; /* slots 2 i (lower half) and 2 i + 1 */
  alignas(64) uint64_t numbers[FM__SLOTS][8];    /* to be added */
} fm__slot_counts;
typedef struct fm__slots {
  fm__slot_counts all, set;          /* pixels; those with a set bit */
  alignas(64) uint8_t of[FM__BYTES]; /* a label's slot + 128; 0: it has none */
  uint8_t label[FM__SLOTS];
  uint32_t used, blocks;      /* slots; blocks in the halves */
  uint32_t missed;            /* pixels of a call whose label had none */
  uint32_t pause, last_pause; /* calls to go without slots */
} fm__slots;

/* Pixels per label byte in the lower half of each number, those with a set bit in the
 * upper; four counters per label, to be added, so that increments need not wait for each
 * other. Holds 2^31 pixels. */
typedef struct fm__tally {
  alignas(64) uint64_t parts[4][FM__BYTES];
  fm__slots slots;
} fm__tally;
enum { FM__TALLY_PERIOD = 1 << 30 };

struct fm__permutation; /* plan/permutation.h */
struct fm__permutation_table;

typedef struct fm_dsp {
  /* ---- Pixel kernels ---- */

  /* Adds n pixels to the cells. `strata` may be NULL. Answers the index of the first
   * pixel that is invalid (class, loss or stratum), with the pixels before it added,
   * or n. */
  size_t (*add_losses)(const fm__cells *cells, const int32_t *classes, const float *losses,
                       const uint8_t *strata, size_t n);
  /* drop[i] = loss > threshold[class]; ignored pixels 0; counts per class in
   * counts[2 * class] (valid) and counts[2 * class + 1] (dropped), unless NULL. Answers the first
   * invalid pixel or n. */
  size_t (*mark_noisy)(const int32_t *classes, const float *losses, const float *thresholds,
                       uint8_t *drop, int64_t *counts, size_t n);
  /* counts[class + 1] += weight, index 0 being the ignored pixels. Answers the first
   * invalid pixel or n. `weights` NULL: 1 each. */
  size_t (*count_classes)(const int32_t *classes, const uint32_t *weights, int64_t *counts,
                          size_t n);

  /* ---- Byte kernels: all there (but `widen`), or all NULL. Bits of n pixels fill (n + 63) / 64
   * words, pixel 0 lowest, 0 behind the last pixel. ---- */

  /* Bit i of `drop` = loss i exceeds the limit of label i. False: some pixel is bad. */
  bool (*judge)(const fm__limits *limits, const uint8_t *labels, const float *losses, size_t n,
                uint64_t *drop);
  /* Counts labels, and those with a set bit; `bits` may be NULL. */
  void (*count)(const uint8_t *labels, const uint64_t *bits, size_t n, fm__tally *tally);
  /* bits |= label i == label. */
  void (*mark)(const uint8_t *labels, uint8_t label, size_t n, uint64_t *bits);
  /* Elements of 1, 2 and 4 bytes: out = bit ? set : from; `from` NULL: `clear`. out may be
   * `from`. */
  void (*blend[3])(const void *from, const uint64_t *bits, uint32_t set, uint32_t clear, size_t n,
                   void *out);
  /* Adds losses to the lanes. Answers how many: all, or a multiple of 64 behind which comes
   * a block of 64 with a loss that the lanes cannot take. */
  size_t (*sum)(fm__lanes *lanes, const uint8_t *labels, const float *losses, size_t n);
  /* Labels of 16 bits as bytes; false if one is above 255. */
  bool (*narrow)(const void *labels, size_t n, uint8_t *bytes);
  /* binary16 as floats; NULL where the CPU has no instruction for that. */
  void (*widen)(const void *halves, size_t n, float *floats);

  /* ---- Kernels of schedules; NULL where plain C is as fast ---- */

  /* fm__permutation_many, without a table, and with one; this answers how many of the first
   * elements it has done, whole blocks only. */
  void (*permute)(const struct fm__permutation *permutation, uint64_t first, uint64_t step,
                  size_t count, uint64_t *out);
  size_t (*permute_tabled)(const struct fm__permutation *permutation,
                           const struct fm__permutation_table *table, uint64_t first, uint64_t step,
                           size_t count, uint64_t *out);
  /* fm__permutation_keyed. */
  void (*permute_keyed)(const struct fm__permutation *permutation, const uint64_t *keys,
                        size_t count, uint64_t *x);
  /* What draw_joint (plan/schedule_draw.c) does: replaces places, all below 2^48, by numbers of
   * images, `copies` being a multiple of `real` above 0. */
  void (*join)(uint64_t real, uint64_t copies, size_t count, uint64_t *numbers, uint64_t *repeats);
  /* Replaces places by the first numbers below `bound`, at most 2^63, of the generators whose
   * states are the outputs of these numbers of the generator `state`. */
  void (*draw_below)(uint64_t state, uint64_t bound, size_t count, uint64_t *numbers);
} fm_dsp;

/* Fills the table with the fastest kernels not above `wanted`. */
fm_status fm__dsp_init(fm_dsp *dsp, uint32_t wanted, fm_kernels *level, fm_error *err);
const char *fm__dsp_level_name(fm_kernels level);

#endif
