/* plan/plan_seeds.c - which seeds each mask gets. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/random.h"
#include "core/sort.h"
#include "plan/planner.h"

static bool holds(const fm__kept *kept, int64_t seed) {
  size_t low = 0, high = kept ? kept->count : 0;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (kept->seeds[middle] == seed) return true;
    if (kept->seeds[middle] < seed)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

/* What is kept, and then the first of a permutation that depends on (plan seed, id) alone. There
 * are enough: a mask gets more than n_max only if it keeps as many, and seeds are n_max at least.
 */
static void draw_seeds(const fm_planner *planner, const char *id, const fm__kept *kept,
                       int64_t *pool, int64_t *out, size_t count) {
  fm__random random = fm__random_for(planner->policy.plan_seed, id);
  size_t drawn = kept ? kept->count : 0;
  if (drawn) memcpy(out, kept->seeds, drawn * sizeof *out);
  memcpy(pool, planner->seeds, planner->seed_count * sizeof *pool);
  for (size_t j = 0; drawn < count; j++) {
    size_t pick = j + fm__random_below(&random, (uint32_t)(planner->seed_count - j));
    int64_t seed = pool[pick];
    pool[pick] = pool[j];
    if (!holds(kept, seed)) out[drawn++] = seed;
  }
  fm__sort_numbers(out, count);
}

fm_status fm__plan_choose_seeds(fm_plan *plan, const fm_planner *planner,
                                const fm__kept *const *kept, fm_error *err) {
  int64_t *pool = fm__alloc_array(plan->context, planner->seed_count, sizeof *pool);
  if (!pool) return fm__fail_memory(err, planner->seed_count * sizeof *pool);
  fm_status status = fm__plan_reserve_seeds(plan, err);
  for (size_t i = 0; !status && i < plan->mask_count; i++) {
    const fm__plan_row *row = &plan->rows[i];
    draw_seeds(planner, row->mask_id, kept ? kept[i] : NULL, pool, plan->seeds + row->first_seed,
               (size_t)row->count);
  }
  fm__free(plan->context, pool);
  return status;
}
