/* signal.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_SIGNAL_H
#define FREEMASK_PORT_SIGNAL_H
#pragma GCC system_header
#include <pthread_signal.h>
#include_next <signal.h>

#include "freemask_port.h"

#define SIGHUP 1
#define SIGKILL 9
#define SIGPIPE 13
#define SIGXFSZ 25
enum { SA_RESETHAND = 1, SA_RESTART = 2 };

/* A handler runs on a thread of its own, and once: SA_RESETHAND whatever is said. SIGTERM is
 * Ctrl-Break, too. */
struct sigaction {
  void (*sa_handler)(int number);
  int sa_flags;
  int sa_mask;
};
int fm__sigaction(int number, const struct sigaction *action, struct sigaction *old);
void (*fm__signal(int number, void (*handler)(int number)))(int number);

/* No signal interrupts a thread. */
typedef int fm__sigset;
#define sigset_t fm__sigset
enum { SIG_SETMASK = 2 };
#undef pthread_sigmask
#define pthread_sigmask(how, set, old) ((void)(how), (void)(set), (void)(old))

#define sigaction(number, action, old) fm__sigaction(number, action, old)
#define sigemptyset(set) ((void)(*(set) = 0))
#define signal(number, handler) fm__signal(number, handler)
#define kill fm__kill

#endif
