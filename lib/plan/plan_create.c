/* plan/plan_create.c - a plan of rows that a host has. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/sort.h"
#include "plan/plan.h"
#include "plan/policy.h"

/* ---- Checks ------------------------------------------------------------------------- */

static fm_status check_arrays(const fm_plan_rows *r, fm_error *err) {
  if (!r->row_count) return fm__fail(err, FM_ERR_EMPTY, "fm_plan_rows: row_count is 0");
  if (r->row_count < 0 || r->seed_count < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_plan_rows: row_count is %" PRId64 " and seed_count %" PRId64
                    ", expected 0 or more",
                    r->row_count, r->seed_count);
  if (r->row_count > INT32_MAX)
    return fm__fail(err, FM_ERR_LIMIT,
                    "fm_plan_rows: row_count is %" PRId64 ", expected up to 2^31 - 1",
                    r->row_count);
  if (!r->mask_ids || !r->hardness || !r->counts || (r->seed_count && !r->seeds))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_plan_rows: %s is NULL",
                    !r->mask_ids   ? "mask_ids"
                    : !r->hardness ? "hardness"
                    : !r->counts   ? "counts"
                                   : "seeds");
  return FM_OK;
}

static fm_status check_row(const fm_plan_rows *r, int64_t i, fm_error *err) {
  size_t length = r->mask_ids[i] ? strlen(r->mask_ids[i]) : 0;
  if (length < 1 || length > FM__LONGEST_ID)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_plan_rows: mask_ids[%" PRId64 "] has %zu bytes, expected 1 to 4095", i,
                    length);
  if (!isfinite(r->hardness[i]))
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: hardness is %g, expected a finite number",
                    r->mask_ids[i], r->hardness[i]);
  if (r->counts[i] < 0 || r->counts[i] > FM__MOST_IMAGES_OF_MASK)
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: count is %" PRId64 ", expected 0 to 1048576",
                    r->mask_ids[i], r->counts[i]);
  if (r->ranks && (r->ranks[i] < 1 || r->ranks[i] > r->row_count))
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: rank is %" PRId64 ", expected 1 to %" PRId64,
                    r->mask_ids[i], r->ranks[i], r->row_count);
  return FM_OK;
}

static fm_status check_rows(const fm_plan_rows *r, fm_error *err) {
  fm_status status = check_arrays(r, err);
  int64_t seeds = 0;
  for (int64_t i = 0; !status && i < r->row_count; i++) {
    status = check_row(r, i, err);
    if (!status) seeds += r->counts[i];
  }
  if (!status && seeds != r->seed_count)
    status = fm__fail(err, FM_ERR_MISMATCH,
                      "fm_plan_rows: the counts sum up to %" PRId64 ", but seed_count is %" PRId64,
                      seeds, r->seed_count);
  return status;
}

/* ---- Rows --------------------------------------------------------------------------- */

/* `seen` has room for every rank: it remembers the row that has it, plus 1. */
static fm_status copy_ranks(fm_plan *plan, const fm_plan_rows *r, const uint32_t *items,
                            uint32_t *seen, fm_error *err) {
  memset(seen, 0, plan->mask_count * sizeof *seen);
  for (size_t i = 0; i < plan->mask_count; i++) {
    int64_t rank = r->ranks[items[i]];
    uint32_t *holder = &seen[rank - 1];
    if (*holder)
      return fm__fail(err, FM_ERR_DUPLICATE, "masks %s and %s both have rank %" PRId64,
                      plan->rows[*holder - 1].mask_id, plan->rows[i].mask_id, rank);
    *holder = (uint32_t)i + 1;
    plan->rows[i].rank = rank;
  }
  return FM_OK;
}

/* Rows are sorted by id, so a stable sort by hardness leaves ties by id. */
static fm_status find_ranks(fm_plan *plan, fm_error *err) {
  size_t count = plan->mask_count;
  uint32_t *order = fm__alloc_array(plan->context, 2 * count, sizeof *order);
  double *hardness = fm__alloc_array(plan->context, count, sizeof *hardness);
  fm_status status = FM_OK;
  if (order && hardness) {
    for (size_t i = 0; i < count; i++) hardness[i] = plan->rows[i].hardness;
    fm__sort_by_number(order, order + count, count, hardness);
    for (size_t i = 0; i < count; i++) plan->rows[order[i]].rank = (int64_t)i + 1;
  } else {
    status = fm__fail_memory(err, count * (2 * sizeof *order + sizeof *hardness));
  }
  fm__free(plan->context, hardness);
  fm__free(plan->context, order);
  return status;
}

/* `row_of` has room for every row: it becomes the plan's row of each of the caller's. */
static fm_status copy_seeds(fm_plan *plan, const fm_plan_rows *r, const uint32_t *items,
                            uint32_t *row_of, fm_error *err) {
  for (size_t i = 0; i < plan->mask_count; i++) row_of[items[i]] = (uint32_t)i;
  const int64_t *from = r->seeds;
  for (size_t i = 0; i < plan->mask_count; i++) {
    const fm__plan_row *row = &plan->rows[row_of[i]];
    if (!row->count) continue;
    int64_t *seeds = plan->seeds + row->first_seed;
    memcpy(seeds, from, (size_t)row->count * sizeof *seeds);
    from += row->count;
    fm_status status = fm__sort_seeds(seeds, (size_t)row->count, err);
    if (status) {
      fm__fail_prefix(err, "mask %s", row->mask_id);
      return status;
    }
  }
  return FM_OK;
}

/* `items` has room for twice the number of rows. */
static fm_status fill(const fm_context *context, const fm_plan_rows *r, uint32_t *items,
                      fm_plan **out, fm_error *err) {
  size_t count = (size_t)r->row_count;
  uint32_t *spare = items + count;
  fm_plan *plan = NULL;
  fm__sort_by_id(items, spare, count, r->mask_ids);
  fm_status status = fm__plan_new(context, count, r->mask_ids, r->hardness, items, &plan, err);
  for (size_t i = 0; !status && i < count; i++) plan->rows[i].count = r->counts[items[i]];
  if (!status) status = fm__plan_reserve_seeds(plan, err);
  if (!status) status = copy_seeds(plan, r, items, spare, err);
  if (!status) status = r->ranks ? copy_ranks(plan, r, items, spare, err) : find_ranks(plan, err);
  if (status)
    fm_plan_destroy(plan);
  else
    *out = plan;
  return status;
}

fm_status fm_plan_create(const fm_context *context, const fm_plan_rows *rows, fm_plan **out,
                         fm_error *err) {
  if (!context || !rows || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_plan_create: an argument is NULL");
  fm_plan_rows r;
  fm_status status = FM__OPTIONS_READ(&r, rows, fm_plan_rows, seed_count, err);
  if (!status) status = check_rows(&r, err);
  if (status) return status;
  size_t places = 2 * (size_t)r.row_count;
  uint32_t *items = fm__alloc_array(context, places, sizeof *items);
  if (!items) return fm__fail_memory(err, places * sizeof *items);
  status = fill(context, &r, items, out, err);
  fm__free(context, items);
  return status;
}
