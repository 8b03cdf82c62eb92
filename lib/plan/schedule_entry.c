/* plan/schedule_entry.c - entries one by one and many at a time. */
#include <inttypes.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "plan/plan.h"
#include "plan/schedule.h"

static fm_status check_range(const fm_schedule *s, int64_t position, int64_t count, fm_error *err) {
  int64_t end = FM__SCHEDULE_END / (int64_t)s->world;
  if (count < 0) return fm__fail(err, FM_ERR_ARGUMENT, "count is %" PRId64 ", below 0", count);
  if (position >= 0 && position <= end && count <= end - position) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "%" PRId64 " entries from position %" PRId64
                  " on are asked for, "
                  "positions are 0 to %" PRId64,
                  count, position, end - 1);
}

/* ---- Entries of one epoch ------------------------------------------------------------ */

/* What is common to the entries of a chunk. */
typedef struct chunk {
  const fm_schedule *schedule;
  fm__draws draws;
  size_t count;
  int64_t epoch;
  bool padding;
} chunk;

/* The plan's row and the seed of an image. */
static void find_mask(const fm_schedule *s, uint64_t number, int64_t *mask, int64_t *seed) {
  *mask = -1;
  *seed = 0;
  if (!s->plan) return;
  if (number >= s->real) {
    size_t row = fm__pieces_find(&s->masks, number - s->real);
    *mask = (int64_t)row;
    /* Seeds of all rows lie one after the other, as images are numbered. */
    *seed = s->plan->seeds[number - s->real];
  } else if (s->real_rows) {
    *mask = s->real_rows[number];
  } else if (s->real == s->masks.count) {
    *mask = (int64_t)number;
  }
}

/* A number in the host's lists. */
static uint64_t hosts_number(const fm_schedule *s, uint64_t number) {
  return s->real_index && number < s->real ? s->real_index[number] : number;
}

static void write_masks(const chunk *c, const fm_schedule_arrays *to, size_t at) {
  for (size_t i = 0; i < c->count; i++) {
    int64_t mask, seed;
    find_mask(c->schedule, c->draws.numbers[i], &mask, &seed);
    if (to->masks) to->masks[at + i] = mask;
    if (to->seeds) to->seeds[at + i] = seed;
  }
}

static void write_chunk(chunk *c, const fm_schedule_arrays *to, size_t at) {
  uint64_t *numbers = c->draws.numbers, real = c->schedule->real;
  if (to->masks || to->seeds) write_masks(c, to, at);
  if (c->schedule->real_index)
    for (size_t i = 0; i < c->count; i++) numbers[i] = hosts_number(c->schedule, numbers[i]);
  if (to->numbers) memcpy(to->numbers + at, numbers, c->count * sizeof *numbers);
  if (to->repeats) memcpy(to->repeats + at, c->draws.repeats, c->count * sizeof *to->repeats);
  for (size_t i = 0; i < c->count && to->indices; i++)
    to->indices[at + i] = (int64_t)(numbers[i] < real ? numbers[i] : numbers[i] - real);
  for (size_t i = 0; i < c->count && to->datasets; i++)
    to->datasets[at + i] = numbers[i] < real ? FM_DATASET_REAL : FM_DATASET_SYNTHETIC;
  for (size_t i = 0; i < c->count && to->epochs; i++) to->epochs[at + i] = c->epoch;
  for (size_t i = 0; i < c->count && to->paddings; i++) to->paddings[at + i] = c->padding;
}

/* `count` entries from a place on, all of its epoch. `table` is memory for one, or NULL. */
static void fill_epoch(const fm_schedule *s, fm__place place, size_t count,
                       fm__permutation_table *table, const fm_schedule_arrays *to, size_t at) {
  fm__epoch epoch = fm__epoch_open(s, place.epoch);
  uint64_t entries = epoch.part->entries, offset = place.offset;
  if (!epoch.shuffled || !fm__permutation_table_pays(&epoch.order, count)) table = NULL;
  if (table) fm__permutation_table_fill(&epoch.order, table);
  chunk c;
  c.schedule = s;
  c.epoch = (int64_t)place.epoch;
  for (size_t done = 0; done < count; done += c.count) {
    /* Padding begins the epoch again, as often as it takes. */
    c.padding = offset >= entries;
    uint64_t first = offset % entries, inside = (entries - first + s->world - 1) / s->world;
    c.count = count - done < FM__CHUNK ? count - done : FM__CHUNK;
    if (c.count > inside) c.count = (size_t)inside;
    fm__epoch_draw(&epoch, table, first, c.count, &c.draws);
    write_chunk(&c, to, at + done);
    offset += c.count * s->world;
  }
}

