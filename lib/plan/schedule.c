/* plan/schedule.c - makes and destroys schedules. */
#include "plan/schedule.h"

#include "core/fail.h"
#include "core/options.h"
#include "plan/planner.h"

static const char *const STREAM_NAMES[FM__STREAMS] = {
    "schedule order", "schedule real", "schedule synthetic", "schedule mix", "schedule weights"};

/* ---- Tables ------------------------------------------------------------------------- */

/* Where the images of each mask end, so that an image finds its mask. */
static fm_status make_masks(fm_schedule *s, fm_error *err) {
  if (!s->plan) return FM_OK;
  size_t masks = (size_t)fm_plan_mask_count(s->plan);
  if (!fm__shares_alloc(&s->masks, s->context, masks))
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for a schedule of %zu masks", masks);
  uint64_t end = 0;
  for (size_t i = 0; i < masks; i++) {
    fm_plan_entry entry = {.size = sizeof entry};
    (void)fm_plan_get(s->plan, (int64_t)i, &entry, NULL);
    end += (uint64_t)entry.count;
    s->masks.ends[i] = end;
  }
  fm__shares_finish(&s->masks);
  return FM_OK;
}

static fm_status make_weights(fm_schedule *s, const fm_schedule_options *o, fm_error *err) {
  if (!o->weights) return FM_OK;
  if (!fm__shares_alloc(&s->weights, s->context, o->weight_count))
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for a schedule of %zu weights",
                    o->weight_count);
  fm__shares_weigh(&s->weights, o->weights);
  return FM_OK;
}

/* ---- Fingerprints --------------------------------------------------------------------- */

/* All that decides which image stands at which place: not rank, world and tail, which only
 * deal the places out. Defaults count as what they stand for. */
static uint64_t fingerprint_of(const fm_schedule *s, uint64_t seed) {
  const fm__part *part = &s->parts[1];
  bool shares = part->mix == FM_MIX_RANDOM;
  const uint64_t words[] = {(uint64_t)part->mix,
                            s->real,
                            s->synthetic,
                            part->entries,
                            part->real,
                            shares ? s->real_share : 0,
                            shares ? s->all_shares : 0,
                            s->pretraining,
                            seed,
                            s->in_order};
  uint64_t hash = FM__HASH_START;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) hash = fm__hash_u64(hash, words[i]);
  for (size_t i = 0; i < s->weights.count; i++) hash = fm__hash_u64(hash, s->weights.ends[i]);
  return hash;
}

uint64_t fm_schedule_fingerprint(const fm_schedule *s) {
  return s ? fm__hash_u64(fm__hash_u64(FM__HASH_START, s->plan_fingerprint), s->order_fingerprint)
           : 0;
}

/* ---- Making ----------------------------------------------------------------------------- */

static fm_status make_tables(fm_schedule *s, const fm_schedule_options *o, fm_error *err) {
  fm_status status = make_masks(s, err);
  if (!status) status = make_weights(s, o, err);
  if (status) return status;
  for (int i = 0; i < FM__STREAMS; i++) s->streams[i] = fm__random_for(o->seed, STREAM_NAMES[i]);
  if (s->plan) s->plan_fingerprint = fm_plan_fingerprint(s->plan);
  s->order_fingerprint = fingerprint_of(s, o->seed);
  return FM_OK;
}

fm_status fm_schedule_create(const fm_context *context, const fm_plan *plan,
                             const fm_schedule_options *options, fm_schedule **out, fm_error *err) {
  if (!context || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_schedule_create: an argument is NULL");
  fm_schedule_options o;
  fm_schedule shape = {0};
  fm_status status = FM__OPTIONS_READ(&o, options, fm_schedule_options, reserved, err);
  if (!status) status = fm__schedule_read(&shape, plan, &o, err);
  if (status) return status;
  fm_schedule *schedule = fm__alloc(context, sizeof *schedule);
  if (!schedule) return fm__fail_memory(err, sizeof *schedule);
  *schedule = shape;
  schedule->context = fm__context_hold(context);
  if (plan) schedule->plan = fm__plan_hold(plan);
  status = make_tables(schedule, &o, err);
  if (status)
    fm_schedule_destroy(schedule);
  else
    *out = schedule;
  return status;
}

void fm_schedule_destroy(fm_schedule *schedule) {
  if (!schedule) return;
  fm_context *context = schedule->context;
  fm__shares_free(&schedule->weights, context);
  fm__shares_free(&schedule->masks, context);
  fm_plan_destroy(schedule->plan);
  fm__free(context, schedule);
  fm__context_drop(context);
}
