/* dsp/network.h - losses from network outputs on all kernel levels.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_DSP_NETWORK_H
#define FM_TESTS_DSP_NETWORK_H

#include <freemask/freemask.h>
#include <stdbool.h>

/* Prints a line for every ten images; numbers them from `*line` on. */
bool network_run(fm_context *const *contexts, size_t count, int images, uint64_t seed, int *line);

#endif
