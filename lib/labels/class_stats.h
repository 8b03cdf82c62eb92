/* labels/class_stats.h - the statistics, as the loops and tests of the room see them. */
#ifndef FM_LABELS_CLASS_STATS_H
#define FM_LABELS_CLASS_STATS_H

#include <freemask/class_stats.h>

#include "labels/labels.h"

struct fm_class_stats {
  fm_labels *labels;
  size_t strata;
  size_t bins; /* of a cell's histogram; 0: none */
  int bin_shift;
  size_t cell_words;
  size_t cells;
  int64_t images;
  int64_t pixels;   /* of all cells */
  int64_t *words;   /* [cells][cell_words], carried */
  fm__lanes *lanes; /* empty between calls; NULL without byte kernels */
  void *lanes_memory;
  int64_t *pending; /* as words: the image being added, so that a bad pixel undoes it */
};

/* An empty one like it: same label space and options. */
fm_status fm__class_stats_create_like(const fm_class_stats *model, fm_class_stats **out,
                                      fm_error *err);

/* The mean loss over all pixels of all classes. */
double fm__class_stats_global_mean(const fm_class_stats *stats);

#endif
