/* unit/main.c - runs the suites that are named, or all.
 * SPDX-License-Identifier: MIT */
#include <run_suites.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

static const struct {
  const char *name;
  Suite *(*make)(void);
} all[] = {
    {"version", version_suite},
    {"error", error_suite},
    {"context", context_suite},
    {"view", view_suite},
    {"labels", labels_suite},
    {"class_stats", class_stats_suite},
    {"class_stats_exact", class_stats_exact_suite},
    {"filter", filter_suite},
    {"hardness", hardness_suite},
    {"planner", planner_suite},
    {"provider", provider_suite},
    {"golden", golden_suite},
    {"oom", oom_suite},
    {"lifetime", lifetime_suite},
    {"threads", threads_suite},
};

enum { SUITES = sizeof all / sizeof *all };

static bool wanted(const char *name, int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], name) == 0) return true;
  return argc < 2;
}

int main(int argc, char **argv) {
  Suite *suites[SUITES];
  size_t count = 0;
  for (size_t i = 0; i < SUITES; i++)
    if (wanted(all[i].name, argc, argv)) suites[count++] = all[i].make();
  if (!count) {
    fprintf(stderr, "no suite of that name\n");
    return EXIT_FAILURE;
  }
  return run_suites(suites, count);
}
