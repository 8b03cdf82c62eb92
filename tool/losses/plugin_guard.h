/* losses/plugin_guard.h - what a plug-in changes for the whole process is changed back. */
#ifndef FREEMASK_TOOL_PLUGIN_GUARD_H
#define FREEMASK_TOOL_PLUGIN_GUARD_H

#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/fault.h"

enum { PLUGIN_GUARD_SIGNALS = 5, PLUGIN_GUARD_HANDLES = 3 };

/* The process as it was before the plug-in was loaded. */
typedef struct plugin_guard {
  int folder; /* the working directory; -1: none to go back to */
  mode_t mask;
  struct sigaction actions[PLUGIN_GUARD_SIGNALS];
  pthread_mutex_t lock;
  int calls;                         /* that are under way */
  int handles[PLUGIN_GUARD_HANDLES]; /* standard input, output and error under other numbers */
} plugin_guard;

/* What a call may change for its thread. */
typedef struct plugin_guard_call {
  fenv_t floats;
  sigset_t signals;
} plugin_guard_call;

/* Code 4: there are no descriptors left. In any case, plugin_guard_close releases what was taken. */
int plugin_guard_open(plugin_guard *g, fault *f);
void plugin_guard_close(plugin_guard *g);

/* Around each call of the plug-in. What it prints goes to standard error. Restored are: standard
 * input, output and error, working directory, umask, our signals' actions, and the thread's signal
 * mask, locale, rounding and treatment of tiny numbers. Other threads do not see another directory or
 * umask in between, where the system can give each thread its own.
 * False: that was not possible, because it closed descriptors that were not its own. */
void plugin_guard_enter(plugin_guard *g, plugin_guard_call *call);
bool plugin_guard_leave(plugin_guard *g, const plugin_guard_call *call);

#endif
