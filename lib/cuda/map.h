/* cuda/map.h - kernels of planes that are made from masks: strata by the distance to the boundary, means
 * over windows, and the pixels of classes after resizing. */
#ifndef FM_CUDA_MAP_H
#define FM_CUDA_MAP_H

#include "core/mean.h"
#include "cuda/walk.h"
#include "dsp/map_kernels.h"
#include "map/nearest.h"

FM__CU_FN int64_t cu_mask(cu_job job, int32_t image, int64_t y, int64_t x) {
  return cu_label(cu_at(&job->mask, image, y, x), job->mask.dtype);
}

/* ---- Distances within rows ----------------------------------------------------------------- */

FM__CU_FN bool cu_touches(cu_job job, int32_t image, int64_t y, int64_t x) {
  int64_t label = cu_mask(job, image, y, x);
  for (int64_t v = y > 0 ? y - 1 : y; v <= y + 1 && v < job->height; v++)
    for (int64_t u = x > 0 ? x - 1 : x; u <= x + 1 && u < job->width; u++)
      if (cu_mask(job, image, v, u) != label) return true;
  return false;
}

/* First and last pixel of each thread's part of a row that touch another label; -1: none. */
typedef struct cu_row_ends {
  int32_t first[FM__CU_THREADS], last[FM__CU_THREADS];
} cu_row_ends;

FM__CU_FN int64_t cu_share(int64_t n) { return (n + FM__CU_THREADS - 1) / FM__CU_THREADS; }

FM__CU_FN uint16_t cu_gap(int64_t x, int64_t from) {
  int64_t gap = x > from ? x - from : from - x;
  return (uint16_t)(from < 0 || gap > UINT16_MAX ? UINT16_MAX : gap);
}

FM__CU_FN void cu_mark_row(cu_job job, int32_t image, uint16_t *row, int64_t y, uint32_t t,
                           cu_row_ends *ends) {
  int64_t share = cu_share(job->width), x = t * share, end = x + share;
  ends->first[t] = ends->last[t] = -1;
  for (; x < end && x < job->width; x++) {
    row[x] = cu_touches(job, image, y, x);
    if (!row[x]) continue;
    if (ends->first[t] < 0) ends->first[t] = (int32_t)x;
    ends->last[t] = (int32_t)x;
  }
}

FM__CU_FN void cu_measure_row(cu_job job, uint16_t *row, uint32_t t, const cu_row_ends *ends) {
  int64_t share = cu_share(job->width), first = t * share, end = first + share;
  int64_t left = -1, right = -1;
  if (end > job->width) end = job->width;
  for (int64_t i = (int64_t)t - 1; i >= 0 && left < 0; i--) left = ends->last[i];
  for (int64_t i = (int64_t)t + 1; i < FM__CU_THREADS && right < 0; i++) right = ends->first[i];
  for (int64_t x = first; x < end; x++) { /* a pixel that touches is at 0 from now on */
    if (row[x]) left = x;
    row[x] = cu_gap(x, left);
  }
  for (int64_t x = end - 1; x >= first; x--) {
    if (!row[x]) right = x;
    uint16_t gap = cu_gap(x, right);
    row[x] = gap < row[x] ? gap : row[x];
  }
}

/* A block for each row. */
FM__CU_KERNEL(gaps) {
  FM__CU_START;
  FM__CU_OWN(cu_row_ends, ends);
  uint16_t *row = job->gaps + (FM__CU_IMAGE * job->height + FM__CU_BLOCK) * job->width;
  FM__CU_EACH_THREAD(t) cu_mark_row(job, FM__CU_IMAGE, row, FM__CU_BLOCK, t, ends);
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) cu_measure_row(job, row, t, ends);
}

/* ---- Strata ---------------------------------------------------------------------------------- */

/* The distance, or a larger number than the last edge. */
FM__CU_FN int32_t cu_distance(cu_job job, int32_t image, int64_t y, int64_t x) {
  const uint16_t *gaps = job->gaps + image * job->height * job->width + x;
  int32_t best = gaps[y * job->width], last = job->edges[job->edge_count - 1];
  for (int32_t d = 1; d < best && d < last; d++) {
    int32_t gap = UINT16_MAX;
    if (d <= y && gaps[(y - d) * job->width] < gap) gap = gaps[(y - d) * job->width];
    if (y + d < job->height && gaps[(y + d) * job->width] < gap) gap = gaps[(y + d) * job->width];
    gap = gap > d ? gap : d;
    best = gap < best ? gap : best;
  }
  return best + 1;
}

FM__CU_KERNEL(strata) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    int64_t at = FM__CU_BLOCK * FM__CU_THREADS + t, y = at / job->width, x = at % job->width;
    if (y < job->height) {
      int32_t distance = cu_distance(job, FM__CU_IMAGE, y, x), stratum = 0;
      while (stratum < job->edge_count && distance >= job->edges[stratum]) stratum++;
      cu_store(cu_at(&job->out, FM__CU_IMAGE, y, x), 1, (uint64_t)stratum);
    }
  }
}

