/* job/plan_policy.c - names of policies, alone and in blends. */
#include "job/plan_policy.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[FM_PLAN_BLEND] = {"rank", "uniform", "proportional", "repeat-factor",
                                                 "rare-class"};

/* The policy whose name stands at `text`, `length` bytes long; FM_PLAN_BLEND if there is none. */
static int32_t find(const char *text, size_t length) {
  int32_t p = 0;
  while (p < FM_PLAN_BLEND && (strlen(names[p]) != length || strncmp(names[p], text, length) != 0))
    p++;
  return p;
}

/* "rank=1,rare-class=0.5" */
static bool read_parts(const char *at, plan_policy *out) {
  double sum = 0;
  for (;;) {
    size_t length = strcspn(at, "=,");
    int32_t p = find(at, length);
    at += length;
    if (p == FM_PLAN_BLEND || *at++ != '=' || out->blend[p] > 0) return false;
    if (!strchr("0123456789.", *at) || !*at) return false;
    char *end;
    out->blend[p] = strtod(at, &end);
    if (!(out->blend[p] >= 0 && out->blend[p] <= 1e9)) return false;
    sum += out->blend[p];
    if (!*end) return sum >= 1e-9;
    if (*end != ',') return false;
    at = end + 1;
  }
}

int plan_policy_read(const char *value, plan_policy *out, fault *f) {
  *out = (plan_policy){.policy = FM_PLAN_RANK};
  if (!value) return EXIT_FINE;
  out->policy = find(value, strlen(value));
  if (out->policy < FM_PLAN_BLEND) return EXIT_FINE;
  if (!strncmp(value, "blend:", 6) && read_parts(value + 6, out)) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE,
                   "--policy is '%.200s', expected rank, uniform, proportional, repeat-factor, "
                   "rare-class, or blend:NAME=WEIGHT,NAME=WEIGHT...",
                   value);
}

bool plan_policy_has(const plan_policy *flag, int32_t policy) {
  return flag->policy == FM_PLAN_BLEND ? flag->blend[policy] > 0 : flag->policy == policy;
}
