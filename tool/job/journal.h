/* job/journal.h - what `filter` made, and of what: a line for each mask. */
#ifndef FREEMASK_TOOL_JOURNAL_H
#define FREEMASK_TOOL_JOURNAL_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "job/input_parts.h"

/* The first line says what determines the results (made_of.h), as JSON; then a line for each mask
 * whose file is written:
 *     <stem as CSV>,valid,dropped,bytes[,w:size:content][,<part>:size:content[:identity] ...][,class:valid:dropped ...],
 *     <check sum, 16 hex digits>
 * where w is the file of its weights, and a part is m, l, n, s, r, g, h or b (mask, loss, its second file,
 * strata; real mask, its loss, its second file; all files of its siblings as one) and its hashes have 16 hex
 * digits, and only an unfinished run's lines have identities; and `<stem as CSV>,-,<check sum>` where such a line no longer counts. A line that was cut
 * off by a crash is ignored. Thread-safety: journal_add from any thread. */
typedef struct journal {
  int handle; /* -1: closed */
  char *path;
  pthread_mutex_t lock;
} journal;

/* What a line says; `revoked`: earlier lines of the mask no longer count. The arrays have one
 * element for each class of the label space. */
typedef struct journal_entry {
  const char *stem;
  int64_t valid, dropped;
  int64_t bytes;      /* of the filtered mask's file */
  input_seen weights; /* of its weights' file; content 0: there is none */
  input_parts parts;
  int64_t *class_valid, *class_dropped;
  bool revoked;
} journal_entry;

/* All whole lines but the first, in order. */
typedef struct journal_lines {
  char *data, **lines;
  size_t count;
} journal_lines;

/* Opens for writing; the caller has locked the folder. What is there already must be made of the
 * same: EXIT_USAGE, naming what differs; its lines come in `lines` (journal_lines_free). `*fresh`:
 * there is nothing, not even a whole first line, which the caller writes when all is prepared:
 * journal_begin. */
int journal_open(const char *path, const char *output, const json_t *made_of, journal *out,
                 journal_lines *lines, bool *fresh, fault *f);
int journal_begin(journal *j, const json_t *made_of, fault *f);

/* Leaves an empty file at `path`, whatever was there. */
int journal_clear(const char *path, fault *f);

/* Reads the lines of a file that journal_save wrote. `begun`: as for made_of_check. */
int journal_load(const char *path, const char *output, const char *begun, const json_t *made_of,
                 journal_lines *lines, fault *f);
int journal_save(const char *path, const json_t *made_of, const text *lines, fm_context *context,
                 fault *f);
void journal_lines_free(journal_lines *lines);

/* The lines of an open journal so far. */
int journal_lines_of(const journal *j, journal_lines *lines, fault *f);

/* The name of a line's mask, or NULL if it makes no sense. Caller frees. */
char *journal_stem(const char *line);

/* Takes a line apart, once: it is changed. False: it makes no sense. */
bool journal_read_line(char *line, int32_t class_count, journal_entry *entry);

/* A whole line, as journal_add writes it. */
void journal_format(const journal_entry *entry, int32_t class_count, text *t);

int journal_add(journal *j, const journal_entry *entry, int32_t class_count, fault *f);
int journal_add_lines(journal *j, const text *lines, fault *f);

/* From now on what was added for the mask does not count. */
int journal_revoke(journal *j, const char *stem, fault *f);

void journal_close(journal *j); /* leaves the file */

#endif
