/* fuzz/fuzz_class_stats.c - any bytes as class statistics in JSON, over the label space that the
 * file has and over another. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Written again and read again, they are the same bytes. */
static void check(const fm_labels *labels, const fm_class_stats *stats) {
  fm_class_stats *again = NULL;
  fuzz_bytes written[2] = {{NULL, 0}, {NULL, 0}};
  fm_error err = {0};
  fm_status status = fm_class_stats_encode(stats, fuzz_keep, &written[0], &err);
  if (status == FM_OK)
    status = fm_class_stats_decode(labels, written[0].data, written[0].size, &again, &err);
  if (status == FM_OK) status = fm_class_stats_encode(again, fuzz_keep, &written[1], &err);
  fuzz_expect(status == FM_OK || status == FM_ERR_MEMORY, "cannot be written and read");
  if (status == FM_OK)
    fuzz_expect(written[0].size == written[1].size &&
                    !memcmp(written[0].data, written[1].data, written[0].size),
                "other statistics");
  fm_class_stats_destroy(again);
  for (int i = 0; i < 2; i++) free(written[i].data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fm_context *context = fuzz_open();
  fm_labels *labels = NULL;
  fm_class_stats *stats = NULL;
  fm_error err = {0};
  fm_status status = fm_labels_decode(context, data, size, "it", &labels, &err);
  if (fuzz_read(status, labels, &err)) {
    status = fm_class_stats_decode(labels, data, size, &stats, &err);
    if (fuzz_read(status, stats, &err)) check(labels, stats);
  }
  fm_class_stats_destroy(stats);
  fm_labels_destroy(labels);
  fuzz_close(context);
  return 0;
}
