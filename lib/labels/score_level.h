/* labels/score_level.h - an image's own style is taken out of its ranks. */
#ifndef FM_LABELS_SCORE_LEVEL_H
#define FM_LABELS_SCORE_LEVEL_H

#include "map/runs.h"

/* Takes the level of each class in the image (class_stats.h, c_k) away from own[height][width], steps
 * of ranks, and from window[height][width], which may be the same memory. Regions are classes. Steps
 * are -2^15 to 2^15 - 1. Errors: MEMORY, LIMIT. */
fm_status fm__score_level(const fm__runs *runs, int32_t *own, int32_t *window, fm_error *err);

#endif
