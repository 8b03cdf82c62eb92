/* plan/schedule_state.c - a position as bytes, and back. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "plan/schedule.h"

/* Six numbers of 64 bits, least significant byte first. */
enum { MAGIC, PLAN, ORDER, EPOCH, PROGRESS, CHECK, WORDS };
static const uint64_t MAGIC_NUMBER = UINT64_C(0x31304445484353AA); /* "\xAASCHED01" */

static uint64_t check_of(const uint64_t *words) {
  uint64_t hash = FM__HASH_START;
  for (int i = 0; i < CHECK; i++) hash = fm__hash_u64(hash, words[i]);
  return hash;
}

static fm_status check_size(const char *call, const void *handle, const void *state, size_t size,
                            fm_error *err) {
  if (!handle || !state) return fm__fail(err, FM_ERR_ARGUMENT, "%s: an argument is NULL", call);
  if (size != FM_SCHEDULE_STATE_SIZE)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: size is %zu, expected %d", call, size,
                    (int)FM_SCHEDULE_STATE_SIZE);
  return FM_OK;
}

fm_status fm_schedule_save(const fm_schedule *schedule, void *state, size_t size, fm_error *err) {
  fm_status status = check_size("fm_schedule_save", schedule, state, size, err);
  if (status) return status;
  fm__place progress = fm__progress_of(schedule, schedule->position);
  uint64_t words[WORDS] = {[MAGIC] = MAGIC_NUMBER,
                           [PLAN] = schedule->plan_fingerprint,
                           [ORDER] = schedule->order_fingerprint,
                           [EPOCH] = progress.epoch,
                           [PROGRESS] = progress.offset};
  words[CHECK] = check_of(words);
  unsigned char *bytes = state;
  for (int i = 0; i < 8 * WORDS; i++) bytes[i] = (unsigned char)(words[i / 8] >> (i % 8 * 8));
  return FM_OK;
}

static fm_status check_words(const fm_schedule *s, const uint64_t *words, fm_error *err) {
  if (words[MAGIC] != MAGIC_NUMBER || words[CHECK] != check_of(words))
    return fm__fail(err, FM_ERR_FORMAT, "the saved position is damaged, or none of a schedule");
  if (words[PLAN] != s->plan_fingerprint)
    return fm__fail(err, FM_ERR_MISMATCH,
                    "the position was saved with another plan: its fingerprint is %016" PRIx64
                    ", the schedule's plan has %016" PRIx64,
                    words[PLAN], s->plan_fingerprint);
  if (words[ORDER] != s->order_fingerprint)
    return fm__fail(err, FM_ERR_MISMATCH,
                    "the position was saved by a schedule with other options (mix, counts, "
                    "weights or seed)");
  return FM_OK;
}

fm_status fm_schedule_restore(fm_schedule *schedule, const void *state, size_t size,
                              fm_error *err) {
  fm_status status = check_size("fm_schedule_restore", schedule, state, size, err);
  if (status) return status;
  const unsigned char *bytes = state;
  uint64_t words[WORDS] = {0};
  for (int i = 0; i < 8 * WORDS; i++) words[i / 8] |= (uint64_t)bytes[i] << (i % 8 * 8);
  status = check_words(schedule, words, err);
  if (status) return status;
  /* A forged checksum must not make sums overflow, either. */
  int64_t position = -1;
  if (words[EPOCH] <= (uint64_t)FM__SCHEDULE_END && words[PROGRESS] <= (uint64_t)FM__SCHEDULE_END)
    position = fm__position_of(schedule, (fm__place){words[EPOCH], words[PROGRESS]});
  if (position < 0)
    return fm__fail(err, FM_ERR_FORMAT, "the saved position is beyond the last one");
  schedule->position = position;
  return FM_OK;
}
