/* fuzz/fuzz_journal.c - any bytes as the journal of an unfinished run; and once more with the first
 * line and the check sums put right, which a fuzzer does not find. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz_tool.h"
#include "job/journal.h"
#include "job/made_of.h"

enum { CLASSES = 5, DIGITS = 16 };

typedef struct seen {
  size_t count;
  int64_t sum;
} seen;

static void look(const journal_entry *entry, seen *s) {
  s->count++;
  s->sum += (int64_t)strlen(entry->stem);
  for (int32_t k = 0; k < CLASSES; k++)
    fuzz_expect(entry->class_valid[k] >= 0 && entry->class_dropped[k] >= 0, "a count below 0");
  for (int part = 0; part < PARTS; part++)
    fuzz_expect(entry->parts.of[part].size >= 0, "a size below 0");
}

/* A line that was read is written alike. */
static void look_twice(const journal_entry *entry) {
  int64_t counts[2][CLASSES];
  journal_entry again = {.class_valid = counts[0], .class_dropped = counts[1]};
  text t = {0};
  if (entry->revoked) return;
  journal_format(entry, CLASSES, &t);
  t.data[t.length - 1 - DIGITS] = '\0';
  fuzz_expect(journal_read_line(t.data, CLASSES, &again), "not read again");
  fuzz_expect(!strcmp(again.stem, entry->stem) && again.bytes == entry->bytes &&
                  !memcmp(&again.parts, &entry->parts, sizeof again.parts),
              "read as another one");
  text_free(&t);
}

static void look_at_all(const journal_lines *lines, seen *s) {
  int64_t counts[2][CLASSES];
  journal_entry entry = {.class_valid = counts[0], .class_dropped = counts[1]};
  for (size_t i = 0; i < lines->count; i++) {
    free(journal_stem(lines->lines[i]));
    if (!journal_read_line(lines->lines[i], CLASSES, &entry)) continue;
    look(&entry, s);
    look_twice(&entry);
  }
}

static int replay_once(const char *path, const json_t *made_of, seen *s, fault *f) {
  journal j;
  journal_lines lines;
  bool fresh;
  int code = journal_open(path, "out", made_of, &j, &lines, &fresh, f);
  if (code) return code;
  look_at_all(&lines, s);
  journal_lines_free(&lines);
  journal_close(&j);
  return EXIT_FINE;
}

static void replay(const void *data, size_t size) {
  const char *path = fuzz_path(data, size);
  json_t *made_of = made_of_new();
  seen first = {0}, second = {0};
  fault f = {0};
  made_of_add(made_of, "fuzz", "yes");
  if (fuzz_succeeded(replay_once(path, made_of, &first, &f), &f)) {
    /* Opening cuts off what is no line, so that the second time the same lines are there. */
    fuzz_expect(!replay_once(path, made_of, &second, &f), "cannot be opened again");
    fuzz_expect(first.count == second.count && first.sum == second.sum,
                "other lines the second time");
  }
  json_decref(made_of);
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
  text_add(&repaired, "freemask-filter-2 {\"fuzz\":\"yes\"}\n");
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
