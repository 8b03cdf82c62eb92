/* plan/counts.h - how many images each mask gets, by any policy. */
#ifndef FM_PLAN_COUNTS_H
#define FM_PLAN_COUNTS_H

#include "plan/policy.h"

/* Fills counts[count], or leaves them as they are on failure. Memory: 4 bytes per mask if the
 * policy uses ranks, and up to 24 bytes per class. */
fm_status fm__count_images(const fm_context *context, const fm__policy *policy,
                           const fm__masks *masks, uint32_t *counts, fm_error *err);

#endif
