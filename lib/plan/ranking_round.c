/* plan/ranking_round.c - from a pass's sums to what the next pass looks at. */
#include <string.h>

#include "core/fail.h"
#include "plan/policy.h"
#include "plan/ranking.h"

enum { KEY_BITS = 64, MOST_BITS = 16, MOST_ID_GROUPS = 1024 };

/* ---- Words --------------------------------------------------------------------------------------- */

/* There are at most as many groups as cuts, so one bit at least has room. */
static int32_t bits_of(const fm__round *round) {
  size_t room = FM__RANKING_BINS / round->group_count;
  int32_t bits = 0, left = KEY_BITS - round->known;
  while (bits < MOST_BITS && bits < left && (size_t)2 << bits <= room) bits++;
  return bits;
}

bool fm__round_begin(fm__round *round, const fm_context *context) {
  if (!round->group_count) return true;
  round->bits = bits_of(round);
  round->active = round->group_count;
  if (!round->bits && round->active > MOST_ID_GROUPS) round->active = MOST_ID_GROUPS;
  size_t room = FM__RANKING_BINS / round->active;
  round->word_count = FM__RANKING_HEADER;
  for (size_t i = 0; i < round->active; i++) {
    fm__group *group = &round->groups[i];
    if (round->bits)
      group->bin_count = (size_t)1 << round->bits;
    else
      fm__group_lay_out(group, room);
    group->first_word = round->word_count;
    round->word_count += group->bin_count;
  }
  round->words = fm__alloc_zeroed(context, round->word_count, sizeof *round->words);
  return round->words != NULL;
}

void fm__round_free(fm__round *round, const fm_context *context) {
  for (size_t i = 0; i < round->group_count; i++) fm__group_free(&round->groups[i], context);
  for (size_t i = 0; i < round->cut_count; i++) fm__free(context, round->cuts[i].id);
  fm__free(context, round->words);
  fm__free(context, round->groups);
  fm__free(context, round->cuts);
}

/* ---- Cuts ----------------------------------------------------------------------------------------- */

