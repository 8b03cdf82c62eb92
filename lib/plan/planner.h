/* plan/planner.h - rows on their way into a plan, and the plan. */
#ifndef FM_PLAN_PLANNER_H
#define FM_PLAN_PLANNER_H

#include <freemask/planner.h>
#include <stdatomic.h>

#include "core/context.h"
#include "plan/counts.h"

typedef struct fm__mask_row {
  const char *mask_id;
  double hardness;
} fm__mask_row;

/* What a mask has from an earlier plan. */
typedef struct fm__kept_row {
  const char *mask_id;
  int64_t *seeds; /* ascending */
  uint32_t count;
} fm__kept_row;

/* Ids and kept seeds lie one behind the other in blocks, so that a mask costs no allocation. */
typedef struct fm__block {
  struct fm__block *next;
  size_t used, capacity;
  int64_t memory[];
} fm__block;

struct fm_planner {
  fm_context *context;
  fm__policy policy;
  int64_t *seeds;
  size_t seed_count;
  fm__mask_row *rows;
  size_t count, capacity;
  size_t class_count;    /* 0 until a mask with classes was added */
  uint64_t *classes;     /* [capacity][words], if the policy looks at them */
  int64_t *class_pixels; /* [class_count] */
  int64_t pixels;        /* their sum */
  fm__kept_row *kept;
  size_t kept_count, kept_capacity;
  fm__block *blocks; /* the newest first */
};

typedef struct fm__plan_row {
  const char *mask_id; /* in the plan's `ids` */
  double hardness;
  int64_t rank;
  int64_t count;
  int64_t first_seed; /* index into the plan's `seeds` */
} fm__plan_row;

struct fm_plan {
  fm_context *context;
  fm__plan_row *rows; /* by mask id */
  size_t masks;
  char *ids;
  int64_t *seeds;
  int64_t images;
  atomic_size_t holds; /* the caller's, and one per schedule */
};

/* Another handle relies on the plan; fm_plan_destroy gives the hold up. */
fm_plan *fm__plan_hold(const fm_plan *plan);

/* Memory from the planner's blocks; it goes when the planner goes. NULL if there is none. */
void *fm__planner_take(fm_planner *planner, size_t size);

/* A copy of a caller's id, after checking it. */
fm_status fm__planner_copy_id(fm_planner *planner, const char *mask_id, const char **out,
                              fm_error *err);

/* Draws the seeds of every row, whose counts stand. `kept` has for each row what it keeps, or
 * is NULL. */
fm_status fm__plan_choose_seeds(fm_plan *plan, const fm_planner *planner,
                                const fm__kept_row *const *kept, fm_error *err);

#endif
