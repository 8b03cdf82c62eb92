/* base/note.h - what the tool guessed or passed over: a line each, once. */
#ifndef FREEMASK_TOOL_NOTE_H
#define FREEMASK_TOOL_NOTE_H

#include <stddef.h>

#include "base/fault.h"

/* Prints "freemask: note: <sentence>" on stderr, unless this process has said the same before.
 * Thread-safety: any thread. */
TOOL_PRINTF(1, 2) void note_say(const char *format, ...);

/* The sentences so far. */
size_t note_count(void);
const char *note_get(size_t index);

#endif
