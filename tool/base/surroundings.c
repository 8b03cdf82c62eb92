/* base/surroundings.c - descriptors, signals, locale, stack and end of the process. */
#include "base/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/pool.h"

/* ---- Descriptors ----------------------------------------------------------------------- */

/* open returns the lowest free number. Standard input is not read: writing only finds no reader. */
static void open_standard(void) {
  int handle;
  do handle = open("/dev/null", O_RDWR | O_NOCTTY);
  while (handle >= 0 && handle <= STDERR_FILENO);
  if (handle > STDERR_FILENO) close(handle);
}

/* Without /dev/null nothing may be opened under these numbers, either: a pipe that nobody reads
 * takes them. */
static void fill_standard(void) {
  for (int number = 0; number <= STDERR_FILENO; number++) {
    int ends[2];
    if (fcntl(number, F_GETFD) >= 0 || errno != EBADF || pipe(ends)) continue;
    for (int i = 0; i < 2; i++)
      if (ends[i] > STDERR_FILENO) close(ends[i]);
  }
}

/* ---- Memory ---------------------------------------------------------------------------- */

/* The JSON library drops characters, and members, for which it gets no memory. */
static void *json_memory(size_t size) { return alloc_resize(NULL, size, 1); }

/* ---- Locale ---------------------------------------------------------------------------- */

static locale_t plain = (locale_t)0;

void surroundings_plain_locale(void) {
  if (plain != (locale_t)0) (void)uselocale(plain);
}

void surroundings_prepare(void) {
  open_standard();
  fill_standard();
  signal(SIGPIPE, SIG_IGN);
#if defined(SIGXFSZ)
  signal(SIGXFSZ, SIG_IGN);
#endif
  json_set_alloc_funcs(json_memory, free);
  plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  surroundings_plain_locale();
}

/* ---- Stack ----------------------------------------------------------------------------- */

typedef struct call {
  int (*command)(int argc, char **argv);
  int argc;
  char **argv;
  int code;
} call;

static void *run_call(void *argument) {
  call *c = argument;
  surroundings_plain_locale();
  c->code = c->command(c->argc, c->argv);
  return NULL;
}

int surroundings_run(int (*command)(int argc, char **argv), int argc, char **argv) {
  call c = {command, argc, argv, EXIT_IO};
  struct rlimit limit;
  pthread_t thread;
  if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur >= POOL_STACK) return command(argc, argv);
  int refusal = pool_thread(&thread, run_call, &c);
  if (refusal) {
    fault f;
    fault_set(&f, EXIT_IO, "cannot start a thread with a stack of %d KiB (ulimit -s): %s",
              POOL_STACK >> 10, strerror(refusal));
    return fault_print(&f);
  }
  pthread_join(thread, NULL);
  return c.code;
}

/* ---- Output ---------------------------------------------------------------------------- */

static atomic_bool lost;

void surroundings_lose_output(void) { lost = true; }
bool surroundings_lost_output(void) { return lost; }

/* ---- End ------------------------------------------------------------------------------- */

static atomic_bool allowed;
static pid_t guarded; /* children that a plug-in forks end as they like */
static const char *_Atomic culprit;

void surroundings_blame(const char *who) { culprit = who; }
void surroundings_allow_end(void) { allowed = true; }

/* Other threads may be running: nothing is released. */
static void refuse_end(void) {
  fault f;
  const char *who = culprit;
  if (allowed || getpid() != guarded) return;
  fault_set(&f, EXIT_DATA,
            "%s%sthe process was ended from within, expected a return (exit was called)",
            who ? who : "", who ? ": " : "");
  _exit(fault_print(&f));
}

void surroundings_guard_end(void) {
  guarded = getpid();
  (void)atexit(refuse_end);
#if !defined(__APPLE__)
  (void)at_quick_exit(refuse_end);
#endif
}
