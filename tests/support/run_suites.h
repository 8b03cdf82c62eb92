/* support/run_suites.h - the main of every Check program: TAP on stdout for Meson. */
#ifndef FM_TESTS_SUPPORT_RUN_SUITES_H
#define FM_TESTS_SUPPORT_RUN_SUITES_H

#include <check.h>
#include <stddef.h>

typedef struct named_suite {
  const char *name;
  Suite *(*make)(void);
} named_suite;

/* Runs the suites that the command line names, or all, and returns what main returns. */
int run_suites(const named_suite *all, size_t count, int argc, char **argv);

#endif
