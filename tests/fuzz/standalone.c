/* fuzz/standalone.c - runs a fuzzer over the files and folders that are named, as an
 * ordinary test that needs no clang. Every file is also run cut in half and with some bytes
 * changed.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static long runs;

/* From memory of exactly that size, so that checkers see what lies beyond. */
static void run(const unsigned char *data, size_t size) {
  unsigned char *copy = calloc(1, size ? size : 1);
  if (!copy) exit(EXIT_FAILURE);
  memcpy(copy, data, size);
  (void)LLVMFuzzerTestOneInput(copy, size);
  free(copy);
  runs++;
}

static void run_variants(unsigned char *data, size_t size) {
  run(data, size);
  run(data, size / 2);
  run(data, size - size / 8);
  for (size_t i = 0; size && i < 24; i++) {
    size_t at = (i * i * 7 + i) % size;
    unsigned char was = data[at];
    data[at] = (unsigned char)(was ^ (1U << i % 8) ^ 0x80);
    run(data, size);
    data[at] = was;
  }
}

static void run_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "cannot open %s\n", path);
    exit(EXIT_FAILURE);
  }
  static unsigned char data[1 << 20];
  size_t size = fread(data, 1, sizeof data, file);
  fclose(file);
  run_variants(data, size);
}

static void run_path(const char *path) {
  DIR *dir = opendir(path);
  if (!dir) {
    run_file(path);
    return;
  }
  for (struct dirent *entry; (entry = readdir(dir));) {
    char inside[4096];
    if (entry->d_name[0] == '.') continue;
    snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
    run_file(inside);
  }
  closedir(dir);
}

int main(int count, char **paths) {
  unsigned char nothing = 0;
  run(&nothing, 0);
  for (int i = 1; i < count; i++) run_path(paths[i]);
  printf("%ld inputs\n", runs);
  return runs > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
