/* plan/schedule_place.c - from positions of a rank to places in the order of all ranks, and back.
 */
#include "plan/schedule.h"

const fm__part *fm__part_of(const fm_schedule *s, uint64_t epoch) {
  return &s->parts[epoch >= s->pretraining];
}

/* The epoch that holds `at`, counted in strides, and how far into it that is. */
static fm__place split(const fm_schedule *s, uint64_t at) {
  uint64_t first = s->parts[0].stride, then = s->parts[1].stride;
  if (s->pretraining && at / first < s->pretraining) return (fm__place){at / first, at % first};
  at -= s->pretraining * first;
  return (fm__place){s->pretraining + at / then, at % then};
}

static const uint64_t BEYOND = UINT64_MAX;

/* Strides before an epoch; BEYOND if there are more than positions. */
static uint64_t join(const fm_schedule *s, uint64_t epoch) {
  uint64_t pretraining = epoch < s->pretraining ? epoch : s->pretraining;
  uint64_t first = s->parts[0].stride, stride = s->parts[1].stride, rest = epoch - pretraining;
  uint64_t room = (uint64_t)FM__SCHEDULE_END;
  if (pretraining && first > room / pretraining) return BEYOND; /* up to 2^31 * 2^40 */
  uint64_t before = pretraining * first;
  if (rest && stride > (room - before) / rest) return BEYOND;
  return before + rest * stride;
}

/* Positions that a rank has. */
static uint64_t positions(const fm_schedule *s) { return (uint64_t)FM__SCHEDULE_END / s->world; }

/* Where an epoch begins for this rank; the number of positions if that is beyond the last one. */
static uint64_t start_of(const fm_schedule *s, uint64_t epoch) {
  uint64_t at = join(s, epoch), end = positions(s);
  if (at == BEYOND) return end;
  if (s->tail == FM_TAIL_STREAM) /* the first p with p * world + rank >= at */
    at = at < s->rank ? 0 : (at - s->rank + s->world - 1) / s->world;
  return at < end ? at : end;
}

fm__place fm__place_of(const fm_schedule *s, int64_t position) {
  uint64_t at = (uint64_t)position;
  if (s->tail == FM_TAIL_STREAM) return split(s, at * s->world + s->rank);
  fm__place place = split(s, at);
  place.offset = place.offset * s->world + s->rank;
  return place;
}

fm__place fm__progress_of(const fm_schedule *s, int64_t position) {
  uint64_t at = (uint64_t)position;
  if (s->tail == FM_TAIL_STREAM) return split(s, at * s->world);
  fm__place place = split(s, at);
  place.offset *= s->world;
  return place;
}

int64_t fm__position_of(const fm_schedule *s, fm__place progress) {
  uint64_t at = join(s, progress.epoch);
  if (at == BEYOND) return -1;
  if (s->tail == FM_TAIL_STREAM) {
    at = (at + progress.offset) / s->world;
  } else {
    uint64_t stride = fm__part_of(s, progress.epoch)->stride;
    uint64_t into = progress.offset / s->world;
    at += into < stride ? into : stride;
  }
  /* A schedule may stand behind its last entry, and be saved there. */
  return at <= positions(s) ? (int64_t)at : -1;
}

uint64_t fm__rest_of_epoch(const fm_schedule *s, fm__place place) {
  const fm__part *part = fm__part_of(s, place.epoch);
  uint64_t end = s->tail == FM_TAIL_STREAM ? part->entries : part->stride * s->world;
  return (end - place.offset + s->world - 1) / s->world;
}

int64_t fm_schedule_epoch_start(const fm_schedule *s, int64_t epoch) {
  if (!s || epoch < 0) return -1;
  uint64_t start = start_of(s, (uint64_t)epoch);
  return start < positions(s) ? (int64_t)start : -1;
}

int64_t fm_schedule_epoch_length(const fm_schedule *s, int64_t epoch) {
  int64_t start = fm_schedule_epoch_start(s, epoch);
  return start < 0 ? -1 : (int64_t)start_of(s, (uint64_t)epoch + 1) - start;
}