/* ---- Means over windows ------------------------------------------------------------------------ */

/* A value in steps, as the CPU's kernels round it. */
FM__CU_FN int32_t cu_steps(float value) {
  const float most = FM__MOST_STEPS;
  float step = value * (1 << FM__STEPS_BITS);
  step = step < most ? step : most;
  step = step > -most ? step : -most;
  return (int32_t)(fm__float_bits(step + FM__ROUNDER) - FM__ROUNDER_BITS);
}

/* What the first kernel says of a row's pixels: the steps up to each one, whatever their labels, modulo 2^32, and how far
 * to its left its run of one label begins. A part of a row that a window covers has fewer than 2^31 steps, and
 * is narrower than what a run is cut at. */
typedef struct cu_window_row {
  uint32_t *sums;
  uint16_t *reach;
} cu_window_row;

FM__CU_INLINE cu_window_row cu_window_row_of(cu_job job, int32_t image, int64_t y) {
  const int64_t at = (image * job->height + y) * job->width;
  cu_window_row row;
  row.sums = (uint32_t *)(void *)cu_global((char *)(job->window_sums + at));
  row.reach = (uint16_t *)(void *)cu_global((char *)(job->window_reach + at));
  return row;
}

/* Of each thread's part of a row: its steps, and where the last run in it begins; -1: none does. */
typedef struct cu_window_own {
  uint32_t sums[FM__CU_THREADS];
  int32_t starts[FM__CU_THREADS];
} cu_window_own;

/* Whether a run begins at x. */
FM__CU_FN bool cu_run_begins(cu_job job, int32_t image, int64_t y, int64_t x) {
  return x == 0 || cu_mask(job, image, y, x) != cu_mask(job, image, y, x - 1);
}

/* Notes values that are not finite. */
FM__CU_FN void cu_window_part(cu_job job, int32_t image, int64_t y, uint32_t t,
                              cu_window_own *own) {
  const int64_t share = cu_share(job->width), first = t * share;
  own->sums[t] = 0;
  own->starts[t] = -1;
  for (int64_t x = first; x < first + share && x < job->width; x++) {
    const float value = cu_float(cu_at(&job->loss, image, y, x), job->loss.dtype);
    if ((fm__float_bits(value) & INT32_MAX) >= FM__INFINITY_BITS) cu_bad(job, image, 0, y, x);
    own->sums[t] += (uint32_t)cu_steps(value);
    if (cu_run_begins(job, image, y, x)) own->starts[t] = (int32_t)x;
  }
}

FM__CU_FN void cu_window_prefix(cu_job job, int32_t image, int64_t y, uint32_t t,
                                const cu_window_own *own) {
  const int64_t share = cu_share(job->width), first = t * share;
  const cu_window_row row = cu_window_row_of(job, image, y);
  uint32_t sum = 0;
  int64_t start = 0;
  if (first >= job->width) return;
  for (uint32_t i = 0; i < t; i++) {
    sum += own->sums[i];
    start = own->starts[i] >= 0 ? own->starts[i] : start;
  }
  for (int64_t x = first; x < first + share && x < job->width; x++) {
    if (cu_run_begins(job, image, y, x)) start = x;
    sum += (uint32_t)cu_steps(cu_float(cu_at(&job->loss, image, y, x), job->loss.dtype));
    row.sums[x] = sum;
    row.reach[x] = (uint16_t)(x - start < UINT16_MAX ? x - start : UINT16_MAX);
  }
}

/* A block for each row. */
FM__CU_KERNEL(window_rows) {
  FM__CU_START;
  FM__CU_OWN(cu_window_own, own);
  FM__CU_EACH_THREAD(t) cu_window_part(job, FM__CU_IMAGE, FM__CU_BLOCK, t, own);
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) cu_window_prefix(job, FM__CU_IMAGE, FM__CU_BLOCK, t, own);
}

/* The pixels of a label in a window, and their steps. */
typedef struct cu_window_sum {
  int64_t steps;
  int32_t pixels;
} cu_window_sum;

/* Adds those in columns `low` to `high` of row y, run by run, or takes them away. */
FM__CU_INLINE void cu_window_add(cu_job job, int32_t image, int64_t y, int64_t low, int64_t high,
                                 int64_t label, int32_t sign, cu_window_sum *sum) {
  const cu_window_row row = cu_window_row_of(job, image, y);
  for (int64_t x = high; x >= low;) {
    int64_t start = x - row.reach[x];
    if (start < low) start = low;
    if (cu_mask(job, image, y, x) == label) {
      const uint32_t before = start ? row.sums[start - 1] : 0;
      sum->steps += sign * (int64_t)(int32_t)(row.sums[x] - before);
      sum->pixels += sign * (int32_t)(x + 1 - start);
    }
    x = start - 1;
  }
}

