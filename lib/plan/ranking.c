/* plan/ranking.c - a ranking: its masks, its words, and what it says. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/bits.h"
#include "core/fail.h"
#include "core/random.h"
#include "plan/plan.h"
#include "plan/policy.h"
#include "plan/ranking.h"

enum { DEFAULT_N_MAX = 20, MOST_PARTS = 1 << 30 };

/* ---- Making ---------------------------------------------------------------------------------------- */

/* Before the first pass all masks are one group, of which nothing is known. */
static bool begin(fm_ranking *ranking) {
  ranking->round.groups = fm__alloc_zeroed(ranking->context, 1, sizeof *ranking->round.groups);
  if (!ranking->round.groups) return false;
  ranking->round.group_count = 1;
  return fm__round_begin(&ranking->round, ranking->context);
}

fm_status fm_ranking_create(const fm_context *context, int32_t n_max, fm_ranking **out,
                            fm_error *err) {
  if (!context || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_ranking_create: an argument is NULL");
  if (n_max < 0 || n_max > FM__MOST_IMAGES_OF_MASK)
    return fm__fail(err, FM_ERR_ARGUMENT, "n_max is %d, expected 1 to %d, or 0 for %d", (int)n_max,
                    FM__MOST_IMAGES_OF_MASK, DEFAULT_N_MAX);
  fm_ranking *ranking = fm__alloc_zeroed(context, 1, sizeof *ranking);
  if (!ranking) return fm__fail_memory(err, sizeof *ranking);
  ranking->context = fm__context_hold(context);
  ranking->n_max = (uint32_t)(n_max ? n_max : DEFAULT_N_MAX);
  ranking->history = fm__hash_u64(FM__HASH_START, ranking->n_max);
  if (!begin(ranking)) {
    fm_ranking_destroy(ranking);
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for the words of a ranking");
  }
  *out = ranking;
  return FM_OK;
}

void fm_ranking_destroy(fm_ranking *ranking) {
  if (!ranking) return;
  fm_context *context = ranking->context;
  fm__round_free(&ranking->round, context);
  fm__free(context, ranking);
  fm__context_drop(context);
}

/* ---- Masks ------------------------------------------------------------------------------------------ */

static fm_status check_mask(const char *mask_id, bool uses_ids, double hardness, int64_t index,
                            fm_error *err) {
  if (uses_ids) {
    size_t length = mask_id ? strlen(mask_id) : 0;
    if (length < 1 || length > FM__LONGEST_ID)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "mask_ids[%" PRId64 "] has %zu bytes, expected 1 to 4095", index, length);
  }
  if (isfinite(hardness)) return FM_OK;
  if (mask_id)
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: hardness is %g, expected a finite number",
                    mask_id, hardness);
  return fm__fail(err, FM_ERR_ARGUMENT, "hardness[%" PRId64 "] is %g, expected a finite number",
                  index, hardness);
}

static fm_status check_masks(const fm_ranking *ranking, const char *const *mask_ids,
                             const double *hardness, int64_t count, fm_error *err) {
  bool uses_ids = fm_ranking_uses_ids(ranking);
  if (count < 0)
    return fm__fail(err, FM_ERR_ARGUMENT, "count is %" PRId64 ", expected 0 or more", count);
  if (count && !hardness) return fm__fail(err, FM_ERR_ARGUMENT, "hardness is NULL");
  if (count && uses_ids && !mask_ids)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "mask_ids is NULL, but masks of equal hardness are told apart by their ids "
                    "(fm_ranking_uses_ids)");
  fm_status status = FM_OK;
  for (int64_t i = 0; i < count && !status; i++)
    status = check_mask(mask_ids ? mask_ids[i] : NULL, uses_ids, hardness[i], i, err);
  return status;
}

/* The bits of a key that groups know. */
static uint64_t known_bits(const fm__round *round, uint64_t key) {
  return round->known < 64 ? key & ~(UINT64_MAX >> round->known) : key;
}

/* Is a mask, of whose key these bits are known, before all of the group? */
static bool is_before_group(const fm__group *group, uint64_t known, const char *id) {
  if (known != group->key || !group->prefix_length || !id) return known < group->key;
  return strcmp(id, group->prefix) < 0;
}

/* The one active group that a mask may belong to: of one key no group's prefix begins another's. */
static const fm__group *find_group(const fm__round *round, uint64_t known, const char *id) {
  size_t low = 0, high = round->active;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (is_before_group(&round->groups[middle], known, id))
      high = middle;
    else
      low = middle + 1;
  }
  return low ? &round->groups[low - 1] : NULL;
}

