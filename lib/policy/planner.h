/* policy/planner.h - rows on their way into a plan. */
#ifndef FM_POLICY_PLANNER_H
#define FM_POLICY_PLANNER_H

#include <freemask/planner.h>

#include "core/context.h"

typedef struct fm__plan_row {
  const char *mask_id;
  double hardness;
} fm__plan_row;

/* Ids lie one behind the other in blocks, so that a mask costs no allocation. */
typedef struct fm__id_block {
  struct fm__id_block *next;
  size_t used, capacity;
  char text[];
} fm__id_block;

struct fm_planner {
  fm_context *context;
  int32_t n_max;
  uint64_t plan_seed;
  int64_t *seeds;
  size_t seed_count;
  fm__plan_row *rows;
  size_t count, capacity;
  fm__id_block *ids; /* the newest first */
};

/* Another handle relies on the plan; fm_plan_destroy gives the hold up. */
fm_plan *fm__plan_hold(fm_plan *plan);

#endif
