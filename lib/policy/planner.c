/* policy/planner.c - collects masks and their hardness. */
#include "policy/planner.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "policy/sort.h"

enum {
  DEFAULT_N_MAX = 20,
  LARGEST_N_MAX = 1 << 20,
  FIRST_SEED = 42, /* the paper's seeds: 42 .. 61 */
  DEFAULT_SEEDS = 20,
  LONGEST_ID = 4095,
  ID_BLOCK = 1 << 16
};

/* ---- Making --------------------------------------------------------------------- */

static fm_status copy_seeds(fm_planner *planner, const fm_planner_options *o, fm_error *err) {
  planner->seed_count = o->seeds ? o->seed_count : DEFAULT_SEEDS;
  planner->seeds = fm__alloc_array(planner->context, planner->seed_count, sizeof(int64_t));
  int64_t *sorted = fm__alloc_array(planner->context, planner->seed_count, sizeof *sorted);
  fm_status status = FM_OK;
  if (!planner->seeds || !sorted) {
    status = fm__fail_memory(err, planner->seed_count * sizeof *sorted);
  } else {
    for (size_t i = 0; i < planner->seed_count; i++)
      planner->seeds[i] = o->seeds ? o->seeds[i] : FIRST_SEED + (int64_t)i;
    memcpy(sorted, planner->seeds, planner->seed_count * sizeof *sorted);
    fm__sort_numbers(sorted, planner->seed_count);
    for (size_t i = 1; i < planner->seed_count && !status; i++)
      if (sorted[i] == sorted[i - 1])
        status = fm__fail(err, FM_ERR_DUPLICATE, "seed %" PRId64 " is given twice", sorted[i]);
  }
  fm__free(planner->context, sorted);
  return status;
}

static fm_status check_options(fm_planner_options *o, fm_error *err) {
  if (o->policy != FM_PLAN_RANK)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_options: policy is %d, expected an fm_plan_policy", (int)o->policy);
  if (!o->n_max) o->n_max = DEFAULT_N_MAX;
  if (o->n_max < 1 || o->n_max > LARGEST_N_MAX)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_options: n_max is %d, expected 1 to 1048576",
                    (int)o->n_max);
  if (o->seed_count && !o->seeds)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_options: seeds is NULL, seed_count is not 0");
  size_t seeds = o->seeds ? o->seed_count : DEFAULT_SEEDS;
  if ((size_t)o->n_max > seeds)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "n_max is %d, but there are only %zu seeds to choose from", (int)o->n_max,
                    seeds);
  return FM_OK;
}

fm_status fm_planner_create(fm_context *context, const fm_planner_options *options,
                            fm_planner **out, fm_error *err) {
  if (!context || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_create: an argument is NULL");
  fm_planner_options o;
  fm_status status = fm__options_read(&o, sizeof o, options, "fm_planner_options", err);
  if (!status) status = check_options(&o, err);
  if (status) return status;
  fm_planner *planner = fm__alloc_zeroed(context, 1, sizeof *planner);
  if (!planner) return fm__fail_memory(err, sizeof *planner);
  planner->context = fm__context_hold(context);
  planner->n_max = o.n_max;
  planner->plan_seed = o.plan_seed;
  status = copy_seeds(planner, &o, err);
  if (status) {
    fm_planner_destroy(planner);
    return status;
  }
  *out = planner;
  return FM_OK;
}

void fm_planner_destroy(fm_planner *planner) {
  if (!planner) return;
  fm_context *context = planner->context;
  while (planner->ids) {
    fm__id_block *next = planner->ids->next;
    fm__free(context, planner->ids);
    planner->ids = next;
  }
  fm__free(context, planner->rows);
  fm__free(context, planner->seeds);
  fm__free(context, planner);
  fm__context_drop(context);
}

/* ---- Adding --------------------------------------------------------------------- */

static bool reserve_row(fm_planner *planner) {
  if (planner->count < planner->capacity) return true;
  size_t capacity = planner->capacity ? 2 * planner->capacity : 64;
  fm__plan_row *rows = fm__alloc_array(planner->context, capacity, sizeof *rows);
  if (!rows) return false;
  if (planner->count) memcpy(rows, planner->rows, planner->count * sizeof *rows);
  fm__free(planner->context, planner->rows);
  planner->rows = rows;
  planner->capacity = capacity;
  return true;
}

static bool reserve_id(fm_planner *planner, size_t size) {
  if (planner->ids && planner->ids->capacity - planner->ids->used >= size) return true;
  fm__id_block *block = fm__alloc(planner->context, sizeof *block + ID_BLOCK);
  if (!block) return false;
  block->next = planner->ids;
  block->used = 0;
  block->capacity = ID_BLOCK;
  planner->ids = block;
  return true;
}

fm_status fm_planner_add(fm_planner *planner, const char *mask_id, double hardness, fm_error *err) {
  if (!planner || !mask_id)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_add: an argument is NULL");
  size_t length = strlen(mask_id);
  if (length < 1 || length > LONGEST_ID)
    return fm__fail(err, FM_ERR_ARGUMENT, "mask id has %zu bytes, expected 1 to 4095", length);
  if (!isfinite(hardness))
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: hardness is %g, expected a finite number",
                    mask_id, hardness);
  if (planner->count >= INT32_MAX)
    return fm__fail(err, FM_ERR_LIMIT, "the planner is full: it holds %zu masks", planner->count);
  if (!reserve_row(planner) || !reserve_id(planner, length + 1))
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for mask number %zu", planner->count + 1);
  char *id = planner->ids->text + planner->ids->used;
  memcpy(id, mask_id, length + 1);
  planner->ids->used += length + 1;
  planner->rows[planner->count++] = (fm__plan_row){id, hardness};
  return FM_OK;
}
