/* baseline/baseline_bins.h - what the baseline sees: a few bin numbers for every pixel. */
#ifndef FREEMASK_TOOL_BASELINE_BINS_H
#define FREEMASK_TOOL_BASELINE_BINS_H

#include <freemask/freemask.h>

enum { BINS_GROUPS = 9, BINS_TOTAL = 17350 };

/* One image, cut into bins row by row. Windows grow with the image's shorter side, so that the
 * same scene has the same bins at any resolution. Memory: 8 bytes per pixel and 132 per column.
 *
 * Everything is counted in integers but means and deviations, which are single IEEE operations:
 * the same bins on every machine. */
typedef struct bins bins;

/* `image` is U8 RGB and is read during this call only. Errors: ARGUMENT, UNSUPPORTED, SHAPE,
 * MEMORY. */
fm_status bins_open(const fm_volume *image, bins **out, fm_error *err);
void bins_close(bins *b);

/* The bins of row `y`, for rows asked for in ascending order from 0: `out[x * BINS_GROUPS + g]`
 * is the bin of pixel x in group g, 0 .. BINS_TOTAL - 1, one group after another. */
void bins_row(bins *b, int64_t y, uint16_t *out);

#endif
