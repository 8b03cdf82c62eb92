/* fuzz/fuzz_plan.c - any bytes as plan.csv. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void check(fm_context *context, const fm_plan *plan) {
  fm_plan *again = NULL;
  fuzz_bytes table = {NULL, 0};
  fm_error err = {0};
  int64_t rows = fm_plan_mask_count(plan), images = 0;
  for (int64_t i = 0; i < rows; i++) {
    fm_plan_entry entry = {.size = sizeof entry};
    fuzz_expect(fm_plan_get(plan, i, &entry, &err) == FM_OK, "a row is missing");
    fuzz_expect(strlen(entry.mask_id) > 0 && isfinite(entry.hardness), "an id or a hardness");
    fuzz_expect(entry.rank >= 1 && entry.rank <= rows && entry.count >= 0, "a rank or a count");
    fuzz_expect(fm_plan_find(plan, entry.mask_id) == i, "a row is not found");
    for (int64_t n = 1; n < entry.count; n++)
      fuzz_expect(entry.seeds[n - 1] < entry.seeds[n], "seeds do not ascend");
    images += entry.count;
  }
  fuzz_expect(images == fm_plan_image_count(plan), "images");
  /* Written it is the same plan. */
  fm_status status = fm_plan_encode(plan, fuzz_keep, &table, &err);
  fuzz_expect(status == FM_OK || status == FM_ERR_MEMORY, "cannot be written");
  if (status == FM_OK) {
    status = fm_plan_decode(context, table.data, table.size, &again, &err);
    fuzz_expect(status == FM_OK || status == FM_ERR_MEMORY, "what was written cannot be read");
  }
  if (again) fuzz_expect(fm_plan_fingerprint(plan) == fm_plan_fingerprint(again), "another plan");
  fm_plan_destroy(again);
  free(table.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fm_context *context = fuzz_open();
  fm_plan *plan = NULL;
  fm_error err = {0};
  fm_status status = fm_plan_decode(context, data, size, &plan, &err);
  if (fuzz_read(status, plan, &err)) check(context, plan);
  fm_plan_destroy(plan);
  fuzz_close(context);
  return 0;
}
