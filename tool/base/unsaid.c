/* base/unsaid.c - what the system did not say when it was asked what a name leads to. */
#include "base/unsaid.h"

#include <errno.h>
#include <pthread.h>

#include "base/alloc.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static fault first; /* exit_code EXIT_FINE: none yet */

void unsaid_note(int error_number, const char *path) {
  if (error_number == ENOMEM) alloc_fail();
  if (!fault_is_of_machine(error_number)) return;
  pthread_mutex_lock(&lock);
  if (!first.exit_code) fault_system(&first, error_number, "examine", path);
  pthread_mutex_unlock(&lock);
}

int unsaid_check(fault *f) {
  pthread_mutex_lock(&lock);
  int code = first.exit_code;
  if (code) *f = first;
  pthread_mutex_unlock(&lock);
  return code;
}
