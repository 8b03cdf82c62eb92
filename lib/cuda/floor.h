/* cuda/floor.h - kernels of a filter's floor: what the thresholds keep of each cell of an image is counted; where
 * that is too little, four passes find the loss that keeps enough, 8 bits each, as dsp/select.c does. */
#ifndef FM_CUDA_FLOOR_H
#define FM_CUDA_FLOOR_H

#include "cuda/judge.h"

/* Cell number `i` of all images'; -1: there is none. */
FM__CU_FN int64_t cu_floor_cell(cu_job job, int32_t image, int64_t block, uint32_t t) {
  int64_t cell = block * FM__CU_THREADS + t;
  return cell < cu_cells(job) ? (int64_t)image * cu_cells(job) + cell : -1;
}

/* Which loss is wanted of the cells that keep too few, counted from the smallest one, from 1. */
FM__CU_KERNEL(floor_begin) {
  FM__CU_START;
  FM__CU_EACH_THREAD(t) {
    const int64_t at = cu_floor_cell(job, FM__CU_IMAGE, FM__CU_BLOCK, t);
    if (at >= 0) {
      const int64_t valid = job->counts[2 * at], kept = valid - job->counts[2 * at + 1];
      const int64_t wanted = (int64_t)ceil(job->least_share * (double)valid);
      const int64_t left = kept < wanted ? wanted : 0;
      job->floor_left[at] = left;
      job->floor_limits[at] = job->thresholds[at - (int64_t)FM__CU_IMAGE * cu_cells(job)];
      if (left) job->floor_bits[at] = 0;
      if (left) job->starved[FM__CU_IMAGE] = 1;
    }
  }
}

/* Neighbours of one digit are counted together: of the first digit, that of a loss's size, there are few. */
FM__CU_FN void cu_floor_count(cu_job job, int32_t image, cu_run run) {
  const int32_t shift = job->floor_shift;
  int64_t last = -1;
  uint32_t count = 0;
  for (; run.count; cu_run_next(job, &run)) {
    int64_t labels[FM__CU_PIECE], y = run.y, x = run.x;
    float losses[FM__CU_PIECE];
    cu_run_labels(job, image, &run, labels);
    cu_run_losses(job, image, &run, losses);
    for (int i = 0; i < FM__CU_PIECE; i++) {
      if (i >= run.count) continue;
      const int32_t cell = cu_cell(job, image, y, x, cu_class(job, labels[i]));
      const uint32_t bits = fm__loss_bits(losses[i]);
      const int64_t at = (int64_t)image * cu_cells(job) + cell;
      cu_step(job, &y, &x);
      if (cell < 0 || bits >= FM__INFINITY_BITS || !job->floor_left[at]) continue;
      if ((uint64_t)bits >> (shift + FM__CU_DIGIT_BITS) != job->floor_bits[at]) continue;
      const int64_t digit = at * FM__CU_DIGITS + (bits >> shift & (FM__CU_DIGITS - 1));
      if (digit != last) {
        if (count) cu_count32(job->floor_digits + last, count);
        last = digit;
        count = 0;
      }
      count++;
    }
  }
  if (count) cu_count32(job->floor_digits + last, count);
}

/* Counts the next digit of all losses that begin like those that are looked for. */
FM__CU_KERNEL(floor_count) {
  FM__CU_START;
  if (!job->starved[FM__CU_IMAGE]) return;
  FM__CU_EACH_THREAD(t) cu_floor_count(job, FM__CU_IMAGE, cu_run_of(job, FM__CU_BLOCK, t));
}

/* Takes the digit at which the count reaches the wanted loss; the last one completes a threshold. */
FM__CU_KERNEL(floor_take) {
  FM__CU_START;
  if (!job->starved[FM__CU_IMAGE]) return;
  FM__CU_EACH_THREAD(t) {
    const int64_t at = cu_floor_cell(job, FM__CU_IMAGE, FM__CU_BLOCK, t);
    if (at >= 0 && job->floor_left[at]) {
      uint32_t *digits = job->floor_digits + at * FM__CU_DIGITS, digit = 0;
      int64_t left = job->floor_left[at];
      for (; digit < FM__CU_DIGITS - 1 && (int64_t)digits[digit] < left; digit++)
        left -= (int64_t)digits[digit];
      job->floor_left[at] = left;
      job->floor_bits[at] = job->floor_bits[at] << FM__CU_DIGIT_BITS | digit;
      job->floor_limits[at] = fm__float_of_bits(job->floor_bits[at]);
      for (uint32_t i = 0; i < FM__CU_DIGITS; i++) digits[i] = 0;
    }
  }
}

#endif
