/* labels/means.h - mean losses by class and stratum, whether from statistics or from a host's
 * table. */
#ifndef FM_LABELS_MEANS_H
#define FM_LABELS_MEANS_H

#include "labels/class_stats.h"

/* Borrows what it was made from; needs no release. */
typedef struct fm__means {
  const fm_labels *labels;
  int32_t strata;
  int32_t score;               /* an fm_score: what the means are of */
  const fm_class_stats *stats; /* NULL: the table has them */
  fm_mean_table table;
} fm__means;

/* Both refuse what holds no pixel (EMPTY). */
fm_status fm__means_of_stats(fm__means *means, const fm_class_stats *stats, fm_error *err);
fm_status fm__means_of_table(fm__means *means, const fm_labels *labels, const fm_mean_table *table,
                             fm_error *err);

/* The mean loss of a class and stratum, or of all its strata together (FM_ALL_STRATA). */
double fm__means_at(const fm__means *means, int32_t class_index, int32_t stratum);

/* Whether there is no real pixel. Where a table does not count them: whether the mean is 0. */
bool fm__means_unseen(const fm__means *means, int32_t class_index, int32_t stratum);

/* The mean loss over all pixels of all classes. The pixels are known. */
double fm__means_global(const fm__means *means);

/* Whether the pixels are known. */
static inline bool fm__means_have_pixels(const fm__means *means) {
  return means->stats || means->table.pixels;
}

#endif
