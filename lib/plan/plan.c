/* plan/plan.c - makes a plan of the rows of a planner. */
#include <string.h>

#include "core/fail.h"
#include "core/random.h"
#include "core/sort.h"
#include "plan/planner.h"

/* Working memory, mask by mask in the order of the ids. */
typedef struct work {
  uint32_t *items, *spare; /* one block; items are the rows' places by id, then by hardness */
  uint32_t *counts;
  double *hardness;
  uint64_t *classes;         /* if the policy looks at them */
  uint32_t *kept_counts;     /* if anything is kept */
  const fm__kept_row **kept; /* likewise */
} work;

static int by_id(uint32_t a, uint32_t b, const void *user) {
  const fm__mask_row *rows = user;
  return strcmp(rows[a].mask_id, rows[b].mask_id);
}

static int by_kept_id(uint32_t a, uint32_t b, const void *user) {
  const fm__kept_row *rows = user;
  return strcmp(rows[a].mask_id, rows[b].mask_id);
}

static uint64_t draw(uint64_t seed, size_t i, const void *user) {
  const fm_plan *plan = user;
  fm__random random = fm__random_for(seed, plan->rows[i].mask_id);
  return fm__random_next(&random);
}

/* Copies the rows in the order of `items`, with their ids in one block. */
static fm_status copy_rows(fm_plan *plan, const fm_planner *planner, const uint32_t *items,
                           fm_error *err) {
  size_t text = 0;
  for (size_t i = 0; i < planner->count; i++) text += strlen(planner->rows[i].mask_id) + 1;
  plan->masks = planner->count;
  plan->rows = fm__alloc_zeroed(plan->context, planner->count, sizeof *plan->rows);
  plan->ids = fm__alloc(plan->context, text);
  if (!plan->rows || !plan->ids)
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for a plan of %zu masks", planner->count);
  char *id = plan->ids;
  for (size_t i = 0; i < planner->count; i++) {
    const fm__mask_row *row = &planner->rows[items[i]];
    size_t size = strlen(row->mask_id) + 1;
    memcpy(id, row->mask_id, size);
    plan->rows[i].mask_id = id;
    plan->rows[i].hardness = row->hardness;
    id += size;
    if (i && strcmp(plan->rows[i - 1].mask_id, plan->rows[i].mask_id) == 0)
      return fm__fail(err, FM_ERR_DUPLICATE, "mask %s occurs twice", plan->rows[i].mask_id);
  }
  return FM_OK;
}

/* ---- What is kept ------------------------------------------------------------------ */

/* Both lists stand by id: walks along them. */
static fm_status match_kept(const fm_plan *plan, const fm_planner *planner, const uint32_t *order,
                            work *w, fm_error *err) {
  size_t at = 0;
  for (size_t i = 0; i < planner->kept_count; i++) {
    const fm__kept_row *kept = &planner->kept[order[i]];
    if (i && strcmp(planner->kept[order[i - 1]].mask_id, kept->mask_id) == 0)
      return fm__fail(err, FM_ERR_DUPLICATE, "seeds to keep of mask %s are given twice",
                      kept->mask_id);
    while (at < plan->masks && strcmp(plan->rows[at].mask_id, kept->mask_id) < 0) at++;
    if (at == plan->masks || strcmp(plan->rows[at].mask_id, kept->mask_id) != 0)
      return fm__fail(err, FM_ERR_MISMATCH,
                      "seeds of mask %s are to be kept, but the mask was not added", kept->mask_id);
    w->kept[at] = kept;
    w->kept_counts[at] = kept->count;
  }
  return FM_OK;
}

