/* base/interrupt.c - SIGINT, SIGTERM and SIGHUP set a flag. */
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

/* What the parent ignores stays ignored: nohup, and a shell's job in the background, which the
 * terminal's Ctrl-C is not meant for. */
static void take(int number) {
  struct sigaction before;
  struct sigaction action = {.sa_handler = note, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
  if (sigaction(number, NULL, &before) || before.sa_handler == SIG_IGN) return;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

void interrupt_install(void) {
  take(SIGINT);
  take(SIGTERM);
  take(SIGHUP);
}

bool interrupt_seen(void) { return seen != 0; }
