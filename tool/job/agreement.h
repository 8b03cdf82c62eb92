/* job/agreement.h - whether real and synthetic images of a mask are hard at the same places: sums per class. */
#ifndef FREEMASK_TOOL_AGREEMENT_H
#define FREEMASK_TOOL_AGREEMENT_H

#include <jansson.h>

#include "base/fault.h"

/* Of the pixels of every 4th column of every 4th row, from the first on, that have a class and a reference and
 * whose own loss is not among the highest tenth of the class's real ones: how many, and of the ranks x of the
 * reference and y of the synthetic loss the sums of x, y, xx, yy and xy. The highest tenth is left out because
 * wrong pixels are there: with them the number says how many are wrong (doc/policies.md). */
enum { AGREEMENT_GRID = 4, AGREEMENT_SUMS = 6 };

/* Ranks among the class's real losses, as the policy paired compares them (class_stats.h), in whole steps of
 * 2^-7 from 0 to about 800: the squares of 10^12 pixels fit. A code is read as the bin that the library reads it as. */
typedef struct agreement_ranks {
  int32_t class_count; /* 0: nothing is counted */
  uint16_t *of_bin;    /* [class][LOSS_BINS] */
  uint16_t *of_code;   /* [class][256] */
} agreement_ranks;

/* Sums of the same classes add up. */
typedef struct agreement {
  int32_t class_count; /* 0: it is not known */
  int64_t *sums;       /* [class][AGREEMENT_SUMS] */
} agreement;

/* Of the statistics at `path` that paired filters with; nothing is counted with a histogram other than of 32, or with
 * more than LOSS_CLASSES classes. EXIT_IO without memory. */
int agreement_ranks_open(const fm_class_stats *stats, const char *path, agreement_ranks *out,
                         fault *f);
void agreement_ranks_free(agreement_ranks *ranks);

void agreement_open(int32_t class_count, agreement *out);
void agreement_free(agreement *a);

/* `reference` is losses or, if `codes`, codes. Nothing is counted without one. The planes have been checked, or
 * will be. */
void agreement_add(agreement *a, const agreement_ranks *ranks, const fm_labels *labels,
                   const fm_plane *mask, const fm_plane *loss, const fm_plane *reference,
                   bool codes);

/* Adds `from`; where one of both is not known, the sum is not, either. */
void agreement_merge(agreement *into, const agreement *from);

/* The correlation of x and y in class k; of all: within classes, pixels counting alike. NaN: too few pixels to tell,
 * or no difference between them. */
double agreement_of_class(const agreement *a, int32_t k);
double agreement_of_all(const agreement *a);

/* A class's sums as json_counts has them; null if they are not known. And back: EXIT_DATA where they make no sense, or
 * are of more than `valid` pixels. */
json_t *agreement_save_class(const agreement *a, int32_t k);
int agreement_load_class(const json_t *item, const char *path, int32_t class_count, int32_t k,
                         int64_t valid, agreement *out, fault *f);

#endif
