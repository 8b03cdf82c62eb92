/* dsp/guard.h - memory between two pages that nobody may touch.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_DSP_GUARD_H
#define FM_TESTS_DSP_GUARD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct guard {
  unsigned char *data; /* `size` bytes */
  size_t size;
  void *pages; /* with the guards */
  size_t page_bytes;
} guard;

/* A copy of `size` bytes that begins (or, `at_end`, ends) at the edge of a guard. */
guard guard_copy(const void *data, size_t size, bool at_end);
void guard_free(guard *g);

#endif
