/* fuzz/fuzz_filter.c - any bytes as filter.json. SPDX-License-Identifier: MIT */
#include <math.h>

#include "fuzz_tool.h"
#include "job/filter_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  filter_file file;
  fault f = {0};
  if (!fuzz_succeeded(filter_file_read(fuzz_path(data, size), &file, &f), &f)) return 0;
  fuzz_expect(file.labels_name && file.stats && file.masks, "a name is missing");
  for (int32_t k = 0; k < file.class_count; k++)
    fuzz_expect(
        file.classes[k].name && !isnan(filter_lowest(&file, k)) && file.classes[k].valid >= 0,
        "a class");
  filter_file_free(&file);
  return 0;
}
