/* plan/planner.h - masks on their way into a plan. */
#ifndef FM_PLAN_PLANNER_H
#define FM_PLAN_PLANNER_H

#include <freemask/planner.h>

#include "core/context.h"
#include "plan/id_set.h"
#include "plan/plan.h"
#include "plan/policy.h"

/* What a mask keeps of an earlier plan. */
typedef struct fm__kept {
  int64_t *seeds; /* ascending */
  uint32_t count;
} fm__kept;

/* Ids and kept seeds lie one after the other in slabs, so that a mask costs no allocation. */
typedef struct fm__slab {
  struct fm__slab *next;
  size_t used, capacity;
  int64_t memory[];
} fm__slab;

/* Elements of arrays with one index belong to one mask, in the order of adding. Arrays have room
 * for `capacity` masks at least. */
struct fm_planner {
  fm_context *context;
  fm_planner_options options; /* resolved; seeds and blend are the planner's own */
  fm__policy policy;
  int64_t *seeds;
  size_t seed_count;
  fm_plan_part *blend; /* NULL if the policy is no blend */
  const char **ids;
  double *hardness;
  size_t count, capacity;
  fm__id_set index;      /* of `ids` */
  size_t class_count;    /* 0 until a mask with classes was added */
  uint64_t *classes;     /* [class_capacity][words], if the policy uses them */
  size_t class_capacity; /* in masks */
  int64_t *class_pixels; /* [class_count] */
  int64_t pixels;        /* their sum */
  const char **kept_ids;
  fm__kept *kept;
  size_t kept_count, kept_capacity;
  fm__id_set kept_index; /* of `kept_ids` */
  fm__slab *slabs;       /* the newest first */
};

/* What a mask keeps, or NULL. */
const fm__kept *fm__planner_kept(const fm_planner *planner, const char *mask_id);

#endif
