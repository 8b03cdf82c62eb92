/* plan/schedule_options.c - what a schedule's options mean; what they may not be. */
#include <inttypes.h>
#include <math.h>

#include "core/fail.h"
#include "core/options.h"
#include "plan/schedule.h"

#define MOST_IMAGES (INT64_C(1) << 40)
#define MOST_POINTS (INT64_C(1) << 31)
enum { MOST_SHARE = 1 << 20 };

static bool uses_weights(int32_t mix) { return mix == FM_MIX_WEIGHTED || mix == FM_MIX_SHARES; }

static bool has_length(int32_t mix) { return mix == FM_MIX_RANDOM || uses_weights(mix); }

/* ---- Ranges ----------------------------------------------------------------------------- */

static fm_status check_number(const char *name, int64_t value, int64_t least, int64_t most,
                              fm_error *err) {
  if (value >= least && value <= most) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_schedule_options: %s is %" PRId64 ", expected %" PRId64 " to %" PRId64, name,
                  value, least, most);
}

/* A field that the mix does not read has to be 0: whoever sets it expects something. */
static fm_status check_unused(const char *name, bool unused, int64_t value, fm_error *err) {
  if (!unused || !value) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_schedule_options: %s is %" PRId64 ", but this mix does not use it", name,
                  value);
}

static fm_status check_ranges(const fm_schedule_options *o, fm_error *err) {
  const struct {
    const char *name;
    int64_t value, least, most;
  } fields[] = {
      {"mix", o->mix, FM_MIX_JOINT, FM_MIX_SHARES},
      {"tail", o->tail, FM_TAIL_PAD, FM_TAIL_STREAM},
      {"real_count", o->real_count, 0, MOST_IMAGES},
      {"synthetic_count", o->synthetic_count, 0, MOST_IMAGES},
      {"times", o->times, 0, MOST_SHARE},
      {"real_share", o->real_share, 0, MOST_SHARE},
      {"synthetic_share", o->synthetic_share, 0, MOST_SHARE},
      {"epoch_length", o->epoch_length, 0, o->mix == FM_MIX_SHARES ? MOST_POINTS : MOST_IMAGES},
      {"pretraining_epochs", o->pretraining_epochs, 0, MOST_POINTS},
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

static fm_status check_uses(const fm_schedule_options *o, fm_error *err) {
  bool shares = o->mix == FM_MIX_RATIO || o->mix == FM_MIX_RANDOM;
  fm_status status = check_unused("times", o->mix != FM_MIX_JOINT, o->times, err);
  if (!status) status = check_unused("real_share", !shares, o->real_share, err);
  if (!status) status = check_unused("synthetic_share", !shares, o->synthetic_share, err);
  if (!status) status = check_unused("epoch_length", !has_length(o->mix), o->epoch_length, err);
  if (!status && !o->real_share != !o->synthetic_share)
    status = fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_schedule_options: real_share is %" PRId64 " and synthetic_share %" PRId64
                      ", expected both 0 or both above",
                      o->real_share, o->synthetic_share);
  if (!status && !uses_weights(o->mix) && (o->weights || o->weight_count))
    status = fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_schedule_options: weights are given, but this mix does not use them");
  return status;
}

/* ---- Counts ----------------------------------------------------------------------------- */

static fm_status read_counts(fm_schedule *s, const fm_plan *plan, const fm_schedule_options *o,
                             fm_error *err) {
  s->real = (uint64_t)(o->real_count || !plan ? o->real_count : fm_plan_mask_count(plan));
  s->synthetic = (uint64_t)(plan ? fm_plan_image_count(plan) : o->synthetic_count);
  if (plan && o->synthetic_count && o->synthetic_count != fm_plan_image_count(plan))
    return fm__fail(err, FM_ERR_MISMATCH,
                    "fm_schedule_options: synthetic_count is %" PRId64 ", but the plan has %" PRId64
                    " images",
                    o->synthetic_count, fm_plan_image_count(plan));
  bool any = uses_weights(o->mix);
  bool real = o->mix != FM_MIX_SYNTHETIC && !any;
  bool synthetic = (o->mix != FM_MIX_REAL && !any) || o->pretraining_epochs;
  if (real && !s->real) return fm__fail(err, FM_ERR_EMPTY, "real_count is 0: nothing to train on");
  if (synthetic && !s->synthetic)
    return fm__fail(err, FM_ERR_EMPTY,
                    "synthetic_count is 0: there is no synthetic image to train on "
                    "(FM_MIX_REAL does without)");
  if (any && !(s->real + s->synthetic))
    return fm__fail(err, FM_ERR_EMPTY, "real_count and synthetic_count are 0: nothing to train on");
  return FM_OK;
}

static fm_status check_weights(const fm_schedule *s, const fm_schedule_options *o, fm_error *err) {
  if (!uses_weights(o->mix)) return FM_OK;
  uint64_t images = s->real + s->synthetic;
  if (!o->weights || o->weight_count != images)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_schedule_options: %zu weights are given, expected one for each of %" PRIu64
                    " images",
                    o->weights ? o->weight_count : 0, images);
  bool any = false;
  for (size_t i = 0; i < o->weight_count; i++) {
    if (!(o->weights[i] >= 0) || isinf(o->weights[i]))
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "weights[%zu] is %g, expected a finite number, 0 or above", i, o->weights[i]);
    any = any || o->weights[i] > 0;
  }
  if (!any) return fm__fail(err, FM_ERR_EMPTY, "all weights are 0: nothing to train on");
  return FM_OK;
}

