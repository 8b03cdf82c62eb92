/* policy/plan.c - ranks, counts and seeds: makes a plan and reads it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/random.h"
#include "policy/planner.h"
#include "policy/sort.h"

typedef struct plan_row {
  const char *mask_id; /* in the plan's `ids` */
  double hardness;
  int64_t rank;
  int64_t count;
  int64_t first_seed; /* index into the plan's `seeds` */
} plan_row;

struct fm_plan {
  fm_context *context;
  plan_row *rows; /* by mask id */
  size_t masks;
  char *ids;
  int64_t *seeds;
  int64_t images;
};

void fm_plan_destroy(fm_plan *plan) {
  if (!plan) return;
  fm_context *context = plan->context;
  fm__free(context, plan->seeds);
  fm__free(context, plan->ids);
  fm__free(context, plan->rows);
  fm__free(context, plan);
  fm__context_drop(context);
}

/* ---- Making --------------------------------------------------------------------- */

static int by_id(uint32_t a, uint32_t b, const void *user) {
  const fm__plan_row *rows = user;
  return strcmp(rows[a].mask_id, rows[b].mask_id);
}

static int by_hardness(uint32_t a, uint32_t b, const void *user) {
  const plan_row *rows = user;
  return (rows[a].hardness > rows[b].hardness) - (rows[a].hardness < rows[b].hardness);
}

static int64_t round_half_even(double value) {
  double whole = floor(value), rest = value - whole;
  bool up = rest > 0.5 || (rest == 0.5 && fmod(whole, 2) != 0);
  return (int64_t)whole + up;
}

/* The paper's count for place i (from 0) of n; the order of the operations matters. */
static int64_t count_at(size_t i, size_t n, int32_t n_max) {
  double share = (double)(i + 1) / (double)n;
  int64_t count = 1 + round_half_even(share * n_max);
  return count < n_max ? count : n_max;
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
    const fm__plan_row *row = &planner->rows[items[i]];
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

/* Rows stand by id, so a stable sort by hardness leaves ties by id. */
static void rank_rows(fm_plan *plan, int32_t n_max, uint32_t *items, uint32_t *spare) {
  for (size_t i = 0; i < plan->masks; i++) items[i] = (uint32_t)i;
  fm__sort_items(items, spare, plan->masks, by_hardness, plan->rows);
  for (size_t i = 0; i < plan->masks; i++) {
    plan_row *row = &plan->rows[items[i]];
    row->rank = (int64_t)i + 1;
    row->count = count_at(i, plan->masks, n_max);
  }
  for (size_t i = 0; i < plan->masks; i++) {
    plan->rows[i].first_seed = plan->images;
    plan->images += plan->rows[i].count;
  }
}

/* The first `count` of a permutation that depends on (plan seed, id) alone. */
static void draw_seeds(const fm_planner *planner, const char *id, int64_t *pool, int64_t *out,
                       size_t count) {
  fm__random random = fm__random_for(planner->plan_seed, id);
  memcpy(pool, planner->seeds, planner->seed_count * sizeof *pool);
  for (size_t j = 0; j < count; j++) {
    size_t pick = j + fm__random_below(&random, (uint32_t)(planner->seed_count - j));
    out[j] = pool[pick];
    pool[pick] = pool[j];
  }
  fm__sort_numbers(out, count);
}

static fm_status choose_seeds(fm_plan *plan, const fm_planner *planner, fm_error *err) {
  int64_t *pool = fm__alloc_array(plan->context, planner->seed_count, sizeof *pool);
  plan->seeds = fm__alloc_array(plan->context, (size_t)plan->images, sizeof *plan->seeds);
  fm_status status = FM_OK;
  if (pool && plan->seeds)
    for (size_t i = 0; i < plan->masks; i++) {
      const plan_row *row = &plan->rows[i];
      draw_seeds(planner, row->mask_id, pool, plan->seeds + row->first_seed, (size_t)row->count);
    }
  else
    status = fm__fail(err, FM_ERR_MEMORY, "out of memory for %" PRId64 " seeds", plan->images);
  fm__free(plan->context, pool);
  return status;
}

static fm_status fill(fm_plan *plan, const fm_planner *planner, uint32_t *items, uint32_t *spare,
                      fm_error *err) {
  for (size_t i = 0; i < planner->count; i++) items[i] = (uint32_t)i;
  fm__sort_items(items, spare, planner->count, by_id, planner->rows);
  fm_status status = copy_rows(plan, planner, items, err);
  if (status) return status;
  rank_rows(plan, planner->n_max, items, spare);
  return choose_seeds(plan, planner, err);
}

fm_status fm_planner_finish(const fm_planner *planner, fm_plan **out, fm_error *err) {
  if (!planner || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_finish: an argument is NULL");
  if (!planner->count) return fm__fail(err, FM_ERR_EMPTY, "there is no mask to plan for");
  fm_plan *plan = fm__alloc_zeroed(planner->context, 1, sizeof *plan);
  if (!plan) return fm__fail_memory(err, sizeof *plan);
  plan->context = fm__context_hold(planner->context);
  uint32_t *items = fm__alloc_array(planner->context, 2 * planner->count, sizeof *items);
  fm_status status = items ? fill(plan, planner, items, items + planner->count, err)
                           : fm__fail_memory(err, 2 * planner->count * sizeof *items);
  fm__free(planner->context, items);
  if (status)
    fm_plan_destroy(plan);
  else
    *out = plan;
  return status;
}

/* ---- Reading -------------------------------------------------------------------- */

int64_t fm_plan_masks(const fm_plan *plan) { return plan ? (int64_t)plan->masks : 0; }

int64_t fm_plan_images(const fm_plan *plan) { return plan ? plan->images : 0; }

fm_status fm_plan_get(const fm_plan *plan, int64_t index, fm_plan_entry *entry, fm_error *err) {
  if (!plan || !entry) return fm__fail(err, FM_ERR_ARGUMENT, "fm_plan_get: an argument is NULL");
  if (index < 0 || index >= (int64_t)plan->masks)
    return fm__fail(err, FM_ERR_ARGUMENT, "the plan has no row %" PRId64 ", its rows are 0 to %zu",
                    index, plan->masks - 1);
  size_t size = fm__result_size(entry->size, sizeof *entry);
  if (!size)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_plan_entry: size is %zu, expected sizeof(fm_plan_entry)", entry->size);
  const plan_row *row = &plan->rows[index];
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

int64_t fm_plan_times(const fm_plan *plan) {
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
    const plan_row *row = &plan->rows[i];
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