/* Memory for the tables of epochs, if they pay: without it the same entries take longer. */
static fm__permutation_table *make_table(const fm_schedule *s, int64_t count) {
  bool pays = false;
  for (int i = s->pretraining ? 0 : 1; i < 2 && !s->in_order; i++)
    pays |= !fm__mixes[s->parts[i].mix].unshuffled &&
            fm__permutation_table_pays(&s->parts[i].order, (uint64_t)count);
  return pays ? fm__alloc(s->context, sizeof(fm__permutation_table)) : NULL;
}

static void fill(const fm_schedule *s, int64_t position, int64_t count,
                 const fm_schedule_arrays *to) {
  fm__permutation_table *table = make_table(s, count);
  for (int64_t done = 0; done < count;) {
    fm__place place = fm__place_of(s, position + done);
    uint64_t rest = fm__rest_of_epoch(s, place);
    int64_t now = (uint64_t)(count - done) < rest ? count - done : (int64_t)rest;
    fill_epoch(s, place, (size_t)now, table, to, (size_t)done);
    done += now;
  }
  fm__free(s->context, table);
}

/* ---- Calls -------------------------------------------------------------------------------- */

fm_status fm_schedule_fill(const fm_schedule *schedule, int64_t position, int64_t count,
                           const fm_schedule_arrays *arrays, fm_error *err) {
  if (!schedule || !arrays)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_schedule_fill: an argument is NULL");
  fm_schedule_arrays to;
  fm_status status = FM__OPTIONS_READ(&to, arrays, fm_schedule_arrays, paddings, err);
  if (!status) status = check_range(schedule, position, count, err);
  if (!status) fill(schedule, position, count, &to);
  return status;
}

fm_status fm_schedule_at(const fm_schedule *schedule, int64_t position, fm_schedule_entry *entry,
                         fm_error *err) {
  if (!schedule || !entry)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_schedule_at: an argument is NULL");
  fm_status status = check_range(schedule, position, 1, err);
  if (status) return status;
  fm__place place = fm__place_of(schedule, position);
  fm__epoch epoch = fm__epoch_open(schedule, place.epoch);
  fm__draws draws;
  fm__epoch_draw(&epoch, NULL, place.offset % epoch.part->entries, 1, &draws);
  uint64_t own = draws.numbers[0], real = schedule->real, number = hosts_number(schedule, own);
  fm_schedule_entry known = {.number = (int64_t)number,
                             .index = (int64_t)(number < real ? number : number - real),
                             .repeat = (int64_t)draws.repeats[0],
                             .epoch = (int64_t)place.epoch,
                             .dataset = number < real ? FM_DATASET_REAL : FM_DATASET_SYNTHETIC,
                             .padding = place.offset >= epoch.part->entries};
  find_mask(schedule, own, &known.mask, &known.seed);
  return FM__RESULT_WRITE(entry, &known, fm_schedule_entry, padding, err);
}

fm_status fm_schedule_next(fm_schedule *schedule, fm_schedule_entry *entry, fm_error *err) {
  if (!schedule || !entry)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_schedule_next: an argument is NULL");
  fm_status status = fm_schedule_at(schedule, schedule->position, entry, err);
  if (!status) schedule->position++;
  return status;
}

fm_status fm_schedule_next_many(fm_schedule *schedule, int64_t count,
                                const fm_schedule_arrays *arrays, fm_error *err) {
  if (!schedule || !arrays)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_schedule_next_many: an argument is NULL");
  fm_status status = fm_schedule_fill(schedule, schedule->position, count, arrays, err);
  if (!status) schedule->position += count;
  return status;
}

int64_t fm_schedule_position(const fm_schedule *schedule) {
  return schedule ? schedule->position : -1;
}

fm_status fm_schedule_seek(fm_schedule *schedule, int64_t position, fm_error *err) {
  if (!schedule) return fm__fail(err, FM_ERR_ARGUMENT, "fm_schedule_seek: an argument is NULL");
  fm_status status = check_range(schedule, position, 0, err);
  if (!status) schedule->position = position;
  return status;
}
