/* unit/test_io.c - runs the suites of freemask/io.h that are named, or all. They need zlib, to
 * make files that no encoder would.
 * SPDX-License-Identifier: MIT */
#include <run_suites.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_io_kit.h"

static const struct {
  const char *name;
  Suite *(*make)(void);
} all[] = {
    {"io_mask", io_mask_suite}, {"io_mask_write", io_mask_write_suite},
    {"io_npy", io_npy_suite},   {"io_image", io_image_suite},
    {"io_file", io_file_suite},
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
