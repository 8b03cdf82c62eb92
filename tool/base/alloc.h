/* base/alloc.h - allocation that succeeds, or ends the tool with a sentence (exit 4). */
#ifndef FREEMASK_TOOL_ALLOC_H
#define FREEMASK_TOOL_ALLOC_H

#include <stddef.h>

void *alloc_zeroed(size_t count, size_t size); /* never NULL, also for 0 */
void *alloc_resize(void *old, size_t count, size_t size);
/* Ends the tool as if memory had run out. */
_Noreturn void alloc_fail(void);

char *alloc_text(const char *text); /* a copy; NULL gives NULL */

/* Makes room for element `count` of an array that holds `*capacity`, doubling it. */
void *alloc_grow(void *array, size_t count, size_t *capacity, size_t size);

#endif
