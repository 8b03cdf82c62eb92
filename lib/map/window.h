/* map/window.h - the mean of the pixels of one region within a window, in whole numbers. */
#ifndef FM_MAP_WINDOW_H
#define FM_MAP_WINDOW_H

#include "dsp/map_kernels.h"
#include "map/runs.h"

enum { FM__MOST_RADIUS = 1023 };

/* Gets one row of means: float(sum) / float(pixels) * FM__STEP of the window around each pixel that
 * belongs to a region; other elements are not set. */
typedef void (*fm__window_row)(void *user, int64_t y, const float *means);

/* What windows add up. */
typedef struct fm__window_input {
  int32_t *steps; /* [rows][width], row y at y % rows, of fm__window_steps */
  int64_t rows;   /* at least fm__window_rows */
  int32_t most;   /* no step is larger, in either direction */
  /* Fills the steps of row y, which is the next; NULL: they are there. */
  void (*make)(void *user, int64_t y, int32_t *steps);
  void *user;
} fm__window_input;

/* Rows that are needed at once. */
int64_t fm__window_rows(int64_t height, int32_t radius);

/* Memory for rows of steps, with room for what kernels read behind them; NULL if there is none.
 * fm__free releases it. */
int32_t *fm__window_steps(const struct fm_context *context, int64_t rows, int64_t width);

/* The means of steps over windows of side 2 * radius + 1, row by row. Steps of pixels that belong to
 * no region do not count. Errors: MEMORY. */
fm_status fm__window_mean(const fm__runs *runs, const fm__window_input *input, int32_t radius,
                          fm__window_row row, void *user, fm_error *err);

#endif
