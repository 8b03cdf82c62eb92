/* losses/plugin_guard.c - saves and restores what belongs to the whole process. */
#define _GNU_SOURCE /* unshare, O_PATH */
#include "losses/plugin_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/surroundings.h"

#if defined(O_PATH)
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#else
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

static const char *const names[PLUGIN_GUARD_HANDLES] = {"standard input", "standard output",
                                                        "standard error"};
static const int numbers[PLUGIN_GUARD_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};

int plugin_guard_open(plugin_guard *g, fault *f) {
  *g = (plugin_guard){.folder = open(".", FOLDER_FLAGS), .mask = umask(077)};
  umask(g->mask);
  for (int i = 0; i < PLUGIN_GUARD_SIGNALS; i++) sigaction(numbers[i], NULL, &g->actions[i]);
  pthread_mutex_init(&g->lock, NULL);
  int code = EXIT_FINE;
  for (int i = 0; i < PLUGIN_GUARD_HANDLES; i++) {
    g->handles[i] = fcntl(i, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (g->handles[i] < 0 && !code) code = fault_system(f, errno, "copy", names[i]);
  }
  return code;
}

void plugin_guard_close(plugin_guard *g) {
  if (g->folder >= 0) close(g->folder);
  for (int i = 0; i < PLUGIN_GUARD_HANDLES; i++)
    if (g->handles[i] >= 0) close(g->handles[i]);
  pthread_mutex_destroy(&g->lock);
}

/* EBUSY: another thread is just opening a file under the number, which had been closed. */
static bool put_back(int handle, int number) {
  int done;
  do done = dup2(handle, number);
  while (done < 0 && (errno == EBUSY || errno == EINTR));
  return done >= 0;
}

/* Results must not be mixed with what a plug-in prints. */
static void turn_output(const plugin_guard *g) {
  fflush(stdout);
  (void)put_back(g->handles[STDERR_FILENO], STDOUT_FILENO);
}

static bool turn_back(const plugin_guard *g) {
  bool good = true;
  fflush(stdout);
  for (int i = 0; i < PLUGIN_GUARD_HANDLES; i++) good = put_back(g->handles[i], i) && good;
  return good;
}

void plugin_guard_enter(plugin_guard *g, plugin_guard_call *call) {
#if defined(CLONE_FS)
  (void)unshare(CLONE_FS);
#endif
  pthread_mutex_lock(&g->lock);
  if (!g->calls++) turn_output(g);
  pthread_mutex_unlock(&g->lock);
  pthread_sigmask(SIG_SETMASK, NULL, &call->signals);
  fegetenv(&call->floats);
}

bool plugin_guard_leave(plugin_guard *g, const plugin_guard_call *call) {
  fesetenv(&call->floats);
  pthread_sigmask(SIG_SETMASK, &call->signals, NULL);
  surroundings_plain_locale();
  bool good = g->folder < 0 || !fchdir(g->folder);
  umask(g->mask);
  /* A first Ctrl-C has taken our handler away so that the second one kills. */
  for (int i = 0; i < PLUGIN_GUARD_SIGNALS && !interrupt_seen(); i++)
    sigaction(numbers[i], &g->actions[i], NULL);
  pthread_mutex_lock(&g->lock);
  if (!--g->calls) good = turn_back(g) && good;
  pthread_mutex_unlock(&g->lock);
  return good;
}