/* The first place from which on masks get more than `count` images; `masks` if there is none. */
static uint64_t place_after(uint32_t count, uint64_t masks, uint32_t n_max) {
  uint64_t low = 0, high = masks;
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (fm__rank_count(middle, masks, n_max) > count)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Fills the cuts of so many masks, or only counts them if `cuts` is NULL. */
static size_t find_cuts(uint64_t masks, uint32_t n_max, fm__cut *cuts) {
  size_t found = 0;
  uint32_t count = fm__rank_count(0, masks, n_max);
  for (uint64_t place; (place = place_after(count, masks, n_max)) < masks; found++) {
    count = fm__rank_count(place, masks, n_max);
    if (cuts) cuts[found] = (fm__cut){.place = place, .count = count};
  }
  return found;
}

static fm_status copy_cuts(const fm_ranking *ranking, fm__round *next, fm_error *err) {
  const fm__round *round = &ranking->round;
  bool first = !ranking->passes;
  size_t count = first ? find_cuts(next->mask_count, ranking->n_max, NULL) : round->cut_count;
  next->cuts = fm__alloc_zeroed(ranking->context, count, sizeof *next->cuts);
  if (!next->cuts) return fm__fail_memory(err, count * sizeof *next->cuts);
  next->cut_count = count;
  if (first) {
    find_cuts(next->mask_count, ranking->n_max, next->cuts);
    return FM_OK;
  }
  for (size_t i = 0; i < count; i++) {
    next->cuts[i] = round->cuts[i];
    if (!round->cuts[i].id) continue;
    next->cuts[i].id = fm__copy_string(ranking->context, round->cuts[i].id);
    if (next->cuts[i].id) continue;
    next->cut_count = i;
    return fm__fail_memory(err, strlen(round->cuts[i].id) + 1);
  }
  return FM_OK;
}

/* ---- Groups --------------------------------------------------------------------------------------- */

/* A cut that has no mask of the child before it is found. The child's others remain: it becomes a group of the
 * next round, or is freed. */
static fm_status add_child(const fm_context *context, fm__group *child, bool ended, fm__round *next,
                           fm_error *err) {
  fm_status status = FM_OK;
  fm__cut *cut = &next->cuts[child->first_cut];
  if (cut->place == child->before) {
    cut->key = child->key;
    if (child->prefix_length) {
      cut->id = fm__copy_string(context, child->prefix);
      if (!cut->id) status = fm__fail_memory(err, child->prefix_length + 1);
    }
    child->first_cut++;
    child->cut_count--;
  }
  if (!status && child->cut_count && ended)
    status = fm__fail(err, FM_ERR_DUPLICATE, "mask %s occurs twice", child->prefix);
  if (status || !child->cut_count)
    fm__group_free(child, context);
  else
    next->groups[next->group_count++] = *child;
  return status;
}

static fm_status fail_ids(fm_error *err) {
  return fm__fail(err, FM_ERR_MEMORY, "out of memory for the ids of masks of equal hardness");
}

/* `like` has the masks and cuts of the child, `bins` are those of its group. */
static fm_status make_child(const fm_ranking *ranking, const fm__group *group, const int64_t *bins,
                            size_t bin, fm__group like, fm__round *next, fm_error *err) {
  const fm__round *round = &ranking->round;
  bool ended = false;
  like.key = group->key;
  if (round->bits)
    like.key |= (uint64_t)bin << (KEY_BITS - round->known - round->bits);
  else if (!fm__group_extend(ranking->context, group, bins, bin, &like, &ended)) {
    fm__group_free(&like, ranking->context);
    return fail_ids(err);
  }
  return add_child(ranking->context, &like, ended, next, err);
}

/* A child for each bin that has cuts. */
static fm_status split(const fm_ranking *ranking, const fm__group *group, const int64_t *bins,
                       fm__round *next, fm_error *err) {
  fm_status status = FM_OK;
  size_t cut = group->first_cut, last = cut + group->cut_count;
  uint64_t before = group->before;
  for (size_t bin = 0; !status && cut < last && bin < group->bin_count; bin++) {
    fm__group child = {.before = before, .size = (uint64_t)bins[bin], .first_cut = cut};
    while (cut < last && next->cuts[cut].place - before < child.size) cut++;
    child.cut_count = cut - child.first_cut;
    if (child.cut_count) status = make_child(ranking, group, bins, bin, child, next, err);
    before += child.size;
  }
  return status;
}

static fm_status pass_on(const fm_ranking *ranking, const fm__group *group, const int64_t *words,
                         bool active, fm__round *next, fm_error *err) {
  if (active && (ranking->round.bits || group->alphabet_count))
    return split(ranking, group, words + group->first_word, next, err);
  fm__group same = {.before = group->before,
                    .size = group->size,
                    .first_cut = group->first_cut,
                    .cut_count = group->cut_count};
  if (active) return make_child(ranking, group, words + group->first_word, 0, same, next, err);
  same.key = group->key;
  if (!fm__group_copy_ids(ranking->context, group, &same)) {
    fm__group_free(&same, ranking->context);
    return fail_ids(err);
  }
  next->groups[next->group_count++] = same; /* it waits */
  return FM_OK;
}

fm_status fm__round_next(const fm_ranking *ranking, const int64_t *words, fm__round *next,
                         fm_error *err) {
  const fm__round *round = &ranking->round;
  next->mask_count = (uint64_t)words[2];
  next->known = round->known + round->bits;
  fm_status status = copy_cuts(ranking, next, err);
  if (status) return status;
  next->groups = fm__alloc_zeroed(ranking->context, next->cut_count, sizeof *next->groups);
  if (!next->groups) return fm__fail_memory(err, next->cut_count * sizeof *next->groups);
  for (size_t i = 0; !status && i < round->group_count; i++) {
    fm__group group = round->groups[i];
    if (!ranking->passes) { /* all masks */
      group.size = next->mask_count;
      group.cut_count = next->cut_count;
    }
    status = pass_on(ranking, &group, words, i < round->active, next, err);
  }
  if (status || fm__round_begin(next, ranking->context)) return status;
  return fm__fail_memory(err, next->word_count * sizeof *next->words);
}
