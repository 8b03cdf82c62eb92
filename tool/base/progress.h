/* base/progress.h - how far a loop is, on stderr. */
#ifndef FREEMASK_TOOL_PROGRESS_H
#define FREEMASK_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bar with rate and time left on a terminal, a plain line every ten seconds elsewhere.
 * Thread-safety: one thread at a time. */
typedef struct progress {
  const char *what; /* "stats" */
  size_t total;
  double started, shown; /* seconds */
  bool quiet, terminal, drawn;
} progress;

void progress_begin(progress *p, const char *what, size_t total, bool quiet);
void progress_step(progress *p, size_t done);
void progress_end(progress *p); /* wipes the bar */

#endif
