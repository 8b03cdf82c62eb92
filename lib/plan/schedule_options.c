/* plan/schedule_options.c - what a schedule's options mean; which ones are refused. */
#include <inttypes.h>
#include <math.h>

#include "core/fail.h"
#include "core/options.h"
#include "plan/schedule.h"

#define MOST_IMAGES (INT64_C(1) << 40)
#define MOST_EPOCHS (INT64_C(1) << 31)
enum { MOST_SHARE = 1 << 20 };

static const fm__mix *mix_of(const fm_schedule_options *o) { return &fm__mixes[o->mix]; }

/* ---- Ranges ----------------------------------------------------------------------------- */

static fm_status check_number(const char *name, int64_t value, int64_t least, int64_t most,
                              fm_error *err) {
  if (value >= least && value <= most) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_schedule_options: %s is %" PRId64 ", expected %" PRId64 " to %" PRId64, name,
                  value, least, most);
}

static fm_status check_ranges(const fm_schedule_options *o, fm_error *err) {
  const struct {
    const char *name;
    int64_t value, least, most;
  } fields[] = {
      {"tail", o->tail, FM_TAIL_PAD, FM_TAIL_STREAM},
      {"real_count", o->real_count, 0, MOST_IMAGES},
      {"synthetic_count", o->synthetic_count, 0, MOST_IMAGES},
      {"real_repeats", o->real_repeats, 0, MOST_SHARE},
      {"real_share", o->real_share, 0, MOST_SHARE},
      {"synthetic_share", o->synthetic_share, 0, MOST_SHARE},
      {"epoch_length", o->epoch_length, 0,
       mix_of(o)->most_bits < 40 ? INT64_C(1) << mix_of(o)->most_bits : MOST_IMAGES},
      {"pretraining_epochs", o->pretraining_epochs, 0, MOST_EPOCHS},
      {"in_order", o->in_order, 0, 1},
      {"world", o->world, 0, MOST_SHARE},
      {"rank", o->rank, 0, o->world ? (int64_t)o->world - 1 : 0},
      {"reserved", o->reserved, 0, 0},
  };
  fm_status status = FM_OK;
  for (size_t i = 0; i < sizeof fields / sizeof *fields && !status; i++)
    status = check_number(fields[i].name, fields[i].value, fields[i].least, fields[i].most, err);
  return status;
}

/* A field that the mix does not use has to be 0: whoever sets it expects something. */
static fm_status check_uses(const fm_schedule_options *o, fm_error *err) {
  const fm__mix *mix = mix_of(o);
  const struct {
    const char *name;
    bool given, used;
  } fields[] = {
      {"real_repeats", o->real_repeats, mix->uses_repeats},
      {"real_share", o->real_share, mix->uses_ratio},
      {"synthetic_share", o->synthetic_share, mix->uses_ratio},
      {"epoch_length", o->epoch_length, mix->uses_length},
      {"weights", o->weights || o->weight_count, mix->uses_weights},
      {"real_ids", o->real_ids, mix->needs_real || mix->uses_weights},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (fields[i].given && !fields[i].used)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_schedule_options: %s is set, but %s does not use it", fields[i].name,
                      mix->name);
  if (!o->real_share != !o->synthetic_share)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_schedule_options: real_share is %" PRId64 " and synthetic_share %" PRId64
                    ", expected both 0 or both above",
                    o->real_share, o->synthetic_share);
  return FM_OK;
}

/* ---- Counts ----------------------------------------------------------------------------- */

static fm_status read_counts(fm_schedule_options *o, const fm_plan *plan, fm_error *err) {
  if (o->real_ids && !(plan && o->real_count))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_schedule_options: real_ids is set, but %s",
                    plan ? "real_count, their number, is 0" : "there is no plan to find them in");
  if (plan && o->synthetic_count && o->synthetic_count != fm_plan_image_count(plan))
    return fm__fail(err, FM_ERR_MISMATCH,
                    "fm_schedule_options: synthetic_count is %" PRId64 ", but the plan has %" PRId64
                    " images",
                    o->synthetic_count, fm_plan_image_count(plan));
  if (plan) o->synthetic_count = fm_plan_image_count(plan);
  if (plan && !o->real_count) o->real_count = fm_plan_mask_count(plan);
  const fm__mix *mix = mix_of(o);
  if (mix->needs_real && !o->real_count)
    return fm__fail(err, FM_ERR_EMPTY, "real_count is 0: nothing to train on");
  if ((mix->needs_synthetic || o->pretraining_epochs) && !o->synthetic_count)
    return fm__fail(err, FM_ERR_EMPTY,
                    "synthetic_count is 0: there is no synthetic image to train on "
                    "(FM_MIX_REAL does without)");
  if (!o->real_count && !o->synthetic_count)
    return fm__fail(err, FM_ERR_EMPTY, "real_count and synthetic_count are 0: nothing to train on");
  return FM_OK;
}

