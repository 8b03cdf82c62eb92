/* cmd/plan_flags.c - the flags about the plan. */
#include "cmd/plan_flags.h"

#include <inttypes.h>

int plan_flags_read(const plan_flags *flags, plan_policy *policy, fault *f) {
  const struct {
    bool given;
    const char *name;
    int flag;
  } rows[] = {{flags->gamma > 0, "gamma", PLAN_GAMMA},
              {flags->threshold > 0, "threshold", PLAN_THRESHOLD},
              {flags->temperature > 0, "temperature", PLAN_TEMPERATURE},
              {flags->min_pixels > 0, "min-pixels", PLAN_CLASSES}};
  char names[200];
  int code = plan_policy_read(flags->policy, policy, f);
  if (code) return code;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].given && !plan_policy_looks_at(policy, rows[i].flag))
      return fault_set(f, EXIT_USAGE, "--%s is for the plan's policy %s, alone or in a blend",
                       rows[i].name, plan_kinds_with(rows[i].flag, names, sizeof names));
  return EXIT_FINE;
}

static void add_whole(text *t, const char *name, int64_t value) {
  if (value) text_add(t, " --%s %" PRId64, name, value);
}

static void add_real(text *t, const char *name, double value) {
  if (value > 0) text_add(t, " --%s %.17g", name, value);
}

void plan_flags_add_words(const plan_flags *flags, text *t) {
  text_add(t, "--n-max %" PRId64 " --seeds %s", flags->n_max ? flags->n_max : 20,
           flags->seeds ? flags->seeds : "42:62");
  if (flags->seed) text_add(t, " --seed %" PRIu64, flags->seed);
  if (flags->policy) text_add(t, " --plan-policy %s", flags->policy);
  add_whole(t, "n-min", flags->n_min);
  add_whole(t, "budget", flags->budget);
  add_real(t, "gamma", flags->gamma);
  add_real(t, "threshold", flags->threshold);
  add_real(t, "temperature", flags->temperature);
  add_whole(t, "min-pixels", flags->min_pixels);
}
