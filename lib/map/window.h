/* map/window.h - the mean of the pixels of one region within a window, in whole numbers. */
#ifndef FM_MAP_WINDOW_H
#define FM_MAP_WINDOW_H

#include "map/runs.h"

/* Values are held in steps of 2^-12, so that sums are exact and do not depend on their order. */
enum { FM__STEPS_BITS = 12, FM__MOST_RADIUS = 1023 };
#define FM__STEP (1.0F / (1 << FM__STEPS_BITS))
/* The most steps of a value: 256. */
#define FM__MOST_STEPS (1 << 20)

/* Gets one row of means: float(sum) / float(pixels) of the window around each pixel that belongs to
 * a region, in steps; other elements are not set. */
typedef void (*fm__window_row)(void *user, int64_t y, const float *means);

/* The means of `steps` [height][width] over windows of side 2 * radius + 1, row by row. Steps of
 * pixels that belong to no region are not read. Errors: MEMORY. */
fm_status fm__window_mean(const fm__runs *runs, const int32_t *steps, int32_t radius,
                          fm__window_row row, void *user, fm_error *err);

#endif