static fm_status check_weights(const fm_schedule_options *o, fm_error *err) {
  if (!mix_of(o)->uses_weights) return FM_OK;
  int64_t images = o->real_count + o->synthetic_count;
  if (!o->weights || o->weight_count != images)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_schedule_options: %" PRId64
                    " weights are given, expected one for each of %" PRId64 " images",
                    o->weights ? o->weight_count : 0, images);
  bool any = false;
  for (int64_t i = 0; i < o->weight_count; i++) {
    if (!(o->weights[i] >= 0) || isinf(o->weights[i]))
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "weights[%" PRId64 "] is %g, expected a finite number, 0 or above", i,
                      o->weights[i]);
    any = any || o->weights[i] > 0;
  }
  if (!any) return fm__fail(err, FM_ERR_EMPTY, "all weights are 0: nothing to train on");
  return FM_OK;
}

static void fill_defaults(fm_schedule_options *o) {
  const fm__mix *mix = mix_of(o);
  if (mix->uses_repeats && !o->real_repeats)
    o->real_repeats = (int64_t)fm__nearest((uint64_t)o->synthetic_count, (uint64_t)o->real_count);
  if (mix->uses_repeats && !o->real_repeats) o->real_repeats = 1;
  if (mix->uses_ratio && !o->real_share) o->real_share = o->synthetic_share = 1;
  if (mix->uses_length && !o->epoch_length) o->epoch_length = o->real_count + o->synthetic_count;
  if (!o->world) o->world = 1;
}

/* ---- Epochs ----------------------------------------------------------------------------- */

static fm_status read_part(const fm_schedule *s, fm__part *part, int32_t mix,
                           const fm_schedule_options *o, fm_error *err) {
  const fm__mix *row = &fm__mixes[mix];
  part->mix = mix;
  part->entries = row->entries(o, part);
  if (part->entries > UINT64_C(1) << row->most_bits)
    return fm__fail(err, FM_ERR_LIMIT, "an epoch has %" PRIu64 " entries, more than 2^%d",
                    part->entries, (int)row->most_bits);
  if (mix == FM_MIX_RATIO && !part->real)
    return fm__fail(err, FM_ERR_EMPTY,
                    "%" PRId64 " real images to %" PRId64
                    " synthetic ones leave none for an epoch "
                    "of %" PRId64 " synthetic ones",
                    o->real_share, o->synthetic_share, o->synthetic_count);
  uint64_t fill = s->tail == FM_TAIL_PAD ? s->world - 1 : 0;
  part->stride = s->tail == FM_TAIL_STREAM ? part->entries : (part->entries + fill) / s->world;
  if (!part->stride)
    return fm__fail(err, FM_ERR_EMPTY,
                    "an epoch of %" PRIu64 " entries leaves nothing for each of %" PRIu64 " ranks",
                    part->entries, s->world);
  part->order = fm__permutation_make(part->entries, 0);
  return FM_OK;
}

fm_status fm__schedule_read(fm_schedule *s, const fm_plan *plan, const fm_schedule_options *options,
                            fm_error *err) {
  fm_schedule_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_schedule_options, reserved, err);
  if (!status) status = check_number("mix", o.mix, 0, FM__MIXES - 1, err);
  if (!status) status = check_ranges(&o, err);
  if (!status) status = check_uses(&o, err);
  if (!status) status = read_counts(&o, plan, err);
  if (!status) status = check_weights(&o, err);
  if (status) return status;
  fill_defaults(&o);
  s->options = o;
  s->tail = o.tail;
  s->in_order = o.in_order;
  s->real = (uint64_t)o.real_count;
  s->synthetic = (uint64_t)o.synthetic_count;
  s->real_share = (uint64_t)o.real_share;
  s->share_sum = (uint64_t)o.real_share + (uint64_t)o.synthetic_share;
  s->rank = (uint64_t)o.rank;
  s->world = (uint64_t)o.world;
  s->pretraining = (uint64_t)o.pretraining_epochs;
  if (s->pretraining) status = read_part(s, &s->parts[0], FM_MIX_SYNTHETIC, &o, err);
  if (!status) status = read_part(s, &s->parts[1], o.mix, &o, err);
  if (status) return status;
  if (s->real) s->walks[FM_DATASET_REAL] = fm__permutation_make(s->real, 0);
  if (s->synthetic) s->walks[FM_DATASET_SYNTHETIC] = fm__permutation_make(s->synthetic, 0);
  return FM_OK;
}
