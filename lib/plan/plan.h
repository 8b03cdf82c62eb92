/* plan/plan.h - a plan from inside. */
#ifndef FM_PLAN_PLAN_H
#define FM_PLAN_PLAN_H

#include <freemask/plan.h>
#include <stdatomic.h>

#include "core/context.h"

enum { FM__LONGEST_ID = 4095 };

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
  size_t mask_count;
  char *ids;
  int64_t *seeds;
  int64_t image_count;
  atomic_size_t holds; /* the caller's, and one per schedule */
};

/* For a handle that relies on the plan; fm_plan_destroy drops the hold. */
fm_plan *fm__plan_hold(const fm_plan *plan);

/* Lists 0 to count - 1 by their ids; `spare` has room for `count`. */
void fm__sort_by_id(uint32_t *items, uint32_t *spare, size_t count, const char *const *ids);

/* Makes a plan whose row i has the id and the hardness of items[i], which lists them by id. The
 * caller goes on with ranks, counts and seeds. DUPLICATE names an id that occurs twice. */
fm_status fm__plan_new(const fm_context *context, size_t mask_count, const char *const *ids,
                       const double *hardness, const uint32_t *items, fm_plan **out, fm_error *err);

/* Memory for the seeds of all rows, which have their counts, and where each row's begin. */
fm_status fm__plan_reserve_seeds(fm_plan *plan, fm_error *err);

/* Sorts seeds; DUPLICATE names one that occurs twice. */
fm_status fm__sort_seeds(int64_t *seeds, size_t count, fm_error *err);

#endif
