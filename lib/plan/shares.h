/* plan/shares.h - a line cut into pieces, one behind the other: which holds a point? */
#ifndef FM_PLAN_SHARES_H
#define FM_PLAN_SHARES_H

#include "core/context.h"

/* 8 bytes for each piece and 4 for a guide that makes looking up a matter of constant
 * time where pieces are of about one size, of log(count) at worst. */
typedef struct fm__shares {
  uint64_t *ends;  /* of each piece, ascending; a piece begins where the last one ended */
  uint32_t *guide; /* the piece of each 2^shift-th point, over 2^coarse */
  size_t count;
  uint64_t total;
  int32_t shift, coarse; /* coarse is 0 below 2^32 pieces */
} fm__shares;

/* Takes memory for `count` pieces, more than 0. Then fill `ends` and call finish. */
bool fm__shares_alloc(fm__shares *shares, const fm_context *context, size_t count);
void fm__shares_finish(fm__shares *shares);
void fm__shares_free(fm__shares *shares, const fm_context *context);

/* Ends for weights that are finite, not negative and not all 0, as integers of one scale:
 * rounded down, but what is above 0 stays so. The total is below 2^62. */
void fm__shares_weigh(fm__shares *shares, const double *weights);

/* The piece that holds a point below the total. */
size_t fm__shares_find(const fm__shares *shares, uint64_t point);
/* Replaces points by their pieces: their ways through memory do not wait for each other. */
void fm__shares_find_many(const fm__shares *shares, size_t count, uint64_t *points);

#endif