static void add_mask(fm__round *round, double hardness, const char *id) {
  uint64_t key = fm__ordered_bits(hardness), known = known_bits(round, key);
  const fm__group *group = find_group(round, known, id);
  if (!group || group->key != known) return;
  int64_t *bins = round->words + group->first_word;
  if (round->bits)
    bins[(key - known) >> (64 - round->known - round->bits)]++;
  else if (id && (!group->prefix_length || !strncmp(id, group->prefix, group->prefix_length)))
    fm__group_add(group, id + group->prefix_length, bins);
}

fm_status fm_ranking_add(fm_ranking *ranking, const char *const *mask_ids, const double *hardness,
                         int64_t count, fm_error *err) {
  if (!ranking) return fm__fail(err, FM_ERR_ARGUMENT, "fm_ranking_add: ranking is NULL");
  if (fm__ranking_is_done(ranking))
    return fm__fail(err, FM_ERR_ARGUMENT, "the ranking is done, and takes no more masks");
  fm_status status = check_masks(ranking, mask_ids, hardness, count, err);
  if (status) return status;
  int64_t *added = &ranking->round.words[2];
  if (count > FM__RANKING_MOST_MASKS - *added)
    return fm__fail(err, FM_ERR_LIMIT, "more than 2^42 masks");
  for (int64_t i = 0; i < count; i++)
    add_mask(&ranking->round, hardness[i], mask_ids ? mask_ids[i] : NULL);
  *added += count;
  return FM_OK;
}

/* ---- Words ------------------------------------------------------------------------------------------ */

static int64_t mark_of(const fm_ranking *ranking) { return (int64_t)(ranking->history >> 33); }

int64_t fm_ranking_word_count(const fm_ranking *ranking) {
  return ranking ? (int64_t)ranking->round.word_count : 0;
}

static fm_status check_count(const fm_ranking *ranking, int64_t count, fm_error *err) {
  if (fm__ranking_is_done(ranking))
    return fm__fail(err, FM_ERR_ARGUMENT, "the ranking is done, and has no words");
  if (count == fm_ranking_word_count(ranking)) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "count is %" PRId64 ", but pass %d of the ranking has %zu words", count,
                  (int)ranking->passes + 1, ranking->round.word_count);
}

fm_status fm_ranking_export(const fm_ranking *ranking, int64_t *words, int64_t count,
                            fm_error *err) {
  if (!ranking || !words)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_ranking_export: an argument is NULL");
  fm_status status = check_count(ranking, count, err);
  if (status) return status;
  memcpy(words, ranking->round.words, ranking->round.word_count * sizeof *words);
  words[0] = 1;
  words[1] = mark_of(ranking);
  return FM_OK;
}

static fm_status check_header(const fm_ranking *ranking, const int64_t *words, fm_error *err) {
  int32_t pass = ranking->passes + 1;
  if (words[0] < 1 || words[0] > MOST_PARTS || words[1] < 0 || words[2] < 0)
    return fm__fail(err, FM_ERR_FORMAT,
                    "the words are no sum of exported ones: they begin with %" PRId64 ", %" PRId64
                    ", %" PRId64,
                    words[0], words[1], words[2]);
  if (words[1] != words[0] * mark_of(ranking))
    return fm__fail(err, FM_ERR_MISMATCH,
                    "the words of some part are not of pass %d as it is here: all parts need the "
                    "same n_max, and have to advance with the same sums",
                    (int)pass);
  if (words[2] > FM__RANKING_MOST_MASKS)
    return fm__fail(err, FM_ERR_LIMIT, "more than 2^42 masks: %" PRId64, words[2]);
  if (!words[2] && !ranking->passes) return fm__fail(err, FM_ERR_EMPTY, "no part has a mask");
  if (!ranking->passes || (uint64_t)words[2] == ranking->round.mask_count) return FM_OK;
  return fm__fail(err, FM_ERR_MISMATCH,
                  "pass %d has %" PRId64 " masks, but the passes before had %" PRIu64
                  ": every pass needs all of them, once",
                  (int)pass, words[2], ranking->round.mask_count);
}

/* Do these bins have so many masks? */
static fm_status check_bins(const int64_t *bins, size_t count, uint64_t masks, fm_error *err) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count && sum <= masks; i++) {
    if (bins[i] < 0)
      return fm__fail(err, FM_ERR_FORMAT,
                      "the words are no sum of exported ones: a bin has %" PRId64 " masks",
                      bins[i]);
    sum = (uint64_t)bins[i] > masks ? masks + 1 : sum + (uint64_t)bins[i];
  }
  if (sum == masks) return FM_OK;
  return fm__fail(err, FM_ERR_MISMATCH,
                  "the masks are not those of the passes before: of %" PRIu64
                  " that are alike so far there are %s in this pass",
                  masks, sum > masks ? "more" : "fewer");
}

