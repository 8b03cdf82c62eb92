/* plan/planner_make.c - makes a plan of what a planner holds. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/random.h"
#include "core/sort.h"
#include "plan/counts.h"
#include "plan/planner.h"

/* Working memory, mask by mask in the order of the ids. */
typedef struct work {
  uint32_t *items; /* the planner's masks by id, then the rows by hardness */
  uint32_t *spare; /* in the same piece of memory */
  uint32_t *counts;
  double *hardness;
  uint64_t *classes;     /* if the policy uses them */
  uint32_t *kept_counts; /* if anything is kept */
  const fm__kept **kept; /* likewise */
  const uint32_t *given; /* counts of the caller's, in the order of adding; NULL: the policy's */
} work;

static uint64_t draw(uint64_t seed, size_t i, const void *user) {
  const fm_plan *plan = user;
  fm__random random = fm__random_for(seed, plan->rows[i].mask_id);
  return fm__random_next(&random);
}

/* What is kept of a mask that is not there would be lost. */
static fm_status check_kept(const fm_planner *planner, fm_error *err) {
  for (size_t i = 0; i < planner->kept_count; i++) {
    const char *id = planner->kept_ids[i];
    if (fm__id_set_find(&planner->index, planner->ids, id, fm__id_hash(id)) < 0)
      return fm__fail(err, FM_ERR_MISMATCH,
                      "seeds of mask %s are to be kept, but the mask was not added", id);
  }
  return FM_OK;
}

static fm_status find_kept(const fm_plan *plan, const fm_planner *planner, work *w, fm_error *err) {
  if (!planner->kept_count) return FM_OK;
  w->kept = fm__alloc_array(planner->context, plan->mask_count, sizeof *w->kept);
  w->kept_counts = fm__alloc_array(planner->context, plan->mask_count, sizeof *w->kept_counts);
  if (!w->kept || !w->kept_counts) return fm__fail_memory(err, plan->mask_count * sizeof *w->kept);
  for (size_t i = 0; i < plan->mask_count; i++) {
    w->kept[i] = fm__planner_kept(planner, plan->rows[i].mask_id);
    w->kept_counts[i] = w->kept[i] ? w->kept[i]->count : 0;
  }
  return FM_OK;
}

/* Hardness and classes in the order of the ids. */
static fm_status copy_features(const fm_planner *planner, work *w, fm_error *err) {
  size_t words = planner->classes ? fm__class_words(planner->class_count) : 0;
  w->hardness = fm__alloc_array(planner->context, planner->count, sizeof *w->hardness);
  w->counts = fm__alloc_array(planner->context, planner->count, sizeof *w->counts);
  if (words)
    w->classes = fm__alloc_array(planner->context, planner->count, words * sizeof *w->classes);
  if (!w->hardness || !w->counts || (words && !w->classes))
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for a plan of %zu masks", planner->count);
  for (size_t i = 0; i < planner->count; i++) {
    w->hardness[i] = planner->hardness[w->items[i]];
    if (words)
      memcpy(w->classes + i * words, planner->classes + w->items[i] * words,
             words * sizeof *w->classes);
  }
  return FM_OK;
}

/* The caller's counts, in the order of the ids. */
static fm_status take_counts(const fm_planner *planner, work *w, fm_error *err) {
  for (size_t i = 0; i < planner->count; i++) {
    uint32_t item = w->items[i], kept = w->kept ? w->kept_counts[i] : 0;
    uint32_t most = kept > planner->policy.n_max ? kept : planner->policy.n_max;
    if (w->given[item] < kept || w->given[item] > most)
      return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: a count of %u, expected %u to %u",
                      planner->ids[item], (unsigned)w->given[item], (unsigned)kept, (unsigned)most);
    w->counts[i] = w->given[item];
  }
  return FM_OK;
}

/* Rows are sorted by id, so a stable sort by hardness leaves ties by id. */
static fm_status count_images(fm_plan *plan, const fm_planner *planner, work *w, fm_error *err) {
  fm_status status = w->given ? take_counts(planner, w, err) : FM_OK;
  if (status) return status;
  fm__sort_by_number(w->items, w->spare, plan->mask_count, w->hardness);
  fm__masks masks = {.count = plan->mask_count,
                     .hardness = w->hardness,
                     .classes = w->classes,
                     .class_count = planner->class_count,
                     .class_pixels = planner->class_pixels,
                     .kept = w->kept_counts,
                     .order = w->items,
                     .draw = draw,
                     .user = plan};
  if (!w->given)
    status = fm__count_images(planner->context, &planner->policy, &masks, w->counts, err);
  if (status) return status;
  for (size_t i = 0; i < plan->mask_count; i++) {
    plan->rows[w->items[i]].rank = (int64_t)i + 1;
    plan->rows[i].count = w->counts[i];
  }
  return FM_OK;
}

/* ---- Seeds ------------------------------------------------------------------------- */

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

static fm_status choose_seeds(fm_plan *plan, const fm_planner *planner, const fm__kept *const *kept,
                              fm_error *err) {
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

/* ---- All of it ---------------------------------------------------------------------- */

static fm_status fill(const fm_planner *planner, work *w, fm_plan **out, fm_error *err) {
  w->items = fm__alloc_array(planner->context, 2 * planner->count, sizeof *w->items);
  if (!w->items) return fm__fail_memory(err, 2 * planner->count * sizeof *w->items);
  w->spare = w->items + planner->count;
  fm__sort_by_id(w->items, w->spare, planner->count, planner->ids);
  fm_plan *plan = NULL;
  fm_status status = fm__plan_new(planner->context, planner->count, planner->ids, planner->hardness,
                                  w->items, &plan, err);
  if (!status) status = copy_features(planner, w, err);
  if (!status) status = find_kept(plan, planner, w, err);
  if (!status) status = count_images(plan, planner, w, err);
  if (!status) status = choose_seeds(plan, planner, w->kept, err);
  if (status)
    fm_plan_destroy(plan);
  else
    *out = plan;
  return status;
}

static fm_status make(const fm_planner *planner, const uint32_t *given, fm_plan **out,
                      fm_error *err) {
  if (!planner->count) return fm__fail(err, FM_ERR_EMPTY, "there is no mask to plan for");
  fm_status status = check_kept(planner, err);
  if (status) return status;
  work w = {.given = given};
  status = fill(planner, &w, out, err);
  fm__free(planner->context, w.kept);
  fm__free(planner->context, w.kept_counts);
  fm__free(planner->context, w.classes);
  fm__free(planner->context, w.hardness);
  fm__free(planner->context, w.counts);
  fm__free(planner->context, w.items);
  return status;
}

fm_status fm_planner_make_plan(const fm_planner *planner, fm_plan **out, fm_error *err) {
  if (!planner || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_make_plan: an argument is NULL");
  return make(planner, NULL, out, err);
}

fm_status fm_planner_make_plan_of(const fm_planner *planner, const uint32_t *counts,
                                  int64_t mask_count, fm_plan **out, fm_error *err) {
  if (!planner || !counts || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_make_plan_of: an argument is NULL");
  if (mask_count != (int64_t)planner->count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_make_plan_of: mask_count is %" PRId64 ", but %zu were added",
                    mask_count, planner->count);
  return make(planner, counts, out, err);
}
