/* plan/pieces.h - a line cut into pieces, one after the other: which one holds a point? */
#ifndef FM_PLAN_PIECES_H
#define FM_PLAN_PIECES_H

#include "core/context.h"

/* 8 bytes for each piece and 4 for a guide, by which a look-up takes constant time where pieces are
 * of about one size, and log(count) at worst. */
typedef struct fm__pieces {
  uint64_t *ends;  /* of each piece, ascending; a piece begins where the last one ended */
  uint32_t *guide; /* the piece of each 2^shift-th point, over 2^coarse */
  size_t count;
  uint64_t total;
  int32_t shift, coarse; /* coarse is 0 below 2^32 pieces */
} fm__pieces;

/* Takes memory for `count` pieces, more than 0. Then fill `ends` and call finish. False: there is
 * none. */
bool fm__pieces_alloc(fm__pieces *pieces, const fm_context *context, size_t count);
void fm__pieces_finish(fm__pieces *pieces);
void fm__pieces_free(fm__pieces *pieces, const fm_context *context);

/* Sets the ends by weights that are finite, not negative and not all 0, and finishes. They become
 * integers of one scale: rounded down, but what is above 0 stays so. The total is below 2^62. The
 * weight of piece i is weights[order[i]] for the first `ordered` pieces, then weights[i]. */
void fm__pieces_weigh(fm__pieces *pieces, const double *weights, const uint32_t *order,
                      size_t ordered);

/* The piece that holds a point below the total. */
size_t fm__pieces_find(const fm__pieces *pieces, uint64_t point);
/* Replaces points by their pieces: their ways through memory do not wait for each other. */
void fm__pieces_find_many(const fm__pieces *pieces, size_t count, uint64_t *points);

#endif
