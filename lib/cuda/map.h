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

FM__CU_KERNEL(window_check) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    cu_run run = cu_run_of(job, FM__CU_BLOCK, t);
    for (int i = 0; i < run.count; i++) {
      float value = cu_float(cu_at(&job->loss, FM__CU_IMAGE, run.y, run.x), job->loss.dtype);
      if ((fm__float_bits(value) & INT32_MAX) >= FM__INFINITY_BITS)
        cu_bad(job, FM__CU_IMAGE, 0, run.y, run.x);
      cu_step(job, &run.y, &run.x);
    }
  }
}

/* A value in steps, as the CPU's kernels round it. */
FM__CU_FN int32_t cu_steps(float value) {
  const float most = FM__MOST_STEPS;
  float step = value * (1 << FM__STEPS_BITS);
  step = step < most ? step : most;
  step = step > -most ? step : -most;
  return (int32_t)(fm__float_bits(step + FM__ROUNDER) - FM__ROUNDER_BITS);
}

/* One row of means, label by label: sums and pixels of a label in the columns of the window, from the
 * left up to each, and which pixels are done. Element x + 1 has the columns up to x. */
typedef struct cu_window_row {
  int64_t *sums;
  int32_t *pixels;
  uint8_t *done;
} cu_window_row;

typedef struct cu_window_own {
  int64_t sums[FM__CU_THREADS];
  int32_t pixels[FM__CU_THREADS];
  int32_t leader; /* the first pixel that is not done */
} cu_window_own;

FM__CU_FN cu_window_row cu_window_row_of(cu_job job, char *memory) {
  cu_window_row row;
  row.sums = (int64_t *)(void *)memory;
  row.pixels = (int32_t *)(void *)(row.sums + job->width + 1);
  row.done = (uint8_t *)(row.pixels + job->width + 1);
  return row;
}

/* Column x of the window around row y. */
FM__CU_FN void cu_window_column(cu_job job, int32_t image, int64_t y, int64_t x, int64_t label,
                                const cu_window_row *row) {
  int64_t sum = 0, v = y > job->radius ? y - job->radius : 0;
  int32_t pixels = 0;
  for (; v <= y + job->radius && v < job->height; v++) {
    if (cu_mask(job, image, v, x) != label) continue;
    sum += cu_steps(cu_float(cu_at(&job->loss, image, v, x), job->loss.dtype));
    pixels++;
  }
  row->sums[x + 1] = sum;
  row->pixels[x + 1] = pixels;
}

FM__CU_FN void cu_window_part(cu_job job, uint32_t t, const cu_window_row *row,
                              cu_window_own *own) {
  int64_t share = cu_share(job->width), x = t * share, end = x + share;
  own->sums[t] = 0;
  own->pixels[t] = 0;
  for (; x < end && x < job->width; x++) {
    own->sums[t] += row->sums[x + 1];
    own->pixels[t] += row->pixels[x + 1];
  }
}

FM__CU_FN void cu_window_prefix(cu_job job, uint32_t t, const cu_window_row *row,
                                const cu_window_own *own) {
  int64_t share = cu_share(job->width), x = t * share, end = x + share, sum = 0;
  int32_t pixels = 0;
  for (uint32_t i = 0; i < t; i++) {
    sum += own->sums[i];
    pixels += own->pixels[i];
  }
  if (t == 0) row->sums[0] = row->pixels[0] = 0;
  for (; x < end && x < job->width; x++) {
    row->sums[x + 1] = sum += row->sums[x + 1];
    row->pixels[x + 1] = pixels += row->pixels[x + 1];
  }
}

FM__CU_FN void cu_window_means(cu_job job, int32_t image, int64_t y, uint32_t t, int64_t label,
                               const cu_window_row *row) {
  for (int64_t x = t; x < job->width; x += FM__CU_THREADS) {
    if (row->done[x] || cu_mask(job, image, y, x) != label) continue;
    int64_t low = x > job->radius ? x - job->radius : 0, high = x + job->radius + 1;
    if (high > job->width) high = job->width;
    float sum = (float)(row->sums[high] - row->sums[low]);
    float mean = sum / (float)(row->pixels[high] - row->pixels[low]) * FM__STEP;
    cu_store(cu_at(&job->out, image, y, x), 4, fm__float_bits(mean));
    row->done[x] = 1;
  }
}

/* A block takes every FM__CU_BLOCKS-th row. */
FM__CU_KERNEL(window) {
  FM__CU_START;
  FM__CU_OWN(cu_window_own, own);
  if (!cu_is_good(job, FM__CU_IMAGE)) return;
  const cu_window_row row = cu_window_row_of(
      job, job->rows + (FM__CU_IMAGE * FM__CU_BLOCKS + FM__CU_BLOCK) * job->row_bytes);
  for (int64_t y = FM__CU_BLOCK; y < job->height; y += FM__CU_BLOCKS) {
    FM__CU_EACH_THREAD(t) {
      for (int64_t x = t; x < job->width; x += FM__CU_THREADS) row.done[x] = 0;
    }
    for (;;) {
      FM__CU_BARRIER();
      FM__CU_EACH_THREAD(t) {
        if (t == 0) own->leader = INT32_MAX;
      }
      FM__CU_BARRIER();
      FM__CU_EACH_THREAD(t) {
        int64_t x = t;
        while (x < job->width && row.done[x]) x += FM__CU_THREADS;
        if (x < job->width) cu_min32(&own->leader, (int32_t)x);
      }
      FM__CU_BARRIER();
      if (own->leader == INT32_MAX) break;
      const int64_t label = cu_mask(job, FM__CU_IMAGE, y, own->leader);
      FM__CU_EACH_THREAD(t) {
        for (int64_t x = t; x < job->width; x += FM__CU_THREADS)
          cu_window_column(job, FM__CU_IMAGE, y, x, label, &row);
      }
      FM__CU_BARRIER();
      FM__CU_EACH_THREAD(t) cu_window_part(job, t, &row, own);
      FM__CU_BARRIER();
      FM__CU_EACH_THREAD(t) cu_window_prefix(job, t, &row, own);
      FM__CU_BARRIER();
      FM__CU_EACH_THREAD(t) cu_window_means(job, FM__CU_IMAGE, y, t, label, &row);
    }
    FM__CU_BARRIER();
  }
}

/* ---- Hardness ------------------------------------------------------------------------------------ */

FM__CU_FN void cu_count_repeats(int64_t from, int64_t to, uint32_t *repeats) {
  fm__nearest nearest = fm__nearest_start(from, to);
  for (int64_t i = 0; i < to; i++) repeats[fm__nearest_next(&nearest)]++;
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
      for (int32_t k = 0; k < job->class_count; k++) {
        if (!cu_is_good(job, FM__CU_IMAGE)) pixels[k] = 0;
        sum += (double)pixels[k] * job->means[k];
        valid += pixels[k];
      }
      job->hardness[FM__CU_IMAGE] = valid ? sum / ((double)valid + FM__MEAN_EPSILON) : 0;
    }
  }
}

#endif
