/* job/loss_table.h - how the losses of a set are distributed: whole numbers per class. */
#ifndef FREEMASK_TOOL_LOSS_TABLE_H
#define FREEMASK_TOOL_LOSS_TABLE_H

#include <string.h>

#include "base/fault.h"

/* Bins as those of statistics with --histogram 32: 32 per factor of two between 2^-24 and 2^8, one
 * below and one above. Beyond so many classes nothing is counted: tables would fill the memory. */
enum { LOSS_BINS = 1026, LOSS_CLASSES = 1024 };

/* Thresholds that pixels are counted above: what the filter would drop with another tolerance. */
enum { LOSS_STOPS = 16 };
typedef struct loss_stops {
  const char *flag; /* of the filter: "tolerance" or "real-share"; NULL: there are none */
  int count;
  double at[LOSS_STOPS]; /* values of the flag, ascending */
  float *thresholds;     /* [class][count] */
} loss_stops;

/* Each bin has two cells: losses up to a stop's threshold that lies in the bin, and those above it.
 * Of several in one bin only the first divides it; the others are interpolated. */
typedef struct loss_table {
  int32_t class_count;     /* 0: nothing is counted */
  const loss_stops *stops; /* or NULL */
  float *splits;           /* [class][LOSS_BINS]; infinity where no stop is */
  int64_t *cells;          /* [class][LOSS_BINS][2] */
  int32_t *class_of;       /* of the labels 0 to 255 */
} loss_table;

void loss_stops_free(loss_stops *stops);

/* An empty table; `stops` (may be NULL) outlive it. */
void loss_table_open(const fm_labels *labels, const loss_stops *stops, loss_table *out);
void loss_table_free(loss_table *t);

/* Counts the pixels of a mask that have a class. The planes have been checked, or will be. */
void loss_table_add(loss_table *t, const fm_labels *labels, const fm_plane *mask,
                    const fm_plane *loss);
void loss_table_merge(loss_table *into, const loss_table *from);

int64_t loss_table_pixels(const loss_table *t, int32_t k);

/* Pixels whose loss is above a stop's threshold: exact unless another stop lies in the same bin. */
int64_t loss_table_above(const loss_table *t, int32_t k, int stop);

/* The bins of a class, [LOSS_BINS]. */
void loss_table_bins(const loss_table *t, int32_t k, int64_t *bins);

enum { LOSS_PER_OCTAVE = 32, LOSS_LOWEST = -24 /* log2 of where bin 1 begins */ };

/* The bin of a loss: the upper bits of a float are its exponent and the first five of its fraction, 32 to the octave.
 * For each pixel, so it is to be inlined. */
static inline int loss_bin_of(float loss) {
  enum { SHIFT = 23 - 5, FIRST = (127 + LOSS_LOWEST) * LOSS_PER_OCTAVE - 1 };
  int32_t bits;
  memcpy(&bits, &loss, sizeof bits);
  const int bin = (bits >> SHIFT) - FIRST; /* below 0: of a sign, too */
  return bin < 0 ? 0 : bin >= LOSS_BINS ? LOSS_BINS - 1 : bin;
}

/* Of any bins like these: where one begins; the mean, with the middle of each bin for its losses; the
 * loss below which a share of the pixels lies; how many are above a loss, linear inside a bin. */
double loss_bin_start(int bin);
double loss_bins_mean(const int64_t *bins);
double loss_bins_quantile(const int64_t *bins, double share);
double loss_bins_above(const int64_t *bins, double loss);
int64_t loss_bins_pixels(const int64_t *bins);

#endif
