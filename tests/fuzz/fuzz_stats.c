/* fuzz/fuzz_stats.c - any bytes as stats.json or calibration.json. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz_tool.h"
#include "job/stats_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  stats_file file, again;
  fault f = {0};
  if (!fuzz_succeeded(
          stats_file_read_either(fuzz_context(), NULL, fuzz_path(data, size), &file, &f), &f))
    return 0;
  /* Written it has the same content in one form, which reads and writes as itself. */
  size_t length, other;
  fuzz_expect(!stats_file_write(fuzz_context(), &file, fuzz_path_beside(), &f),
              "cannot be written");
  char *bytes = fuzz_content(fuzz_path_beside(), &length);
  fuzz_expect(!stats_file_read_either(fuzz_context(), NULL, fuzz_path_beside(), &again, &f),
              "cannot be read again");
  fuzz_expect(!stats_file_write(fuzz_context(), &again, fuzz_path_beside(), &f),
              "cannot be written again");
  char *twice = fuzz_content(fuzz_path_beside(), &other);
  fuzz_expect(length == other && !memcmp(bytes, twice, length), "equal contents give other bytes");
  free(bytes);
  free(twice);
  stats_file_free(&again);
  stats_file_free(&file);
  return 0;
}
