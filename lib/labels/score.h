/* labels/score.h - FM_SCORE_RANK: how odd a pixel and its neighbourhood are among real pixels. */
#ifndef FM_LABELS_SCORE_H
#define FM_LABELS_SCORE_H

#include "core/view.h"
#include "labels/class_stats.h"

/* Made of the losses of real pixels; immutable, shared by the statistics and filters that use it. */
typedef struct fm__score {
  atomic_size_t holds;
  fm_class_stats *ranks; /* the losses' statistics, a copy */
  uint64_t fingerprint;  /* of their words and of what these belong to; never 0 */
  size_t tables;         /* of a class: 1, or 1 + strata: its own, then those of its strata */
  int16_t *steps; /* [classes][tables][bins]: the rank of a loss in each bin, in steps of 2^-12 */
  uint16_t *code_bins; /* [classes][FM__BYTES]: the bin whose rank is nearest to a code's */
} fm__score;

/* Statistics that ranks are made of: of losses, with a histogram, not empty, over these labels. */
fm_status fm__score_make(const fm_labels *labels, const fm_class_stats *ranks, fm__score **out,
                         fm_error *err);
fm__score *fm__score_hold(fm__score *score);
/* NULL is fine. */
void fm__score_drop(fm__score *score);

/* The planes of an image, as fm__plane_read gives them. */
typedef struct fm__score_planes {
  fm_plane mask, loss;
  fm_plane strata; /* data NULL: the ranks have one stratum */
  fm__reference reference;
} fm__score_planes;

/* Steps of the largest rank, whose code is the last one. */
int32_t fm__score_most_steps(void);

/* Reads the extra planes that the score takes. */
fm_status fm__score_extra(const fm__score *score, fm__score_planes *planes,
                          const fm_extra_planes *extra, fm_error *err);

/* Fills scores[height][width], 0 at ignored pixels. Refuses the first pixel with a bad label,
 * stratum or loss, and the first such pixel whose reference is bad. */
fm_status fm__score_map(const fm__score *score, const fm__score_planes *planes, float *scores,
                        fm_error *err);

#endif
