/* plan/schedule.c - makes and destroys schedules. */
#include "plan/schedule.h"

#include <inttypes.h>

#include "core/fail.h"
#include "core/options.h"
#include "plan/plan.h"

static const char *const STREAM_NAMES[FM__STREAMS] = {
    "schedule order", "schedule real", "schedule synthetic", "schedule mix", "schedule weights"};

/* ---- Tables ------------------------------------------------------------------------- */

/* Where the images of each mask end, so that an image finds its mask. */
static fm_status make_masks(fm_schedule *s, fm_error *err) {
  if (!s->plan) return FM_OK;
  size_t masks = s->plan->mask_count;
  if (!fm__pieces_alloc(&s->masks, s->context, masks))
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for a schedule of %zu masks", masks);
  uint64_t end = 0;
  for (size_t i = 0; i < masks; i++) {
    end += (uint64_t)s->plan->rows[i].count;
    s->masks.ends[i] = end;
  }
  fm__pieces_finish(&s->masks);
  return FM_OK;
}

/* `index_of` has an element for each row of the plan: the host's index of it, plus 1; 0: none. */
static fm_status find_real_ids(fm_schedule *s, const char *const *ids, uint32_t *index_of,
                               fm_error *err) {
  for (size_t i = 0; i < s->real; i++) {
    if (!ids[i]) return fm__fail(err, FM_ERR_ARGUMENT, "real_ids[%zu] is NULL", i);
    int64_t row = fm_plan_find(s->plan, ids[i]);
    if (row < 0)
      return fm__fail(err, FM_ERR_MISMATCH,
                      "real_ids[%zu] is %s, which the plan does not have (its first mask is %s)", i,
                      ids[i], s->plan->rows[0].mask_id);
    if (index_of[row])
      return fm__fail(err, FM_ERR_DUPLICATE, "real_ids[%" PRIu32 "] and real_ids[%zu] are both %s",
                      index_of[row] - 1, i, ids[i]);
    index_of[row] = (uint32_t)i + 1;
    s->real_ids[i] = s->plan->rows[row].mask_id;
  }
  return FM_OK;
}

/* Real images are numbered by their ids, whatever the order of the host's list. */
static fm_status make_real(fm_schedule *s, const char *const *ids, fm_error *err) {
  if (!ids) return FM_OK;
  size_t real = (size_t)s->real, masks = s->plan->mask_count, number = 0;
  s->real_ids = fm__alloc_array(s->context, real, sizeof *s->real_ids);
  s->real_index = fm__alloc_array(s->context, real, sizeof *s->real_index);
  s->real_rows = fm__alloc_array(s->context, real, sizeof *s->real_rows);
  uint32_t *index_of = fm__alloc_zeroed(s->context, masks, sizeof *index_of);
  fm_status status = FM_OK;
  if (s->real_ids && s->real_index && s->real_rows && index_of)
    status = find_real_ids(s, ids, index_of, err);
  else
    status = fm__fail(err, FM_ERR_MEMORY, "out of memory for %zu ids of real images", real);
  for (size_t row = 0; row < masks && !status; row++) {
    if (!index_of[row]) continue;
    s->real_index[number] = index_of[row] - 1;
    s->real_rows[number++] = (uint32_t)row;
  }
  fm__free(s->context, index_of);
  s->options.real_ids = s->real_ids;
  return status;
}

static fm_status make_weights(fm_schedule *s, fm_error *err) {
  if (!s->options.weights) return FM_OK;
  size_t count = (size_t)s->options.weight_count;
  if (!fm__pieces_alloc(&s->weights, s->context, count))
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for a schedule of %zu weights", count);
  fm__pieces_weigh(&s->weights, s->options.weights, s->real_index,
                   s->real_ids ? (size_t)s->real : 0);
  s->options.weights = NULL;
  return FM_OK;
}

/* ---- Fingerprints --------------------------------------------------------------------- */

/* All that decides which image is at which place: not rank, world and tail, which only
 * deal the places out. Defaults count as the values that they mean. */
static uint64_t fingerprint_of(const fm_schedule *s) {
  const fm__part *part = &s->parts[1];
  bool random = part->mix == FM_MIX_RANDOM;
  const uint64_t words[] = {(uint64_t)part->mix,
                            s->real,
                            s->synthetic,
                            part->entries,
                            part->real,
                            random ? s->real_share : 0,
                            random ? s->share_sum : 0,
                            s->pretraining,
                            s->options.seed,
                            s->in_order};
  uint64_t hash = FM__HASH_START;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) hash = fm__hash_u64(hash, words[i]);
  for (size_t i = 0; i < s->weights.count; i++) hash = fm__hash_u64(hash, s->weights.ends[i]);
  if (s->real_rows && s->real < s->plan->mask_count)
    for (size_t i = 0; i < s->real; i++) hash = fm__hash_u64(hash, s->real_rows[i]);
  return hash;
}

uint64_t fm_schedule_fingerprint(const fm_schedule *s) {
  return s ? fm__hash_u64(fm__hash_u64(FM__HASH_START, s->plan_fingerprint), s->order_fingerprint)
           : 0;
}

/* ---- Making ----------------------------------------------------------------------------- */

static fm_status make_tables(fm_schedule *s, fm_error *err) {
  fm_status status = make_masks(s, err);
  if (!status) status = make_real(s, s->options.real_ids, err);
  if (!status) status = make_weights(s, err);
  if (status) return status;
  for (int i = 0; i < FM__STREAMS; i++)
    s->streams[i] = fm__random_for(s->options.seed, STREAM_NAMES[i]);
  if (s->plan) s->plan_fingerprint = fm_plan_fingerprint(s->plan);
  s->order_fingerprint = fingerprint_of(s);
  return FM_OK;
}

fm_status fm_schedule_create(const fm_context *context, const fm_plan *plan,
                             const fm_schedule_options *options, fm_schedule **out, fm_error *err) {
  if (!context || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_schedule_create: an argument is NULL");
  fm_schedule shape = {0};
  fm_status status = fm__schedule_read(&shape, plan, options, err);
  if (status) return status;
  fm_schedule *schedule = fm__alloc(context, sizeof *schedule);
  if (!schedule) return fm__fail_memory(err, sizeof *schedule);
  *schedule = shape;
  schedule->context = fm__context_hold(context);
  if (plan) schedule->plan = fm__plan_hold(plan);
  status = make_tables(schedule, err);
  if (status)
    fm_schedule_destroy(schedule);
  else
    *out = schedule;
  return status;
}

void fm_schedule_destroy(fm_schedule *schedule) {
  if (!schedule) return;
  fm_context *context = schedule->context;
  fm__pieces_free(&schedule->weights, context);
  fm__free(context, schedule->real_rows);
  fm__free(context, schedule->real_index);
  fm__free(context, schedule->real_ids);
  fm__pieces_free(&schedule->masks, context);
  fm_plan_destroy(schedule->plan);
  fm__free(context, schedule);
  fm__context_drop(context);
}

fm_status fm_schedule_get_options(const fm_schedule *schedule, fm_schedule_options *out,
                                  fm_error *err) {
  if (!schedule)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_schedule_get_options: an argument is NULL");
  return FM__RESULT_WRITE(out, &schedule->options, fm_schedule_options, reserved, err);
}
