/* job/plan_policy.c - names of policies, alone and in blends. */
#include "job/plan_policy.h"

#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  int32_t policy;
} names[PLAN_POLICIES] = {{"rank", FM_PLAN_RANK},
                          {"uniform", FM_PLAN_UNIFORM},
                          {"proportional", FM_PLAN_PROPORTIONAL},
                          {"repeat-factor", FM_PLAN_REPEAT_FACTOR},
                          {"rare-class", FM_PLAN_RARE_CLASS}};

/* The policy whose name is the first `length` bytes of `text`; FM_PLAN_BLEND if there is none. */
static int32_t find(const char *text, size_t length) {
  for (int i = 0; i < PLAN_POLICIES; i++)
    if (strlen(names[i].name) == length && !strncmp(names[i].name, text, length))
      return names[i].policy;
  return FM_PLAN_BLEND;
}

/* "rank=1,rare-class=0.5"; a part of 0 is none. */
static bool read_parts(const char *at, plan_policy *out) {
  for (;;) {
    size_t length = strcspn(at, "=,");
    fm_plan_part part = {.policy = find(at, length)};
    at += length;
    if (part.policy == FM_PLAN_BLEND || *at++ != '=' || plan_policy_has(out, part.policy))
      return false;
    if (!strchr("0123456789.", *at) || !*at) return false;
    char *end;
    part.share = strtod(at, &end);
    if (!(part.share == 0 || (part.share >= 1e-9 && part.share <= 1e9))) return false;
    if (part.share > 0) out->parts[out->part_count++] = part;
    if (!*end) return out->part_count > 0;
    if (*end != ',') return false;
    at = end + 1;
  }
}

int plan_policy_read(const char *value, plan_policy *out, fault *f) {
  *out = (plan_policy){.policy = FM_PLAN_RANK};
  if (!value) return EXIT_FINE;
  out->policy = find(value, strlen(value));
  if (out->policy != FM_PLAN_BLEND) return EXIT_FINE;
  if (!strncmp(value, "blend:", 6) && read_parts(value + 6, out)) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE,
                   "--policy is '%.200s', expected rank, uniform, proportional, repeat-factor, "
                   "rare-class, or blend:NAME=WEIGHT,NAME=WEIGHT...",
                   value);
}

bool plan_policy_has(const plan_policy *flag, int32_t policy) {
  for (int64_t i = 0; i < flag->part_count; i++)
    if (flag->parts[i].policy == policy) return true;
  return flag->policy == policy;
}
