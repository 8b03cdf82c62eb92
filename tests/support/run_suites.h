/* support/run_suites.h - the main of every Check program: TAP on stdout for Meson. */
#ifndef FM_TESTS_SUPPORT_RUN_SUITES_H
#define FM_TESTS_SUPPORT_RUN_SUITES_H

#include <check.h>
#include <stddef.h>

/* Runs `count` suites and answers what main returns. */
int run_suites(Suite *const *suites, size_t count);

#endif
