/* plan/weights.h - what a mask weighs under a policy. */
#ifndef FM_PLAN_WEIGHTS_H
#define FM_PLAN_WEIGHTS_H

#include "plan/counts.h"

typedef struct fm__weigher {
  const fm__policy *policy;
  const fm__masks *masks;
  const uint32_t *rank_counts;    /* per mask, if ranks are looked at */
  double *factors;                /* of classes: LVIS's repeat factor, 0 if there is none of it */
  double *chances;                /* of classes: DAFormer's, over the masks that have it */
  double most[FM_PLAN_BLEND + 1]; /* the largest value of any mask */
  double portion[FM__SIMPLE_POLICIES]; /* of a blend: its weight over the sum of weights */
} fm__weigher;

/* Makes the tables of classes. */
fm_status fm__weigher_make(const fm_context *context, const fm__policy *policy,
                           const fm__masks *masks, fm__weigher *out, fm_error *err);

/* Looks at all masks, which has to come before the first weight. `rank_counts` (NULL unless ranks
 * are looked at) outlives the weigher. */
void fm__weigher_look(fm__weigher *weigher, const uint32_t *rank_counts);

void fm__weigher_free(const fm_context *context, fm__weigher *weigher);

/* 1 to FM__FULL_WEIGHT, of the largest mask's value, to nearest. */
uint32_t fm__weight(const fm__weigher *weigher, size_t i);

/* A mask's repeat factor: the largest of its classes; 1 if it has none. */
double fm__repeat_factor(const fm__weigher *weigher, size_t i);

#endif
