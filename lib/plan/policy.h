/* plan/policy.h - plan policies: one row each, and what the functions of a row use. */
#ifndef FM_PLAN_POLICY_H
#define FM_PLAN_POLICY_H

#include <freemask/planner.h>
#include <stdbool.h>

#include "core/context.h"

enum { FM__POLICIES = 6, FM__MOST_IMAGES_OF_MASK = 1 << 20 };

/* What policies use in addition to the number of masks. */
typedef struct fm__needs {
  bool ranks;        /* the order by hardness */
  bool hardness;     /* hardness itself, which then is not negative */
  bool classes;      /* which classes each mask has */
  bool class_pixels; /* the pixels of each class */
} fm__needs;

/* fm_planner_options, checked and with the defaults filled in; seeds apart. Arrays have an element
 * for each policy. */
typedef struct fm__policy {
  int32_t policy;
  fm__needs needs; /* of all its parts */
  uint32_t n_min, n_max;
  uint64_t budget;             /* 0: none given */
  double option[FM__POLICIES]; /* the policy's own option, see fm__policy_row */
  double part[FM__POLICIES];   /* of a blend; otherwise 1 for the policy and 0 for all others */
  int64_t min_class_pixels;
  uint64_t plan_seed;
} fm__policy;

/* What policies use, mask by mask in the order of the ids. */
typedef struct fm__masks {
  size_t count;
  const double *hardness;  /* finite; NULL if no policy uses it */
  const uint64_t *classes; /* [count][words]; NULL if no policy uses it */
  size_t class_count;
  const int64_t *class_pixels; /* of all masks */
  const uint32_t *kept;        /* images of an earlier plan, or NULL */
  const uint32_t *order;       /* easiest first, or NULL: to be found */
  uint64_t (*draw)(uint64_t seed, size_t i, const void *user); /* a number drawn for a mask */
  const void *user;
} fm__masks;

/* What the functions of a row work on. */
typedef struct fm__weigher {
  const fm__policy *policy;
  const fm__masks *masks;
  const uint32_t *rank_counts;        /* [masks], if a policy uses ranks: the paper's counts */
  double *class_values[FM__POLICIES]; /* [class_count] for each policy that has such values */
  double most[FM__POLICIES];          /* the largest value of any mask */
  double portion[FM__POLICIES];       /* of a blend: its part over the sum of its weights */
} fm__weigher;

/* A policy. A blend is the row that has no `value`. */
typedef struct fm__policy_row {
  const char *name;
  fm__needs needs;

  /* The one field of fm_planner_options that is this policy's alone, a double: above 0, at most
   * `most`, 0 for `fallback`. `name` is NULL if there is none. */
  struct {
    const char *name;
    size_t offset;
    double most, fallback;
  } option;

  /* What a class is worth, from the masks that have it: fills values[class_count], which are 0.
   * NULL unless the policy uses classes. */
  void (*find_class_values)(const fm__weigher *weigher, const double *masks_with, double *values);
  /* What a mask is worth, from 0 on, in relation to other masks. */
  double (*value)(const fm__weigher *weigher, size_t i);
  /* A mask's weight from its value over the largest value; NULL: just that. */
  double (*bend)(const fm__policy *policy, double relative);
  /* How many images a mask gets if there is no budget; NULL: one is shared out in any case. */
  uint32_t (*own_count)(const fm__weigher *weigher, size_t i);
} fm__policy_row;

extern const fm__policy_row fm__policies[FM__POLICIES];

/* The paper's count for the mask that has `before` easier ones among n. */
uint32_t fm__rank_count(uint64_t before, uint64_t n, uint32_t n_max);

/* Is this row the policy, or part of the blend? */
static inline bool fm__policy_has(const fm__policy *policy, int32_t row) {
  return policy->part[row] > 0;
}

/* Reads a caller's options (NULL: defaults): `known` becomes a copy with the defaults filled in,
 * except for seeds, which are not used. */
fm_status fm__policy_read(const fm_planner_options *options, fm_planner_options *known,
                          fm__policy *out, fm_error *err);

/* Words of a set of classes. */
static inline size_t fm__class_words(size_t class_count) { return (class_count + 63) / 64; }

#endif