static fm_status check_groups(const fm_ranking *ranking, const int64_t *words, fm_error *err) {
  const fm__round *round = &ranking->round;
  fm_status status = FM_OK;
  for (size_t i = 0; i < round->active && !status; i++) {
    const fm__group *group = &round->groups[i];
    uint64_t masks = ranking->passes ? group->size : (uint64_t)words[2];
    bool by_position = !round->bits && !group->alphabet_count;
    size_t step = by_position ? FM__RANKING_BYTES : group->bin_count;
    for (size_t at = 0; at < group->bin_count && !status; at += step)
      status = check_bins(words + group->first_word + at, step, masks, err);
  }
  return status;
}

fm_status fm_ranking_advance(fm_ranking *ranking, const int64_t *words, int64_t count,
                             fm_error *err) {
  if (!ranking || !words)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_ranking_advance: an argument is NULL");
  fm_status status = check_count(ranking, count, err);
  if (!status) status = check_header(ranking, words, err);
  if (!status) status = check_groups(ranking, words, err);
  if (status) return status;
  fm__round next = {.known = 0};
  status = fm__round_next(ranking, words, &next, err);
  if (status) {
    fm__round_free(&next, ranking->context);
    return status;
  }
  for (int64_t i = 0; i < count; i++)
    ranking->history = fm__hash_u64(ranking->history, (uint64_t)words[i]);
  fm__round_free(&ranking->round, ranking->context);
  ranking->round = next;
  ranking->passes++;
  return FM_OK;
}

/* ---- Reading ---------------------------------------------------------------------------------------- */

int32_t fm_ranking_is_done(const fm_ranking *ranking) {
  return ranking && fm__ranking_is_done(ranking);
}

int32_t fm_ranking_uses_ids(const fm_ranking *ranking) {
  if (!ranking) return 0;
  if (!fm__ranking_is_done(ranking)) return !ranking->round.bits;
  for (size_t i = 0; i < ranking->round.cut_count; i++)
    if (ranking->round.cuts[i].id) return 1;
  return 0;
}

int32_t fm_ranking_pass_count(const fm_ranking *ranking) { return ranking ? ranking->passes : 0; }

int64_t fm_ranking_mask_count(const fm_ranking *ranking) {
  return ranking ? (int64_t)ranking->round.mask_count : 0;
}

int64_t fm_ranking_image_count(const fm_ranking *ranking) {
  if (!ranking || !ranking->passes) return 0;
  const fm__round *round = &ranking->round;
  uint64_t images = 0, from = 0;
  uint32_t each = fm__rank_count(0, round->mask_count, ranking->n_max);
  for (size_t i = 0; i < round->cut_count; i++) {
    images += (round->cuts[i].place - from) * each;
    from = round->cuts[i].place;
    each = round->cuts[i].count;
  }
  return (int64_t)(images + (round->mask_count - from) * each);
}

static bool is_before(double hardness, const char *id, const fm__cut *cut) {
  uint64_t key = fm__ordered_bits(hardness);
  if (key != cut->key || !cut->id || !id) return key < cut->key;
  return strcmp(id, cut->id) < 0;
}

static uint32_t count_of(const fm_ranking *ranking, double hardness, const char *id) {
  const fm__round *round = &ranking->round;
  size_t low = 0, high = round->cut_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (is_before(hardness, id, &round->cuts[middle]))
      high = middle;
    else
      low = middle + 1;
  }
  return low ? round->cuts[low - 1].count : fm__rank_count(0, round->mask_count, ranking->n_max);
}

fm_status fm_ranking_count_images(const fm_ranking *ranking, const char *const *mask_ids,
                                  const double *hardness, int64_t count, uint32_t *counts,
                                  fm_error *err) {
  if (!ranking || (count && !counts))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_ranking_count_images: an argument is NULL");
  if (!fm__ranking_is_done(ranking))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "the ranking is not done: %d passes have ended, and another one is needed",
                    (int)ranking->passes);
  fm_status status = check_masks(ranking, mask_ids, hardness, count, err);
  if (status) return status;
  for (int64_t i = 0; i < count; i++)
    counts[i] = count_of(ranking, hardness[i], mask_ids ? mask_ids[i] : NULL);
  return FM_OK;
}