/* ---- Epochs ----------------------------------------------------------------------------- */

/* dividend / divisor, half to even; the dividend is below 2^62. */
static uint64_t nearest(uint64_t dividend, uint64_t divisor) {
  uint64_t whole = dividend / divisor, twice = 2 * (dividend % divisor);
  return whole + (twice > divisor || (twice == divisor && whole % 2));
}

static uint64_t entries_of(fm_schedule *s, fm__part *part, const fm_schedule_options *o) {
  uint64_t all = s->real + s->synthetic;
  switch (part->mix) {
    case FM_MIX_JOINT:
      s->times = o->times ? (uint64_t)o->times : nearest(s->synthetic, s->real);
      if (!s->times) s->times = 1;
      part->real = s->times * s->real;
      return part->real + s->synthetic;
    case FM_MIX_RATIO:
      part->real = o->real_share ? nearest(s->synthetic * (uint64_t)o->real_share,
                                           (uint64_t)o->synthetic_share)
                                 : s->synthetic;
      return part->real + s->synthetic;
    case FM_MIX_REAL:
      return s->real;
    case FM_MIX_SYNTHETIC:
      return s->synthetic;
    default:
      return o->epoch_length ? (uint64_t)o->epoch_length : all;
  }
}

static fm_status read_part(fm_schedule *s, fm__part *part, int32_t mix,
                           const fm_schedule_options *o, fm_error *err) {
  part->mix = mix;
  part->entries = entries_of(s, part, o);
  if (part->entries > FM__PERMUTATION_LONGEST ||
      (mix == FM_MIX_SHARES && part->entries > (uint64_t)MOST_POINTS))
    return fm__fail(err, FM_ERR_LIMIT, "an epoch has %" PRIu64 " entries, more than 2^%d",
                    part->entries, mix == FM_MIX_SHARES ? 31 : 48);
  if (mix == FM_MIX_RATIO && !part->real)
    return fm__fail(err, FM_ERR_EMPTY,
                    "%" PRId64 " real images to %" PRId64
                    " synthetic ones leave none for an epoch "
                    "of %" PRIu64 " synthetic ones",
                    o->real_share, o->synthetic_share, s->synthetic);
  uint64_t fill = s->tail == FM_TAIL_PAD ? s->world - 1 : 0;
  part->stride = s->tail == FM_TAIL_STREAM ? part->entries : (part->entries + fill) / s->world;
  if (!part->stride)
    return fm__fail(err, FM_ERR_EMPTY,
                    "an epoch of %" PRIu64 " entries leaves nothing for each of %" PRIu64 " ranks",
                    part->entries, s->world);
  part->order = fm__permutation_make(part->entries, 0);
  return FM_OK;
}

static fm_status read_parts(fm_schedule *s, const fm_schedule_options *o, fm_error *err) {
  fm_status status = FM_OK;
  if (s->pretraining) status = read_part(s, &s->parts[0], FM_MIX_SYNTHETIC, o, err);
  if (!status) status = read_part(s, &s->parts[1], o->mix, o, err);
  if (status) return status;
  if (s->real) s->walks[FM_DATASET_REAL] = fm__permutation_make(s->real, 0);
  if (s->synthetic) s->walks[FM_DATASET_SYNTHETIC] = fm__permutation_make(s->synthetic, 0);
  return FM_OK;
}

fm_status fm__schedule_read(fm_schedule *s, const fm_plan *plan, const fm_schedule_options *o,
                            fm_error *err) {
  fm_status status = check_ranges(o, err);
  if (!status) status = check_uses(o, err);
  if (!status) status = read_counts(s, plan, o, err);
  if (!status) status = check_weights(s, o, err);
  if (status) return status;
  s->tail = o->tail;
  s->in_order = o->in_order;
  s->rank = (uint64_t)o->rank;
  s->world = o->world ? (uint64_t)o->world : 1;
  s->pretraining = (uint64_t)o->pretraining_epochs;
  s->real_share = o->real_share ? (uint64_t)o->real_share : 1;
  s->all_shares = s->real_share + (o->synthetic_share ? (uint64_t)o->synthetic_share : 1);
  return read_parts(s, o, err);
}
