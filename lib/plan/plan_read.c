/* plan/plan_read.c - what a finished plan says. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/random.h"
#include "plan/planner.h"

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

int64_t fm_plan_mask_count(const fm_plan *plan) { return plan ? (int64_t)plan->masks : 0; }

int64_t fm_plan_image_count(const fm_plan *plan) { return plan ? plan->images : 0; }

fm_status fm_plan_get(const fm_plan *plan, int64_t index, fm_plan_entry *entry, fm_error *err) {
  if (!plan || !entry) return fm__fail(err, FM_ERR_ARGUMENT, "fm_plan_get: an argument is NULL");
  if (index < 0 || index >= (int64_t)plan->masks)
    return fm__fail(err, FM_ERR_ARGUMENT, "the plan has no row %" PRId64 ", its rows are 0 to %zu",
                    index, plan->masks - 1);
  size_t size;
  fm_status status = FM__RESULT_CHECK(entry, fm_plan_entry, seeds, &size, err);
  if (status) return status;
  const fm__plan_row *row = &plan->rows[index];
  fm_plan_entry known = {entry->size, row->mask_id, row->hardness,
                         row->rank,   row->count,   plan->seeds + row->first_seed};
  memcpy(entry, &known, size);
  return FM_OK;
}

int64_t fm_plan_find(const fm_plan *plan, const char *mask_id) {
  if (!plan || !mask_id) return -1;
  size_t low = 0, high = plan->masks;
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
  int64_t masks = (int64_t)plan->masks, times = plan->images / masks;
  int64_t twice_rest = 2 * (plan->images % masks);
  if (twice_rest > masks || (twice_rest == masks && times % 2)) times++;
  return times < 1 ? 1 : times;
}

uint64_t fm_plan_fingerprint(const fm_plan *plan) {
  if (!plan) return 0;
  uint64_t hash = FM__HASH_START;
  for (size_t i = 0; i < plan->masks; i++) {
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
