/* base/interrupt.c - SIGINT and SIGTERM set a flag. */
#include "base/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

/* Atomic, not sig_atomic_t: the handler may run on any thread while workers look. */
static atomic_int seen;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler cannot take a lock");

/* SA_RESETHAND: the second signal finds the default action. */
static void note(int number) {
  (void)number;
  seen = 1;
}

void interrupt_install(void) {
  struct sigaction action = {.sa_handler = note, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

bool interrupt_seen(void) { return seen != 0; }
