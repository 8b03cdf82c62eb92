/* dsp/levels.h - the kernel levels that the tests run on, and those that this CPU lacks.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_DSP_LEVELS_H
#define FM_TESTS_DSP_LEVELS_H

#include <freemask/freemask.h>
#include <stdbool.h>

enum { LEVELS_MOST = 5 };

/* A context for each level that the library runs here, plain C first. */
typedef struct levels {
  fm_context *contexts[LEVELS_MOST];
  size_t count;
} levels;

levels levels_make(void);
void levels_free(levels *l);

/* A TAP line for each level there is: run, or skipped because this CPU lacks it. False if this CPU
 * has a level that was not run and the environment says that this is CI; elsewhere that is a skip,
 * too. What the CPU has is not asked of the library. */
bool levels_report(const levels *l, bool were_run, int *line);

#endif
