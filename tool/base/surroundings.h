/* base/surroundings.h - what a process finds when it starts, made what the tool counts on. */
#ifndef FREEMASK_TOOL_SURROUNDINGS_H
#define FREEMASK_TOOL_SURROUNDINGS_H

#include <stdbool.h>

/* First of all: descriptors 0 to 2 are open (on /dev/null where they were closed, so that no file of
 * ours gets their numbers), a write beyond a limit or into a closed pipe fails and does not kill,
 * JSON does not run out of memory unnoticed, and the calling thread has the C locale. */
void surroundings_prepare(void);

/* Gives the calling thread the C locale, whatever setlocale says then or later: numbers are read
 * and written with a point. Each thread of ours calls it. */
void surroundings_plain_locale(void);

/* Runs the command: here, or on a thread of its own where the stack is too small for it
 * (`ulimit -s 32`). Returns what it returns. */
int surroundings_run(int (*command)(int argc, char **argv), int argc, char **argv);

/* Standard output is no longer what it was: the command fails after it has ended well. */
void surroundings_lose_output(void);
bool surroundings_lost_output(void);

/* ---- The end --------------------------------------------------------------------------- */

/* A process that ends while a command runs, because a plug-in called exit or quick_exit, ends with
 * a sentence that names `who` (NULL: nobody) and EXIT_DATA. */
void surroundings_guard_end(void);
void surroundings_blame(const char *who);

/* The command is over: the process may end. */
void surroundings_allow_end(void);

#endif
