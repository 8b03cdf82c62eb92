/* fuzz/fuzz_labels.c - any bytes as a table of labels. SPDX-License-Identifier: MIT */
#include "fuzz_tool.h"
#include "job/labels_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fm_labels *labels = NULL;
  fault f = {0};
  if (!fuzz_succeeded(labels_open(fuzz_context(), fuzz_path(data, size), &labels, &f), &f)) {
    fuzz_expect(!labels, "an output after a failure");
    return 0;
  }
  int32_t classes = fm_labels_class_count(labels);
  fuzz_expect(classes >= 1, "no class");
  for (int32_t k = 0; k < classes; k++)
    fuzz_expect(fm_labels_class_name(labels, k) != NULL, "no name");
  fm_labels_destroy(labels);
  return 0;
}
