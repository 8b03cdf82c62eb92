/* support/run_suites.c - Check writes one TAP line per check. */
#include "run_suites.h"

#include <stdlib.h>

int run_suites(Suite *const *suites, size_t count) {
  SRunner *runner = srunner_create(suites[0]);
  for (size_t i = 1; i < count; i++) srunner_add_suite(runner, suites[i]);
  if (!srunner_has_tap(runner)) srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int run = srunner_ntests_run(runner), failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
