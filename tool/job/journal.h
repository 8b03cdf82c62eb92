/* job/journal.h - which masks an unfinished `filter` has finished. */
#ifndef FREEMASK_TOOL_JOURNAL_H
#define FREEMASK_TOOL_JOURNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* The first line names the run by a hash of all that determines its results;
 * then a line for each mask whose file is written:
 *     <stem as CSV>,valid,dropped[,class:valid:dropped ...],<check sum, 16 hex digits>
 * and `<stem as CSV>,-,<check sum>` where such a line no longer counts. A line that was cut off by
 * a crash is ignored. Thread-safety: journal_add from any thread. */
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
  int64_t *class_valid, *class_dropped;
  bool revoked;
} journal_entry;

/* Called for every whole line, the last one first: of two for one mask the later one counts. */
typedef int (*journal_entry_fn)(const journal_entry *entry, void *user, fault *f);

/* Opens for writing; the caller has locked the folder. An existing one is replayed into `entry`
 * first and must be of the same run (EXIT_USAGE). */
int journal_open(const char *path, uint64_t run, int32_t class_count, journal_entry_fn entry,
                 void *user, journal *out, fault *f);

int journal_add(journal *j, const journal_entry *entry, int32_t class_count, fault *f);

/* From now on what was added for the mask does not count. */
int journal_revoke(journal *j, const char *stem, fault *f);

void journal_close(journal *j); /* leaves the file */

#endif
