/* dsp/schedule.h - the order of training on all kernel levels.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_DSP_SCHEDULE_H
#define FM_TESTS_DSP_SCHEDULE_H

#include <freemask/freemask.h>
#include <stdbool.h>

/* Compares `images` pieces of schedules of each mix; contexts[0] is plain C. Prints TAP lines. */
bool schedule_run(fm_context *const *contexts, size_t count, int images, uint64_t seed, int *line);

#endif
