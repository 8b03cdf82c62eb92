/* base/numbers.h - whole numbers as the value of a flag. */
#ifndef FREEMASK_TOOL_NUMBERS_H
#define FREEMASK_TOOL_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "a:b" (b excluded) or "a,b,...", at most 2^20 numbers, in the order given. False if the text is
 * neither. Caller frees. */
bool numbers_read(const char *text, int64_t **out, size_t *count);

#endif
