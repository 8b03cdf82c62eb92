/* base/unsaid.h - what the system did not say when it was asked what a name leads to.
 *
 * Functions of names (base/path.h) have an answer in any case, which most callers need no other way. Where a disk
 * failed, that answer is a guess: it is remembered here, and no file is written and no command succeeds after it. */
#ifndef FREEMASK_TOOL_UNSAID_H
#define FREEMASK_TOOL_UNSAID_H

#include "base/fault.h"

/* If `error_number` is the machine's (fault_is_of_machine); the first one counts. Any thread. */
void unsaid_note(int error_number, const char *path);

/* EXIT_IO if something was noted. */
int unsaid_check(fault *f);

#endif
