/* job/merge_lines.c - from the records of shards to that of the whole set. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "job/merge.h"

typedef struct record_line {
  char *stem, *line;
} record_line;

static int by_line_stem(const void *a, const void *b) {
  return strcmp(((const record_line *)a)->stem, ((const record_line *)b)->stem);
}

void merge_lines(const journal_lines *records, size_t count, int32_t class_count, text *t) {
  size_t total = 0, at = 0;
  for (size_t i = 0; i < count; i++) total += records[i].count;
  record_line *lines = alloc_zeroed(total, sizeof *lines);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < records[i].count; k++) {
      char *line = records[i].lines[k], *stem = journal_stem(line);
      if (stem) lines[at++] = (record_line){stem, line};
    }
  qsort(lines, at, sizeof *lines, by_line_stem);
  const size_t classes = class_count ? (size_t)class_count : 1;
  journal_entry entry = {.class_valid = alloc_zeroed(2 * classes, sizeof(int64_t))};
  entry.class_dropped = entry.class_valid + classes;
  for (size_t i = 0; i < at; i++) {
    if (journal_read_line(lines[i].line, class_count, &entry))
      journal_format(&entry, class_count, t);
    free(lines[i].stem);
  }
  free(entry.class_valid);
  free(lines);
}