static fm_status find_kept(const fm_plan *plan, const fm_planner *planner, work *w, fm_error *err) {
  if (!planner->kept_count) return FM_OK;
  const fm_context *context = planner->context;
  uint32_t *order = fm__alloc_array(context, 2 * planner->kept_count, sizeof *order);
  w->kept = fm__alloc_zeroed(context, plan->masks, sizeof *w->kept);
  w->kept_counts = fm__alloc_zeroed(context, plan->masks, sizeof *w->kept_counts);
  fm_status status = FM_OK;
  if (order && w->kept && w->kept_counts) {
    for (size_t i = 0; i < planner->kept_count; i++) order[i] = (uint32_t)i;
    fm__sort_items(order, order + planner->kept_count, planner->kept_count, by_kept_id,
                   planner->kept);
    status = match_kept(plan, planner, order, w, err);
  } else {
    status = fm__fail_memory(err, plan->masks * sizeof *w->kept);
  }
  fm__free(context, order);
  return status;
}

/* ---- Counts ------------------------------------------------------------------------ */

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
    w->hardness[i] = planner->rows[w->items[i]].hardness;
    if (words)
      memcpy(w->classes + i * words, planner->classes + w->items[i] * words,
             words * sizeof *w->classes);
  }
  return FM_OK;
}

/* Rows stand by id, so a stable sort by hardness leaves ties by id. */
static fm_status count_images(fm_plan *plan, const fm_planner *planner, work *w, fm_error *err) {
  fm__sort_by_number(w->items, w->spare, plan->masks, w->hardness);
  fm__masks masks = {.count = plan->masks,
                     .hardness = w->hardness,
                     .classes = w->classes,
                     .class_count = planner->class_count,
                     .class_pixels = planner->class_pixels,
                     .kept = w->kept_counts,
                     .order = w->items,
                     .draw = draw,
                     .user = plan};
  fm_status status = fm__count_images(planner->context, &planner->policy, &masks, w->counts, err);
  if (status) return status;
  for (size_t i = 0; i < plan->masks; i++) plan->rows[w->items[i]].rank = (int64_t)i + 1;
  for (size_t i = 0; i < plan->masks; i++) {
    plan->rows[i].count = w->counts[i];
    plan->rows[i].first_seed = plan->images;
    plan->images += w->counts[i];
  }
  return FM_OK;
}

/* ---- All of it --------------------------------------------------------------------- */

static fm_status fill(fm_plan *plan, const fm_planner *planner, work *w, fm_error *err) {
  w->items = fm__alloc_array(planner->context, 2 * planner->count, sizeof *w->items);
  if (!w->items) return fm__fail_memory(err, 2 * planner->count * sizeof *w->items);
  w->spare = w->items + planner->count;
  for (size_t i = 0; i < planner->count; i++) w->items[i] = (uint32_t)i;
  fm__sort_items(w->items, w->spare, planner->count, by_id, planner->rows);
  fm_status status = copy_rows(plan, planner, w->items, err);
  if (!status) status = copy_features(planner, w, err);
  if (!status) status = find_kept(plan, planner, w, err);
  if (!status) status = count_images(plan, planner, w, err);
  return status ? status : fm__plan_choose_seeds(plan, planner, w->kept, err);
}

static void free_work(const fm_context *context, work *w) {
  fm__free(context, w->kept);
  fm__free(context, w->kept_counts);
  fm__free(context, w->classes);
  fm__free(context, w->hardness);
  fm__free(context, w->counts);
  fm__free(context, w->items);
}

fm_status fm_planner_make_plan(const fm_planner *planner, fm_plan **out, fm_error *err) {
  if (!planner || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_make_plan: an argument is NULL");
  if (!planner->count) return fm__fail(err, FM_ERR_EMPTY, "there is no mask to plan for");
  fm_plan *plan = fm__alloc_zeroed(planner->context, 1, sizeof *plan);
  if (!plan) return fm__fail_memory(err, sizeof *plan);
  atomic_init(&plan->holds, 1);
  plan->context = fm__context_hold(planner->context);
  work w = {0};
  fm_status status = fill(plan, planner, &w, err);
  free_work(planner->context, &w);
  if (status)
    fm_plan_destroy(plan);
  else
    *out = plan;
  return status;
}
