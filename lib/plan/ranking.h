/* plan/ranking.h - a ranking from inside: cuts, and the groups of masks in which they are sought. */
#ifndef FM_PLAN_RANKING_H
#define FM_PLAN_RANKING_H

#include <freemask/ranking.h>

#include "core/context.h"

/* words[0] is the number of parts, words[1] what the words belong to (31 bits, times the parts),
 * words[2] the number of masks; bins follow. */
enum { FM__RANKING_HEADER = 3, FM__RANKING_BINS = 1 << 21, FM__RANKING_BYTES = 256 };

#define FM__RANKING_MOST_MASKS (INT64_C(1) << 42)

/* From where on masks get `count` images: those whose key is larger, or equal and whose id is not before
 * `id`. */
typedef struct fm__cut {
  uint64_t place; /* masks before it, of all */
  uint64_t key;   /* once found */
  char *id;       /* NULL: any */
  uint32_t count;
} fm__cut;

/* Which bytes ids have at one position; byte 0 is the end. */
typedef struct fm__alphabet {
  uint64_t bytes[FM__RANKING_BYTES / 64];
  uint16_t below[FM__RANKING_BYTES / 64]; /* how many there are in the words before */
  uint16_t count;
} fm__alphabet;

/* Masks that are alike so far, with cuts among them that are not found. */
typedef struct fm__group {
  uint64_t key;          /* their known bits; the others are 0 */
  uint64_t before, size; /* masks */
  size_t first_cut, cut_count;
  char *prefix; /* how their ids begin; NULL: not known */
  size_t prefix_length;
  fm__alphabet *alphabets; /* of the positions behind the prefix, perhaps with bytes too many */
  size_t alphabet_count;   /* 0: to be found */
  size_t positions;        /* of ids that this pass looks at */
  size_t first_word, bin_count;
} fm__group;

/* What is known before a pass, the same in all parts, and this part's words. */
typedef struct fm__round {
  uint64_t mask_count; /* of all parts; 0: not known yet */
  int32_t known,
      bits;      /* of the keys: how many groups know, and this pass adds; 0: it looks at ids */
  fm__cut *cuts; /* by place */
  size_t cut_count;
  fm__group *groups; /* in the order of their masks */
  size_t group_count;
  size_t active; /* the first groups, which this pass looks at */
  int64_t *words;
  size_t word_count;
} fm__round;

struct fm_ranking {
  fm_context *context;
  uint32_t n_max;
  uint64_t history; /* a hash of n_max and of all sums so far */
  int32_t passes;
  fm__round round;
};

static inline bool fm__ranking_is_done(const fm_ranking *ranking) {
  return ranking->passes && !ranking->round.group_count;
}

/* Lays the words of a pass out and takes memory for them. False: there is none. */
bool fm__round_begin(fm__round *round, const fm_context *context);
void fm__round_free(fm__round *round, const fm_context *context);

/* Makes the round after this one, up to its words, of words that are summed over all parts and were checked.
 * On failure `next` has to be freed all the same. */
fm_status fm__round_next(const fm_ranking *ranking, const int64_t *words, fm__round *next,
                         fm_error *err);

/* ---- Ids: plan/ranking_ids.c ----------------------------------------------------------------- */

/* How many positions of the ids, and bins, a pass has in that many words. */
void fm__group_lay_out(fm__group *group, size_t room);

void fm__group_free(fm__group *group, const fm_context *context);

/* Adds what is behind the prefix of an id to the group's bins. An id with a byte that none had before is left
 * out: so the sum tells all parts. */
void fm__group_add(const fm__group *group, const char *rest, int64_t *bins);

/* The same prefix and alphabets for a `copy` that has none. False: there is no memory. */
bool fm__group_copy_ids(const fm_context *context, const fm__group *group, fm__group *copy);

/* What a bin of `group` knows of its ids: prefix and alphabets of `child`, which are NULL so far. For a group
 * that finds its alphabets, `bins` has them, and `bin` is not used. `*ended`: the prefix is the whole id.
 * False: there is no memory. */
bool fm__group_extend(const fm_context *context, const fm__group *group, const int64_t *bins,
                      size_t bin, fm__group *child, bool *ended);

#endif
