/* job/plan_policy.h - the value of plan's --policy. */
#ifndef FREEMASK_TOOL_PLAN_POLICY_H
#define FREEMASK_TOOL_PLAN_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

enum { PLAN_POLICIES = 5 }; /* that have a name, blends apart */

typedef struct plan_policy {
  int32_t policy;                    /* an fm_plan_policy */
  fm_plan_part parts[PLAN_POLICIES]; /* of a blend */
  int64_t part_count;                /* 0: it is no blend */
} plan_policy;

/* "rank", ..., or "blend:rank=1,rare-class=0.5"; NULL: rank. EXIT_USAGE if it is none. */
int plan_policy_read(const char *value, plan_policy *out, fault *f);

/* Is this policy the one, or part of the blend? */
bool plan_policy_has(const plan_policy *flag, int32_t policy);

#endif
