/* fuzz/fuzz_journal.c - any bytes as the journal of an unfinished run; and once more with the first
 * line and the check sums put right, which a fuzzer does not find. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz_tool.h"
#include "job/journal.h"

enum { CLASSES = 5, DIGITS = 16 };

typedef struct seen {
  size_t count;
  int64_t sum;
} seen;

static int look(const journal_entry *entry, void *user, fault *f) {
  seen *s = user;
  (void)f;
  s->count++;
  s->sum += (int64_t)strlen(entry->stem);
  for (int32_t k = 0; k < CLASSES; k++)
    fuzz_expect(entry->class_valid[k] >= 0 && entry->class_dropped[k] >= 0, "a count below 0");
  return EXIT_FINE;
}

static void replay(const void *data, size_t size) {
  const char *path = fuzz_path(data, size);
  journal j;
  seen first = {0}, second = {0};
  fault f = {0};
  if (!fuzz_succeeded(journal_open(path, 0, CLASSES, look, &first, &j, &f), &f)) return;
  journal_close(&j);
  /* Opening cuts off what is no line, so that the second time the same lines are there. */
  fuzz_expect(!journal_open(path, 0, CLASSES, look, &second, &j, &f), "cannot be opened again");
  fuzz_expect(first.count == second.count && first.sum == second.sum,
              "other lines the second time");
  journal_close(&j);
}

static void add_repaired(text *t, const char *line, size_t length) {
  if (length < DIGITS) return;
  text_add_bytes(t, line, length - DIGITS);
  text_add(t, "%016llx\n", (unsigned long long)text_hash(line, length - DIGITS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  replay(data, size);
  text repaired = {0};
  const char *at = (const char *)data, *end = at + size;
  text_add(&repaired, "freemask-filter-1 0000000000000000\n");
  while (at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t length = (size_t)((stop ? stop : end) - at);
    add_repaired(&repaired, at, length);
    at += length + 1;
  }
  replay(repaired.data, repaired.length);
  text_free(&repaired);
  return 0;
}
