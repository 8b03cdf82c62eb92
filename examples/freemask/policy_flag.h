/* freemask/policy_flag.h - the value of plan's --policy. */
#ifndef FREEMASK_TOOL_POLICY_FLAG_H
#define FREEMASK_TOOL_POLICY_FLAG_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"

typedef struct policy_flag {
  int32_t policy;              /* an fm_plan_policy */
  double blend[FM_PLAN_BLEND]; /* parts of a blend, 0: not in it */
} policy_flag;

/* "rank", ..., or "blend:rank=1,rare-class=0.5"; NULL: rank. EXIT_USAGE if it is none. */
int policy_flag_read(const char *value, policy_flag *out, fault *f);

/* Is this policy the one, or part of the blend? */
bool policy_flag_has(const policy_flag *flag, int32_t policy);

#endif
