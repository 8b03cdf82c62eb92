/* dsp/map.h - strata and means over windows on all kernel levels.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_DSP_MAP_H
#define FM_TESTS_DSP_MAP_H

#include <freemask/freemask.h>
#include <stdbool.h>

/* Prints a line for every level; numbers them from `*line` on. */
bool map_run(fm_context *const *contexts, size_t count, int images, uint64_t seed, int *line);

#endif
