/* unit/test_io.c - runs the suites of freemask/io.h. They need zlib, to make files that no
 * encoder would.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "test_io_kit.h"

int main(void) {
  SRunner *runner = srunner_create(io_mask_suite());
  srunner_add_suite(runner, io_mask_write_suite());
  srunner_add_suite(runner, io_npy_suite());
  srunner_add_suite(runner, io_image_suite());
  srunner_add_suite(runner, io_file_suite());
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
