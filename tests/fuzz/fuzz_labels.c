/* fuzz/fuzz_labels.c - any bytes as a table of labels. SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "fuzz.h"

static void check(fm_context *context, fm_labels *labels) {
  fm_labels *again = NULL;
  fuzz_bytes table = {NULL, 0};
  fm_error err = {0};
  int32_t classes = fm_labels_class_count(labels);
  fuzz_expect(classes >= 1, "no class");
  for (int32_t k = 0; k < classes; k++)
    fuzz_expect(fm_labels_class_name(labels, k) != NULL, "no name");
  /* Written it is the same label space. */
  fm_status status = fm_labels_encode(labels, fuzz_keep, &table, &err);
  fuzz_expect(status == FM_OK || status == FM_ERR_UNSUPPORTED || status == FM_ERR_MEMORY,
              "cannot be written");
  if (status == FM_OK) {
    status = fm_labels_decode(context, table.data, table.size, "it", &again, &err);
    fuzz_expect(status == FM_OK || status == FM_ERR_MEMORY, "what was written cannot be read");
  }
  if (again)
    fuzz_expect(fm_labels_fingerprint(labels) == fm_labels_fingerprint(again),
                "another label space");
  fm_labels_destroy(again);
  free(table.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fm_context *context = fuzz_open();
  fm_labels *labels = NULL;
  fm_error err = {0};
  fm_status status = fm_labels_decode(context, data, size, "it", &labels, &err);
  if (fuzz_read(status, labels, &err)) check(context, labels);
  fm_labels_destroy(labels);
  fuzz_close(context);
  return 0;
}
