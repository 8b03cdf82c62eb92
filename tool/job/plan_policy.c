/* job/plan_policy.c - the policies of plans. */
#include "job/plan_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const plan_kind plan_kinds[PLAN_KINDS] = {
    {"rank", FM_PLAN_RANK, 0},
    {"uniform", FM_PLAN_UNIFORM, 0},
    {"proportional", FM_PLAN_PROPORTIONAL, PLAN_GAMMA},
    {"repeat-factor", FM_PLAN_REPEAT_FACTOR, PLAN_THRESHOLD | PLAN_CLASSES},
    {"rare-class", FM_PLAN_RARE_CLASS, PLAN_TEMPERATURE | PLAN_CLASSES},
};

/* The kind whose name is at `name`, `length` bytes long; PLAN_KINDS if there is none. */
static int find(const char *name, size_t length) {
  int k = 0;
  while (k < PLAN_KINDS &&
         (strlen(plan_kinds[k].name) != length || strncmp(plan_kinds[k].name, name, length) != 0))
    k++;
  return k;
}

static bool has(const plan_policy *policy, int32_t kind) {
  for (int64_t i = 0; i < policy->part_count; i++)
    if (policy->parts[i].policy == plan_kinds[kind].policy) return true;
  return false;
}

/* "rank=1,rare-class=0.5"; a part of 0 is left out. */
static bool read_parts(const char *at, plan_policy *out) {
  for (;;) {
    size_t length = strcspn(at, "=,");
    int k = find(at, length);
    at += length;
    if (k == PLAN_KINDS || *at++ != '=' || has(out, k)) return false;
    if (!strchr("0123456789.", *at) || !*at) return false;
    char *end;
    fm_plan_part part = {.policy = plan_kinds[k].policy, .share = strtod(at, &end)};
    if (!(part.share == 0 || (part.share >= 1e-9 && part.share <= 1e9))) return false;
    if (part.share > 0) out->parts[out->part_count++] = part;
    if (!*end) return out->part_count > 0;
    if (*end != ',') return false;
    at = end + 1;
  }
}

int plan_policy_read(const char *value, plan_policy *out, fault *f) {
  const char *name = value ? value : "rank";
  int k = find(name, strlen(name));
  *out = (plan_policy){.blend = k == PLAN_KINDS};
  if (k < PLAN_KINDS) {
    out->parts[out->part_count++] = (fm_plan_part){.policy = plan_kinds[k].policy, .share = 1};
    return EXIT_FINE;
  }
  if (!strncmp(name, "blend:", 6) && read_parts(name + 6, out)) return EXIT_FINE;
  text names = {0};
  for (int i = 0; i < PLAN_KINDS; i++) text_add(&names, "%s, ", plan_kinds[i].name);
  int code =
      fault_set(f, EXIT_USAGE,
                "the plan's policy is '%.200s', expected %sor blend:NAME=WEIGHT,NAME=WEIGHT...",
                name, names.data);
  text_free(&names);
  return code;
}

bool plan_policy_looks_at(const plan_policy *policy, int flags) {
  for (int k = 0; k < PLAN_KINDS; k++)
    if (has(policy, k) && (plan_kinds[k].flags & flags)) return true;
  return false;
}

const char *plan_kinds_with(int flags, char *out, size_t size) {
  *out = '\0';
  for (int k = 0; k < PLAN_KINDS; k++) {
    size_t used = strlen(out);
    if (plan_kinds[k].flags & flags)
      snprintf(out + used, size - used, "%s%s", used ? " or " : "", plan_kinds[k].name);
  }
  return out;
}

void plan_policy_apply(const plan_policy *policy, fm_planner_options *options) {
  options->policy = policy->blend ? FM_PLAN_BLEND : policy->parts[0].policy;
  if (!policy->blend) return;
  options->blend = policy->parts;
  options->blend_count = policy->part_count;
}
