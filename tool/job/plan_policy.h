/* job/plan_policy.h - the value of plan's --policy. */
#ifndef FREEMASK_TOOL_PLAN_POLICY_H
#define FREEMASK_TOOL_PLAN_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

typedef struct plan_policy {
  int32_t policy;              /* an fm_plan_policy */
  double blend[FM_PLAN_BLEND]; /* parts of a blend, 0: not in it */
} plan_policy;

/* "rank", ..., or "blend:rank=1,rare-class=0.5"; NULL: rank. EXIT_USAGE if it is none. */
int plan_policy_read(const char *value, plan_policy *out, fault *f);

/* Is this policy the one, or part of the blend? */
bool plan_policy_has(const plan_policy *flag, int32_t policy);

#endif
