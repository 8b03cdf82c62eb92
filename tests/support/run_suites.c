/* support/run_suites.c - Check writes one TAP line per check. */
#include "run_suites.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool wanted(const char *name, int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], name) == 0) return true;
  return argc < 2;
}

/* NULL if no suite has one of the names. */
static SRunner *make_runner(const named_suite *all, size_t count, int argc, char **argv) {
  SRunner *runner = NULL;
  for (size_t i = 0; i < count; i++) {
    if (!wanted(all[i].name, argc, argv)) continue;
    if (runner)
      srunner_add_suite(runner, all[i].make());
    else
      runner = srunner_create(all[i].make());
  }
  return runner;
}

int run_suites(const named_suite *all, size_t count, int argc, char **argv) {
  SRunner *runner = make_runner(all, count, argc, argv);
  if (!runner) {
    fprintf(stderr, "no suite of that name\n");
    return EXIT_FAILURE;
  }
  if (!srunner_has_tap(runner)) srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int run = srunner_ntests_run(runner), failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