/* The means of a part of column x, from row `first` on: down a run of one label the window slides, a row below it is
 * added and one above it taken away. */
FM__CU_FN void cu_window_column(cu_job job, int32_t image, int64_t x, int64_t first) {
  const int64_t low = x > job->radius ? x - job->radius : 0,
                high = x + job->radius < job->width ? x + job->radius : job->width - 1,
                end =
                    first + job->window_part < job->height ? first + job->window_part : job->height;
  cu_window_sum sum = {0, 0};
  int64_t last = 0;
  for (int64_t y = first; y < end; y++) {
    const int64_t label = cu_mask(job, image, y, x), below = y + job->radius,
                  above = y - job->radius - 1;
    int64_t from = below;
    if (y == first || label != last) { /* all of it, anew */
      sum.steps = 0;
      sum.pixels = 0;
      from = above + 1 > 0 ? above + 1 : 0;
    } else if (above >= 0) {
      cu_window_add(job, image, above, low, high, label, -1, &sum);
    }
    FM__CU_ROLLED
    for (; from <= below && from < job->height; from++)
      cu_window_add(job, image, from, low, high, label, 1, &sum);
    last = label;
    const float mean = (float)sum.steps / (float)sum.pixels * FM__STEP;
    cu_store(cu_at(&job->out, image, y, x), 4, fm__float_bits(mean));
  }
}

/* A thread for each part of a column, next to those of its neighbours: they read along rows. */
FM__CU_KERNEL(window) {
  FM__CU_START;
  if (!cu_is_good(job, FM__CU_IMAGE)) return;
  FM__CU_EACH_THREAD(t) {
    const int64_t at = FM__CU_BLOCK * FM__CU_THREADS + t, part = at / job->width;
    const int64_t first = part * job->window_part;
    if (first < job->height) cu_window_column(job, FM__CU_IMAGE, at - part * job->width, first);
  }
}

/* ---- Hardness ------------------------------------------------------------------------------------ */

FM__CU_FN void cu_count_repeats(int64_t from, int64_t to, uint32_t *repeats) {
  fm__nearest nearest = fm__nearest_start(from, to);
  int64_t last = 0;
  uint32_t count = 0;
  for (int64_t i = 0; i < to; i++) { /* which never goes back */
    const int64_t at = fm__nearest_next(&nearest);
    if (at != last) {
      repeats[last] = count;
      last = at;
      count = 0;
    }
    count++;
  }
  repeats[last] = count;
}

/* One block: a walk along each axis, in order. */
FM__CU_KERNEL(repeats) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    for (int64_t i = t; i < job->width + job->height; i += FM__CU_THREADS) job->repeats[i] = 0;
  }
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) {
    if (t == 0) cu_count_repeats(job->width, job->resized_width, job->repeats);
    if (t == 32) cu_count_repeats(job->height, job->resized_height, job->repeats + job->width);
  }
}

FM__CU_FN void cu_add_class(cu_job job, int32_t image, int32_t k, int64_t pixels) {
  if (pixels) cu_add64(job->class_pixels + (int64_t)image * job->class_count + k, pixels);
}

FM__CU_FN void cu_classes_run(cu_job job, int32_t image, cu_run run) {
  int32_t last = 0;
  int64_t pixels = 0;
  for (; run.count; cu_run_next(job, &run)) {
    int64_t labels[FM__CU_PIECE], y = run.y, x = run.x;
    cu_run_labels(job, image, &run, labels);
    for (int i = 0; i < FM__CU_PIECE; i++) {
      if (i >= run.count) continue;
      int32_t k = cu_cell(job, image, y, x, cu_class(job, labels[i]));
      int64_t here = (int64_t)job->repeats[x] * job->repeats[job->width + y];
      cu_step(job, &y, &x);
      if (k < 0) continue;
      if (k != last) {
        cu_add_class(job, image, last, pixels);
        pixels = 0;
        last = k;
      }
      pixels += here;
    }
  }
  cu_add_class(job, image, last, pixels);
}

FM__CU_KERNEL(classes) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) cu_classes_run(job, FM__CU_IMAGE, cu_run_of(job, FM__CU_BLOCK, t));
}

/* As `mean` of hardness/hardness_value.c: products and sums of doubles in the classes' order. */
FM__CU_KERNEL(hardness) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    if (t == 0) {
      int64_t *pixels = job->class_pixels + (int64_t)FM__CU_IMAGE * job->class_count, valid = 0;
      double sum = 0;
      const bool good = cu_is_good(job, FM__CU_IMAGE);
      for (int32_t k = 0; k < job->class_count && !good; k++) pixels[k] = 0;
      for (int32_t k = 0; k < job->class_count && good; k++) { /* loads alone: many are under way */
        sum += (double)pixels[k] * job->means[k];
        valid += pixels[k];
      }
      job->hardness[FM__CU_IMAGE] = valid ? sum / ((double)valid + FM__MEAN_EPSILON) : 0;
    }
  }
}

#endif
