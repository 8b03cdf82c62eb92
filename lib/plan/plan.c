/* plan/plan.c - a plan: its memory, and what it says. */
#include "plan/plan.h"

#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/random.h"
#include "core/sort.h"

/* ---- Making ------------------------------------------------------------------------- */

static int by_id(uint32_t a, uint32_t b, const void *user) {
  const char *const *ids = user;
  return strcmp(ids[a], ids[b]);
}

void fm__sort_by_id(uint32_t *items, uint32_t *spare, size_t count, const char *const *ids) {
  for (size_t i = 0; i < count; i++) items[i] = (uint32_t)i;
  fm__sort_items(items, spare, count, by_id, ids);
}

/* All ids lie in one piece of memory. */
static fm_status copy_rows(fm_plan *plan, const char *const *ids, const double *hardness,
                           const uint32_t *items, fm_error *err) {
  size_t text = 0;
  for (size_t i = 0; i < plan->mask_count; i++) text += strlen(ids[i]) + 1;
  plan->rows = fm__alloc_zeroed(plan->context, plan->mask_count, sizeof *plan->rows);
  plan->ids = fm__alloc(plan->context, text);
  if (!plan->rows || !plan->ids)
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for a plan of %zu masks", plan->mask_count);
  char *id = plan->ids;
  for (size_t i = 0; i < plan->mask_count; i++) {
    size_t size = strlen(ids[items[i]]) + 1;
    memcpy(id, ids[items[i]], size);
    plan->rows[i].mask_id = id;
    plan->rows[i].hardness = hardness[items[i]];
    id += size;
    if (i && strcmp(plan->rows[i - 1].mask_id, plan->rows[i].mask_id) == 0)
      return fm__fail(err, FM_ERR_DUPLICATE, "mask %s occurs twice", plan->rows[i].mask_id);
  }
  return FM_OK;
}

fm_status fm__plan_new(const fm_context *context, size_t mask_count, const char *const *ids,
                       const double *hardness, const uint32_t *items, fm_plan **out,
                       fm_error *err) {
  fm_plan *plan = fm__alloc_zeroed(context, 1, sizeof *plan);
  if (!plan) return fm__fail_memory(err, sizeof *plan);
  atomic_init(&plan->holds, 1);
  plan->context = fm__context_hold(context);
  plan->mask_count = mask_count;
  fm_status status = copy_rows(plan, ids, hardness, items, err);
  if (status)
    fm_plan_destroy(plan);
  else
    *out = plan;
  return status;
}

fm_status fm__plan_reserve_seeds(fm_plan *plan, fm_error *err) {
  for (size_t i = 0; i < plan->mask_count; i++) {
    plan->rows[i].first_seed = plan->image_count;
    plan->image_count += plan->rows[i].count;
  }
  plan->seeds = fm__alloc_array(plan->context, (size_t)plan->image_count, sizeof *plan->seeds);
  if (plan->seeds) return FM_OK;
  return fm__fail(err, FM_ERR_MEMORY, "out of memory for %" PRId64 " seeds", plan->image_count);
}

fm_status fm__sort_seeds(int64_t *seeds, size_t count, fm_error *err) {
  fm__sort_numbers(seeds, count);
  for (size_t i = 1; i < count; i++)
    if (seeds[i] == seeds[i - 1])
      return fm__fail(err, FM_ERR_DUPLICATE, "seed %" PRId64 " is given twice", seeds[i]);
  return FM_OK;
}

fm_plan *fm__plan_hold(const fm_plan *plan) {
  fm_plan *held = (fm_plan *)plan;
  atomic_fetch_add_explicit(&held->holds, 1, memory_order_relaxed);
  return held;
}

void fm_plan_destroy(fm_plan *plan) {
  if (!plan || atomic_fetch_sub_explicit(&plan->holds, 1, memory_order_acq_rel) != 1) return;
  fm_context *context = plan->context;
  fm__free(context, plan->seeds);
  fm__free(context, plan->ids);
  fm__free(context, plan->rows);
  fm__free(context, plan);
  fm__context_drop(context);
}

/* ---- Reading ------------------------------------------------------------------------ */

int64_t fm_plan_mask_count(const fm_plan *plan) { return plan ? (int64_t)plan->mask_count : 0; }

int64_t fm_plan_image_count(const fm_plan *plan) { return plan ? plan->image_count : 0; }

fm_status fm_plan_get(const fm_plan *plan, int64_t index, fm_plan_entry *entry, fm_error *err) {
  if (!plan || !entry) return fm__fail(err, FM_ERR_ARGUMENT, "fm_plan_get: an argument is NULL");
  if (index < 0 || index >= (int64_t)plan->mask_count)
    return fm__fail(err, FM_ERR_ARGUMENT, "the plan has no row %" PRId64 ", its rows are 0 to %zu",
                    index, plan->mask_count - 1);
  const fm__plan_row *row = &plan->rows[index];
  fm_plan_entry known = {.mask_id = row->mask_id,
                         .hardness = row->hardness,
                         .rank = row->rank,
                         .count = row->count,
                         .seeds = plan->seeds + row->first_seed};
  return FM__RESULT_WRITE(entry, &known, fm_plan_entry, seeds, err);
}

int64_t fm_plan_find(const fm_plan *plan, const char *mask_id) {
  if (!plan || !mask_id) return -1;
  size_t low = 0, high = plan->mask_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(plan->rows[middle].mask_id, mask_id);
    if (order == 0) return (int64_t)middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

int64_t fm_plan_real_repeats(const fm_plan *plan) {
  if (!plan) return 0;
  int64_t masks = (int64_t)plan->mask_count, repeats = plan->image_count / masks;
  int64_t twice_rest = 2 * (plan->image_count % masks);
  if (twice_rest > masks || (twice_rest == masks && repeats % 2)) repeats++;
  return repeats < 1 ? 1 : repeats;
}

uint64_t fm_plan_fingerprint(const fm_plan *plan) {
  if (!plan) return 0;
  uint64_t hash = FM__HASH_START;
  for (size_t i = 0; i < plan->mask_count; i++) {
    const fm__plan_row *row = &plan->rows[i];
    uint64_t hardness;
    memcpy(&hardness, &row->hardness, sizeof hardness);
    hash = fm__hash_bytes(hash, row->mask_id, strlen(row->mask_id) + 1);
    hash = fm__hash_u64(hash, hardness);
    hash = fm__hash_u64(hash, (uint64_t)row->rank);
    hash = fm__hash_u64(hash, (uint64_t)row->count);
    for (int64_t j = 0; j < row->count; j++)
      hash = fm__hash_u64(hash, (uint64_t)plan->seeds[row->first_seed + j]);
  }
  return hash;
}
