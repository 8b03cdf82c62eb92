/* base/pool.h - the same work on many items, by worker threads. */
#ifndef FREEMASK_TOOL_POOL_H
#define FREEMASK_TOOL_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

/* Items are handed out in ascending order. If some fail, the fault of the lowest (group) of them
 * is reported, whatever the number of threads; items after it may or may not have been done. */
typedef struct pool_job {
  const char *what; /* for the progress bar */
  size_t count;     /* items */
  size_t group;     /* items handed out at once, to `work_group`; 0: one by one, to `work` */
  int threads;      /* 0: all cores */
  bool quiet;
  void *shared; /* handed to every callback */

  /* Makes a worker's own state; NULL if it needs none. Runs on the calling thread. */
  int (*begin)(void *shared, void **own, fault *f);
  /* Does one item, or those from `first` on. */
  int (*work)(void *shared, void *own, size_t index, fault *f);
  int (*work_group)(void *shared, void *own, size_t first, size_t count, fault *f);
  /* NULL, or where a group that would end before item `end` ends instead, so as not to part items
   * that belong together: `end` or behind it. */
  size_t (*end_group)(const void *shared, size_t end);
  /* After all items, for each worker, on the calling thread: merge `own` if everything went
   * well (`good`), then free it. */
  int (*end)(void *shared, void *own, bool good, fault *f);
} pool_job;

/* EXIT_STOPPED after Ctrl-C, when the items being worked on are finished. */
int pool_run(const pool_job *job, fault *f);

/* A thread of ours has at least this much stack, whatever `ulimit -s` says. */
enum { POOL_STACK = 1 << 20 };

/* pthread_create with such a stack: 0 or an errno. */
int pool_thread(pthread_t *thread, void *(*start)(void *argument), void *argument);

/* Cores that this process may use. */
int pool_cores(void);

#endif
