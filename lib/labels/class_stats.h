/* labels/class_stats.h - the statistics, as the loops and tests of the room see them. */
#ifndef FM_LABELS_CLASS_STATS_H
#define FM_LABELS_CLASS_STATS_H

#include <freemask/class_stats.h>

#include "labels/labels.h"

/* Far from where counters of pixels and images overflow, even doubled. */
#define FM__MOST_COUNT (INT64_C(1) << 62)

/* Bytes of a blob before its words. */
enum { FM__BLOB_HEADER = 64 };

struct fm__score; /* labels/score.h */

struct fm_class_stats {
  fm_labels *labels;
  size_t strata;
  int32_t score;          /* an fm_score */
  struct fm__score *rank; /* FM_SCORE_RANK: what it is made of; else NULL */
  size_t bins;            /* of a cell's histogram; 0: none */
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

/* The statistics of losses that these are, or that their score is made of. */
const fm_class_stats *fm__class_stats_losses(const fm_class_stats *stats);

/* The number that ranks have; 0 for the loss. */
uint64_t fm__class_stats_ranks_fingerprint(const fm_class_stats *stats);

/* An empty one like it: same label space and options. */
fm_status fm__class_stats_create_like(const fm_class_stats *model, fm_class_stats **out,
                                      fm_error *err);

/* Bins per octave; 0: there is no histogram. */
int32_t fm__class_stats_histogram(const fm_class_stats *stats);

/* Refuses words of another layout than that of these statistics. */
fm_status fm__class_stats_check_layout(const fm_class_stats *stats,
                                       const fm_class_stats_layout *layout, fm_error *err);

/* Adds what has been put into `pending`, with so many images, and empties it. It has been checked,
 * its sums need not be carried. */
void fm__class_stats_commit(fm_class_stats *stats, int64_t images);
/* Empties `pending`. */
void fm__class_stats_undo(fm_class_stats *stats);

/* The mean loss over all pixels of all classes. */
double fm__class_stats_global_mean(const fm_class_stats *stats);

#endif
