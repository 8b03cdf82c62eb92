/* fuzz/fuzz_tables.c - any bytes as the tables that the tool writes and people edit:
 * hardness.csv and filter.csv. SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "fuzz_tool.h"
#include "job/filter_file.h"
#include "job/plan_file.h"

static void read_hardness(const char *path) {
  hardness_row *rows;
  shard_mark mark, same;
  size_t count;
  fault f = {0};
  if (!fuzz_succeeded(hardness_rows_read(fuzz_context(), path, &mark, &rows, &count, &f), &f))
    return;
  for (size_t i = 0; i < count; i++)
    fuzz_expect(strlen(rows[i].mask) > 0 && isfinite(rows[i].hardness) && rows[i].valid_pixels >= 0,
                "a row");
  /* What was read can be written, and reads the same. */
  hardness_row *again;
  size_t number;
  fuzz_expect(!hardness_rows_write(fuzz_context(), &mark, rows, count, fuzz_path_beside(), &f),
              "cannot be written");
  fuzz_expect(!hardness_rows_read(fuzz_context(), fuzz_path_beside(), &same, &again, &number, &f) &&
                  number == count && mark.shard.index == same.shard.index &&
                  mark.shard.count == same.shard.count && mark.identity == same.identity,
              "read again");
  for (size_t i = 0; i < count; i++)
    fuzz_expect(!strcmp(rows[i].mask, again[i].mask) &&
                    rows[i].valid_pixels == again[i].valid_pixels &&
                    !memcmp(&rows[i].hardness, &again[i].hardness, sizeof(double)),
                "a row changed on its way");
  shard_mark_free(&same);
  shard_mark_free(&mark);
  hardness_rows_free(again, number);
  hardness_rows_free(rows, count);
}

static void read_filter(const char *path) {
  filter_row *rows;
  size_t count;
  fault f = {0};
  if (!fuzz_succeeded(filter_rows_read(fuzz_context(), path, &rows, &count, &f), &f)) return;
  for (size_t i = 0; i < count; i++)
    fuzz_expect(strlen(rows[i].stem) > 0 && rows[i].valid >= 0 && rows[i].dropped >= 0, "a row");
  filter_rows_free(rows, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path = fuzz_path(data, size);
  read_hardness(path);
  read_filter(path);
  return 0;
}
