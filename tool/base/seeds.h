/* base/seeds.h - the value of --seeds. */
#ifndef FREEMASK_TOOL_SEEDS_H
#define FREEMASK_TOOL_SEEDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* "a:b" (b excluded) or "a,b,...", distinct, at least `n_max`; NULL: 42:62. Caller frees. */
int seeds_read(const char *value, int64_t n_max, int64_t **out, size_t *count, fault *f);

#endif
