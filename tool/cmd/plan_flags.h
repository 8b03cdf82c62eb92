/* cmd/plan_flags.h - the flags about the plan, of `plan` and of `run`. */
#ifndef FREEMASK_TOOL_PLAN_FLAGS_H
#define FREEMASK_TOOL_PLAN_FLAGS_H

#include "base/fault.h"
#include "base/text.h"
#include "cmd/args.h"
#include "job/plan_policy.h"

typedef struct plan_flags {
  const char *policy; /* NULL: "rank" */
  int64_t n_max;      /* 0: 20 */
  int64_t n_min;
  int64_t budget;                       /* 0: none */
  double gamma, threshold, temperature; /* 0: the policy's default */
  int64_t min_pixels;                   /* 0: 1 */
  const char *seeds;                    /* "a:b" or "a,b,..."; NULL: 42:62 */
  uint64_t seed;
} plan_flags;

/* `policy_name` is what the flag of the policy is called: `run` has the filter's too. */
/* clang-format off */
#define ARG_PLAN_ROWS(flags, policy_name)                                                        \
  {policy_name, 0, ARG_TEXT, &(flags)->policy, "P",                                                 \
   "rank (default), uniform, proportional, repeat-factor, rare-class, blend:NAME=X,NAME=X...",   \
   false, false, 0, 0, NULL},                                                                    \
  {"n-max", 0, ARG_WHOLE, &(flags)->n_max, "N", "the most images a mask gets (default 20)",      \
   false, false, 1, 1048576, NULL},                                                              \
  {"n-min", 0, ARG_WHOLE, &(flags)->n_min, "N", "the least images a mask gets (default 0)",      \
   false, false, 0, 1048576, NULL},                                                              \
  {"budget", 0, ARG_WHOLE, &(flags)->budget, "N",                                                \
   "images of the whole plan, exactly (default: what rank gives)", false, false, 1, 1e15, NULL}, \
  {"gamma", 0, ARG_REAL, &(flags)->gamma, "X",                                                   \
   "proportional: images as hardness to the power X (default 1)", false, true, 0, 64, NULL},     \
  {"threshold", 0, ARG_REAL, &(flags)->threshold, "T",                                           \
   "repeat-factor: classes in a smaller share of the masks are rare (default 0.001)", false,     \
   true, 0, 1, NULL},                                                                            \
  {"temperature", 0, ARG_REAL, &(flags)->temperature, "T",                                       \
   "rare-class: the lower, the rarer (default 0.01)", false, true, 0, 1e9, NULL},                \
  {"min-pixels", 0, ARG_WHOLE, &(flags)->min_pixels, "N",                                        \
   "a mask has a class from N pixels on (default 1)", false, false, 1, 1e15, NULL},        \
  {"seeds", 0, ARG_TEXT, &(flags)->seeds, "A:B",                                                 \
   "generator seeds to choose from, A to B - 1, or a comma list (default 42:62)", false, false,  \
   0, 0, NULL},                                                                                  \
  {"seed", 0, ARG_SEED, &(flags)->seed, "N", "chooses among the seeds (default 0)", false,       \
   false, 0, 0, NULL}
/* clang-format on */

/* Reads the policy; EXIT_USAGE if it does not exist, or for a flag that it does not use. */
int plan_flags_read(const plan_flags *flags, plan_policy *policy, fault *f);

/* The flags as words of a command line of `run`, "--n-max 20 --seeds 42:62" and what else was given. */
void plan_flags_add_words(const plan_flags *flags, text *t);

#endif
