/* fuzz/fuzz_jobs.c - any bytes as jobs.jsonl, which generators read and people edit.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/path.h"
#include "collect/jobs_file.h"
#include "fuzz_tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  job_row *rows;
  size_t count;
  fault f = {0};
  if (!fuzz_succeeded(job_rows_read(fuzz_path(data, size), &rows, &count, &f), &f)) return 0;
  for (size_t i = 0; i < count; i++) {
    fuzz_expect(path_root(rows[i].mask) && path_root(rows[i].output),
                "a path that is not absolute");
    fuzz_expect(rows[i].name[0] != '/' && !strstr(rows[i].name, "/../") &&
                    strncmp(rows[i].name, "../", 3) != 0,
                "a name that leaves its folder");
    fuzz_expect(rows[i].width >= 0 && rows[i].height >= 0, "a size");
  }
  job_rows_free(rows, count);
  return 0;
}
