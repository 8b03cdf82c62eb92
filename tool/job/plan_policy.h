/* job/plan_policy.h - the value of plan's --policy: policies by name, alone and in blends. */
#ifndef FREEMASK_TOOL_PLAN_POLICY_H
#define FREEMASK_TOOL_PLAN_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/* Flags that only some policies use. */
enum { PLAN_GAMMA = 1, PLAN_THRESHOLD = 2, PLAN_TEMPERATURE = 4, PLAN_CLASSES = 8 };

/* A policy. To add one: a row in plan_policy.c, and here a number for a flag of its own. */
typedef struct plan_kind {
  const char *name;
  int32_t policy; /* an fm_plan_policy */
  int flags;      /* what it uses; PLAN_CLASSES: also the classes of the masks */
} plan_kind;

enum { PLAN_KINDS = 5 };
extern const plan_kind plan_kinds[PLAN_KINDS];

typedef struct plan_policy {
  bool blend;
  fm_plan_part parts[PLAN_KINDS]; /* of the blend, or the one policy with a share of 1 */
  int64_t part_count;
} plan_policy;

/* "rank", ..., or "blend:rank=1,rare-class=0.5"; NULL: rank. EXIT_USAGE if it is not a policy. */
int plan_policy_read(const char *value, plan_policy *out, fault *f);

/* Does it use one of these flags? */
bool plan_policy_looks_at(const plan_policy *policy, int flags);

/* The names of the kinds that do: "repeat-factor or rare-class". Returns `out`. */
const char *plan_kinds_with(int flags, char *out, size_t size);

/* Sets policy and blend of the options; the latter points into `policy`. */
void plan_policy_apply(const plan_policy *policy, fm_planner_options *options);

#endif
